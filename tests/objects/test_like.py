"""The board in the order of likeness: endless, without a repeat, and honest about what cannot be compared."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app import search
from app.database import Db
from app.errors import NotFound, Refused
from app.objects import like_list
from app.objects.board import Page, page
from app.objects.detail import find_object, label_of, neighbours_of, suggestions_of
from app.objects.filters import Filter
from app.objects.orders import Order
from app.projects.access import Project
from app.search import generations
from app.settings import load_settings
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import Person, SmallProject, make_project

N, N_WITHOUT, LIMIT = 300, 20, 11


@pytest.fixture
def small(db: Db) -> SmallProject:
    return make_project(db, N)


@pytest.fixture(params=["without an index", "deep in an index"])
def vectors(
    db: Db,
    small: SmallProject,
    seen: Project,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> np.ndarray:
    """Unit vectors of all objects but the last; a third of them are copies of a few, so that distances tie.

    With an index, it misses the latest ones, and from the third page on the list is a whole ranking.
    """
    made = unit_vectors(N - N_WITHOUT, 8)
    made[::3] = made[np.arange(len(made[::3])) % 4 * 3]
    embedder_id = make_embedder(db, 8)
    db.execute("update project set embedder_id = %s, data_version = data_version + 1", [embedder_id])
    n_indexed = 0
    if request.param == "deep in an index":
        search.configure(load_settings({"SHOAL_HOME": str(tmp_path / "home")}))
        monkeypatch.setattr(generations, "WORTH_A_FILE", 100)
        monkeypatch.setattr(like_list, "DEEP", 2 * LIMIT)
        n_indexed = len(made) - 40
        add_vectors(db, embedder_id, small.id, small.ids[:n_indexed], made[:n_indexed])
        db.commit()
        assert generations.build(db, search.index_folder(), small.id, embedder_id).n == n_indexed
    add_vectors(db, embedder_id, small.id, small.ids[n_indexed : len(made)], made[n_indexed:])
    return made


@pytest.fixture
def compared(db: Db, seen: Project, vectors: np.ndarray) -> Project:
    """The project as its board sees it, now with vectors."""
    return replace(seen, embedder_id=db.execute("select embedder_id from project").fetchone().embedder_id)


def scroll(
    db: Db, project: Project, filter: Filter, order: Order, between: Callable[[Page], None] = lambda shown: None
) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    cursor = None
    while True:
        shown = page(db, project, filter, order, cursor, LIMIT)
        found += [(tile["id"], tile["distance"]) for tile in shown.tiles]
        cursor = shown.next_cursor
        if cursor is None:
            return found
        between(shown)


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_scrolling_to_the_end_shows_every_comparable_object_once_in_order(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray, direction: str
) -> None:
    found = scroll(db, compared, Filter(), Order("like", direction, examples=(small.ids[0],)))
    ids = [object_id for object_id, _ in found]
    distances = np.array([distance for _, distance in found])
    assert sorted(ids) == small.ids[: len(vectors)]
    assert np.all(np.diff(distances) >= 0) if direction == "asc" else np.all(np.diff(distances) <= 0)
    true = 1 - vectors @ vectors[0]
    assert np.allclose(distances, [true[i - small.ids[0]] for i in ids], atol=2e-3)


def test_labels_that_change_between_pages_neither_skip_nor_repeat_others(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray, ada: Person
) -> None:
    left: set[int] = set()

    def label_some(shown: Page) -> None:
        chosen = [tile["id"] for tile in shown.tiles][::4] + [i for i in small.ids if i not in left][-2:]
        small.do(ada, chosen, taxon="Oithona")
        left.update(chosen)

    filter, order = Filter(statuses=frozenset("U")), Order("like", examples=(small.ids[5],))
    ids = [object_id for object_id, _ in scroll(db, compared, filter, order, label_some)]
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(small.ids[: len(vectors)]) - left


def test_objects_without_a_vector_are_counted_and_said(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray
) -> None:
    shown = page(db, compared, Filter(), Order("like", examples=(small.ids[0],)))
    assert (shown.n_without_vector, shown.n_total, shown.recall) == (N_WITHOUT, len(vectors), 1.0)


def test_a_page_is_full_under_a_narrow_filter(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray, ada: Person
) -> None:
    small.do(ada, small.ids[3:280:20], taxon="Oithona")
    filter = Filter(statuses=frozenset("V"))
    shown = page(db, compared, filter, Order("like", examples=(small.ids[0],)), None, LIMIT)
    assert len(shown.tiles) == LIMIT
    assert {tile["status"] for tile in shown.tiles} == {"V"}


def test_examples_that_are_not_there_are_refused_with_what_to_do(
    db: Db, small: SmallProject, seen: Project, compared: Project
) -> None:
    for examples in ((999_999,), (small.ids[-1],)):
        with pytest.raises(NotFound, match="Choose others"):
            page(db, compared, Filter(), Order("like", examples=examples))
    with pytest.raises(Refused, match="embed it first"):
        page(db, replace(seen, embedder_id=None), Filter(), Order("like", examples=(small.ids[0],)))


def test_where_only_validated_objects_may_be_seen_others_serve_as_no_example(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray, ada: Person
) -> None:
    small.do(ada, small.ids[:2], taxon="Oithona")
    project, filter = replace(compared, validated_only=True), Filter(validated_only=True)
    shown = page(db, project, filter, Order("like", examples=(small.ids[0], small.ids[9])))
    assert sorted(tile["id"] for tile in shown.tiles) == small.ids[:2]
    with pytest.raises(NotFound):
        page(db, project, filter, Order("like", examples=(small.ids[9],)))


def test_an_objects_neighbours_are_nearest_first_and_not_itself(
    db: Db, small: SmallProject, compared: Project, vectors: np.ndarray
) -> None:
    found = neighbours_of(db, compared, small.ids[1])
    true = 1 - vectors @ vectors[1]
    nearest = [small.ids[i] for i in np.argsort(true, kind="stable") if i != 1][:12]
    assert {tile["id"] for tile in found} == set(nearest)
    assert [tile["distance"] for tile in found] == sorted(tile["distance"] for tile in found)
    assert neighbours_of(db, compared, small.ids[-1]) == []


@pytest.mark.parametrize("cursor", ["WzEsMiwzXQ", "W251bGwsMSwxXQ", "WzEsMl0", "WyJhIiwxLDFd"])
def test_a_made_up_cursor_is_refused_or_obeyed(db: Db, small: SmallProject, compared: Project, cursor: str) -> None:
    order = Order("like", examples=(small.ids[0],))
    try:
        page(db, compared, Filter(), order, cursor)
    except Refused as refused:
        assert "Start from its beginning" in refused.sentence


def test_looking_for_neighbours_leaves_the_project_as_it_is(db: Db, compared: Project, small: SmallProject) -> None:
    neighbours_of(db, compared, small.ids[1])
    assert page(db, compared, Filter(), Order()).n_total == len(small.ids)


def test_validated_neighbours_are_validated_and_give_suggestions(
    db: Db, compared: Project, small: SmallProject, ada: Person
) -> None:
    small.do(ada, small.ids[2:5], taxon="Oithona")
    small.do(ada, small.ids[5:7], taxon="Calanoida")
    found = neighbours_of(db, compared, small.ids[1], 4, validated=True)
    assert {tile["status"] for tile in found} == {"V"}
    assert len(found) == 4
    label = label_of(db, compared, find_object(db, compared, small.ids[1]))
    told = suggestions_of(db, found, label)
    assert {taxon["name"] for taxon in told} == {"Oithona", "Calanoida", "Copepoda"}
    assert told[-1]["why"] == "common ancestor"
    assert sum(int(taxon["why"].split()[0]) for taxon in told[:2]) == 4
