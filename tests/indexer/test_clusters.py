"""Cards: every vector in exactly one, dense ones apart from loose ones, joined to any number, always the same."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import clusters, embedders
from indexer.embedding import embed_stream
from tests.benchmarks.recipes import chunks


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)).astype(np.float32)


def heaps(n_heaps: int, size: int, spread: float = 0.05, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Tight heaps of vectors, with the heap of each."""
    rng = np.random.default_rng(seed)
    heap = np.repeat(np.arange(n_heaps), size)
    return unit(unit(rng.standard_normal((n_heaps, 32)))[heap] + spread * rng.standard_normal((len(heap), 32))), heap


def purity(card: np.ndarray, kind: np.ndarray) -> float:
    table = np.zeros((card.max() + 1, kind.max() + 1), int)
    np.add.at(table, (card, kind), 1)
    return float(table.max(axis=1).sum() / len(kind))


@pytest.mark.parametrize("n", [0, 1, 2, 10, 11, 300])
@pytest.mark.parametrize("dense_up_to", [0, 1000])
def test_every_vector_is_in_one_leaf_and_every_leaf_has_one(n: int, dense_up_to: int) -> None:
    vectors = unit(np.random.default_rng(n).standard_normal((n, 16)))
    tree = clusters.cut(vectors, dense_up_to=dense_up_to)
    assert tree.leaf.shape == tree.distance.shape == (n,)
    assert set(tree.leaf.tolist()) == set(range(tree.n_leaves))
    assert tree.merges.shape == (max(tree.n_leaves - 1, 0), 2)
    assert len(tree.loose) == tree.n_leaves == len(tree.centroids)


@pytest.mark.parametrize("dense_up_to", [0, 1000])
def test_vectors_that_are_all_equal_stand_together(dense_up_to: int) -> None:
    tree = clusters.cut(np.tile(unit(np.ones(16)), (300, 1)), dense_up_to=dense_up_to)
    assert tree.n_leaves == 1 and not tree.loose.any()
    assert tree.distance.max() < 1e-5


def test_heaps_are_found_and_what_lies_between_is_loose() -> None:
    tight, heap = heaps(6, 40)
    between = unit(np.random.default_rng(1).standard_normal((200, 32)))
    tree = clusters.cut(np.concatenate([tight, between]))
    assert purity(tree.leaf[: len(heap)], heap) == 1
    assert np.mean(~tree.loose[tree.leaf[: len(heap)]]) > 0.8
    assert np.mean(tree.loose[tree.leaf[len(heap) :]]) > 0.7


@pytest.mark.parametrize("dense_up_to", [0, 1000])
def test_leaves_are_joined_to_any_number_of_cards_each_within_the_one_before(dense_up_to: int) -> None:
    vectors, heap = heaps(8, 60)
    tree = clusters.cut(vectors, dense_up_to=dense_up_to)
    finer = tree.cards(tree.n_leaves)
    assert len(set(finer.tolist())) == tree.n_leaves
    for n_cards in range(tree.n_leaves - 1, 0, -1):
        cards = tree.cards(n_cards)
        assert len(set(cards.tolist())) == n_cards
        assert len(set(zip(finer.tolist(), cards.tolist(), strict=True))) == len(set(finer.tolist()))
        finer = cards
    assert purity(tree.cards(8)[tree.leaf], heap) == 1


@pytest.mark.parametrize("dense_up_to", [0, 10_000])
def test_the_same_vectors_give_the_same_cards(dense_up_to: int) -> None:
    vectors = next(chunks("clustered", 3000, 64)).vectors
    one, other = (clusters.cut(vectors, seed=5, dense_up_to=dense_up_to) for _ in range(2))
    assert np.array_equal(one.leaf, other.leaf) and np.array_equal(one.merges, other.merges)


def test_a_file_of_half_precision_is_cut_like_the_vectors_in_memory(tmp_path: Path) -> None:
    vectors = next(chunks("clustered", 3000, 64)).vectors.astype(np.float16)
    np.save(tmp_path / "v.npy", vectors)
    in_file = clusters.cut(np.load(tmp_path / "v.npy", mmap_mode="r"), dense_up_to=0)
    assert np.array_equal(in_file.leaf, clusters.cut(vectors.astype(np.float32), dense_up_to=0).leaf)


