"""A fitted classifier: applied in pieces, kept as one npz of plain arrays."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from indexer.classifier.base import CHOICES, Predicted, prefixed, under
from indexer.classifier.calibration import Calibration
from indexer.classifier.forest import Forest
from indexer.classifier.frame import Columns, Frame
from indexer.classifier.linear import Linear
from indexer.classifier.novelty import Strangeness, share_below

PIECE = 8192
FORMAT = 1


class BadModel(ValueError):
    """These bytes are no classifier of ours, or one that is not whole."""


class Member(Protocol):
    """What gives logits of what a frame gave."""

    def logits(self, x: np.ndarray) -> np.ndarray: ...

    def arrays(self) -> dict[str, np.ndarray]: ...


def _forest(arrays: dict[str, np.ndarray]) -> Forest:
    n_taxa = int(arrays.pop("n_taxa"))
    forest = Forest(n_taxa=n_taxa, **arrays)
    forest.check()
    return forest


READERS: dict[str, Callable[[dict[str, np.ndarray]], Member]] = {
    "linear": lambda arrays: Linear(**arrays),
    "forest": _forest,
}
KINDS = {Linear: "linear", Forest: "forest"}


@dataclass(frozen=True)
class Model:
    """A frame, what gives logits of what the frame gave, their calibration, and what is strange.

    Attributes: taxa int32 [k], ascending; method, one of METHODS; strange_knots, as `novelty.knots` gives.
    """

    taxa: np.ndarray
    method: str
    frame: Frame
    member: Member
    calibration: Calibration
    strangeness: Strangeness
    strange_knots: np.ndarray

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that `predict` needs, in their order as `fields`: of those asked for, what was kept."""
        return self.frame.columns.names

    @property
    def dimension(self) -> int:
        return len(self.frame.mean)

    def predict(self, vectors: np.ndarray, fields: np.ndarray | None = None) -> Predicted:
        """vectors: float [n, dimension]; fields: float [n, len(columns)], NaN where missing. In pieces: memory does not
        grow with n beyond what is returned."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:
            raise ValueError(f"Vectors of {self.dimension} numbers are needed, not of shape {vectors.shape}.")
        n = len(vectors)
        out = Predicted(np.zeros((n, CHOICES), np.int32), np.zeros((n, CHOICES), np.float32), np.empty(n, np.float32))
        for start in range(0, n, PIECE):
            here = slice(start, start + PIECE)
            x = self.frame.apply(vectors[here], None if fields is None else fields[here])
            places, scores = first_choices(self.calibration.apply(self.member.logits(x)))
            out.taxa[here, : places.shape[1]] = self.taxa[places]
            out.scores[here, : places.shape[1]] = scores
            out.novelty[here] = share_below(self.strangeness(x), self.strange_knots)
        return out

    def to_bytes(self) -> bytes:
        columns = self.frame.columns
        about = {
            "format": FORMAT,
            "method": self.method,
            "member": KINDS[type(self.member)],
            "temperature": self.calibration.temperature,
            "curve": self.calibration.curve,
            "columns": columns.names,
            "dropped": columns.dropped,
            "column_scale": self.frame.column_scale,
        }
        arrays = {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "taxa": self.taxa,
            "mean": self.frame.mean,
            "axes": self.frame.axes,
            "medians": columns.medians,
            "knots": columns.knots,
            "strange_knots": self.strange_knots,
            **prefixed(self.strangeness.arrays(), "strange"),
            **prefixed(self.member.arrays(), "member"),
        }
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Model:
        """Raises BadModel. Nothing in a file is run: its arrays are numbers, and checked before they are followed."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            return _read(arrays)
        except (ValueError, KeyError, TypeError, IndexError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise BadModel(f"This is no classifier that can be read: {error}") from error


def _read(arrays: dict[str, np.ndarray]) -> Model:
    about: dict[str, Any] = json.loads(arrays["about"].tobytes())
    if about["format"] != FORMAT:
        raise BadModel(f"it is of format {about['format']}, and this Shoal reads {FORMAT}")
    columns = Columns(
        tuple(about["columns"]),
        arrays["medians"],
        arrays["knots"],
        tuple((name, why) for name, why in about["dropped"]),
    )
    return Model(
        arrays["taxa"],
        about["method"],
        Frame(arrays["mean"], arrays["axes"], columns, about["column_scale"]),
        READERS[about["member"]](under(arrays, "member")),
        Calibration(about["temperature"], tuple(about["curve"])),
        Strangeness(**under(arrays, "strange")),
        arrays["strange_knots"],
    )


def first_choices(chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and chances of the three largest, or of two where there are no more, the largest first: [n, 2 or 3]."""
    k = min(CHOICES, chances.shape[1])
    places = np.argpartition(-chances, k - 1, axis=1)[:, :k]
    found = np.take_along_axis(chances, places, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(found, order, axis=1)
