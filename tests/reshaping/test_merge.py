"""Merges: all of one project goes into another, what collides is told before, and both come back if one wishes."""

import pytest

from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels.counts import project_counts
from app.projects.queries import set_member
from app.reshaping import apart, asked, collisions, copying, counting, hiding, merging
from app.reshaping.collisions import Clash, Differing
from app.reshaping.merging import Answers
from tests.reshaping.conftest import CARRIED, Shore
from tests.reshaping.test_removal import stop_after
from tests.small_projects import SmallProject, true_counts

KEPT = ("orig_id", "status", "taxon", "person", "at", "provenance", "predicted", "score", "vector", "images",
        "comments", "fields", "n_history")  # fmt: skip


def said(shore: Shore, project_id: int) -> list[list[object]]:
    return [[getattr(row, key) for key in KEPT] for row in shore.rows(CARRIED, project_id)]


def ask(shore: Shore, target: SmallProject, source: SmallProject, **answers: str) -> asked.Reshaping:
    return merging.ask(
        shore.db, shore.seen(target.id), shore.seen(source.id), shore.who.id, Answers(**{"samples": "join"} | answers)
    )


def add_column(shore: Shore, project: SmallProject, name: str, kind: str, position: int) -> None:
    """A column of the objects; of every object its number, or that as a text."""
    shore.db.execute(
        "insert into field (project_id, level, name, type, position) values (%s, 'object', %s, %s, %s)",
        [project.id, name, kind, position],
    )
    column, value = ("numbers", "object_id::float8") if kind == "number" else ("texts", "('t' || object_id)")
    shore.db.execute(
        f"update object_field set {column} = {column} || {value} where project_id = %s",
        [project.id],
    )
    shore.db.commit()


