"""What labelled groups say of each other."""

import numpy as np

from indexer.agreement import compare


def around(kinds: list[int], seed: int, spread: float = 0.3) -> np.ndarray:
    """A vector near to the direction of each kind."""
    middles = np.random.default_rng(0).standard_normal((5, 24))
    made = middles[kinds] + spread * np.random.default_rng(seed).standard_normal((len(kinds), 24))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


KINDS = [0] * 20 + [1] * 20


def test_groups_that_name_the_same_alike_contradict_nowhere() -> None:
    vectors = np.concatenate([around(KINDS, 1), around(KINDS, 2)])
    told = compare(vectors, np.array(KINDS * 2), np.repeat([7, 8], 40))
    assert told.contradictions == []
    assert (told.n_alike, told.n_alike_other) == (0, 0)


def test_what_one_group_calls_otherwise_is_told_with_how_many_bear_it_out() -> None:
    vectors = np.concatenate([around(KINDS, 1), around(KINDS, 2)])
    taxa = np.array(KINDS + [4] * 20 + [1] * 20)
    told = compare(vectors, taxa, np.repeat([7, 8], 40)).contradictions
    assert {(one.taxon, one.group, one.other_taxon, one.other_group) for one in told} == {(0, 7, 4, 8), (4, 8, 0, 7)}
    assert all(3 <= one.n == one.n_compared <= 20 for one in told)


def test_a_kind_that_the_other_group_does_not_have_is_no_contradiction() -> None:
    vectors = np.concatenate([around(KINDS, 1), around([2] * 30, 2)])
    told = compare(vectors, np.array(KINDS + [2] * 30), np.repeat([7, 8], [40, 30]))
    assert told.contradictions == []


def test_the_same_images_in_two_groups_are_counted_and_those_with_another_name() -> None:
    vectors = around(KINDS, 1)
    taxa = np.array(KINDS + [0] * 20 + [1] * 15 + [3] * 5)
    told = compare(np.concatenate([vectors, vectors]), taxa, np.repeat([7, 8], 40))
    assert (told.n_alike, told.n_alike_other) == (80, 10)
