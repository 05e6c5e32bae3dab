"""How long the neighbours of all vectors, and what is read from them, take: python -m tests.benchmarks.graph."""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from indexer import suspects
from indexer.graph import Graph, build_graph
from indexer.index import VECTORS, Index, VectorWriter
from tests.benchmarks.recipes import chunks

Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--recipe", choices=("clustered", "manifold"), default="clustered")
    parser.add_argument("--folder", type=Path, help="where the vectors are written; default: the temporary folder")
    given = parser.parse_args()
    figures: Figures = {"objects": given.objects}
    with tempfile.TemporaryDirectory(prefix="shoal-bench-", dir=given.folder) as folder:
        classes = written(Path(folder), given.objects, given.dimension, given.recipe)
        # The peak of what follows, not of making the vectors.
        before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        index = Index(Path(folder), None)
        with timed(figures, "graph"):
            graph = build_graph(index, report=told())
        figures["recall"] = round(graph.recall, 4)
        read(figures, index, graph, classes)
    figures["seconds"] = round(sum(figures[f"{name}_s"] for name in ("graph", "mistakes", "duplicates")), 1)
    figures["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    figures["before_mb"] = round(before_mb)
    figures["load"] = round(os.getloadavg()[0], 1)
    print(json.dumps(figures))


def written(folder: Path, objects: int, dimension: int, recipe: str) -> np.ndarray:
    """Write the vectors as an index has them; returns the class that each was drawn from, from 1 on."""
    writer = VectorWriter(folder / VECTORS, dimension)
    classes = []
    for chunk in chunks(recipe, objects, dimension):
        writer.write(chunk.vectors)
        classes.append(chunk.classes + 1)
    writer.close()
    return np.concatenate(classes)


def read(figures: Figures, index: Index, graph: Graph, classes: np.ndarray) -> None:
    """Everything that is read from the graph, with a third of the objects labelled and 2 % of the labels wrong."""
    rng = np.random.default_rng(1)
    labels = np.where(rng.random(len(classes)) < 1 / 3, classes, 0).astype(np.int32)
    wrong = np.flatnonzero((labels > 0) & (rng.random(len(classes)) < 0.02))
    labels[wrong] = rng.permutation(labels[wrong])
    parent_of = {int(taxon): 1000 + int(taxon) // 10 for taxon in np.unique(classes)}
    largest = int(np.bincount(classes).argmax())
    with timed(figures, "mistakes"):
        found = suspects.mistakes(graph, labels, parent_of)
        found.by_pair()
    head = found.rows[: len(wrong)]
    figures["n_mistakes"] = len(found)
    figures["mistakes_precision"] = round(float((labels[head] != classes[head]).mean()), 3)
    with timed(figures, "refinable"):
        suspects.refinable(graph, labels, parent_of)
    with timed(figures, "duplicates"):
        stands_for = suspects.duplicate_stacks(graph)
    figures["n_duplicates"] = int(np.count_nonzero(stands_for != np.arange(len(graph))))
    with timed(figures, "outliers"):
        suspects.local_outliers(graph, np.flatnonzero(classes == largest), index.vectors)
    with timed(figures, "novelties"):
        suspects.novelties(graph, labels, labels == 0)
    with timed(figures, "stragglers"):
        suspects.stragglers(graph, labels, np.array([largest]), labels == 0)


@contextmanager
def timed(figures: Figures, name: str) -> Iterator[None]:
    """Seconds on the clock, and of all cores together: what other programs on this machine do not lengthen."""
    start, cpu = time.perf_counter(), time.process_time()
    yield
    figures[f"{name}_s"] = round(time.perf_counter() - start, 2)
    figures[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)
    print(f"{name}: {figures[f'{name}_s']} s, {figures[f'{name}_cpu_s']} s of processors", file=sys.stderr, flush=True)


def told() -> Callable[[int, int, str], Any]:
    """Prints each step as it begins."""
    seen: set[str] = set()

    def report(done: int, total: int, step: str) -> None:
        if step not in seen:
            seen.add(step)
            print(f"{time.strftime('%H:%M:%S')} {step}", file=sys.stderr, flush=True)

    return report


if __name__ == "__main__":
    main()
