"""A merge that is taken apart leaves nothing behind, and what was said of the objects since goes along."""

from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account, Viewer
from app.edits import acts, values
from app.edits import undo as edit_undo
from app.edits.wishes import ValuesWish
from app.errors import Conflict
from app.jobs.queue import retry
from app.labels.counts import project_counts
from app.labels.undo import undo
from app.projects.queries import set_member
from app.reshaping import apart, asked, copying, hiding, removing
from app.reshaping.apart import Since
from app.reshaping.choosing import Wish
from tests.reshaping.conftest import CARRIED, Shore
from tests.reshaping.test_merge import add_column, ask, dies, said
from tests.reshaping.test_removal import stop_after
from tests.small_projects import Person, SmallProject, true_counts

OF_PROJECT = {
    "sample": "id, orig_id",
    "acquisition": "id, orig_id",
    "process": "acquisition_id, orig_id",
    "field": "id, level, name",
    "act": "id, kind, n_objects, reverses, reversed_by",
    "history": "object_id, act_id, new_status",
    "label": "object_id, status, version, act_id",
    "comment": "object_id, text",
    "refusal": "object_id, act_id",
    "run": "id",
    "prediction": "run_id, object_id",
    "object_vector": "object_id",
}


def stands(shore: Shore, project_id: int) -> dict[str, list[Any]]:
    """All that is of a project, table by table."""
    return {
        table: shore.rows(f"select {columns} from {table} where project_id = %s order by {columns}", project_id)
        for table, columns in OF_PROJECT.items()
    }


def merged(shore: Shore, bay: SmallProject, gulf: SmallProject, **answers: str) -> tuple[asked.Reshaping, list[int]]:
    """The merge, and the copies of gulf's objects."""
    done = shore.work(ask(shore, bay, gulf, **answers))
    rows = shore.rows("select new_id from reshaped_object where reshaping_id = %s order by object_id", done.id)
    return done, [row.new_id for row in rows]


def take(shore: Shore, bay: SmallProject, made: asked.Reshaping) -> asked.Reshaping:
    taken = apart.take_apart(shore.db, shore.seen(bay.id), shore.who.id, made.id)
    shore.db.commit()
    return taken


