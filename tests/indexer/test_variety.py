"""Some of many, chosen for their variety."""

import numpy as np

from indexer.variety import varied


def groups(sizes: list[int], spread: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Vectors around as many directions, and the group of each."""
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((len(sizes), 32))
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    of = np.repeat(np.arange(len(sizes)), sizes)
    made = middles[of] + spread * rng.standard_normal((len(of), 32)) / np.sqrt(32)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16), of


def test_exactly_as_many_as_are_wanted_and_the_same_ones_for_a_seed() -> None:
    vectors, _ = groups([400, 300, 300])
    for k in (1, 7, 8, 9, 100, 999):
        chosen = varied(vectors, k, 5)
        assert len(set(chosen.tolist())) == k
        assert chosen.tolist() == varied(vectors, k, 5).tolist()
    assert varied(vectors, 50, 5).tolist() != varied(vectors, 50, 6).tolist()
    assert varied(vectors, 2000, 5).tolist() == list(range(1000))


def test_every_kind_has_somebody_where_chance_forgets_some() -> None:
    vectors, of = groups([100] * 10)
    chosen = [len(set(of[varied(vectors, 16, seed)].tolist())) for seed in range(10)]
    by_chance = [len(set(np.random.default_rng(s).choice(of, 16, replace=False).tolist())) for s in range(10)]
    assert np.mean(chosen) > np.mean(by_chance) + 0.5


def test_copies_of_one_vector_do_no_harm() -> None:
    vectors = np.tile(groups([1])[0], (200, 1))
    assert len(set(varied(vectors, 50, 1).tolist())) == 50


def test_the_middle_of_a_cloud_stands_for_it_rather_than_its_edge() -> None:
    vectors, _ = groups([500], spread=0.5)
    middle = vectors.astype(np.float32).mean(axis=0)
    nearness = vectors.astype(np.float32) @ middle / np.linalg.norm(middle)
    assert nearness[varied(vectors, 5, 1)].mean() > nearness.mean()
