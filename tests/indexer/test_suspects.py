"""What neighbours tell of labels, on vectors whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import suspects
from indexer.graph import Graph, InMemory, build_graph
from indexer.suspects import (
    agreement,
    duplicate_stacks,
    local_outliers,
    mistakes,
    novelties,
    refinable,
    stragglers,
    unlike_known,
)

# 10 has the children 11 and 12; 11 has the child 13; 20 stands apart; 30 is above all and labels nothing.
PARENT_OF = {10: 30, 11: 10, 12: 10, 13: 11, 20: 30, 30: None}


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def groups() -> SimpleNamespace:
    """Four groups of 100 vectors each, far from each other."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(4), 100)
    vectors = unit(unit(rng.standard_normal((4, 32)))[group] + 0.08 * rng.standard_normal((400, 32)))
    return SimpleNamespace(group=group, vectors=vectors, graph=build_graph(InMemory(vectors)))


def labelled(groups: SimpleNamespace, taxa: list[int]) -> np.ndarray:
    return np.array(taxa, np.int32)[groups.group]


def test_a_label_among_strangers_is_a_likely_mistake(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [11, 12, 20, 0])
    labels[[5, 105, 205]] = [20, 20, 12]
    found = mistakes(groups.graph, labels, PARENT_OF)
    told = {
        (int(row), int(own), int(other)) for row, own, other in zip(found.rows, found.taxa, found.others, strict=True)
    }
    assert told == {(5, 20, 11), (105, 20, 12), (205, 12, 20)}
    assert (found.suspicion > 0.9).all() and (np.diff(found.suspicion) <= 0).all()


def test_ancestor_and_descendant_do_not_disagree(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [13, 12, 20, 20])
    labels[[5, 6, 7]] = [11, 10, 12]
    assert mistakes(groups.graph, labels, PARENT_OF).rows.tolist() == [7], "only 12 and 13 are no lineage"


def test_votes_for_descendants_are_votes_for_what_is_above_them(groups: SimpleNamespace) -> None:
    """No single one of them has enough, but all of them are of one branch."""
    labels = labelled(groups, [10, 20, 20, 20])
    labels[:100] = np.resize([10, 11, 12, 13], 100)
    labels[0] = 20
    found = mistakes(groups.graph, labels, PARENT_OF)
    assert found.rows.tolist() == [0] and found.others.tolist() == [10]


def test_mistakes_come_grouped_by_pair_of_taxa(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [11, 12, 20, 20])
    labels[[1, 2, 3, 110]] = [20, 20, 12, 11]
    found = mistakes(groups.graph, labels, PARENT_OF)
    pairs = found.by_pair()
    assert next((own, other, len(places)) for own, other, places in pairs) == (20, 11, 2)
    assert {(own, other) for own, other, _ in pairs} == {(20, 11), (12, 11), (11, 12)}
    assert sorted(np.concatenate([places for *_, places in pairs]).tolist()) == list(range(4))
    assert mistakes(groups.graph, np.zeros(400, np.int32), PARENT_OF).by_pair() == []


def test_objects_at_a_parent_are_proposed_the_child_that_their_neighbours_have(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [12, 13, 10, 20])
    labels[[5, 105]] = 10
    found = refinable(groups.graph, labels, PARENT_OF)
    assert list(zip(found.rows.tolist(), found.others.tolist(), strict=True)) == [(5, 12), (105, 13)]


def test_few_labelled_neighbours_accuse_nobody(groups: SimpleNamespace) -> None:
    labels = np.zeros(400, np.int32)
    labels[[0, 1, 2]] = [20, 11, 11]
    assert len(mistakes(groups.graph, labels, PARENT_OF)) == 0


def brute_suspicion(graph: Graph, labels: np.ndarray, row: int) -> float:
    """By counting, where no taxon has a parent."""
    near = [int(labels[other]) for other in graph.rows[row] if other >= 0 and labels[other]]
    against = [taxon for taxon in near if taxon != labels[row]]
    if len(near) < 3 or not against:
        return 0.0
    most = max(against.count(taxon) for taxon in set(against))
    return most / (most + len(near) - len(against) + 0.02 * len(near))


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 120), st.integers(1, 12), st.integers(0, 50), st.floats(0.1, 0.95))
def test_suspicion_is_what_counting_gives(n: int, k: int, seed: int, least: float) -> None:
    rng = np.random.default_rng(seed)
    graph = build_graph(InMemory(unit(rng.standard_normal((n, 4)))), k)
    labels = rng.integers(0, 4, n).astype(np.int32)
    found = mistakes(graph, labels, {}, least)
    expected = {row: brute_suspicion(graph, labels, row) for row in np.flatnonzero(labels).tolist()}
    wanted = {row: value for row, value in expected.items() if value >= least + 1e-6}
    assert set(wanted) <= set(found.rows.tolist()) <= {row for row, value in expected.items() if value >= least - 1e-6}
    for row, value in zip(found.rows.tolist(), found.suspicion.tolist(), strict=True):
        assert value == pytest.approx(expected[row], abs=1e-6)


