"""A project trains an embedder on what is validated, is asked, moves while the former one serves, and moves back."""

import hashlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.errors import Conflict, Forbidden, Refused
from app.jobs.context import Cancelled, JobContext, Progress
from app.jobs.queue import enqueue
from app.learning import sets
from app.objects.store import open_store
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.search import embed, embedders
from app.settings import Settings
from app.tuning import job as tuning_job
from app.tuning import moving, trainings
from app.tuning.trainings import Wish
from indexer.embedders import DEFAULT
from indexer.tuning.run import Tuned
from tests.search.conftest import add_vectors, make_embedder, own_home
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["own_home"]
TAUGHT = ("Oithona", "detritus", "fiber")
N = 140


@pytest.fixture
def bay(db: Db, settings: Settings, ada: Person) -> SmallProject:
    """140 handwritten digits, 0 to 2, of which 120 are validated as three taxa; the default embedder's project."""
    known = load_digits()
    kept = np.flatnonzero(known.target < 3)[:N]
    project = make_project(db, N)
    set_member(db, project.id, ada.id, "manager")
    writer = open_store(settings).pack_writer()
    db.execute("delete from image where project_id = %s", [project.id])
    for object_id, place in zip(project.ids, kept, strict=True):
        out = io.BytesIO()
        Image.fromarray((known.images[place] * 15.9).astype(np.uint8)).resize((24, 24)).save(out, "PNG")
        hash = hashlib.sha256(out.getvalue() + str(object_id).encode()).digest()
        db.execute("insert into content values (%s, 1, 'PNG', 'L', 24, 24, %s, '')", [hash, writer.add(out.getvalue())])
        db.execute("insert into image values (%s, %s, 0, %s, %s)", [project.id, object_id, hash, f"{object_id}.png"])
    writer.finish()
    for digit, taxon in enumerate(TAUGHT):
        own = [i for i, place in zip(project.ids[:120], kept, strict=False) if known.target[place] == digit]
        project.do(ada, own, taxon=taxon)
    embedders.assign(db, settings, project.id)
    db.commit()
    return project


def seen_by(who: Person, project: SmallProject) -> Project:
    return find_project(project.db, Viewer(Account(who.id, who.email, who.name, False)), project.id)


def context(settings: Settings, project: SmallProject, kind: str, job_id: int, **args: object) -> JobContext:
    return JobContext(job_id, kind, project.id, None, args, settings, settings.database_url)


def start(project: SmallProject, who: Person, **wish: object) -> tuple[int, int]:
    started = trainings.start_training(project.db, seen_by(who, project), who.id, Wish(**{"epochs": 1, **wish}))  # type: ignore[arg-type] - of the fields' own types
    project.db.commit()
    return started


def finish(project: SmallProject, job_id: int, status: str = "done") -> None:
    """As the worker writes a job's end, and its queue."""
    row = project.db.execute(
        "update job set status = %s where id = %s returning procrastinate_id", [status, job_id]
    ).fetchone()
    project.db.execute("delete from procrastinate_jobs where id = %s", [row.procrastinate_id])
    project.db.commit()


def vectors(project: SmallProject, embedder_id: int | None) -> int:
    n = project.db.execute(
        "select count(*) as n from object_vector where project_id = %s and embedder_id = %s", [project.id, embedder_id]
    ).fetchone()
    project.db.commit()
    return int(n.n)


