"""What the neighbours of unlabelled rows speak for."""

import numpy as np

from indexer.graph import Graph
from indexer.matches import nearness, spoken_for, usual_distances, votes_of
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
    loud = np.ones((2, 5), np.float32)
    label, agreement = votes_of(np.array([[1, 0], [0, 1]], np.float32), known, labels, 3, loud)
    assert label.tolist() == [5, 9] and np.allclose(agreement, 2 / 3)
    label, agreement = votes_of(np.array([[1, 0]], np.float32), known, labels, 50, loud[:1])
    assert label.tolist() == [5] and np.allclose(agreement, 2 / 5)
    label, agreement = votes_of(np.array([[1, 0]], np.float32), known, labels, 3, np.array([[0.1, 0.1, 0.9, 1, 1]]))
    assert label.tolist() == [8] and np.allclose(agreement, 0.3)
    assert len(votes_of(np.empty((0, 2), np.float32), known, labels, 3, loud[:0])[0]) == 0


def at(angles: list[float]) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_what_is_as_near_as_the_known_among_themselves_is_heard_in_full() -> None:
    known = at([0.0, 0.1, 0.2, 0.4, 0.7])  # to the nearest other: 0.1, 0.1, 0.1, 0.2, 0.3
    usual = usual_distances(known)
    assert np.allclose(np.arccos(1 - usual), [0.1, 0.1, 0.1, 0.2, 0.3], atol=1e-3)
    asked = at([0.05, -0.15, -0.25, -1.0])
    assert np.allclose(nearness(asked, known, usual), [1, 1, 0.8, 0])
    assert np.allclose(nearness(known, known, usual), 1)


def test_one_that_is_known_alone_has_no_usual_distance_and_is_heard() -> None:
    usual = usual_distances(at([0.3]))
    assert len(usual) == 0 and nearness(at([2.0]), at([0.3]), usual).tolist() == [1]
