"""A taxon in another's place: acts that keep who said what, that undo takes back, and predictions in a new run."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.database import Db
from app.edits.acts import find_edit
from app.edits.undo import undo
from app.edits.work import open_work
from app.errors import Conflict, Forbidden, Refused
from app.jobs.run import run_queued
from app.labels import runs
from app.labels.counts import project_counts
from app.labels.history import recent_acts
from app.labels.undo import undo as undo_act
from app.prediction.outside import list_runs
from app.projects.queries import set_member
from app.settings import Settings
from app.taxonomy import replaced
from app.taxonomy.outdated import outdated
from app.taxonomy.presets import list_presets, preset_taxa, set_presets
from app.taxonomy.replacing import replace
from tests.small_projects import Person, SmallProject, make_project, predict, true_counts
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    """Ada validated three objects as Oithona and doubted one; two others are validated as Calanoida."""
    bay = make_project(db, 20)
    bay.do(ada, bay.ids[:3], taxon="Oithona")
    bay.do(ada, bay.ids[3:4], taxon="Oithona", status="D")
    bay.do(ada, bay.ids[4:6], taxon="Calanoida")
    return bay


def deprecate(project: SmallProject, name: str, instead: str) -> tuple[int, int]:
    pair = project.taxa[name], project.taxa[instead]
    project.db.execute("update taxon set status = 'D', rename_to = %s where id = %s", pair[::-1])
    return pair


def check_counts(project: SmallProject) -> None:
    known = {key: n for key, n in project_counts(project.db, project.id).items() if n}
    assert known == true_counts(project)


def test_labels_say_the_other_taxon_and_keep_their_author_time_and_status(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    before = [bay.label(i) for i in bay.ids[:4]]
    pair = deprecate(bay, "Oithona", "Copepoda")
    done = replace(db, bay, ben.id, *pair)
    after = [bay.label(i) for i in bay.ids[:4]]
    assert [row.taxon_id for row in after] == [bay.taxa["Copepoda"]] * 4
    for old, new in zip(before, after, strict=True):
        assert (old.status, old.account_id, old.at, old.provenance) == (
            new.status, new.account_id, new.at, new.provenance
        )  # fmt: skip
        assert new.version == old.version + 1
    assert bay.seen(bay.ids[4])[1] == "Calanoida"
    assert (done.n_labels, done.job_id) == (4, None)
    check_counts(bay)


def test_its_undo_puts_labels_and_presets_back_under_the_authors_names(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    before = set_presets(db, bay.id, [bay.taxa["fiber"], bay.taxa["Oithona"], bay.taxa["Copepoda"]])
    done = replace(db, bay, ben.id, bay.taxa["Oithona"], bay.taxa["Copepoda"])
    assert preset_taxa(db, bay.id) == [bay.taxa["fiber"], bay.taxa["Copepoda"]]
    with pytest.raises(Conflict, match=f"/edits/{done.act_id}"):
        undo_act(db, bay, ben, uuid4(), done.act_id, manager=True)
    undone = undo(db, bay, ben.id, uuid4(), done.act_id or 0)
    assert (undone.n_changed, undone.n_left, undone.job_id) == (5, 0, None)
    assert {bay.seen(i) for i in bay.ids[:3]} == {("V", "Oithona", "Ada")}
    assert bay.seen(bay.ids[3]) == ("D", "Oithona", "Ada")
    assert list_presets(db, bay.id) == before
    check_counts(bay)


def test_a_preset_list_that_was_changed_since_stays_and_that_is_said(db: Db, bay: SmallProject, ben: Person) -> None:
    set_presets(db, bay.id, [bay.taxa["Oithona"]])
    done = replace(db, bay, ben.id, bay.taxa["Oithona"], bay.taxa["Copepoda"])
    set_presets(db, bay.id, [bay.taxa["fiber"]])
    undone = undo(db, bay, ben.id, uuid4(), done.act_id or 0)
    assert (undone.n_changed, undone.n_left) == (4, 1)
    told = find_edit(db, bay.id, done.act_id or 0).undone
    assert told and "preset list was changed since" in told.said
    assert preset_taxa(db, bay.id) == [bay.taxa["fiber"]]


@pytest.fixture
def work(db: Db, settings: Settings, database_url: str) -> Callable[[int | None], None]:
    """Runs a job, which is to succeed."""

    def run(job_id: int | None) -> None:
        db.commit()
        run_queued(job_id or 0, settings, database_url, threading.Event())
        job: Any = db.execute("select status, error from job where id = %s", [job_id]).fetchone()
        assert (job.status, job.error) == ("done", "")

    return run


def test_many_labels_are_replaced_by_a_job_in_one_act_and_a_killed_one_goes_on(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaced, "PIECE", 3)
    monkeypatch.setattr("app.edits.acts.MOST_AT_ONCE", 0)
    done = replace(db, bay, ben.id, *deprecate(bay, "Oithona", "Copepoda"))
    open_work(db, done.act_id or 0).step()  # as far as a killed one came
    work(done.job_id)
    acts = db.execute("select kind, n_objects from act where kind in ('replace', 'edit')").fetchall()
    assert [tuple(act) for act in acts] == [("edit", 4)]
    check_counts(bay)


def show(bay: SmallProject, taxa: dict[int, str]) -> int:
    run_id = predict(bay, taxa, 0.5)
    bay.db.execute("update run set n_predictions = %s, completed_at = now() where id = %s", [len(taxa), run_id])
    runs.publish(bay.db, bay, run_id)
    return run_id


def shown(bay: SmallProject) -> int:
    return int(bay.db.execute("select current_run_id from project where id = %s", [bay.id]).fetchone()[0])


def test_what_is_only_predicted_is_replaced_by_an_act_whose_undo_shows_the_former_run(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None]
) -> None:
    old = show(bay, {i: "fiber" for i in bay.ids[10:13]})
    done = replace(db, bay, ben.id, bay.taxa["fiber"], bay.taxa["Copepoda"])
    assert (done.n_labels, done.n_predictions) == (0, 3)
    work(done.job_id)
    assert [bay.seen(i)[:2] for i in bay.ids[10:13]] == [("P", "Copepoda")] * 3
    assert recent_acts(db, bay.id)[0].what == "replaced fiber < detritus by Copepoda"
    undone = undo(db, bay, ben.id, uuid4(), done.act_id or 0)
    work(undone.job_id)
    told = find_edit(db, bay.id, done.act_id or 0).undone
    assert told and (told.n_changed, told.n_left, told.said) == (3, 0, "")
    assert [bay.seen(i)[:2] for i in bay.ids[10:13]] == [("P", "fiber < detritus")] * 3
    assert shown(bay) == old
    check_counts(bay)


def test_what_predicted_keeps_its_name_whatever_was_replaced_since(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None], app_client: Client
) -> None:
    show(bay, {i: "fiber" for i in bay.ids[10:13]})
    db.execute("update run set title = 'Net 5'")
    for pair in (("fiber", "Copepoda"), ("Copepoda", "Calanoida")):
        work(replace(db, bay, ben.id, *(bay.taxa[name] for name in pair)).job_id)
    told = list_runs(db, bay.id, shown(bay))[0]
    said = ["replaced fiber < detritus by Copepoda", "replaced Copepoda by Calanoida"]
    assert (told.title, told.edits) == ("Net 5", said)
    set_member(db, bay.id, ben.id, "manager")
    db.commit()
    page = logged_in(app_client, Account(ben.id, ben.email, ben.name, False)).get(f"/projects/{bay.id}/predictions")
    assert "Shown now: Net 5" in page.text and "Since then: replaced fiber" in page.text


def test_predictions_shown_since_stay_when_a_replacement_is_undone_and_that_is_said(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None]
) -> None:
    show(bay, {i: "Oithona" for i in bay.ids[10:13]})
    done = replace(db, bay, ben.id, bay.taxa["Oithona"], bay.taxa["Copepoda"])
    work(done.job_id)
    newer = show(bay, {bay.ids[10]: "fiber"})
    work(undo(db, bay, ben.id, uuid4(), done.act_id or 0).job_id)
    told = find_edit(db, bay.id, done.act_id or 0).undone
    assert told and (told.n_changed, told.n_left) == (4, 3) and "Other predictions are shown" in told.said
    assert (shown(bay), bay.seen(bay.ids[0])[:2]) == (newer, ("V", "Oithona"))
    check_counts(bay)


def test_predictions_shown_while_they_are_replaced_are_replaced_too(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None]
) -> None:
    show(bay, {bay.ids[10]: "Oithona"})
    done = replace(db, bay, ben.id, bay.taxa["Oithona"], bay.taxa["Copepoda"])
    job = open_work(db, done.act_id or 0)
    for _ in range(3):
        job.step()
    newer = show(bay, {bay.ids[11]: "Oithona"})
    while job.step():
        pass
    assert bay.seen(bay.ids[11])[:2] == ("P", "Copepoda")
    assert db.execute("select replaced_run_id from run where id = %s", [shown(bay)]).fetchone()[0] == newer
    check_counts(bay)


def test_predictions_follow_in_a_new_run_and_choices_that_become_one_add_up(
    db: Db, bay: SmallProject, ben: Person, work: Callable[[int | None], None]
) -> None:
    old = predict(bay, {i: "Oithona" for i in bay.ids[10:13]} | {bay.ids[14]: "Calanoida"}, 0.5)
    db.execute(
        "update prediction set taxon_2_id = %s, score_2 = 0.2, taxon_3_id = %s, score_3 = 0.1 where object_id = %s",
        [bay.taxa["fiber"], bay.taxa["Copepoda"], bay.ids[10]],
    )
    db.execute("update run set n_predictions = 4, completed_at = now() where id = %s", [old])
    runs.publish(db, bay, old)
    pair = deprecate(bay, "Oithona", "Copepoda")
    done = replace(db, bay, ben.id, *pair)
    assert (done.n_labels, done.n_predictions) == (4, 3)
    work(done.job_id)
    assert [bay.seen(i)[:2] for i in (*bay.ids[10:13], bay.ids[14])] == [("P", "Copepoda")] * 3 + [("P", "Calanoida")]
    row: Any = db.execute(
        "select * from prediction where run_id = %s and object_id = %s", [shown(bay), bay.ids[10]]
    ).fetchone()
    assert (row.taxon_id, round(row.score, 3), row.taxon_2_id, row.taxon_3_id) == (
        bay.taxa["Copepoda"], 0.6, bay.taxa["fiber"], None,
    )  # fmt: skip
    check_counts(bay)
    assert db.execute("select replaced_run_id from run where id = %s", [shown(bay)]).fetchone()[0] == old


def test_a_page_lists_deprecated_and_ambiguous_taxa_with_what_to_use_instead(db: Db, bay: SmallProject) -> None:
    deprecate(bay, "Oithona", "Copepoda")
    twin = db.execute(
        "insert into taxon (parent_id, name, display_name) values (%s, 'calanoida', 'Calanoida < living') returning id",
        [bay.taxa["living"]],
    ).fetchone()[0]
    found = outdated(db, bay.id)
    assert [(one.display_name, one.why, one.n["V"], one.n["D"]) for one in found] == [
        ("Oithona", "deprecated", 3, 1), ("Calanoida", "ambiguous", 2, 0),
    ]  # fmt: skip
    assert [[(other.id, other.why) for other in one.offered] for one in found] == [
        [(bay.taxa["Copepoda"], "advised")], [(twin, "same_name")],
    ]  # fmt: skip


def test_a_class_made_without_a_place_is_never_offered_instead_of_one_in_the_tree(
    db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    made = db.execute(
        "insert into taxon (name, display_name) values ('Calanoida', 'Calanoida (made)') returning id"
    ).fetchone()[0]
    assert outdated(db, bay.id) == []
    bay.taxa["made"] = made
    bay.do(ada, bay.ids[10:12], taxon="made")
    [one] = outdated(db, bay.id)
    assert (one.id, [other.id for other in one.offered]) == (made, [bay.taxa["Calanoida"]])
    replace(db, bay, ben.id, made, bay.taxa["Calanoida"])
    assert outdated(db, bay.id) == []


def test_the_preset_list_follows_in_its_order(db: Db, bay: SmallProject, ben: Person) -> None:
    set_presets(db, bay.id, [bay.taxa["fiber"], bay.taxa["Oithona"], bay.taxa["Calanoida"]])
    replace(db, bay, ben.id, *deprecate(bay, "Oithona", "Copepoda"))
    assert preset_taxa(db, bay.id) == [bay.taxa["fiber"], bay.taxa["Copepoda"], bay.taxa["Calanoida"]]
    replace(db, bay, ben.id, bay.taxa["Copepoda"], bay.taxa["fiber"])
    assert preset_taxa(db, bay.id) == [bay.taxa["fiber"], bay.taxa["Calanoida"]]


def test_what_cannot_be_replaced_is_said_and_nothing_changes(db: Db, bay: SmallProject, ben: Person) -> None:
    copepoda, oithona = bay.taxa["Copepoda"], bay.taxa["Oithona"]
    with pytest.raises(Refused, match="its own place"):
        replace(db, bay, ben.id, copepoda, copepoda)
    with pytest.raises(Refused, match="not known"):
        replace(db, bay, ben.id, 2**40, copepoda)
    db.execute("update taxon set status = 'D' where id = %s", [copepoda])
    with pytest.raises(Refused, match="deprecated"):
        replace(db, bay, ben.id, oithona, copepoda)
    bay.status = "explore"
    with pytest.raises(Forbidden):
        replace(db, bay, ben.id, oithona, bay.taxa["Calanoida"])
    assert bay.seen(bay.ids[0])[1] == "Oithona"


def test_managers_replace_in_one_click_and_others_only_look(
    app_client: Client, db: Db, bay: SmallProject, make_account: Any, database_url: str
) -> None:
    pair = deprecate(bay, "Oithona", "Copepoda")
    manager, annotator = make_account(), make_account()
    set_member(db, bay.id, manager.id, "manager")
    set_member(db, bay.id, annotator.id, "annotator")
    db.commit()
    url = f"/projects/{bay.id}/taxa"
    page = logged_in(app_client, annotator).get(url).text
    assert "Oithona" in page and "Replace all" not in page
    body = {"from_id": pair[0], "to_id": pair[1]}
    assert (
        app_client.post(f"/api/v1{url}/replace", json=body, headers=bearer(database_url, annotator)).status_code == 403
    )
    browser = logged_in(app_client, manager)
    assert 'aria-label="Replace Oithona by Copepoda"' in browser.get(url).text
    assert browser.post(f"{url}/replace-advised").headers["location"].endswith("said=done")
    assert "All taxa are in order" in browser.get(url).text
    assert browser.post(f"{url}/replace-advised").status_code == 409
    assert "replaced Oithona by Copepoda" in browser.get(f"/projects/{bay.id}/acts").text
    again = app_client.post(f"/api/v1{url}/replace", json=body, headers=bearer(database_url, manager))
    assert (again.status_code, again.json()["act_id"]) == (202, None)