def test_it_says_how_far_it_is_and_stops_where_it_is_told_to() -> None:
    vectors = next(chunks("clustered", 3000, 64)).vectors
    steps: list[str] = []
    clusters.cut(vectors, report=lambda done, total, step: steps.append(step), dense_up_to=0)
    assert {"finding centres", "sorting into cards", "joining cards"} <= set(steps)

    def stop(done: int, total: int, step: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clusters.cut(vectors, report=stop, dense_up_to=0)


@given(st.integers(1, 30), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_middle_of_parts_is_that_of_all_of_them(n_parts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(rng.standard_normal((100, 8)) + 1)
    part = np.unique(rng.integers(0, n_parts, 100), return_inverse=True)[1]
    sizes = np.bincount(part)
    middles = unit(np.array([vectors[part == k].mean(axis=0) for k in range(len(sizes))]))
    spreads = np.array([np.mean(1 - vectors[part == k] @ middles[k]) for k in range(len(sizes))])
    middle, spread = clusters.middle_of(sizes, spreads, middles)
    assert np.allclose(middle, unit(vectors.mean(axis=0)), atol=1e-4)
    assert spread == pytest.approx(float(np.mean(1 - vectors @ middle)), abs=1e-4)


def test_ward_joins_what_loses_least_and_weighs_sizes() -> None:
    middles, sizes = np.array([[0.0], [1.0], [10.0], [11.5]], np.float32), np.array([1000, 1000, 1, 1])
    merges = clusters.ward(middles, sizes)
    # Were sizes all the same, 0 and 1 would be joined before 2 and 3.
    assert [set(pair) for pair in merges.tolist()] == [{2, 3}, {1, 4}, {0, 5}]


def test_a_card_is_split_between_its_kinds() -> None:
    vectors, heap = heaps(5, 30, 0.1)
    part = clusters.split(vectors, 5)
    assert purity(part, heap) == 1 and len(set(part.tolist())) == 5
    assert clusters.split(vectors[:1], 2).tolist() == [0]


def test_others_belong_to_the_leaf_they_lie_in_or_to_none() -> None:
    vectors, _ = heaps(5, 40)
    tree = clusters.cut(vectors)
    far = -vectors[:1]
    assert np.mean(clusters.belonging(tree, vectors) == tree.leaf) > 0.95
    assert clusters.belonging(tree, far).tolist() == [-1]
    assert clusters.belonging(tree, vectors[:0]).tolist() == []


def test_a_tree_without_some_of_its_vectors_is_joined_as_before() -> None:
    vectors, kind = heaps(6, 30)
    tree = clusters.cut(vectors)
    whole = tree.cards(6)[tree.leaf]
    gone = (kind == 2) | (np.arange(len(kind)) % 7 == 0)
    left, number = clusters.without(tree, gone)
    assert len(left.leaf) == np.count_nonzero(~gone) and set(left.leaf.tolist()) == set(range(left.n_leaves))
    assert left.n_leaves == len(left.loose) == np.count_nonzero(number[:-1] >= 0) and number[-1] == -1
    assert np.allclose(left.centroids[left.leaf], tree.centroids[tree.leaf[~gone]])
    assert len(left.merges) == left.n_leaves - 1
    pairs = {(one, other) for one, other in zip(whole[~gone].tolist(), left.cards(5)[left.leaf].tolist(), strict=True)}
    assert len(pairs) == 5
    nothing, _ = clusters.without(tree, np.ones(len(kind), bool))
    assert nothing.n_leaves == 0 and len(nothing.cards(3)) == 0


def test_the_pure_and_the_large_bring_most() -> None:
    n, share = np.array([10, 400, 400, 400]), np.array([0.95, 0.95, 0.6, 0.3])
    gain = clusters.expected_gain(n, share)
    assert gain[1] > gain[0] > gain[2] > gain[3]
    prior = clusters.purity_by_spread(np.array([0.05, 0.2, 0.5]), 0.5)
    assert prior[0] > 0.75 > prior[1] > prior[2]
    known = clusters.expected_purity(np.array([0.5, 0.5, 0.5]), np.array([0, 50, 50]), np.array([0, 50, 10]))
    assert known[0] == 0.5 and known[1] > 0.9 and known[2] < 0.3


def test_real_plankton_is_cut_no_worse_than_by_k_means_alone(shared_data: Path, tmp_path: Path) -> None:
    images = zipfile.ZipFile(shared_data / "data" / "whoi_ifcb.zip")
    names = sorted(name for name in images.namelist() if name.lower().endswith((".png", ".jpg", ".jpeg")))
    counts = {name.split("/")[-2]: 0 for name in names}
    for name in names:
        counts[name.split("/")[-2]] += 1
    kinds = sorted(kind for kind, n in counts.items() if n >= 5)[:60]
    chosen = [name for name in names if name.split("/")[-2] in kinds]
    data = {name: images.read(name) for name in chosen}
    embedder = embedders.get("lite0-128", tmp_path, "cpu", 1)
    stream = embed_stream(embedder, ((name, lambda name=name: data[name]) for name in chosen), 1, 100_000_000)
    batches = list(stream)
    keys = [key for batch in batches for key in batch.keys]
    vectors = np.concatenate([batch.vectors for batch in batches]).astype(np.float32)
    kind = np.array([kinds.index(key.split("/")[-2]) for key in keys])
    tree = clusters.cut(vectors)
    for n_cards in (20, 40):
        ours, alone = tree.cards(n_cards)[tree.leaf], clusters.k_means(vectors, n_cards)
        assert purity(ours, kind) > purity(alone, kind) - 0.03
        assert purity(ours, kind) > 2 * purity(np.random.default_rng(1).permutation(ours), kind) - 0.1
