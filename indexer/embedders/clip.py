"""Any model of open_clip (torch, so in workers only): by name with the hub's weights, or from files.

- `open_clip:ARCH:TAG`: weights of that tag from the Hugging Face hub, or from its cache when offline
- `open_clip:ARCH:/path/weights.pt` (or .safetensors): a local checkpoint
- `local-dir:/folder` (also `open_clip:local-dir:/folder`): open_clip_config.json and its weights in one folder
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from indexer.embedders.base import Embedder, EmbedderError, file_digest, joint_digest, unit
from indexer.images import to_rgb

INSTALL = "run pip install -e '.[clip]' in Shoal's folder"


class OpenClip(Embedder):
    """Images and texts in one space; half precision on a GPU."""

    needs_torch: ClassVar[bool] = True

    def __init__(self, spec: str, device: str, threads: int) -> None:
        import_torchvision()
        import torch

        self._torch = torch
        self.spec = self.name = spec
        self.device = _choose_device(torch, device, spec)
        if threads and self.device == "cpu":
            torch.set_num_threads(threads)
        arch, pretrained = _parse(spec)
        model, self._preprocess, self._tokenizer = _load(spec, arch, pretrained)
        kind = torch.float16 if self.device == "cuda" else torch.float32
        self._model = model.eval().to(self.device, kind)
        self._kind = kind
        self.embeds_text = self._tokenizer is not None
        self.description = f"open_clip {arch}"
        self.batch_size = 256 if self.device == "cuda" else 16
        self.digest = joint_digest((_weights_digest(model, pretrained), repr(self._preprocess)))
        self.dimension = self.embed(self.prepare([Image.new("RGB", (8, 8))])).shape[1]

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """By the model's own preprocessing, to float32 [n, 3, size, size]."""
        return np.stack([self._preprocess(to_rgb(image)).numpy() for image in images])

    def embed(self, batch: np.ndarray) -> np.ndarray:
        with self._torch.inference_mode():
            pixels = self._torch.from_numpy(batch).to(self.device, self._kind)
            return unit(self._model.encode_image(pixels).float().cpu().numpy())

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        if self._tokenizer is None:
            return super().embed_text(texts)
        with self._torch.inference_mode():
            tokens = self._tokenizer(list(texts)).to(self.device)
            return unit(self._model.encode_text(tokens).float().cpu().numpy())


def import_torchvision() -> None:
    """Import torch and torchvision, also where torchvision was built for another torch.

    Then torchvision's compiled operators are not loaded, and its Python half fails on declaring shapes for two that do
    not exist ("operator torchvision::nms does not exist"). Declaring their schemas first is all that it wants; nothing
    here calls them. Where torchvision imports by itself, nothing is done.
    """
    try:
        import torch
    except ImportError as error:
        raise EmbedderError(f"This embedder needs torch and open_clip: {INSTALL}") from error
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        _declare(torch)
        import torchvision  # noqa: F401 - now it does


def _declare(torch: Any) -> None:
    _forget_half_imported()
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _kept.append(library)


# The schemas live as long as the object that declared them.
_kept: list[Any] = []


def _forget_half_imported() -> None:
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _choose_device(torch: Any, wanted: str, spec: str) -> str:
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise EmbedderError(
            f"torch finds no GPU here for {spec}. Install torch with CUDA, or let models run on the cpu."
        )
    return "cuda" if there and wanted != "cpu" else "cpu"


def _parse(spec: str) -> tuple[str, str | None]:
    """The model's name and its weights, as open_clip's functions take them."""
    rest = spec.removeprefix("open_clip:")
    if rest.startswith("local-dir:"):
        folder = Path(rest.removeprefix("local-dir:"))
        if not (folder / "open_clip_config.json").is_file():
            raise EmbedderError(f"{spec}: there is no open_clip_config.json in {folder}.")
        return rest, None
    arch, _, pretrained = rest.partition(":")
    if not pretrained:
        raise EmbedderError(f"{spec}: say which weights too, as open_clip:ARCH:TAG or open_clip:ARCH:/path/weights.pt.")
    return arch, pretrained


def _load(spec: str, arch: str, pretrained: str | None) -> tuple[Any, Any, Any]:
    try:
        import open_clip
    except ImportError as error:
        raise EmbedderError(f"{spec} needs open_clip: {INSTALL}") from error
    _check_names(open_clip, spec, arch, pretrained)
    try:
        model, _, preprocess = open_clip.create_model_and_transforms(arch, pretrained=pretrained)
    except Exception as error:  # from the hub, the file, or torch: all that matters is that there are no weights
        raise EmbedderError(
            f"The weights of {spec} could not be loaded: {_first_line(error)}. Without a network, bring them as a"
            " file (open_clip:ARCH:/path/weights.pt) or as a folder (local-dir:/folder)."
        ) from error
    try:
        tokenizer = open_clip.get_tokenizer(arch)
        tokenizer(["plankton"])
    except Exception:  # SigLIP's tokenizers come from the hub: images still work without
        tokenizer = None
    return model, preprocess, tokenizer


def _check_names(open_clip: Any, spec: str, arch: str, pretrained: str | None) -> None:
    if pretrained is None:
        return
    if arch not in open_clip.list_models():
        raise EmbedderError(f"{spec}: open_clip knows no model {arch!r}; `open_clip.list_models()` prints them all.")
    tags = open_clip.list_pretrained_tags_by_model(arch)
    is_path = "/" in pretrained or pretrained.endswith((".pt", ".pth", ".bin", ".safetensors"))
    if is_path and not Path(pretrained).is_file():
        raise EmbedderError(f"{spec}: there is no file {pretrained}.")
    if not is_path and pretrained not in tags:
        raise EmbedderError(f"{spec}: {arch} has no weights {pretrained!r}, only {', '.join(tags) or 'none'}.")


def _weights_digest(model: Any, pretrained: str | None) -> str:
    """Of the file where there is one, else of the tensors themselves: the same wherever they came from."""
    if pretrained and Path(pretrained).is_file():
        return file_digest(Path(pretrained))
    total = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        total.update(name.encode())
        total.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