def test_an_edit_of_columns_tells_what_is_left_of_it(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    made, copies = merged(shore, bay, gulf)
    home = shore.seen(bay.id)
    done = values.edit_values(shore.db, home, shore.who.id, uuid4(), ValuesWish("object", "value", "area", "3"))
    shore.db.commit()
    n_of_copies = shore.rows("select count(*) as n from field_change where object_id = any(%s)", copies)[0].n
    take(shore, bay, made)
    left = acts.find_edit(shore.db, bay.id, done.act_id).n_changed
    assert 0 < left == done.n_changed - n_of_copies
    assert edit_undo.undo(shore.db, home, shore.who.id, uuid4(), done.act_id).n_changed == left


def test_samples_columns_acts_and_predictions_that_came_go_with_the_objects(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    shore.db.execute("update project set current_run_id = null where id = %s", [bay.id])
    add_column(shore, gulf, "width", "number", 2)
    add_column(shore, gulf, "height", "number", 3)
    add_column(shore, gulf, "grey", "text", 2)
    there, came = stands(shore, bay.id), stands(shore, gulf.id)
    made, _ = merged(shore, bay, gulf, samples="apart")
    assert stands(shore, bay.id) != there
    take(shore, bay, made)
    assert stands(shore, bay.id) == there
    assert stands(shore, gulf.id) == came
    assert shore.rows("select current_run_id from project where id = %s", bay.id) == [(None,)]
    assert shore.rows("select from reshaped_number") == shore.rows("select from reshaped_object") == []


def test_what_the_project_uses_of_what_came_stays(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    add_column(shore, gulf, "width", "number", 2)
    made, copies = merged(shore, bay, gulf, samples="apart")
    shore.db.execute(
        "update object_field set numbers = array[1, 7] where project_id = %s and object_id = %s", [bay.id, bay.ids[0]]
    )
    act = bay.do(shore.who, [bay.ids[0], copies[0]], taxon="detritus").act_id
    shore.db.commit()
    take(shore, bay, made)
    assert [row.fields["width"] for row in shore.rows(CARRIED, bay.id)] == [7] + [None] * 39
    assert shore.rows("select n_objects from act where id = %s", act) == [(1,)]


def test_what_was_said_of_the_objects_since_goes_along(shore: Shore, ben: Person) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    made, copies = merged(shore, bay, gulf)
    first: Any = shore.rows("select min(act_id) as id from history where object_id = any(%s)", copies)[0]
    bay.do(ben, [*copies[15:18], bay.ids[30]], taxon="detritus")
    undo(shore.db, bay, shore.who, uuid4(), first.id)
    shore.db.execute(
        "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, 'a fiber')",
        [bay.id, copies[3], ben.id],
    )
    shore.db.commit()
    project = shore.seen(bay.id)
    assert apart.look(shore.db, project, made.id) == Since(20, 0, 8, 1, 0)
    expected = [row[1:] for row in said(shore, bay.id)[40:]]
    take(shore, bay, made)
    assert [row[1:] for row in said(shore, gulf.id)] == expected
    assert project_counts(shore.db, gulf.id) == true_counts(gulf)
    assert project_counts(shore.db, bay.id) == true_counts(bay)
    acts = shore.rows("select kind, n_objects, reverses, reversed_by, id from act where project_id = %s", gulf.id)
    (undone,) = [act for act in acts if act.kind == "undo"]
    assert undone.n_objects == 5
    assert [act.reversed_by for act in acts if act.id == undone.reverses] == [undone.id]
    (his,) = [act for act in acts if act.n_objects == 3]
    undo(shore.db, gulf, shore.who, uuid4(), his.id, manager=True)
    assert gulf.seen(gulf.ids[15])[0] == "P"


def test_many_are_taken_out_by_a_job_that_goes_on_where_it_was_stopped(
    shore: Shore, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PIECE", 7)
    monkeypatch.setattr(apart, "MOST_AT_ONCE", 0)
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    there = said(shore, bay.id)
    made, copies = merged(shore, bay, gulf, samples="apart")
    bay.do(ben, copies[4:10], taxon="fiber")
    shore.db.commit()
    taken = take(shore, bay, made)
    with monkeypatch.context() as patch:
        stop_after(patch, apart, "_take_piece", 1)
        assert shore.status_of(taken) == "cancelled"
    assert len(shore.rows(CARRIED, bay.id)) == 53
    bay.do(ben, copies[10:12], taxon="fiber")
    shore.db.commit()
    shore.run(retry(shore.db, taken.job_id or 0, shore.who.id))
    assert asked.find(shore.db, made.id).state == "back"
    assert said(shore, bay.id) == there
    assert {gulf.seen(one) for one in gulf.ids[4:12]} == {("V", "fiber < detritus", "Ben")}
    fives = shore.rows("select n_objects from act where project_id = %s and account_id = %s", gulf.id, ben.id)
    assert sorted(fives) == [(2,), (6,)]
    assert project_counts(shore.db, gulf.id) == true_counts(gulf)


def test_a_merged_project_that_is_brought_back_has_the_merge_taken_apart(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    there, coming = said(shore, bay.id), said(shore, gulf.id)
    merged(shore, bay, gulf)
    (hidden,) = hiding.list_hidden(shore.db, shore.viewer)
    apart.bring_project_back(shore.db, shore.viewer, hidden.id)
    assert (said(shore, bay.id), said(shore, gulf.id)) == (there, coming)
    assert hiding.list_hidden(shore.db, shore.viewer) == []


def test_who_cannot_take_it_apart_is_told_who_can(shore: Shore, make_account: Any) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    other: Account = make_account()
    set_member(shore.db, gulf.id, other.id, "manager")
    shore.db.commit()
    merged(shore, bay, gulf)
    (hidden,) = hiding.list_hidden(shore.db, shore.viewer)
    with pytest.raises(Conflict, match="are in “Bay” now, which you do not manage"):
        apart.bring_project_back(shore.db, Viewer(other), hidden.id)
    gone = hiding.remove(shore.db, shore.seen(bay.id), shore.who.id, "Bay")
    with pytest.raises(Conflict, match="bring that one back first"):
        apart.bring_project_back(shore.db, shore.viewer, hidden.id)
    hiding.bring_back(shore.db, shore.viewer, gone.id)
    apart.bring_project_back(shore.db, shore.viewer, hidden.id)
    assert len(said(shore, gulf.id)) == 20


def test_a_job_that_fails_can_be_asked_for_again(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "MOST_AT_ONCE", 0)
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    coming = said(shore, gulf.id)
    made, _ = merged(shore, bay, gulf)
    with monkeypatch.context() as patch:
        patch.setattr(apart, "_finish", dies)
        assert shore.status_of(take(shore, bay, made)) == "failed"
    shore.work(take(shore, bay, made))
    assert said(shore, gulf.id) == coming


def test_samples_that_a_deletion_emptied_go_when_it_is_erased(shore: Shore) -> None:
    bay = shore.bay()
    sample: Any = shore.rows("select min(sample_id) as id from object where project_id = %s", bay.id)[0]
    ids = shore.rows("select id from object where sample_id = %s", sample.id)
    made = removing.ask(shore.db, shore.seen(bay.id), shore.who.id, Wish(ids=tuple(row.id for row in ids)), None)
    shore.db.commit()
    assert len(shore.rows("select from sample where project_id = %s", bay.id)) == 4
    removing.erase(shore.db, made, lambda n: None)
    assert len(shore.rows("select from sample where project_id = %s", bay.id)) == 3
    assert len(shore.rows("select from acquisition where project_id = %s", bay.id)) == 3
