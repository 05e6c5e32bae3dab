"""Likeness is learned from labels, measured, adopted where it is better, told, and gone back from."""

import json
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from app.accounts.viewer import Account
from app.batches.make import make_batch
from app.batches.sources import Source
from app.cli import main
from app.database import Db, connect
from app.errors import Conflict, NotFound, Refused
from app.jobs import foreground
from app.jobs.context import JobContext
from app.projects.queries import set_member
from app.search import generations, index_folder
from app.search.mirror import forget
from app.settings import Settings
from app.spaces import job, versions
from app.spaces.labels import read_labels
from app.spaces.notices import news_for
from tests.search.conftest import add_vectors, make_embedder
from tests.small_projects import Person, SmallProject, make_project
from tests.spaces.conftest import REPORT, account_of, forgetful, make_space
from tests.web_fixtures import Client, bearer, logged_in

N, N_TAXA = 240, 3
TAXA = ("Calanoida", "Oithona", "fiber")


@pytest.fixture
def labelled(db: Db, manager: Person) -> SmallProject:
    """240 objects, all validated; what tells their taxa apart is whispered among loud accidents."""
    small = make_project(db, N)
    rng = np.random.default_rng(4)
    made = 0.05 * rng.normal(size=(N, 16))
    made[:, :8] += 0.8 * rng.normal(size=(N, 8))
    made[np.arange(N), 8 + np.arange(N) % N_TAXA] += 0.6
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    embedder_id = make_embedder(db, 16)
    add_vectors(db, embedder_id, small.id, small.ids, made)
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, small.id])
    for group, name in enumerate(TAXA):
        small.do(manager, small.ids[group::N_TAXA], taxon=name)
    db.commit()
    return small


def learn(db: Db, settings: Settings, project_id: int, account_id: int | None = None) -> SimpleNamespace:
    """The job's row, after it was worked."""
    job_id = versions.start_learning(db, project_id, _embedder(db, project_id), account_id)
    db.commit()
    with suppress(Refused):
        foreground.run_waiting(settings, settings.database_url, job_id)
    return db.execute("select * from job where id = %s", [job_id]).fetchone()


def _embedder(db: Db, project_id: int) -> int | None:
    return db.execute("select embedder_id from project where id = %s", [project_id]).fetchone().embedder_id


def test_what_is_better_on_held_out_objects_is_adopted_and_indexed(
    db: Db, settings: Settings, labelled: SmallProject, manager: Person
) -> None:
    done = learn(db, settings, labelled.id, manager.id)
    assert done.status == "done", done.error
    (space,) = versions.list_spaces(db, labelled.id)
    assert space.is_current and space.status == "adopted" and space.account == "Mo" and space.n_labels == N
    assert space.report["seen"]["after"] > space.report["seen"]["before"] + 0.1
    assert space.report["because"].startswith("On held-out objects it gains") and space.report["by_group"]
    assert {row["taxon"] for row in space.report["per_taxon"]} == {labelled.taxa[name] for name in TAXA}
    generation = generations.open_generation(db, labelled.id, _embedder(db, labelled.id) or 0, space.id)
    assert generation is not None and generation.manifest.n == N and generation.graph is not None
    lines = [row.line for row in db.execute("select line from job_log where job_id = %s order by id", [done.id])]
    assert any("held out" in line for line in lines) and "It is in use from now on" in lines[-1]


def test_what_is_no_better_is_refused_and_changes_nothing(
    db: Db, settings: Settings, labelled: SmallProject, manager: Person
) -> None:
    shuffled = np.random.default_rng(1).permutation(labelled.ids).tolist()
    for group, name in enumerate(TAXA):
        labelled.do(manager, shuffled[group::N_TAXA], taxon=name)
    db.commit()
    assert learn(db, settings, labelled.id).status == "done"
    (space,) = versions.list_spaces(db, labelled.id)
    assert space.status == "refused" and not space.is_current and "chance" in space.report["because"]
    with pytest.raises(Refused, match="no better"):
        versions.adopt(db, labelled.id, space.version)


