"""An embedder of one's own: an ONNX file, and a small TOML manifest that says how it wants its images.

    name = "my-plankton-net"
    model = "net.onnx"            # beside the manifest
    size = 224                    # side of the square, pixels
    fit = "pad"                   # or "squash"
    colour = "rgb"                # or "grey"
    layout = "nchw"               # or "nhwc"
    mean = [0.485, 0.456, 0.406]  # of values from 0 to 1; one number for grey
    std = [0.229, 0.224, 0.225]
    dtype = "float32"             # or "float16", "uint8" (then mean and std are the model's own business)
    output = "embedding"          # which output; the first one if absent
    dimension = 384
    batch_size = 16
    description = "..."

The output is [n, dimension]; it is scaled to unit length here.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from indexer.embedders.base import Embedder, EmbedderError, file_digest, joint_digest, padded_square, unit
from indexer.embedders.runtime import Session, choose_device
from indexer.images import to_grey, to_rgb

NEEDED = {"name": str, "model": str, "size": int, "dimension": int}
OPTIONAL: dict[str, Any] = {
    "fit": "pad",
    "colour": "rgb",
    "layout": "nchw",
    "mean": [0.0],
    "std": [1.0],
    "dtype": "float32",
    "output": "",
    "batch_size": 16,
    "description": "",
}
CHOICES = {
    "fit": ("pad", "squash"),
    "colour": ("rgb", "grey"),
    "layout": ("nchw", "nhwc"),
    "dtype": ("float32", "float16", "uint8"),
}


class OnnxFile(Embedder):
    """`onnx:/path/to/manifest.toml`."""

    def __init__(self, path: Path, device: str, threads: int) -> None:
        self.spec = f"onnx:{path.absolute()}"
        self.manifest = manifest = read_manifest(path)
        model = path.parent / manifest["model"]
        if not model.is_file():
            raise EmbedderError(f"{path} names the model {manifest['model']!r}, and there is no file {model}.")
        self.name = manifest["name"]
        self.description = manifest["description"]
        self.dimension = manifest["dimension"]
        self.batch_size = manifest["batch_size"]
        preprocessing = repr([manifest[key] for key in ("size", "fit", "colour", "layout", "mean", "std", "dtype")])
        self.digest = joint_digest((file_digest(model), preprocessing, manifest["output"], str(self.dimension)))
        self._session = Session(model, choose_device(device), threads)
        self.device = self._session.device
        self._input = self._session.inputs[0].name
        self._output = manifest["output"] or self._session.outputs[0].name
        self._check(path)

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """To the model's own type and layout: [n, c, size, size] or [n, size, size, c]."""
        pixels = np.stack([self._pixels(image) for image in images])
        if self.manifest["dtype"] != "uint8":
            mean, std = (np.array(self.manifest[key], np.float32) for key in ("mean", "std"))
            pixels = ((pixels.astype(np.float32) / 255 - mean) / std).astype(self.manifest["dtype"])
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)) if self.manifest["layout"] == "nchw" else pixels

    def embed(self, batch: np.ndarray) -> np.ndarray:
        return unit(self._session.run(self._output, **{self._input: batch}))

    def _pixels(self, image: Image.Image) -> np.ndarray:
        side = self.manifest["size"]
        turned = to_grey(image) if self.manifest["colour"] == "grey" else to_rgb(image)
        if self.manifest["fit"] == "squash":
            turned = turned.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=3.0)
        else:
            turned = padded_square(turned, side, Image.Resampling.BILINEAR)
        return np.asarray(turned).reshape(side, side, -1)

    def _check(self, path: Path) -> None:
        """Try one image, so that a wrong manifest is told now and not in the middle of a job."""
        names = [output.name for output in self._session.outputs]
        if self._output not in names:
            raise EmbedderError(f"{path}: the model has no output {self._output!r}, only {', '.join(names)}.")
        try:
            vector = self.embed(self.prepare([Image.new("L", (8, 8), 128)]))
        except Exception as error:  # ONNX Runtime's errors share no base class
            first = str(error).strip().splitlines()[0][:200]
            raise EmbedderError(
                f"{path} does not fit its model: an image as described is refused ({first})."
            ) from error
        if vector.shape != (1, self.dimension):
            raise EmbedderError(
                f"{path} says dimension {self.dimension}, and the output {self._output!r} has the shape"
                f" {list(vector.shape)} for one image. Correct `dimension` or `output`."
            )


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest with its defaults filled in. Raises EmbedderError for what is missing, unknown or wrong."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EmbedderError(f"The manifest {path} cannot be read: {error}.") from error
    unknown = given.keys() - NEEDED.keys() - OPTIONAL.keys()
    if unknown:
        raise EmbedderError(f"The manifest {path} has unknown entries: {', '.join(sorted(unknown))}.")
    for key, kind in NEEDED.items():
        if not isinstance(given.get(key), kind):
            raise EmbedderError(f"The manifest {path} needs `{key}`, {'a text' if kind is str else 'a whole number'}.")
    manifest = OPTIONAL | given
    for key, choices in CHOICES.items():
        if manifest[key] not in choices:
            raise EmbedderError(
                f"The manifest {path}: `{key}` is {manifest[key]!r}, and must be {' or '.join(choices)}."
            )
    channels = 1 if manifest["colour"] == "grey" else 3
    for key in ("mean", "std"):
        numbers = np.atleast_1d(np.array(manifest[key], np.float64))
        if numbers.shape not in ((1,), (channels,)) or (key == "std" and (numbers <= 0).any()):
            raise EmbedderError(f"The manifest {path}: `{key}` must be 1 or {channels} numbers, std above 0.")
        manifest[key] = numbers.tolist()
    return manifest