def test_a_project_trains_moves_while_the_former_serves_and_moves_back(
    db: Db, settings: Settings, bay: SmallProject, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen_by(ada, bay).embedder_id
    embed.embed_project(settings.database_url, settings, bay.id, context(settings, bay, "embed", 0))
    training_id, job_id = start(bay, ada, name="Digits")
    tuning_job.run(context(settings, bay, "tune", job_id, training_id=training_id))
    finish(bay, job_id)
    training = trainings.find_training(db, bay.id, training_id)
    assert training.embedder == "Digits" and training.trained_at and not training.is_in_use
    assert 0 < training.report["agreement_after"] <= 1 and training.report["n"] == 120
    assert seen_by(ada, bay).embedder_id == before, "nobody was asked yet"

    move_job = moving.start_move(db, bay, ada.id, training_id)
    db.commit()
    serving: list[int | None] = []
    use = embedders.use

    def watched(*given: object) -> None:
        serving.append(vectors(bay, before))
        assert vectors(bay, training.embedder_id) == N
        use(*given)  # type: ignore[arg-type] - passed on

    monkeypatch.setattr(embedders, "use", watched)
    embed.run(context(settings, bay, "embed", move_job, move_to=training.embedder_id))
    finish(bay, move_job)
    assert serving == [N] and seen_by(ada, bay).embedder_id == training.embedder_id
    assert trainings.find_training(db, bay.id, training_id).is_in_use

    back_job = moving.start_move(db, bay, ada.id, training_id, back=True)
    db.commit()
    embed.run(context(settings, bay, "embed", back_job, move_to=before))
    assert seen_by(ada, bay).embedder_id == before and vectors(bay, training.embedder_id) == N
    spec = embedders.find(db, training.embedder_id).config["spec"]
    embed.run(context(settings, bay, "embed", back_job, move_to=spec))
    assert seen_by(ada, bay).embedder_id == training.embedder_id, "what is named in the settings is moved to as well"


def test_without_torch_nothing_is_queued(
    app_client: Client, db: Db, bay: SmallProject, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = logged_in(app_client, account(ada)).post(f"/api/v1/projects/{bay.id}/trainings", json={})
    assert answer.status_code == 409 and "run pip install -e '.[clip]'" in answer.json()["detail"]
    assert db.execute("select count(*) as n from job where kind = 'tune'").fetchone().n == 0
    assert db.execute("select count(*) as n from learning_set").fetchone().n == 0


def test_a_machine_without_the_file_fetches_it_and_a_lost_one_is_told(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    training_id, job_id = start(bay, ada)
    tuning_job.run(context(settings, bay, "tune", job_id, training_id=training_id))
    row = embedders.find(db, trainings.find_training(db, bay.id, training_id).embedder_id or 0)
    assert row.name == "Validated here 1" and row.config["spec"].startswith("tuned:")
    elsewhere = replace(settings, home=settings.home.parent / "other")
    assert embedders.load(elsewhere, row).digest == row.digest
    next(Path(settings.store_url).rglob("tuned-*.onnx")).unlink()
    third = replace(settings, home=settings.home.parent / "third")
    embedders._open.cache_clear()
    with pytest.raises(Refused, match="neither on this machine nor in the store"):
        embedders.load(third, row)


def test_a_cancelled_training_goes_on_where_it_was(db: Db, settings: Settings, bay: SmallProject, ada: Person) -> None:
    training_id, job_id = start(bay, ada, epochs=3)
    work = context(settings, bay, "tune", job_id, training_id=training_id)

    def listen(state: Progress) -> None:
        if state.message.startswith("epoch 3"):
            work.cancelled.set()

    work.listener = listen
    with pytest.raises(Cancelled):
        tuning_job.run(work)
    finish(bay, job_id, "cancelled")
    assert trainings.find_training(db, bay.id, training_id).trained_at is None
    again = trainings.queue_again(db, bay.id, ada.id, training_id)
    db.commit()
    said: list[str] = []
    more = context(settings, bay, "tune", again, training_id=training_id)
    more.listener = lambda state: said.append(state.message)
    tuning_job.run(more)
    assert not any(line.startswith(("epoch 1", "epoch 2")) for line in said)
    assert len(trainings.find_training(db, bay.id, training_id).report["history"]) == 3


def test_a_source_that_is_closed_while_the_training_waits_teaches_nothing(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    closed = make_project(db, 1, "Closed")
    training_id, job_id = start(bay, ada, learning_set_id=sets.own_set(db, seen_by(ada, bay), ada.id))
    db.execute("update learning_set set source_ids = source_ids || %s", [closed.id])
    db.commit()
    args = {"training_id": training_id}
    job = JobContext(job_id, "tune", bay.id, ada.id, args, settings, settings.database_url)
    with pytest.raises(Refused, match=f"objects of project {closed.id}, which you may not read"):
        tuning_job.run(job)


def test_before_is_told_of_the_embedder_that_the_project_serves(
    db: Db, bay: SmallProject, ada: Person, tmp_path: Path
) -> None:
    set_id = sets.own_set(db, seen_by(ada, bay), ada.id)
    served = make_embedder(db, 3, "served")
    items = db.execute("select * from learning_item where set_id = %s order by number", [set_id]).fetchall()
    truth = np.array([item.taxon_id for item in items])
    told = np.eye(3, dtype=np.float32)[np.unique(truth, return_inverse=True)[1]]
    add_vectors(db, served, bay.id, [item.object_id for item in items], told)
    held = tmp_path / "held_out.npz"
    np.savez(held, index=np.arange(5, 115), truth=truth[5:115])
    trained = Tuned("tuned:x", "x", "Digits", held, held, {})
    ask = SimpleNamespace(before_id=served, learning_set_id=set_id)
    numbers = np.array([item.number for item in items], np.int32)
    assert tuning_job.before(db, ask, trained, numbers) == {"before": "served", "agreement_before": 1.0}
    db.execute("delete from object_vector where embedder_id = %s and object_id = %s", [served, items[50].object_id])
    assert tuning_job.before(db, ask, trained, numbers) == {"before": DEFAULT}, "some have no vector of it"
    ask.before_id = seen_by(ada, bay).embedder_id
    assert tuning_job.before(db, ask, trained, numbers) == {"before": DEFAULT}


def test_who_lost_a_source_does_not_go_on_with_a_training_of_it(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    closed = make_project(db, 1, "Closed")
    training_id, job_id = start(bay, ada)
    finish(bay, job_id, "cancelled")
    db.execute("update learning_set set source_ids = source_ids || %s", [closed.id])
    with pytest.raises(Forbidden, match=f"objects of project {closed.id}, which you may not read"):
        trainings.queue_again(db, bay.id, ada.id, training_id)
    db.execute("update embedder_training set learning_set_id = null")
    with pytest.raises(Refused, match="learning set of this training was deleted"):
        trainings.queue_again(db, bay.id, ada.id, training_id)


def test_what_is_validated_is_chosen_by_the_job_and_not_while_somebody_waits(
    db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    training_id, job_id = start(bay, ada)
    set_id = trainings.find_training(db, bay.id, training_id).learning_set_id or 0
    begun = sets.find_begun(db, set_id)
    assert (begun.n_objects, begun.frozen_at, begun.job_id) == (0, None, job_id)
    db.rollback()
    tuning_job.run(context(settings, bay, "tune", job_id, training_id=training_id))
    made = sets.find_begun(db, set_id)
    assert made.n_objects == 120 and made.frozen_at and made.source_ids == [bay.id]


def test_one_training_at_a_time_and_a_name_stands_for_one_version(bay: SmallProject, ada: Person) -> None:
    _, job_id = start(bay, ada, name="Digits")
    with pytest.raises(Conflict, match="being trained for this project already"):
        start(bay, ada)
    bay.db.rollback()
    finish(bay, job_id, "cancelled")
    start(bay, ada, name="Digits")
    assert [one.name for one in trainings.list_trainings(bay.db, bay.id)] == ["Digits, 2", "Digits"]


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"network": "resnet"}, "There is no network 'resnet'"),
        ({"epochs": 0}, "1 to 500 epochs, not 0"),
        ({"minutes": -1.0}, "up to 1,440 minutes"),
        ({"device": "tpu"}, "auto, cpu or cuda"),
    ],
)
def test_what_makes_no_sense_is_refused(bay: SmallProject, ada: Person, wish: dict, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        start(bay, ada, **wish)


def test_too_few_labels_are_refused_before_anything_is_queued(db: Db, ada: Person) -> None:
    small = make_project(db, 30)
    set_member(db, small.id, ada.id, "manager")
    small.do(ada, small.ids[:20], taxon="Oithona")
    small.do(ada, small.ids[20:], taxon="detritus")
    with pytest.raises(Refused, match="30 validated images of 2 taxa are too few"):
        start(small, ada)
    db.rollback()
    assert not trainings.list_trainings(db, small.id)


def count(project: SmallProject, n: int) -> None:
    for taxon in TAUGHT:
        project.db.execute(
            "insert into count_delta (project_id, taxon_id, status, n) values (%s, %s, 'V', %s)",
            [project.id, project.taxa[taxon], n],
        )


def test_it_is_offered_at_a_thousand_and_again_when_they_have_doubled(db: Db, ada: Person) -> None:
    project = make_project(db, 10)
    count(project, 300)
    few = trainings.offer(db, project.id)
    assert not few.is_due and few.n_missing == 100
    count(project, 100)
    assert trainings.offer(db, project.id).is_due
    db.execute(
        "insert into embedder_training (project_id, name, n_validated, trained_at) values (%s, 'a', 1200, now())",
        [project.id],
    )
    after = trainings.offer(db, project.id)
    assert not after.is_due and after.n_missing == 1200
    count(project, 400)
    assert trainings.offer(db, project.id).is_due
    assert 30 < after.seconds < 3600


def test_its_page_offers_and_shows_and_only_managers_see_it(
    app_client: Client, db: Db, bay: SmallProject, ada: Person, ben: Person
) -> None:
    set_member(db, bay.id, ben.id, "annotator")
    db.commit()
    whole = logged_in(app_client, account(ada)).get(f"/projects/{bay.id}/spaces").text
    assert f'hx-get="/projects/{bay.id}/tuning"' in whole and 'hx-trigger="load"' in whole
    page = app_client.get(f"/projects/{bay.id}/tuning").text
    assert "Train an embedder all the same" in page and "with 880 more it should pay" in page
    assert app_client.get(f"/projects/{bay.id}/tuning/notice").text.strip() == ""
    answer = app_client.post(f"/projects/{bay.id}/tuning")
    assert answer.status_code == 303 and answer.headers["location"].endswith("/spaces#embedders")
    at_work = app_client.get(f"/projects/{bay.id}/tuning").text
    assert "Cancel the training" in at_work and 'hx-trigger="load delay:2s"' in at_work
    training = trainings.list_trainings(db, bay.id)[0]
    assert app_client.post(f"/projects/{bay.id}/tuning/{training.id}/cancel").status_code == 303
    assert "the training was cancelled" in app_client.get(f"/projects/{bay.id}/tuning").text
    assert logged_in(app_client, account(ben)).get(f"/projects/{bay.id}/tuning").status_code == 403


def test_a_trained_embedder_shows_before_and_after_and_asks(
    app_client: Client, db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    default = seen_by(ada, bay).embedder_id
    report = {"agreement_before": 0.551, "agreement_after": 0.702, "accuracy": 0.76, "n_learned": 8000, "n_taxa": 121,
              "n_held_out": 2000, "seconds": 700}  # fmt: skip
    job_id = enqueue(db, "tune", "Train", bay.id, ada.id, {})
    db.execute(
        """
        insert into embedder_training (project_id, name, config, embedder_id, before_id, report, job_id, trained_at)
        values (%s, 'Bay', '{}', %s, %s, %s, %s, now())
        """,
        [bay.id, default, default, json.dumps(report), job_id],
    )
    finish(bay, job_id)
    page = logged_in(app_client, account(ada)).get(f"/projects/{bay.id}/tuning").text
    assert "55.1 %" in page and "70.2 %" in page and "76.0 %" in page
    assert "in use" in page and f"Back to {DEFAULT}" in page


def account(who: Person) -> Account:
    return Account(who.id, who.email, who.name, False)


def test_programs_train_and_move_likewise(
    app_client: Client, db: Db, settings: Settings, bay: SmallProject, ada: Person
) -> None:
    headers = bearer(settings.database_url, account(ada))
    base = f"/api/v1/projects/{bay.id}/trainings"
    queued = app_client.post(base, headers=headers, json={"epochs": 2, "name": "By a program"})
    assert queued.status_code == 202
    told = app_client.get(base, headers=headers).json()
    assert told["trainings"][0]["name"] == "By a program" and told["trainings"][0]["wish"]["epochs"] == 2
    assert told["offer"]["n_validated"] == 120
    path = f"{base}/{queued.json()['training_id']}"
    assert app_client.post(f"{path}/move", headers=headers, json={}).status_code == 409
    assert app_client.get(f"{base}/999999", headers=headers).status_code == 404
    assert app_client.post(base, headers=headers, json={"learning_set_id": 999999}).status_code == 404
    for network in ("timm:resnet18:/etc/passwd", "open_clip:ViT-B-32:/srv/w.pt", "open_clip:local-dir:weights"):
        refused = app_client.post(base, headers=headers, json={"network": network})
        assert refused.status_code == 422 and "file of the server" in refused.json()["detail"]