def test_too_few_labels_are_told_with_what_to_do(db: Db, settings: Settings, manager: Person) -> None:
    small = make_project(db, 30)
    embedder_id = make_embedder(db, 16)
    add_vectors(db, embedder_id, small.id, small.ids, np.eye(16)[np.arange(30) % 16])
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, small.id])
    small.do(manager, small.ids[:20], taxon="fiber")
    db.commit()
    with pytest.raises(Refused, match="at least 60 validated objects of 2 taxa; here are 20 of 1"):
        versions.start_learning(db, small.id, embedder_id, None)
    assert db.execute("select count(*) as n from job").fetchone().n == 0
    with pytest.raises(Refused, match="no vectors yet"):
        versions.start_learning(db, small.id, None, None)


def test_too_few_vectors_are_told_by_the_job(
    db: Db, settings: Settings, labelled: SmallProject, manager: Person
) -> None:
    db.execute("delete from object_vector where object_id = any(%s)", [labelled.ids[30:]])
    failed = learn(db, settings, labelled.id)
    assert failed.status == "failed" and "here are 30 of 3" in failed.error


def test_too_few_taxa_are_no_failure_where_nobody_asked_and_not_tried_again_at_once(
    db: Db, settings: Settings, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = make_project(db, 120)
    embedder_id = make_embedder(db, 16)
    add_vectors(db, embedder_id, small.id, small.ids, np.eye(16)[np.arange(120) % 16])
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, small.id])
    small.do(manager, small.ids[:60], taxon="fiber")
    monkeypatch.setattr(versions, "FIRST", 50)
    (job_id,) = versions.request_due(db)
    db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    assert db.execute("select status from job where id = %s", [job_id]).fetchone().status == "done"
    assert versions.request_due(db) == []
    small.do(manager, small.ids[60:100], taxon="fiber")
    assert len(versions.request_due(db)) == 1


def test_references_teach_and_what_was_accepted_unseen_does_not(
    db: Db, labelled: SmallProject, manager: Person
) -> None:
    young = make_project(db, 12, "Young")
    db.execute("update project set embedder_id = %s where id = %s", [_embedder(db, labelled.id), young.id])
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [young.id, labelled.id])
    db.execute("update label set provenance = 'audit' where object_id = any(%s)", [labelled.ids[:40]])
    db.commit()
    forget()
    labels = read_labels(db, young.id, _embedder(db, young.id) or 0)
    assert (len(labels.taxa), labels.n_own, labels.n_references) == (N - 40, 0, 1)
    assert len(np.unique(labels.groups)) == (N - 40) // 10


def test_who_asks_learns_from_what_they_may_read_and_what_nobody_asks_for_from_all_references(
    db: Db, app_client: Client, settings: Settings, labelled: SmallProject, manager: Person, ada: Person
) -> None:
    hidden = make_project(db, 30, "Hidden")
    embedder_id = _embedder(db, labelled.id) or 0
    add_vectors(db, embedder_id, hidden.id, hidden.ids, np.eye(16)[np.arange(30) % 16])
    hidden.do(manager, hidden.ids, taxon="detritus")
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [labelled.id, hidden.id])
    set_member(db, labelled.id, ada.id, "manager")
    db.commit()
    base = f"/projects/{labelled.id}/spaces"
    page = logged_in(app_client, account_of(ada))
    assert "Learn from 240 labels now" in page.get(base).text
    assert page.post(base).status_code == 303
    foreground.drain(settings, settings.database_url, labelled.id)
    learn(db, settings, labelled.id, manager.id)
    learn(db, settings, labelled.id)
    taught = [one.report["n_references"] for one in versions.list_spaces(db, labelled.id)]
    assert taught == [1, 1, 0], "the latest first"


