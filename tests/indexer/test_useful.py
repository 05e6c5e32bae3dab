"""What would teach most is unsure, varied, and not all of the largest taxon."""

import numpy as np
import pytest

from indexer.useful import POOL, most_useful, pool_of, varied


def unit(n: int, d: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_pool_holds_the_least_sure_of_each_taxon_by_the_root_of_its_size() -> None:
    rng = np.random.default_rng(1)
    taxa = np.repeat([5, 9, 700], [10_000, 900, 4]).astype(np.int32)
    margins = rng.random(len(taxa)).astype(np.float32)
    pool = pool_of(margins, taxa, 100)
    assert POOL * 100 <= len(pool.rows) <= POOL * 100 + 3 and len(np.unique(pool.rows)) == len(pool.rows)
    n = {taxon: int(np.count_nonzero(taxa[pool.rows] == taxon)) for taxon in (5, 9, 700)}
    assert n[5] / n[9] == pytest.approx(np.sqrt(10_000 / 900), rel=0.05) and 4 >= n[700] >= 1
    for taxon in (5, 9):
        chosen = margins[pool.rows][taxa[pool.rows] == taxon]
        assert chosen.max() <= np.partition(margins[taxa == taxon], n[taxon] - 1)[n[taxon] - 1]
    assert (pool.sizes[taxa[pool.rows] == 9] == 900).all()


def test_few_are_all_taken_and_nobody_is_taken_of_none() -> None:
    pool = pool_of(np.array([np.nan, 0.2], np.float32), np.array([0, 3], np.int32), 10)
    assert sorted(pool.rows.tolist()) == [0, 1]
    assert len(pool_of(np.empty(0, np.float32), np.empty(0, np.int32), 10).rows) == 0
    none = most_useful(np.empty((0, 4), np.float32), np.empty(0), np.empty(0, np.int32), np.empty(0), 10)
    assert len(none) == 0


def test_what_is_picked_is_picked_once_each_taxon_early() -> None:
    taxa = np.repeat([1, 2, 3], [600, 300, 100]).astype(np.int32)
    margins = np.random.default_rng(2).random(1000).astype(np.float32)
    sizes = np.repeat([600, 300, 100], [600, 300, 100])
    picked = most_useful(unit(1000, 8, 3), margins, taxa, sizes, 90)
    assert len(picked) == len(set(picked.tolist())) == 90
    assert set(taxa[picked[:6]].tolist()) == {1, 2, 3}
    assert np.array_equal(picked, most_useful(unit(1000, 8, 3), margins, taxa, sizes, 90))


def test_the_varied_come_from_every_heap() -> None:
    centres = np.eye(8, dtype=np.float32)
    heaps = np.repeat(centres, [400, 20, 20, 20, 20, 20, 20, 20], axis=0) + 0.02 * unit(540, 8, 4)
    heaps /= np.linalg.norm(heaps, axis=1, keepdims=True)
    picked = varied(heaps, np.ones(540), 8, np.random.default_rng(5))
    assert set(heaps[picked].argmax(axis=1).tolist()) == set(range(8))
    many = varied(heaps, np.ones(540), 300, np.random.default_rng(5))
    assert len(set(many.tolist())) == 300
