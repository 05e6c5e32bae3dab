"""Writes what was trained as one ONNX file, and uses it: from here on torch is not needed.

The file holds two networks, the trained one and the default embedder's, and joins their vectors. The trained one knows
its own taxa and has forgotten much else: on plankton of another instrument (WHOI's, 53 taxa) its nearest neighbours
were right for 47.7 %, the default's for 57.2 %, both joined for 56.9 %. On its own taxa (PlanktonSet's, 121) they were
right for 69.5 % alone, 59.4 % by the default's, 70.1 % by both joined.
"""

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.covariance import ledoit_wolf

from indexer.embedders import lite0, tuned
from indexer.embedders.base import unit
from indexer.embedders.runtime import Session
from indexer.tuning.networks import Network

TRAINED_DIMENSIONS = 128
# Of the default embedder's vector, the first axes, which are its principal ones.
DEFAULT_DIMENSIONS = 128
OPSET = 17
BATCH = 16


@dataclass(frozen=True)
class Join:
    """How features of the trained network and the default's vectors become one vector, float32: less `mean` [width],
    times `inner` [width, k], scaled to unit length; beside it the first axes of the default's; all to unit length."""

    mean: np.ndarray
    inner: np.ndarray

    @property
    def dimension(self) -> int:
        return self.inner.shape[1] + DEFAULT_DIMENSIONS

    def apply(self, features: np.ndarray, default: np.ndarray) -> np.ndarray:
        trained = unit((features - self.mean) @ self.inner)
        return unit(np.hstack([trained, default[:, :DEFAULT_DIMENSIONS]]))


def fit_join(features: np.ndarray, taxa: np.ndarray) -> Join:
    """From learned images: features float32 [n, width], taxa int [n].

    Principal axes of the features, then scaled so that taxa are equally wide in all directions (the covariance within
    taxa, shrunk by Ledoit and Wolf 2004).
    """
    mean = features.mean(axis=0)
    axes = np.linalg.svd(features - mean, full_matrices=False)[2][:TRAINED_DIMENSIONS].T
    flat = (features - mean) @ axes
    places = np.unique(taxa, return_inverse=True)[1]
    sums = np.zeros((places.max() + 1, flat.shape[1]), np.float64)
    np.add.at(sums, places, flat)
    within = flat - (sums / np.bincount(places)[:, None])[places]
    values, vectors = np.linalg.eigh(ledoit_wolf(within, assume_centered=True)[0])
    inner = axes @ (vectors / np.sqrt(np.maximum(values, values.max() * 1e-6)))
    return Join(np.asarray(mean, np.float32), np.asarray(inner, np.float32))


def write_onnx(
    path: Path, network: Network, square_px: int, trained_px: int, join: Join | None, facts: dict[str, Any]
) -> None:
    """From squares uint8 [n, square, square, 3] to `vector`. Without `join`: the features and the default's vector, one
    behind the other. The networks see the squares at sides of their own."""
    import onnx
    import torch

    aside = path.with_suffix(f".writing-{os.getpid()}")
    example = torch.zeros(2, square_px, square_px, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        # It warns of being the older one, whose successor needs one more package, and of what it does not fold.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _served(network, square_px, trained_px, join),
            (example,),
            str(aside),
            input_names=["pixels"],
            output_names=["vector"],
            dynamic_axes={"pixels": {0: "n"}, "vector": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load(str(aside))
    onnx.helper.set_model_props(model, {tuned.FACTS: json.dumps(facts)})
    onnx.save(model, str(aside))
    aside.replace(path)


def vectors(path: Path, squares: np.ndarray, threads: int, tell: Any = None) -> np.ndarray:
    """Of squares uint8 [n, s, s, 1 or 3], float32 [n, d], by the file at `path`."""
    session = Session(path, "cpu", threads)
    pieces = []
    for first in range(0, len(squares), BATCH):
        pieces.append(session.run("vector", pixels=in_colour(squares[first : first + BATCH])))
        if tell:
            tell(min(first + BATCH, len(squares)), len(squares))
    return np.concatenate(pieces)


def in_colour(squares: np.ndarray) -> np.ndarray:
    """With three channels."""
    return np.ascontiguousarray(np.broadcast_to(squares, (*squares.shape[:3], 3)))


def _served(network: Network, square_px: int, trained_px: int, join: Join | None) -> Any:
    """Both networks in torch, with all that stands around them in use."""
    import torch
    from torch.nn import functional

    from indexer.tuning.lite0_torch import Lite0

    projection = lite0.read_projection()
    imagenet = torch.tensor(lite0.MEAN).view(1, 3, 1, 1), torch.tensor(lite0.STD).view(1, 3, 1, 1)
    own = tuple(torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (network.mean, network.std))

    class Served(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trained, self.default = network.module, Lite0(lite0.read_weights())
            self.centre = torch.nn.Parameter(torch.from_numpy(projection[0]))
            self.components = torch.nn.Parameter(torch.from_numpy(projection[1:].T.copy()))
            if join is not None:
                self.mean = torch.nn.Parameter(torch.from_numpy(join.mean))
                self.inner = torch.nn.Parameter(torch.from_numpy(join.inner))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            planes = pixels.permute(0, 3, 1, 2).float()
            features = _mean_direction(self.trained, (_sized(planes, trained_px) - own[0]) / own[1], network.width)
            known = _mean_direction(self.default, (_sized(planes, lite0.SIDE_PX) - imagenet[0]) / imagenet[1], 1280)
            known = functional.normalize((known - self.centre) @ self.components)
            if join is None:
                return torch.cat([features, known], 1)
            features = functional.normalize((features - self.mean) @ self.inner)
            return functional.normalize(torch.cat([features, known[:, :DEFAULT_DIMENSIONS]], 1))

    def _sized(planes: torch.Tensor, side_px: int) -> torch.Tensor:
        if side_px == square_px:
            return planes
        return functional.interpolate(planes, (side_px, side_px), mode="bilinear", align_corners=False)

    def _mean_direction(module: Any, planes: torch.Tensor, width: int) -> torch.Tensor:
        turned = planes.transpose(2, 3)
        features = functional.normalize(module(torch.cat([planes, turned.flip(2), planes.flip(2, 3), turned.flip(3)])))
        return functional.normalize(features.view(4, -1, width).mean(0))

    return Served().eval().cpu().float()