def test_taxa_that_only_a_reference_has_and_how_much_it_has_are_learned_from_and_not_told(
    db: Db, app_client: Client, settings: Settings, labelled: SmallProject, manager: Person
) -> None:
    young = make_project(db, 12, "Young")
    embedder_id = _embedder(db, labelled.id) or 0
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, young.id])
    add_vectors(db, embedder_id, young.id, young.ids, np.eye(16)[np.arange(12)])
    young.do(manager, young.ids, taxon="fiber")
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [young.id, labelled.id])
    db.commit()
    assert learn(db, settings, young.id).status == "done"
    (space,) = versions.list_spaces(db, young.id)
    assert {row["taxon"] for row in space.report["per_taxon"]} == {young.taxa["fiber"]}
    assert (space.n_labels, space.teachers) == (12, "12 labels and reference projects")
    told = [space.report[name]["n"] for name in ("seen", "balanced")] + [row["n"] for row in space.report["per_taxon"]]
    assert told == [None] * len(told) and space.report["n_labels"] == 12 and space.report["n_taxa"] is None
    log = " ".join(row.line for row in db.execute("select line from job_log"))
    assert "12 labels and reference projects" in log and "240" not in log and "252" not in log
    versions.adopt(db, young.id, 1)
    db.commit()
    page = logged_in(app_client, account_of(manager)).get(f"/projects/{young.id}/spaces").text
    assert "Learned from 12 labels and reference projects" in page and "Taxon by taxon" in page and "252" not in page


def test_who_is_not_logged_in_is_not_told_who_learned_what(db: Db, app_client: Client, labelled: SmallProject) -> None:
    make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful(), "former")
    db.execute("update project set visibility = 'everyone' where id = %s", [labelled.id])
    db.commit()
    base = f"/projects/{labelled.id}/spaces"
    for path in (f"/api/v1{base}", f"/api/v1{base}/1"):
        assert app_client.get(path).status_code == 401


def test_a_killed_job_goes_on_with_the_map_that_it_had_fitted(
    db: Db, settings: Settings, labelled: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = generations.build
    monkeypatch.setattr(generations, "build", _broken)
    assert learn(db, settings, labelled.id).status == "failed"
    (before,) = versions.list_spaces(db, labelled.id)
    assert before.status == "candidate" and not before.is_current
    monkeypatch.setattr(generations, "build", build)
    row = db.execute("select job_id from space where id = %s", [before.id]).fetchone()
    job.run(JobContext(row.job_id, "space", labelled.id, None, {}, settings, settings.database_url))
    (after,) = versions.list_spaces(db, labelled.id)
    assert after.id == before.id and after.is_current


def _broken(*_: object) -> None:
    raise OSError("the disk is full")


def test_an_index_that_was_deleted_is_built_again(
    db: Db, settings: Settings, labelled: SmallProject, database_url: str
) -> None:
    learn(db, settings, labelled.id)
    (space,) = versions.list_spaces(db, labelled.id)
    where = labelled.id, _embedder(db, labelled.id) or 0, space.id
    (generations.folder_of(*where) / generations.MANIFEST).unlink()
    assert generations.open_generation(db, *where) is None and generations.is_due(db, labelled.id)
    job_id = generations.request(db, labelled.id)
    db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    assert generations.open_generation(db, *where).graph is not None and not generations.is_due(db, labelled.id)


def test_versions_are_gone_to_and_back_from(db: Db, labelled: SmallProject) -> None:
    first, second = (make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful(), "former") for _ in "ab")
    versions.adopt(db, labelled.id, 1)
    versions.choose(db, labelled.id, None, 2)
    assert [(one.id, one.status) for one in versions.list_spaces(db, labelled.id)] == [
        (second, "adopted"), (first, "former"),
    ]  # fmt: skip
    versions.choose(db, labelled.id, None, None)
    assert not any(one.is_current for one in versions.list_spaces(db, labelled.id))
    with pytest.raises(NotFound, match="no such likeness"):
        versions.choose(db, labelled.id, None, 9)
    db.execute("update project set embedder_id = null where id = %s", [labelled.id])
    with pytest.raises(Conflict, match="another embedder"):
        versions.adopt(db, labelled.id, 1)


def test_it_is_learned_at_each_doubling_unless_somebody_chose_by_hand(
    db: Db, labelled: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [versions.milestone(n) for n in (499, 500, 999, 1000, 4100)] == [0, 500, 500, 1000, 4000]
    assert versions.request_due(db) == [], "240 are not 500"
    monkeypatch.setattr(versions, "FIRST", 100)
    (job_id,) = versions.request_due(db)
    assert versions.request_due(db) == [], "it waits already"
    db.execute("update job set status = 'failed', ended_at = now() where id = %s", [job_id])
    assert versions.request_due(db) == [], "not within the hour"
    db.execute("delete from job")
    db.execute("delete from procrastinate_jobs")
    space_id = make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful(), "refused")
    db.execute("update space set report = report || '{\"n_validated\": 210}' where id = %s", [space_id])
    assert versions.request_due(db) == [], "it was at 200 already"
    db.execute("update space set report = report || '{\"n_validated\": 190}' where id = %s", [space_id])
    versions.set_automatic(db, labelled.id, False)
    assert versions.request_due(db) == []
    versions.set_automatic(db, labelled.id, True)
    assert len(versions.request_due(db)) == 1


