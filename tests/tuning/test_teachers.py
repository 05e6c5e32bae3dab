"""A classifier on an embedder that was trained here is asked of what did not teach it, and promises no more."""

import numpy as np
import pytest

from app.classifiers import promises, versions
from app.classifiers.versions import Training
from app.database import Db
from app.jobs import foreground
from app.learning import loading, sets
from app.paths import MIGRATIONS
from app.search import embed, embedders
from app.settings import Settings
from app.tuning import job as tuning_job
from app.tuning import teachers, trainings
from tests.small_projects import Person, SmallProject
from tests.tuning.test_trainings import account, bay, context, finish, own_home, seen_by, start
from tests.web_fixtures import Client, logged_in

__all__ = ["bay", "own_home"]


def taught(db: Db, spec: str) -> set[bytes]:
    return {bytes(row.hash) for row in db.execute("select hash from embedder_teacher where spec = %s", [spec])}


def move(settings: Settings, project: SmallProject, who: Person) -> tuple[int, str]:
    """Train an embedder on what is validated, and let the project use it; its id and spec."""
    training_id, job_id = start(project, who, name="Digits")
    tuning_job.run(context(settings, project, "tune", job_id, training_id=training_id))
    finish(project, job_id)
    embedder_id = trainings.find_training(project.db, project.id, training_id).embedder_id or 0
    embedders.use(project.db, project.id, embedder_id)
    project.db.commit()
    embed.embed_project(settings.database_url, settings, project.id, context(settings, project, "embed", 0))
    return embedder_id, embedders.find(project.db, embedder_id).config["spec"]


def learned(settings: Settings, project: SmallProject, who: Person) -> tuple[int, str]:
    """A classifier of what is validated now, and the log of its training."""
    wish = Training(None, "Digits", "discriminant")
    classifier_id, job_id = versions.start_training(project.db, seen_by(who, project), who.id, wish)
    project.db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    rows = project.db.execute("select line from job_log where job_id = %s", [job_id])
    return classifier_id, "\n".join(row.line for row in rows)


def hashes(db: Db, ids: list[int]) -> set[bytes]:
    return {bytes(row.hash) for row in db.execute("select hash from image where object_id = any(%s)", [ids])}


def test_only_what_is_new_to_the_embedder_is_asked_and_few_promise_nothing(
    db: Db, settings: Settings, app_client: Client, bay: SmallProject, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = logged_in(app_client, account(ada))
    _, spec = move(settings, bay, ada)
    known = taught(db, spec)
    report = trainings.list_trainings(db, bay.id)[0].report
    assert len(known) == report["n_learned"] and report["n_learned"] + report["n_held_out"] == 120

    classifier_id, log = learned(settings, bay, ada)
    row = versions.read(db, classifier_id)
    held = versions.read_held_out(db, classifier_id)
    assert not hashes(db, held.object_ids.tolist()) & known
    assert row.report["n_taught"] == len(known) and row.report["n_held_out"] == len(held) == report["n_held_out"]
    assert row.report["accuracy"] is None and row.report["no_promise"] == "few" and "cannot be said" in log
    page = browser.get(f"/projects/{bay.id}/classifiers/{classifier_id}").text
    assert f"cannot be said: {len(known)} of the 120 images have taught the embedder Digits" in page
    assert "of 100</b> new images" not in page and "rightly named</th>" not in page
    listed = browser.get(f"/api/v1/projects/{bay.id}/classifiers").json()
    assert listed[0]["accuracy"] is None and listed[0]["ece"] is None

    # Validated since: new to the embedder, and enough of it, it tells what to expect.
    bay.do(ada, bay.ids[120:], taxon="Oithona")
    db.commit()
    monkeypatch.setattr(promises, "FEWEST", len(held) + 20)
    second, _ = learned(settings, bay, ada)
    told = versions.read(db, second).report
    assert told["n_held_out"] == len(held) + 20 and told["accuracy"] is not None and "no_promise" not in told
    page = browser.get(f"/projects/{bay.id}/classifiers/{second}").text
    assert "of 100</b> new images" in page and f"The {len(known)} others taught the embedder Digits already" in page


def test_what_was_trained_before_teachers_were_kept_promises_nothing(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    _, spec = move(settings, bay, ada)
    classifier_id, _ = learned(settings, bay, ada)
    db.execute("drop table embedder_teacher")
    db.execute("update classifier set report = report - 'no_promise' || '{\"accuracy\": 0.98}'")
    db.execute((MIGRATIONS / "0052_which_images_taught_an_embedder.sql").read_text().encode())
    assert taught(db, spec) == hashes(db, bay.ids[:120]), "nobody knows which were held out"
    assert len(versions.read_held_out(db, classifier_id)) == 0
    row = versions.read(db, classifier_id)
    assert row.report["accuracy"] is None and "Train it again" in promises.why_none(row.report, row.embedder)


def test_an_image_of_the_same_content_as_a_teacher_is_one(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    embedder_id, spec = move(settings, bay, ada)
    rows = db.execute("select object_id, hash from image where object_id = any(%s)", [bay.ids[:120]]).fetchall()
    teacher = next(row for row in rows if bytes(row.hash) in taught(db, spec))
    db.execute("update image set hash = %s where object_id = %s", [teacher.hash, bay.ids[130]])
    bay.do(ada, bay.ids[130:132], taxon="Oithona")
    set_id = sets.own_set(db, seen_by(ada, bay), ada.id)
    data = loading.load(db, set_id, embedder_id)
    is_taught = promises.taught(db, set_id, embedder_id, data.numbers)
    assert is_taught is not None
    by_id = dict(zip(data.object_ids.tolist(), is_taught.tolist(), strict=True))
    assert by_id[bay.ids[130]] and not by_id[bay.ids[131]]
    assert int(is_taught.sum()) == len(taught(db, spec)) + 1


def test_what_was_brought_from_elsewhere_may_have_taught_and_an_untrained_embedder_had_no_teachers(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    plain = seen_by(ada, bay).embedder_id or 0
    set_id = sets.own_set(db, seen_by(ada, bay), ada.id)
    numbers = np.arange(120, dtype=np.int32)
    assert promises.taught(db, set_id, plain, numbers) is None
    db.execute(
        "update learning_item set object_id = null, project_id = null where set_id = %s and number = 7", [set_id]
    )
    assert np.flatnonzero(teachers.among(db, set_id, "tuned:none", numbers)).tolist() == [7]
    assert not teachers.are_known(db, "tuned:none")


def test_what_was_told_before_this_was_known_promises_nothing() -> None:
    report = {"accuracy": None, "n_held_out": 0, "no_promise": "before"}
    assert "Train it again" in promises.why_none(report, "Digits")
    assert promises.why_none({"accuracy": 0.9}, "Digits") == ""