def test_everything_of_one_project_is_in_the_other_which_is_deleted_for_30_days(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    there, coming = said(shore, bay.id), said(shore, gulf.id)
    done = shore.work(ask(shore, bay, gulf))
    assert (done.state, done.n_objects) == ("done", 20)
    assert said(shore, bay.id) == there + coming
    assert project_counts(shore.db, bay.id) == true_counts(bay)
    with pytest.raises(NotFound):
        shore.seen(gulf.id)
    (hidden,) = hiding.list_hidden(shore.db, shore.viewer)
    assert hidden.choices["merged_into"] == bay.id


def test_a_merge_is_taken_apart_again(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    there, coming, counted = said(shore, bay.id), said(shore, gulf.id), project_counts(shore.db, bay.id)
    done = shore.work(ask(shore, bay, gulf))
    taken = apart.take_apart(shore.db, shore.seen(bay.id), shore.who.id, done.id)
    assert (taken.kind, taken.state, taken.n_objects) == ("merge", "back", 20)
    assert said(shore, bay.id) == there
    assert said(shore, gulf.id) == coming
    assert shore.seen(gulf.id).status == "annotate"
    assert project_counts(shore.db, bay.id) == true_counts(bay) == counted
    with pytest.raises(Conflict, match="no merge"):
        apart.take_apart(shore.db, shore.seen(bay.id), shore.who.id, done.id)


def test_what_collides_is_told_and_nothing_goes_before_it_is_decided(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    add_column(shore, bay, "grey", "number", 2)
    add_column(shore, gulf, "grey", "text", 2)
    found = collisions.find(shore.db, gulf.id, bay.id)
    assert (found.n_objects, found.n_samples_in_both, found.samples) == (20, 2, ["sample0", "sample1"])
    assert (found.columns, found.n_new_columns, found.n_same_ids) == ([Clash("object.grey", "text", "number")], 0, 0)
    assert (found.n_differing, found.differing) == (0, [])
    assert not found.needs_new_vectors
    for answers, words in (
        (Answers(), "2 samples have the same name"),
        (Answers("join"), "object.grey is text in “Gulf” and number in “Bay”"),
        (Answers("perhaps"), "none of refuse, join, apart"),
    ):
        with pytest.raises(Refused, match=words):
            merging.ask(shore.db, shore.seen(bay.id), shore.seen(gulf.id), shore.who.id, answers)
    with pytest.raises(Refused, match="into itself"):
        ask(shore, bay, bay)
    assert shore.rows("select from reshaping") == []


def test_fields_that_a_joined_sample_loses_are_told(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    shore.db.execute(
        """
        update sample
           set latitude = 43, fields = '{"station": "B"}'
         where project_id = %s
           and orig_id = 'sample1'
        """,
        [gulf.id],
    )
    shore.db.execute("update acquisition set instrument = 'UVP' where project_id = %s and orig_id = 'acq0'", [gulf.id])
    add_column(shore, gulf, "grey", "text", 2)
    found = collisions.find(shore.db, gulf.id, bay.id)
    assert (found.n_differing, found.differing) == (
        2, [Differing("sample0", ["acquisition.instrument"]),
            Differing("sample1", ["sample.latitude", "sample.station"])],
    )  # fmt: skip
    assert (found.n_new_columns, found.new_columns) == (1, ["object.grey"])


def test_columns_find_their_places_and_those_of_another_type_another_name(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    add_column(shore, bay, "width", "number", 2)
    add_column(shore, bay, "grey", "number", 3)
    add_column(shore, gulf, "height", "number", 2)
    add_column(shore, gulf, "width", "number", 3)
    add_column(shore, gulf, "grey", "text", 2)
    shore.work(ask(shore, bay, gulf, columns="rename"))
    ids = dict(zip([f"Gulf{k}" for k in range(1, 21)], gulf.ids, strict=True))
    came = shore.rows(CARRIED, bay.id)[40:]
    assert [row.fields["width"] for row in came] == [ids[row.orig_id] for row in came]
    assert [row.fields["height"] for row in came] == [ids[row.orig_id] for row in came]
    assert [row.fields["grey_text"] for row in came] == [f"t{ids[row.orig_id]}" for row in came]
    assert {row.fields["grey"] for row in came} == {None}
    assert [row.fields["area"] for row in came] == [row.fields["area"] for row in shore.rows(CARRIED, gulf.id)]
    assert {row.fields["height"] for row in shore.rows(CARRIED, bay.id)[:40]} == {None}


def test_samples_of_one_name_are_joined_or_kept_apart(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    shore.work(ask(shore, bay, gulf, samples="apart"))
    names = [row.orig_id for row in shore.rows("select orig_id from sample where project_id = %s order by id", bay.id)]
    assert names[4:] == ["sample0 (from Gulf)", "sample1 (from Gulf)"]
    delta = shore.bay(10, "Delta")
    shore.work(ask(shore, bay, delta))
    assert len(shore.rows("select from sample where project_id = %s", bay.id)) == 6


def test_a_merge_that_is_cancelled_halfway_leaves_both_as_they_were_and_can_be_tried_again(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "PIECE", 7)
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    there, coming, counted = said(shore, bay.id), said(shore, gulf.id), project_counts(shore.db, bay.id)
    made = ask(shore, bay, gulf, samples="apart")
    stop_after(monkeypatch, copying, "copy_next", 2)
    assert shore.status_of(made) == "cancelled"
    assert said(shore, bay.id) == there
    assert said(shore, gulf.id) == coming
    assert project_counts(shore.db, bay.id) == true_counts(bay) == counted
    assert shore.seen(gulf.id).status == "annotate"
    assert len(shore.rows("select from sample where project_id = %s", bay.id)) == 4
    monkeypatch.undo()
    shore.work(ask(shore, bay, gulf, samples="apart"))
    assert said(shore, bay.id) == there + coming


def test_a_merge_whose_worker_died_goes_on_where_it_was(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PIECE", 7)
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    expected = said(shore, bay.id) + said(shore, gulf.id)
    made = ask(shore, bay, gulf)
    with monkeypatch.context() as patch:
        patch.setattr(counting, "changed", dies)
        assert shore.status_of(made) == "failed"
    assert asked.find(shore.db, made.id).state == "begun"
    from app.jobs.queue import retry

    job_id = retry(shore.db, made.job_id or 0, shore.who.id)
    shore.run(job_id)
    assert asked.find(shore.db, made.id).state == "done"
    assert said(shore, bay.id) == expected
    assert project_counts(shore.db, bay.id) == true_counts(bay)


def dies(*args: object) -> None:
    raise RuntimeError("the machine went away")


def test_what_goes_into_another_project_is_no_end_of_a_second_merge(
    shore: Shore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bay, gulf, delta = shore.bay(), shore.bay(20, "Gulf"), shore.bay(10, "Delta")
    made = ask(shore, bay, gulf)
    for target, source in ((gulf, bay), (gulf, delta), (delta, gulf), (delta, bay)):
        with pytest.raises(Conflict, match=f"Job {made.job_id} is at work on the merge of “Gulf” into “Bay”"):
            ask(shore, target, source)
    with monkeypatch.context() as patch:
        patch.setattr(counting, "changed", dies)
        assert shore.status_of(made) == "failed"
    with pytest.raises(Conflict, match=f"half-done: run job {made.job_id} again"):
        ask(shore, bay, gulf)


def test_several_go_into_one_project_one_after_the_other(shore: Shore) -> None:
    bay, gulf, delta = shore.bay(), shore.bay(20, "Gulf"), shore.bay(10, "Delta")
    expected = said(shore, bay.id) + said(shore, gulf.id) + said(shore, delta.id)
    both = [ask(shore, bay, gulf), ask(shore, bay, delta)]
    for made in both:
        assert shore.work(made).state == "done"
    assert said(shore, bay.id) == expected


def test_a_merge_into_a_project_that_goes_away_is_not_taken_apart(shore: Shore) -> None:
    bay, gulf, delta = shore.bay(), shore.bay(20, "Gulf"), shore.bay(10, "Delta")
    done = shore.work(ask(shore, bay, gulf))
    going = ask(shore, delta, bay)
    with pytest.raises(Conflict, match="at work on the merge of “Bay” into “Delta”"):
        apart.take_apart(shore.db, shore.seen(bay.id), shore.who.id, done.id)
    assert shore.work(going).state == "done"


def test_only_a_manager_of_both_merges(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    shore.db.execute("delete from member where project_id = %s", [gulf.id])
    set_member(shore.db, gulf.id, shore.who.id, "annotator")
    with pytest.raises(Forbidden):
        ask(shore, bay, gulf)


def test_nobody_labels_in_a_project_while_it_goes_into_another(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    made = ask(shore, bay, gulf)
    with monkeypatch.context() as patch:
        patch.setattr(copying, "copy_next", dies)
        assert shore.status_of(made) == "failed"
    assert shore.seen(gulf.id).status == "explore"