def test_learning_that_nobody_asked_for_ranks_below_what_people_ask_for_and_gives_way_to_theirs(
    db: Db, labelled: SmallProject, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "FIRST", 100)
    (unasked,) = versions.request_due(db)
    asked = versions.start_learning(db, labelled.id, _embedder(db, labelled.id), manager.id)
    rows = db.execute("select id, status, priority from job order by id").fetchall()
    assert [tuple(row) for row in rows] == [(unasked, "cancelled", -1), (asked, "queued", 0)]
    assert versions.request_due(db) == []


def test_what_was_begun_in_a_space_is_found_by_an_index_when_the_space_goes(db: Db) -> None:
    db.execute("set enable_seqscan = off")
    for table in ("batch", "kept_search", "cluster_run"):
        plan = db.execute(f"explain update {table} set space_id = null where space_id = 7").fetchall()
        assert any(f"{table}_space" in row[0] for row in plan), plan


def test_what_a_person_chose_while_it_was_learned_stays(
    db: Db, settings: Settings, labelled: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful(), "former")
    versions.adopt(db, labelled.id, 1)
    db.commit()
    build = generations.build

    def built(*given: object) -> object:
        with connect(settings.database_url) as other:
            versions.choose(other, labelled.id, None, None)
        return build(*given)

    monkeypatch.setattr(generations, "build", built)
    assert learn(db, settings, labelled.id).status == "done"
    assert [(one.status, one.is_current) for one in versions.list_spaces(db, labelled.id)] == [("former", False)] * 2
    monkeypatch.setattr(generations, "build", build)
    versions.choose(db, labelled.id, None, 2)
    assert versions.list_spaces(db, labelled.id)[0].is_current, "it can still be gone to"


def test_what_nobody_asked_for_is_not_learned_once_somebody_has_chosen(
    db: Db, settings: Settings, labelled: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "FIRST", 100)
    (job_id,) = versions.request_due(db)
    versions.choose(db, labelled.id, None, None)
    db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    assert versions.list_spaces(db, labelled.id) == []


def test_what_a_learning_failed_of_is_told_to_members_only(
    db: Db, app_client: Client, labelled: SmallProject, manager: Person
) -> None:
    outsider = db.execute("insert into account (email, name) values ('o@x.org', 'Out') returning id").fetchone().id
    db.execute("update project set visibility = 'accounts' where id = %s", [labelled.id])
    job_id = versions.start_learning(db, labelled.id, _embedder(db, labelled.id), manager.id)
    db.execute("update job set status = 'failed', error = 'No room in /data/shoal', ended_at = now()")
    db.commit()
    for part in ("", "/progress"):
        address = f"/projects/{labelled.id}/spaces{part}"
        seen = logged_in(app_client, account_of(manager)).get(address).text
        assert "No room in /data/shoal" in seen and f"/jobs/{job_id}" in seen
        seen = logged_in(app_client, Account(outsider, "o@x.org", "Out", False)).get(address)
        assert seen.status_code == 200 and "/data/shoal" not in seen.text and f"/jobs/{job_id}" not in seen.text


def test_each_person_is_told_once(db: Db, app_client: Client, labelled: SmallProject, manager: Person) -> None:
    page = logged_in(app_client, account_of(manager))
    notice = f"/projects/{labelled.id}/spaces/notice"
    assert "Likeness" not in page.get(notice).text
    space_id = make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful())
    db.execute("update project set space_id = %s where id = %s", [space_id, labelled.id])
    db.commit()
    assert "from 90 labels" in page.get(notice).text and f"{notice}" in page.get(f"/projects/{labelled.id}").text
    assert notice in page.get(f"/projects/{labelled.id}/start").text
    assert "Likeness" not in page.post(notice, data={"version": 1}).text and "Likeness" not in page.get(notice).text
    assert news_for(db, labelled.id, manager.id) is None


