"""A training, from images and labels to an embedder's file and its report; one that was stopped goes on."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from indexer.embedders import lite0, tuned
from indexer.embedders.base import file_digest
from indexer.tuning import data, export, report
from indexer.tuning.data import LearningImages, Progress, TuningError
from indexer.tuning.networks import Network, import_torch, open_network
from indexer.tuning.plan import Plan, Settings, expected_seconds, make_plan

MODEL, REPORT, HELD_OUT, PLAN = "tuned.onnx", "report.json", "held_out.npz", "plan.json"
MOST_PROJECTED = 3000  # images that the projection is fitted on
NAME_DIGITS = 8


@dataclass(frozen=True)
class Tuned:
    """A finished training: the embedder's `spec` once `model` lies in the weights' folder (see `install`), its sha256,
    and the report. `held_out` names an .npz with index, truth, said, vectors (after) and before (the default's)."""

    spec: str
    digest: str
    name: str
    model: Path
    held_out: Path
    report: dict[str, Any]

    def install(self, weights_dir: Path) -> str:
        """Put the file where the registry finds it; returns the spec."""
        target = tuned.file_of(self.spec, weights_dir)
        if not target.is_file():
            weights_dir.mkdir(parents=True, exist_ok=True)
            aside = target.with_suffix(f".writing-{uuid4().hex}")  # two jobs may do so at once
            aside.write_bytes(self.model.read_bytes())
            aside.replace(target)
        return self.spec


def tune(folder: Path, images: LearningImages, settings: Settings, progress: Progress = lambda *_: None) -> Tuned:
    """Train on `images`; everything in between is kept in `folder`, from which the same call goes on.

    `progress(done, total, unit, message)` is called at every batch, and may raise to stop. Raises TuningError where
    there is too little to learn from, where torch or the network is missing, or where `folder` is another training's.
    """
    data.check(images.labels)
    import_torch()
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, images, settings)
    if (folder / REPORT).is_file():
        return read(folder)
    network = open_network(settings.network)
    served_px = network.side_px or settings.served_px
    squares, bad = data.read_squares(images, max(served_px, lite0.SIDE_PX), folder, progress)
    learned, held_out = _parted(images, [i for i, _ in bad], settings.seed)
    taxa, places = np.unique(images.labels[learned], return_inverse=True)
    reading = time.monotonic() - began
    trained, plan, device, step = _train(folder, network, squares, learned, places, settings, progress)
    # Epochs that were done before a stop count too.
    began = time.monotonic() - reading - sum(epoch["seconds"] for epoch in trained.history)
    facts = {"n": len(images), "n_learned": len(learned), "n_taxa": len(taxa), "n_unreadable": len(bad),
             "by_group": _is_by_group(images, learned, held_out), "device": device, "epochs": plan.epochs,
             "seconds_a_step": step, "history": trained.history}  # fmt: skip
    network.module = trained.learner.network.cpu().float().eval()
    return _finish(folder, network, trained.learner, squares, learned, held_out, images.labels, taxa, settings,
                   served_px, facts, began, progress)  # fmt: skip


def read(folder: Path) -> Tuned:
    """A training that is finished."""
    told = json.loads((folder / REPORT).read_text())
    digest = file_digest(folder / MODEL)
    return Tuned(tuned.spec_of(digest), digest, told["name"], folder / MODEL, folder / HELD_OUT, told)


def estimate_seconds(n_images: int, settings: Settings | None = None, seconds_a_step: float | None = None) -> float:
    """How long a training on so many images takes here; the speed is measured (a few seconds) unless it is known."""
    settings = settings or Settings()
    step = seconds_a_step or measure_speed(settings)
    return expected_seconds(n_images, settings, step, open_side(settings.network))


def open_side(network: str) -> int | None:
    """The one side that a network takes, where it takes one only; without loading the default's."""
    return None if network == "lite0" else open_network(network).side_px


def measure_speed(settings: Settings | None = None) -> float:
    """Seconds that a batch at the largest size takes here, on images made up for it."""
    import_torch()
    from indexer.tuning.head import Learner
    from indexer.tuning.loop import Training, choose_device

    settings = settings or Settings()
    network = open_network(settings.network)
    side = max(_sides(network.side_px, settings))
    squares = np.random.default_rng(0).integers(0, 255, (32, side, side, 1), np.uint8)
    training = Training(Learner(network, 2), Plan((side,), 1), choose_device(settings.device), settings.threads, 0)
    return training.seconds_a_step(squares, np.arange(32) % 2, side)


def _claim(folder: Path, images: LearningImages, settings: Settings) -> None:
    """The folder is this training's, or becomes it."""
    path = folder / "of.json"
    own = {"images": images.fingerprint, "network": settings.network, "name": settings.name}
    if path.is_file() and json.loads(path.read_text()) != own:
        raise TuningError(
            f"The folder {folder} holds another training (of other images, network or name). Give an empty folder."
        )
    path.write_text(json.dumps(own))


