"""The ways that are compared: each learns from the known images of a folder and is asked about those held out."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from indexer import classifier, embedders
from indexer.embedders import Embedder
from indexer.tuning import Settings as TuningSettings
from indexer.tuning.data import from_paths
from indexer.tuning.run import Tuned, tune
from tests.benchmarks.prediction.folder import Folder, Split, fingerprint
from tests.benchmarks.prediction.measures import Row, calibration_error, row


@dataclass(frozen=True)
class Judged:
    """A classifier of ours on held-out objects: its line of the table, its method and why, how true its scores are."""

    row: Row
    method: str
    because: str
    ece: float


def classify(model: str, vectors: np.ndarray, folder: Folder, parts: Split, n_bytes: int) -> Judged:
    """The classifier that is chosen by default. `vectors` float32 [n, d] of all images; `n_bytes` of the network."""
    taxa, known, held = folder.taxa, parts.known, parts.held
    fitted = classifier.fit(vectors[known], taxa[known], folder.groups[known], classifier.Settings())
    said = fitted.model.predict(vectors[held])
    is_right = said.taxa[:, 0] == taxa[held]
    size = n_bytes + len(fitted.model.to_bytes())
    report = fitted.report
    return Judged(
        row(f"{model} + {report['method']}", size, taxa[held], said.taxa[:, 0]),
        report["method"], reasons(report), calibration_error(said.scores[:, 0], is_right),
    )  # fmt: skip


def reasons(report: dict[str, Any]) -> str:
    """The best trial of each method, in words."""
    best: dict[str, float] = {}
    for trial in report["chosen_because"]["candidates"].values():
        best[trial["method"]] = max(best.get(trial["method"], 0.0), trial["accuracy"])
    return ", ".join(f"{method} {share:.1%}" for method, share in best.items())


@dataclass(frozen=True)
class Trained:
    """A fine-tuned network: its embedder, what itself said of the held-out images, and how long it took."""

    embedder: Embedder
    said: np.ndarray
    n_bytes: int
    seconds: float


def fine_tune(folder: Folder, parts: Split, work: Path, minutes: float, threads: int) -> Trained:
    """By the product's own recipe on the known images alone; the held-out ones serve for its report."""
    rows = np.concatenate([parts.known, parts.held])
    is_held = np.arange(len(rows)) >= len(parts.known)
    images = replace(from_paths([folder.files[place] for place in rows], folder.taxa[rows]), held_out=is_held)
    place = work / f"tuning-{fingerprint(folder, rows)}"
    shutil.rmtree(place, ignore_errors=True)
    try:
        told = tune(place, images, TuningSettings(minutes=minutes, threads=threads))
        told.install(work)
        return Trained(embedders.get(told.spec, work, "cpu", threads), _said(told, len(parts.held)),
                       told.model.stat().st_size, float(told.report["seconds"]))  # fmt: skip
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _said(told: Tuned, n_held: int) -> np.ndarray:
    """What the network itself says of the held-out images, int32 [n_held]; -1 of one that could not be read."""
    with np.load(told.held_out) as held:
        said = np.full(n_held, -1, np.int32)
        said[held["index"] - (told.report["n"] - n_held)] = held["said"]
    return said


def size_of_default(weights: Path) -> int:
    """What the default network weighs on disk."""
    return sum(path.stat().st_size for path in weights.glob("lite0*.onnx"))


def cores(wanted: int) -> int:
    return wanted or len(os.sched_getaffinity(0))