def _turned(page: Client, address: str, base: str, **form: str) -> str:
    """The page after a form was sent."""
    answer = page.post(address, data=form)
    assert answer.status_code == 303, answer.text
    return page.get(base).text


def test_the_page_tells_what_is_in_use_and_a_manager_turns_it(
    db: Db, app_client: Client, labelled: SmallProject, manager: Person
) -> None:
    page, base = logged_in(app_client, account_of(manager)), f"/projects/{labelled.id}/spaces"
    first = page.get(base).text
    assert "As the embedder sees it" in first and "Learn from 240 labels" in first and "next time at 500" in first
    space_id = make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful())
    row = REPORT["seen"] | {"taxon": labelled.taxa["fiber"], "seen": False}
    db.execute("update space set report = jsonb_set(report, '{per_taxon,0}', %s::jsonb)", [json.dumps(row)])
    db.execute("update project set space_id = %s where id = %s", [space_id, labelled.id])
    db.commit()
    said = page.get(base).text
    assert "Learned from 90 labels" in said and "+20.0" in said and "never seen" in said and "in use" in said
    turned = _turned(page, f"{base}/current", base, version="")
    assert "As the embedder sees it" in turned and "not learned by itself" in turned
    assert "Learned from 90 labels" in _turned(page, f"{base}/current", base, version="1")
    assert "next time at 500" in _turned(page, f"{base}/automatic", base, automatic="yes")
    assert "Waits for its turn" in _turned(page, base, base)
    assert "no such likeness" in page.get(f"{base}?version=7").text


def test_programs_learn_and_choose(
    db: Db, app_client: Client, labelled: SmallProject, manager: Person, database_url: str
) -> None:
    base, keys = f"/api/v1/projects/{labelled.id}/spaces", bearer(database_url, account_of(manager))
    made = app_client.post(base, headers=keys)
    assert made.status_code == 202 and made.json()["job_id"]
    make_space(db, labelled.id, _embedder(db, labelled.id) or 0, forgetful(), "former")
    db.commit()
    assert app_client.post(f"{base}/current", json={"version": 1}, headers=keys).json()["current"] == 1
    told = app_client.get(base, headers=keys).json()
    assert told["current"] == 1 and not told["automatic"] and told["spaces"][0]["report"]["seen"]["after"] == 0.7
    assert app_client.get(f"{base}/1", headers=keys).json()["status"] == "adopted"
    assert app_client.get(f"{base}/2", headers=keys).status_code == 404
    assert app_client.post(f"{base}/current", json={"version": None}, headers=keys).json()["current"] is None
    assert app_client.post(f"{base}/automatic", json={"automatic": True}, headers=keys).json()["automatic"]


def test_a_batch_made_before_keeps_its_likeness_when_the_job_adopts(
    db: Db, settings: Settings, labelled: SmallProject, manager: Person
) -> None:
    seen = SimpleNamespace(
        id=labelled.id, status="annotate", embedder_id=_embedder(db, labelled.id), validated_only=False, space_id=None
    )
    batch = make_batch(db, seen, manager, Source("filter", {"query": ""}))
    db.commit()
    learn(db, settings, labelled.id)
    row = db.execute("select embedder_id, space_id from batch where id = %s", [batch.id]).fetchone()
    assert tuple(row) == (seen.embedder_id, None)


def test_the_command_learns_lists_and_goes_back(
    db: Db, settings: Settings, labelled: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.spaces.command.load_settings", lambda: settings)
    monkeypatch.setattr("app.spaces.command.ready_database", lambda _: settings.database_url)
    run: Callable[..., str] = lambda *more: CliRunner().invoke(main, ["space", str(labelled.id), *more]).output  # noqa: E731
    assert "1\tin use\t240 labels" in run()
    assert "plain space" in run("--plain") and "in use" in run("--use", "1")
    assert "at a time" in CliRunner().invoke(main, ["space", str(labelled.id), "--plain", "--list"]).output
    with connect(settings.database_url) as own:
        assert not versions.is_automatic(own.execute("select settings from project").fetchone().settings)
    assert "in use" in run("--automatic") and index_folder().exists()
