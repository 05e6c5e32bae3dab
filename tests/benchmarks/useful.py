"""What it gains to label what would teach most instead of any objects, simulated on labelled vectors.

    python -m tests.benchmarks.useful --vectors FILE.npz [--start 400] [--batch 400] [--rounds 4] [--pool 8000]

FILE.npz holds `vectors` float32 [n, d] and `labels`. A quarter is kept to test on. From the first labels on, batch by
batch, a shrinkage discriminant is fitted and asked which objects come next; the same with objects drawn at random, and
with those of the least margin. Then the choice among a million objects is timed. Last line: one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import accuracy_score, recall_score

from indexer.useful import most_useful, pool_of

N_TAXA, DIMENSION, MILLION, WANTED = 200, 256, 1_000_000, 1000
Pick = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


def by_chance(vectors: np.ndarray, chances: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(len(vectors), k, replace=False)


def by_margin(vectors: np.ndarray, chances: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    return np.argsort(margins_of(chances))[:k]


def by_use(vectors: np.ndarray, chances: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    margins, first = margins_of(chances), chances.argmax(axis=1)
    pool = pool_of(margins, first, k)
    rows = pool.rows
    return rows[most_useful(vectors[rows], margins[rows], first[rows], pool.sizes, k, int(rng.integers(2**31)))]


def margins_of(chances: np.ndarray) -> np.ndarray:
    best = np.partition(chances, -2, axis=1)
    return (best[:, -1] - best[:, -2]).astype(np.float32)


PICKS: dict[str, Pick] = {"random": by_chance, "margin": by_margin, "useful": by_use}


def simulate(
    vectors: np.ndarray, labels: np.ndarray, pick: Pick, asked: argparse.Namespace, seed: int
) -> list[tuple[float, float]]:
    """Accuracy and mean recall on held-out objects after each round."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(vectors))
    test, rest = order[: len(order) // 4], order[len(order) // 4 :][: asked.pool]
    known, left, figures = rest[: asked.start], rest[asked.start :], []
    for round_number in range(asked.rounds + 1):
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1).fit(vectors[known], labels[known])
        said = model.predict(vectors[test])
        recall = recall_score(labels[test], said, average="macro", zero_division=0)
        figures.append((float(accuracy_score(labels[test], said)), float(recall)))
        if round_number < asked.rounds:
            picked = pick(vectors[left], model.predict_proba(vectors[left]), asked.batch, rng)
            known, left = np.append(known, left[picked]), np.delete(left, picked)
    return figures


def time_a_million() -> float:
    """Seconds to choose 1,000 of a million objects, of 200 taxa of very different sizes."""
    rng = np.random.default_rng(1)
    margins = rng.random(MILLION, np.float32)
    taxa = (N_TAXA * rng.random(MILLION) ** 3).astype(np.int32)
    vectors = rng.standard_normal((100_000, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    start = time.perf_counter()
    pool = pool_of(margins, taxa, WANTED)
    rows = pool.rows
    most_useful(vectors[rows % len(vectors)], margins[rows], taxa[rows], pool.sizes, WANTED)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--vectors", required=True)
    for name, usual in {"start": 400, "batch": 400, "rounds": 4, "pool": 8000, "seeds": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    file = np.load(asked.vectors, allow_pickle=False)
    vectors, labels = file["vectors"], np.unique(file["labels"], return_inverse=True)[1]
    told: dict[str, float] = {"labels": asked.start + asked.rounds * asked.batch}
    for name, pick in PICKS.items():
        runs = np.array([simulate(vectors, labels, pick, asked, seed) for seed in range(asked.seeds)])
        means = runs.mean(axis=0)
        steps = [asked.start + k * asked.batch for k in range(asked.rounds + 1)]
        print(
            f"{name:8}",
            "  ".join(f"{n}: {100 * a:.1f} / {100 * r:.1f}" for n, (a, r) in zip(steps, means, strict=True)),
        )
        told |= {f"accuracy_{name}": round(float(means[-1, 0]), 4), f"recall_{name}": round(float(means[-1, 1]), 4)}
    told["pick_1m_s"] = round(time_a_million(), 3)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
