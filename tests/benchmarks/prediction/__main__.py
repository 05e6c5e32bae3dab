"""What to expect of predictions on a folder of images, one sub-folder for each class, from objects that are held out.

`python -m tests.benchmarks.prediction --images DIR [--vectors F] [--labels N]`. Held out by group where there are
groups: sub-folders of the classes, or lines of `--groups`. Compared are the plain space, the learned space and a
fine-tuned embedder by their nearest neighbours among the held-out objects, and classifiers by what they say of these,
beside EcoTaxa's recipe in the same run. `--other DIR`: other plankton, on which the tuned embedder is used frozen.
Nothing is kept but vectors of the default embedder. The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from indexer import embedders
from indexer.tuning import TuningError
from tests.benchmarks.prediction import ecotaxa, learned
from tests.benchmarks.prediction.folder import Folder, Split, read_folder, split, vectors_of
from tests.benchmarks.prediction.measured import features_of
from tests.benchmarks.prediction.measures import Row, agreement, row
from tests.benchmarks.prediction.ways import Judged, Trained, classify, cores, fine_tune, size_of_default

KEYS = (
    "nn_plain", "nn_space", "nn_tuned", "nn_unseen_plain", "nn_unseen_space", "accuracy", "accuracy_ecotaxa",
    "accuracy_tuned", "ece",
)  # fmt: skip
DEFAULT_MINUTES = 12.0


@dataclass
class Found:
    """Figures by name, lines of the field's table, and what is said besides."""

    figures: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    rows: list[Row] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def main() -> None:
    given = arguments()
    folder = read_folder(given.images, given.groups)
    parts = split(folder, given.labels, given.held_out, given.seed)
    found, threads = Found(), cores(given.threads)
    with tempfile.TemporaryDirectory(prefix="shoal-prediction-") as work:
        vectors, parts = read_vectors(folder, parts, given.vectors, Path(work), threads)
        tell_sets(found, folder, parts, given.vectors)
        measure_columns(found, folder, parts, threads)
        measure_frozen(found, vectors, folder, parts, Path(work), threads, given.seed)
        if not given.no_tuning:
            measure_tuned(found, folder, parts, Path(work), given, threads)
    report(found)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="a folder with one sub-folder per class")
    parser.add_argument("--vectors", type=Path, help=".npy [n, d]: a vector for each image of DIR, sorted by path")
    parser.add_argument("--groups", type=Path, help="lines of a path under DIR and its group, by comma or tab")
    parser.add_argument("--labels", type=int, default=10_000, help="so many to learn from, at most")
    parser.add_argument("--held-out", type=int, default=5_000, help="so many held out, a third at most")
    parser.add_argument("--other", type=Path, help="a folder of other plankton, one sub-folder per class")
    parser.add_argument("--no-tuning", action="store_true", help="leave the fine-tuned embedder out: a quick look")
    parser.add_argument("--minutes", type=float, default=DEFAULT_MINUTES, help="that fine-tuning may take")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def read_vectors(
    folder: Folder, parts: Split, given: Path | None, work: Path, threads: int
) -> tuple[np.ndarray, Split]:
    """Of all images, by the default embedder or as given; what has none is left out of the split."""
    rows = np.sort(np.concatenate([parts.known, parts.held]))
    if given:
        vectors = np.asarray(np.load(given, mmap_mode="r"), np.float32)
        if len(vectors) != len(folder):
            raise SystemExit(f"{given} holds {len(vectors):,} vectors for {len(folder):,} images: one each, by path.")
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    else:
        say(f"{len(rows):,} images are embedded.")
        vectors = vectors_of(embedders.get(embedders.DEFAULT, work, "cpu", threads), folder, rows)
    has = np.isfinite(vectors).all(axis=1)
    return vectors, Split(parts.known[has[parts.known]], parts.held[has[parts.held]])


def tell_sets(found: Found, folder: Folder, parts: Split, given: Path | None) -> None:
    taught = len(np.unique(folder.taxa[parts.known]))
    found.words.append(
        f"{len(folder):,} images, {len(folder.names)} classes; {folder.grouped_by}. {len(parts.known):,} teach"
        f" ({taught} classes), {len(parts.held):,} are held out."
    )
    if given:
        found.words.append(f"Vectors are those of {given.name}; the network that made them is not counted as size.")


def measure_columns(found: Found, folder: Folder, parts: Split, threads: int) -> None:
    say("Features are measured.")
    known, held = (features_of([folder.files[place] for place in rows]) for rows in (parts.known, parts.held))
    said = ecotaxa.on_columns(known, folder.taxa[parts.known], held, threads)
    found.rows.append(row("measured features + forest", said.n_bytes, folder.taxa[parts.held], said.taxa))