def test_parts_of_a_large_graph_give_the_same_as_the_whole(
    groups: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.random.default_rng(2).permutation(labelled(groups, [11, 12, 20, 0]))
    whole = mistakes(groups.graph, labels, PARENT_OF, 0.5)
    strange = novelties(groups.graph, labels, labels == 0)
    monkeypatch.setattr(suspects, "CHUNK", 33)
    parts = mistakes(groups.graph, labels, PARENT_OF, 0.5)
    assert whole.rows.tolist() == parts.rows.tolist() and whole.others.tolist() == parts.others.tolist()
    assert strange[0].tolist() == novelties(groups.graph, labels, labels == 0)[0].tolist()


def test_stragglers_are_what_labelled_neighbours_claim(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [11, 20, 20, 0])
    left = [3, 50, 99]
    labels[left] = 0
    labels[102] = 0
    rows, agreeing = stragglers(groups.graph, labels, np.array([11, 13]), labels == 0)
    assert sorted(rows.tolist()) == left
    assert (agreeing > 0.85).all()
    none_shown = stragglers(groups.graph, labels, np.array([11, 13]), (labels == 0) & (np.arange(400) != 50))
    assert sorted(none_shown[0].tolist()) == [3, 99], "what was shown before is none"
    assert agreement(groups.graph, labels, np.array([11]), np.array([350])).tolist() == [0]


def test_an_unknown_group_is_as_new_as_a_single_stranger(groups: SimpleNamespace) -> None:
    labels = labelled(groups, [11, 12, 20, 0])
    labels[::3] = 0
    rows, familiar = novelties(groups.graph, labels, labels == 0)
    assert set(rows[:100].tolist()) == set(range(300, 400))
    assert len(rows) == np.count_nonzero(labels == 0) and (np.diff(familiar) >= 0).all()
    assert novelties(groups.graph, labels, labels == 0, most=10)[0].tolist() == rows[:10].tolist()
    assert len(novelties(groups.graph, np.zeros(400, np.int32), labels == 0)[0]) == 0


def test_outliers_are_least_like_their_own_kind_in_whichever_of_its_forms(groups: SimpleNamespace) -> None:
    """A taxon of two far groups: their mean lies nowhere, and a stranger near it would be the best member."""
    members = np.concatenate([np.arange(100), np.arange(100, 200), [205, 310]])
    rows, scores = local_outliers(groups.graph, members, lambda rows: groups.vectors[rows])
    assert set(rows[:2].tolist()) == {205, 310}
    assert sorted(rows.tolist()) == sorted(members.tolist()) and (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_a_taxon_of_few_members_has_an_order_too(groups: SimpleNamespace, n: int) -> None:
    rows, scores = local_outliers(groups.graph, np.arange(n), lambda rows: groups.vectors[rows])
    assert sorted(rows.tolist()) == list(range(n)) and np.isfinite(scores).all()


def test_of_a_large_taxon_the_ones_among_strangers_are_compared(
    groups: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suspects, "MOST_COMPARED", 20)
    monkeypatch.setattr(suspects, "MOST_OTHERS", 60)
    rows, _ = local_outliers(groups.graph, np.append(np.arange(100), [205, 310]), lambda rows: groups.vectors[rows])
    assert len(rows) == 20 and set(rows[:2].tolist()) == {205, 310}


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 60), st.integers(1, 10), st.floats(0.0001, 0.5), st.integers(0, 20))
def test_all_of_a_stack_are_alike_to_what_stands_for_it(n: int, different: int, alike: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(rng.standard_normal((different, 6)))[rng.integers(0, different, n)]
    vectors = unit(vectors + 0.05 * rng.standard_normal((n, 6)))
    graph = build_graph(InMemory(vectors), 59)
    stands_for = duplicate_stacks(graph, alike)
    assert (stands_for[stands_for] == stands_for).all()
    apart = stands_for != np.arange(n)
    distances = 1 - np.einsum("ij,ij->i", vectors, vectors[stands_for])
    assert (distances[apart] <= alike + 2e-3).all()
    firsts = np.flatnonzero(~apart)
    if len(firsts) > 1:
        between = 1 - vectors[firsts] @ vectors[firsts].T + 2 * np.eye(len(firsts))
        assert between.min() > alike - 2e-3, "two that are alike are never apart"


def test_a_chain_is_not_one_stack() -> None:
    angles = np.arange(20) * 0.1
    graph = build_graph(InMemory(np.stack([np.cos(angles), np.sin(angles)], axis=1)))
    sizes = np.bincount(duplicate_stacks(graph, 0.006))
    assert sizes.max() == 3
    assert duplicate_stacks(graph, 0.001).tolist() == list(range(20))


def test_what_a_known_vector_is_near_to_is_not_unlike_all_that_is_known() -> None:
    rng = np.random.default_rng(2)
    centres = unit(rng.standard_normal((3, 12)))
    vectors = unit(centres[np.arange(90) % 3] + 0.1 * rng.standard_normal((90, 12)))
    source = InMemory(vectors)
    graph = build_graph(source)
    rows = np.arange(90)
    known = unit(centres[:2] + 0.02 * rng.standard_normal((2, 12)))
    unlike, excess = unlike_known(graph, rows, source.vectors, known)
    assert np.count_nonzero(unlike % 3 == 2) == 30 and (excess > 0).all()
    assert np.count_nonzero(unlike % 3 != 2) < 6, "at the edge of a group a few others may be nearer"
    assert len(unlike_known(graph, rows[:0], source.vectors, known)[0]) == 0
    assert len(unlike_known(graph, rows, source.vectors, vectors)[0]) == 0


def test_equal_vectors_are_one_stack_or_as_few_as_their_neighbours_allow() -> None:
    same = build_graph(InMemory(np.repeat(unit(np.ones((1, 8))), 25, axis=0)))
    assert len(np.unique(duplicate_stacks(same))) == 1
    labels = np.ones(25, np.int32)
    assert len(mistakes(same, labels, {})) == 0
    rows, _ = novelties(same, np.append(labels[:5], np.zeros(20, np.int32)), np.ones(25, bool))
    assert sorted(rows.tolist()) == list(range(5, 25))