def _parted(images: LearningImages, bad: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images are learned from and which held out, both sorted, the unreadable ones left out."""
    fine = np.ones(len(images), bool)
    fine[bad] = False
    data.check(images.labels[fine])
    held_out = data.part(images, seed)
    return np.flatnonzero(fine & ~held_out), np.flatnonzero(fine & held_out)


def _is_by_group(images: LearningImages, learned: np.ndarray, held_out: np.ndarray) -> bool:
    return images.groups is not None and not np.isin(images.groups[learned], images.groups[held_out]).any()


def _sides(own_px: int | None, settings: Settings) -> tuple[int, ...]:
    return (own_px,) if own_px else settings.sides_px


def _train(
    folder: Path, network: Network, squares: np.ndarray, learned: np.ndarray, places: np.ndarray,
    settings: Settings, progress: Progress,
) -> Any:  # fmt: skip
    """The trained learner, its plan, the device, seconds a step."""
    import torch

    from indexer.tuning.head import Learner
    from indexer.tuning.loop import Training, choose_device

    torch.manual_seed(settings.seed)
    device = choose_device(settings.device)
    learner = Learner(network, int(places.max()) + 1)
    sides = _sides(network.side_px, settings)
    own = _Rows(squares, learned)
    plan, step = _plan(folder / PLAN, learner, own, places, settings, sides, device)
    training = Training(learner, plan, device, settings.threads, settings.seed)
    trained = training.run(own, places, folder, lambda done, total, said: progress(done, total, "images", said))
    return trained, plan, device, step


def _plan(
    path: Path, learner: Any, own: Any, places: np.ndarray, settings: Settings, sides: tuple[int, ...], device: str
) -> tuple[Plan, float]:
    """The plan, kept at `path`, and the seconds of a step that it was made by."""
    from indexer.tuning.loop import Training

    if not path.is_file():
        trial = Training(learner, Plan((sides[-1],), 1), device, settings.threads, settings.seed)
        step = trial.seconds_a_step(own, places, max(sides))
        made = make_plan(len(own), settings, step, sides)
        path.write_text(json.dumps({"sides_px": made.sides_px, "steps": made.steps, "seconds_a_step": round(step, 4)}))
    kept = json.loads(path.read_text())
    return Plan(tuple(kept["sides_px"]), kept["steps"]), kept["seconds_a_step"]


class _Rows:
    """Some rows of an array on disk, read as they are asked for."""

    def __init__(self, whole: np.ndarray, rows: np.ndarray) -> None:
        self.whole, self.rows = whole, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        return np.array(self.whole[self.rows[places]])


def _finish(
    folder: Path, network: Network, learner: Any, squares: np.ndarray, learned: np.ndarray, held_out: np.ndarray,
    labels: np.ndarray, taxa: np.ndarray, settings: Settings, served_px: int, facts: dict[str, Any], began: float,
    progress: Progress,
) -> Tuned:  # fmt: skip
    """The file, and what it is worth on what was held out."""

    def tell(done: int, total: int) -> None:
        progress(done, total, "images", "measures what was learned")

    features_of = folder / "features.onnx"
    square_px = squares.shape[1]
    export.write_onnx(features_of, network, square_px, served_px, None, {})
    rng = np.random.default_rng(settings.seed)
    some = np.sort(rng.choice(learned, min(len(learned), MOST_PROJECTED), replace=False))
    features, _ = _parted_at(export.vectors(features_of, squares[some], settings.threads, tell), network.width)
    join = export.fit_join(features, labels[some])
    features, before = _parted_at(export.vectors(features_of, squares[held_out], settings.threads, tell), network.width)
    said, truth, after = taxa[_said(learner, features)], labels[held_out], join.apply(features, before)
    dimension, name = join.dimension, settings.name
    description = f"{settings.network}, trained on {facts['n_learned']:,} images of {facts['n_taxa']:,} taxa"
    export.write_onnx(folder / MODEL, network, square_px, served_px, join, {
        "name": name, "side_px": square_px, "dimension": dimension, "description": description,
        "network": settings.network,
    })  # fmt: skip
    features_of.unlink()
    np.savez(folder / HELD_OUT, index=held_out, truth=truth, said=said, vectors=after, before=before)
    told = {
        "name": name, "network": settings.network, "description": description, "dimension": dimension,
        "served_px": served_px, **facts, "n_held_out": len(held_out),
        "agreement_before": round(report.agreement(before, truth), 4),
        "agreement_after": round(report.agreement(after, truth), 4),
        **{key: round(value, 4) for key, value in report.of_classes(truth, said).items()},
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip
    aside = folder / f"{REPORT}.writing"
    aside.write_text(json.dumps(told))
    aside.replace(folder / REPORT)
    return read(folder)


def _said(learner: Any, features: np.ndarray) -> np.ndarray:
    """The trained classifier's answer, as a place among its taxa."""
    import torch

    with torch.inference_mode():
        return learner.cpu().logits(torch.from_numpy(features)).argmax(1).numpy()


def _parted_at(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of the trained network, and the default embedder's vectors."""
    return rows[:, :width], rows[:, width:]