def measure_frozen(
    found: Found, vectors: np.ndarray, folder: Folder, parts: Split, work: Path, threads: int, seed: int
) -> None:
    """The default embedder: its plain and its learned space, our classifier, and EcoTaxa's recipe."""
    taxa, held, network = folder.taxa, parts.held, size_of_default(work)
    say("The space is learned, and for what it has not seen five times more.")
    found.figures["nn_plain"] = agreement(vectors[held], taxa[held])
    space = learned.measure(vectors, folder, parts, seed)
    found.figures |= space.figures
    found.words += space.words
    say("Classifiers are trained.")
    judged = classify("frozen network", vectors, folder, parts, network)
    theirs = ecotaxa.on_vectors(vectors[parts.known], taxa[parts.known], vectors[held], threads)
    forest = row("frozen + PCA 50 + forest", network + theirs.n_bytes, taxa[held], theirs.taxa)
    found.rows += [judged.row, forest]
    found.words.append(told(judged))
    found.figures |= {
        "accuracy": judged.row.accuracy, "accuracy_ecotaxa": forest.accuracy, "ece": judged.ece,
    }  # fmt: skip


def told(judged: Judged) -> str:
    because = f"of the learning set, held out: {judged.because}"
    return f"{judged.row.model} was chosen ({because}); its scores are off by {judged.ece:.3f}."


def measure_tuned(
    found: Found, folder: Folder, parts: Split, work: Path, given: argparse.Namespace, threads: int
) -> None:
    """The default network fine-tuned on what teaches: by its own answers, and as an embedder."""
    say(f"The network is fine-tuned on {len(parts.known):,} images, for {given.minutes:g} minutes at most.")
    try:
        trained = fine_tune(folder, parts, work, given.minutes, threads)
    except TuningError as error:
        found.words.append(f"Nothing is fine-tuned. {error}")
        return
    taxa, held = folder.taxa, parts.held
    say(f"That took {trained.seconds:,.0f} s. Its vectors are made.")
    vectors = vectors_of(trained.embedder, folder, np.sort(np.concatenate([parts.known, held])), keep=False)
    judged = classify("tuned network", vectors, folder, parts, trained.n_bytes)
    theirs = ecotaxa.on_vectors(vectors[parts.known], taxa[parts.known], vectors[held], threads)
    found.rows += [
        row("tuned network", trained.n_bytes, taxa[held], trained.said),
        judged.row,
        row("tuned + PCA 50 + forest", trained.n_bytes + theirs.n_bytes, taxa[held], theirs.taxa),
    ]
    found.words += [f"Fine-tuning took {trained.seconds:,.0f} s on {threads} cores.", told(judged)]
    found.figures |= {"nn_tuned": agreement(vectors[held], taxa[held]), "accuracy_tuned": judged.row.accuracy}
    if given.other:
        measure_elsewhere(found, trained, read_folder(given.other), work, threads)


def measure_elsewhere(found: Found, trained: Trained, other: Folder, work: Path, threads: int) -> None:
    """Other plankton, on which nothing was learned: nearest neighbours by the default and by the tuned embedder."""
    rows = np.arange(len(other))
    plain = vectors_of(embedders.get(embedders.DEFAULT, work, "cpu", threads), other, rows)
    tuned = vectors_of(trained.embedder, other, rows, keep=False)
    has = np.isfinite(plain).all(axis=1) & np.isfinite(tuned).all(axis=1)
    before, after = (agreement(each[has], other.taxa[has]) for each in (plain, tuned))
    found.words.append(
        f"As a frozen embedder on {other.root.name} ({len(other):,} images, {len(other.names)} classes), the nearest"
        f" neighbour agrees for {before:.1%} by the default embedder, {after:.1%} by the tuned one."
    )
    found.figures |= {"nn_other_plain": before, "nn_other_tuned": after}


def report(found: Found) -> None:
    console = Console(width=150)
    for words in found.words:
        console.print(words, highlight=False)
    table = Table(
        "model", "size, MB", "accuracy %", "average precision %", "average recall %", title="By held-out objects"
    )
    for each in found.rows:
        shares = (each.accuracy, each.average_precision, each.average_recall)
        table.add_row(each.model, f"{each.n_bytes / 1e6:.1f}", *(f"{100 * share:.1f}" for share in shares))
    console.print(table)
    print(json.dumps({name: None if value is None else round(value, 4) for name, value in found.figures.items()}))


if __name__ == "__main__":
    main()
