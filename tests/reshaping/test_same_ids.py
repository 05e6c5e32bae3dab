"""Objects of one id in two projects: told before a merge, and kept apart under another id if one wishes."""

import pytest

from app.errors import Conflict
from app.reshaping import collisions
from tests.reshaping.conftest import Shore
from tests.reshaping.test_merge import ask


def ids_of(shore: Shore, project_id: int) -> list[str]:
    return [
        row.orig_id for row in shore.rows("select orig_id from object where project_id = %s order by id", project_id)
    ]


def test_objects_of_one_id_are_told_and_refused_until_it_is_answered(shore: Shore) -> None:
    bay, other = shore.bay(10), shore.bay(5)
    found = collisions.find(shore.db, other.id, bay.id)
    assert (found.n_same_ids, found.same_ids) == (5, [f"Bay{k}" for k in range(1, 6)])
    with pytest.raises(Conflict, match="5 objects of “Bay” have an id that “Bay” has too, “Bay1” first"):
        ask(shore, bay, other)
    shore.work(ask(shore, bay, other, objects="apart"))
    assert ids_of(shore, bay.id) == [f"Bay{k}" for k in range(1, 11)] + [f"Bay{k} (from Bay)" for k in range(1, 6)]


def test_a_third_project_of_the_same_title_has_names_of_its_own(shore: Shore) -> None:
    bay = shore.bay(10)
    shore.work(ask(shore, bay, shore.bay(5), objects="apart", samples="apart"))
    made = shore.work(ask(shore, bay, shore.bay(5), objects="apart", samples="apart"))
    assert ids_of(shore, bay.id)[-5:] == [f"Bay{k} (from Bay, merge {made.id})" for k in range(1, 6)]
    samples = shore.rows("select orig_id from sample where project_id = %s order by id", bay.id)
    assert [row.orig_id for row in samples] == ["sample0", "sample0 (from Bay)", f"sample0 (from Bay, merge {made.id})"]
