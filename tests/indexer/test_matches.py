"""What the neighbours of unlabelled rows speak for."""

import numpy as np

from indexer.graph import Graph
from indexer.matches import reach, spoken_for, votes_of
from indexer.suspects import AGAINST, agreement


def graph_of(rows: list[list[int]]) -> Graph:
    near = np.array(rows, np.int32)
    return Graph(near, np.where(near >= 0, 0.1, np.inf).astype(np.float16), 1.0)


def test_the_commonest_label_of_the_neighbours_wins() -> None:
    graph = graph_of([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
    labels = np.array([0, 7, 9, 9], np.int32)
    spoken = spoken_for(graph, labels, np.array([0, 1]))
    assert spoken.label.tolist() == [9, 9] and spoken.n_labelled.tolist() == [3, 2]
    assert np.allclose(spoken.agreement, [2 / (3 + AGAINST), 2 / (2 + AGAINST)])


def test_of_equally_many_the_smallest_number_wins_and_none_is_no_label() -> None:
    graph = graph_of([[1, 2, -1], [0, -1, -1], [-1, -1, -1]])
    spoken = spoken_for(graph, np.array([0, 8, 5], np.int32), np.array([0, 1, 2]))
    assert spoken.label.tolist() == [5, 0, 0] and not spoken.enough.any()


def test_the_agreement_is_that_by_which_stragglers_are_found() -> None:
    rng = np.random.default_rng(2)
    graph = graph_of(rng.integers(-1, 200, (200, 30)).tolist())
    labels = rng.integers(0, 4, 200).astype(np.int32)
    spoken = spoken_for(graph, labels, np.arange(200))
    for taxon in (1, 2, 3):
        mine = np.flatnonzero(spoken.label == taxon)
        assert np.allclose(agreement(graph, labels, np.array([taxon]), mine), spoken.agreement[mine])


def test_no_rows_are_spoken_for_by_nobody() -> None:
    assert len(spoken_for(graph_of([[-1]]), np.zeros(1, np.int32), np.empty(0, np.int64)).label) == 0


def test_the_nearest_of_what_is_known_vote() -> None:
    known = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]], np.float16)
    labels = np.array([5, 5, 8, 9, 9], np.int32)
    label, agreement, nearest = votes_of(np.array([[1, 0], [0, 1]], np.float32), known, labels, 3)
    assert label.tolist() == [5, 9] and np.allclose(agreement, 2 / 3) and np.allclose(nearest, 1)
    label, agreement, nearest = votes_of(np.array([[1, 0]], np.float32), known, labels, 50)
    assert label.tolist() == [5] and nearest.tolist() == [1] and np.allclose(agreement, 2 / 5)
    assert len(votes_of(np.empty((0, 2), np.float32), known, labels, 3)[0]) == 0


def test_how_near_what_is_known_stands_to_its_own_kind() -> None:
    angles = np.array([0.0, 0.1, 0.2, 1.5])
    known = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert np.isclose(reach(known, np.array([1, 1, 1, 2], np.int32)), np.cos(0.1))
    assert reach(known, np.array([1, 2, 3, 4], np.int32)) == 1
