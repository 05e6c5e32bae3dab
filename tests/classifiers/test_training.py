"""Training as a job: what it keeps, who may use it, what stops it, and the API and the command."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from app.accounts.tokens import make_token
from app.accounts.viewer import ANONYMOUS
from app.batches.make import make_batch
from app.batches.sources import Source
from app.classifiers import training, versions
from app.classifiers.versions import Training
from app.cli import main
from app.errors import Conflict, Damaged, Forbidden, LoginNeeded, NotFound, Refused
from app.jobs import foreground
from app.jobs.context import Interrupted, JobContext
from app.learning import automatic, loading, sets
from app.learning.choices import Choices
from app.objects.store import open_store
from app.prediction import runs_made
from app.projects.access import find_project
from app.projects.queries import set_member
from app.settings import Settings
from indexer.classifier import Model
from tests.learning.conftest import Seas, seas
from tests.search.conftest import own_home
from tests.small_projects import ada, ben, make_person
from tests.web_fixtures import Client, logged_in

__all__ = ["ada", "ben", "own_home", "seas"]
N_LEARNED = 70  # 30 of the bay, 40 of the gulf
QUICK = Training(0, "Both seas", "discriminant")


def both(seas: Seas, **more: Any) -> int:
    choices = Choices(sources=(seas.bay.id, seas.gulf.id), **more)
    set_id = sets.freeze(seas.db, seas.project(), seas.ada.id, "Both seas", choices)
    seas.db.commit()
    return set_id


def start(seas: Seas, **more: Any) -> tuple[int, int]:
    wish = replace(QUICK, **{"learning_set_id": more.pop("learning_set_id", 0) or both(seas)} | more)
    started = versions.start_training(seas.db, seas.project(), seas.ada.id, wish)
    seas.db.commit()
    return started


def work(settings: Settings, seas: Seas, job_id: int) -> str:
    """The job's log."""
    foreground.run_waiting(settings, settings.database_url, job_id)
    seas.db.rollback()
    return "\n".join(row.line for row in seas.db.execute("select line from job_log where job_id = %s", [job_id]))


def trained(settings: Settings, seas: Seas, **more: Any) -> Any:
    classifier_id, job_id = start(seas, **more)
    work(settings, seas, job_id)
    return versions.find(seas.db, seas.viewer(seas.ada), classifier_id)


def test_a_job_trains_and_keeps_the_classifier_with_its_report(settings: Settings, seas: Seas) -> None:
    row = trained(settings, seas)
    assert (row.title, row.version, row.method, row.n_objects) == ("Both seas", 1, "discriminant", N_LEARNED)
    assert row.trained_at and row.embedder_id == seas.embedder_id
    names = ("Oithona", "Oithona similis", "detritus")
    assert sorted(row.taxa) == sorted(seas.taxa[name] for name in names)
    assert row.report["n"] == N_LEARNED and row.report["by_group"]
    assert {each["taxon"] for each in row.report["per_taxon"]} == set(row.taxa)
    model = versions.open_model(settings, row)
    data = loading.load(seas.db, row.learning_set_id, seas.embedder_id)
    said = model.predict(data.vectors)
    is_detritus = data.taxa == seas.taxa["detritus"]
    assert (said.taxa[is_detritus, 0] == seas.taxa["detritus"]).all()
    assert versions.open_model(settings, row) is model, "it is kept open"


def test_what_it_said_of_held_out_objects_is_kept_by_object(settings: Settings, seas: Seas) -> None:
    row = trained(settings, seas)
    held = versions.read_held_out(seas.db, row.id)
    assert len(held) == row.report["n_held_out"] > 0
    labels = {i: seas.taxa["Oithona"] for i in seas.bay.ids[:20]} | {
        i: seas.taxa["detritus"] for i in seas.bay.ids[20:30]
    }
    in_bay = held.project_ids == seas.bay.id
    assert in_bay.any()
    for object_id, truth in zip(held.object_ids[in_bay].tolist(), held.truths[in_bay].tolist(), strict=True):
        assert labels[object_id] == truth
    assert row.report["accuracy"] == pytest.approx((held.truths == held.firsts).mean())
    assert ((held.scores >= held.second_scores) & (held.novelties >= 0) & (held.novelties <= 1)).all()
    assert len(versions.read_held_out(seas.db, row.id + 1)) == 0


def test_a_set_that_takes_so_many_of_a_taxon_is_in_other_proportions_and_its_report_says_so(
    settings: Settings, seas: Seas, app_client: Client
) -> None:
    row = trained(settings, seas, learning_set_id=both(seas, per_taxon=12))
    assert row.report["limited"] == {"per_taxon": 12, "n_taxa": 3}
    assert trained(settings, seas).report["limited"] is None
    client = logged_in(app_client, seas.viewer(seas.ada).account)
    page = client.get(f"/projects/{seas.bay.id}/classifiers/{row.id}").text
    assert "In the proportions of its learning set, which takes at most 12 of a taxon and has so many of 3 taxa" in page


def test_titles_have_versions_and_two_clicks_train_once(settings: Settings, seas: Seas) -> None:
    set_id = both(seas)
    first = start(seas, learning_set_id=set_id)
    assert start(seas, learning_set_id=set_id) == first
    work(settings, seas, first[1])
    second = start(seas, learning_set_id=set_id)
    assert second[0] != first[0]
    listed = versions.list_classifiers(seas.db, seas.bay.id)
    assert [(row.id, row.version) for row in listed] == [(second[0], 2), (first[0], 1)]


def test_it_predicts_afterwards_where_that_was_asked(settings: Settings, seas: Seas) -> None:
    classifier_id, job_id = start(seas, then_predict=True, publish=True)
    work(settings, seas, job_id)
    foreground.drain(settings, settings.database_url, seas.bay.id)
    seas.db.rollback()
    run = seas.db.execute(
        "select run.* from run join project on current_run_id = run.id where project_id = %s", [seas.bay.id]
    ).fetchone()
    assert run.classifier_id == classifier_id and run.n_predictions == 30
    assert {seas.bay.seen(i)[0] for i in seas.bay.ids[30:]} == {"P"}
    assert {seas.bay.seen(i)[0] for i in seas.bay.ids[:30]} == {"V"}


def test_columns_that_all_have_are_learned_from_and_the_others_told(settings: Settings, seas: Seas) -> None:
    set_id = both(seas)
    with pytest.raises(Refused, match=r"numeric columns object\.perimeter\. Shared are: .*area"):
        start(seas, learning_set_id=set_id, columns=("object.perimeter",))
    seas.db.rollback()
    area = next(field.name for field in sets.common_fields(seas.db, set_id, seas.bay.id) if "area" in field.name)
    row = trained(settings, seas, learning_set_id=set_id, columns=(area, "object.depth_max_m", area))
    assert row.report["columns"] == [area]
    assert [name for name, _ in row.report["dropped_columns"]] == ["object.depth_max_m"]
    assert versions.open_model(settings, row).columns == (area,)


def test_objects_without_vectors_are_told_by_source(settings: Settings, seas: Seas) -> None:
    set_id = both(seas)
    seas.db.execute("delete from object_vector where project_id = %s", [seas.gulf.id])
    seas.db.commit()
    classifier_id, job_id = start(seas, learning_set_id=set_id)
    said = work(settings, seas, job_id)
    assert f"40 objects of project {seas.gulf.id} have no vector" in said
    row = versions.find(seas.db, seas.viewer(seas.ada), classifier_id)
    assert row.report["without_vector"] == [{"project_id": seas.gulf.id, "n": 40}] and row.n_objects == 30


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        ("delete from object_vector", "None of the 70 objects"),
        ("update learning_item set taxon_id = (select min(taxon_id) from learning_item)", "the same taxon"),
        ("delete from learning_set", "learning set was deleted"),
        ("update classifier set embedder_id = null", "embedder whose vectors"),
        ("delete from classifier", "removed meanwhile"),
    ],
)
def test_a_training_that_cannot_be_says_why(settings: Settings, seas: Seas, break_it: str, sentence: str) -> None:
    classifier_id, job_id = start(seas)
    seas.db.execute(break_it)
    seas.db.commit()
    with pytest.raises(Refused, match=sentence):
        work(settings, seas, job_id)
    row = seas.db.execute("select trained_at from classifier where id = %s", [classifier_id]).fetchone()
    assert row is None or row.trained_at is None


def test_what_cannot_be_asked_is_refused(seas: Seas) -> None:
    set_id = both(seas)
    pca = [({"pca": text}, "no number of components") for text in ("abc", "-3", "nan", "inf", "2.5")]
    for wrong, sentence in (({"title": " "}, "title of 1 to 200"), ({"method": "magic"}, "no method 'magic'"), *pca):
        with pytest.raises(Refused, match=sentence):
            start(seas, learning_set_id=set_id, **wrong)
        seas.db.rollback()
    with pytest.raises(NotFound):
        start(seas, learning_set_id=set_id + 1)
    seas.db.rollback()
    seas.db.execute("update learning_set set frozen_at = null")
    seas.db.commit()
    with pytest.raises(Conflict, match="still being made"):
        start(seas, learning_set_id=set_id)
    seas.db.rollback()
    seas.db.execute("update project set embedder_id = null where id = %s", [seas.bay.id])
    seas.db.commit()
    with pytest.raises(Refused, match="vectors"):
        start(seas, learning_set_id=set_id)


def test_a_source_that_may_no_longer_be_read_closes_the_classifier(settings: Settings, seas: Seas) -> None:
    row = trained(settings, seas)
    with pytest.raises(Forbidden, match=f"project {seas.gulf.id}"):
        versions.find(seas.db, seas.viewer(seas.ben), row.id)
    with pytest.raises(Forbidden):
        versions.start_training(
            seas.db, seas.project(), seas.ben.id, replace(QUICK, learning_set_id=row.learning_set_id)
        )
    seas.db.rollback()
    set_member(seas.db, seas.gulf.id, seas.ben.id, "visitor")
    assert versions.find(seas.db, seas.viewer(seas.ben), row.id).id == row.id
    with pytest.raises(LoginNeeded):
        versions.find(seas.db, ANONYMOUS, row.id)
    stranger = make_person(seas.db, "Cem")
    with pytest.raises(NotFound):
        versions.find(seas.db, seas.viewer(stranger), row.id)


def test_the_list_tells_title_and_version_only_of_what_learned_from_a_closed_project(
    settings: Settings, seas: Seas, app_client: Client
) -> None:
    row = trained(settings, seas)
    set_member(seas.db, seas.bay.id, seas.ben.id, "visitor")
    seas.db.commit()
    base = f"/projects/{seas.bay.id}/classifiers"
    client = logged_in(app_client, seas.viewer(seas.ben).account)
    page = client.get(base).text
    assert "Both seas, version 1" in page and "projects that you may not read" in page
    assert f"{base}/{row.id}" not in page and "learning-sets/" not in page and "70 images" not in page
    (told,) = client.get(f"/api/v1{base}").json()
    assert (told["title"], told["version"], told["is_closed"]) == ("Both seas", 1, True)
    assert (told["accuracy"], told["ece"], told["n_objects"], told["n_taxa"], told["learning_set_id"]) == (
        None, None, 0, 0, None,
    )  # fmt: skip
    seas.db.execute("delete from learning_set")
    seas.db.commit()
    assert client.get(f"/api/v1{base}").json()[0]["is_closed"], "also when its set is gone"
    client = logged_in(app_client, seas.viewer(seas.ada).account)
    assert client.get(f"/api/v1{base}").json()[0]["accuracy"] is not None


def test_a_classifier_stays_closed_when_its_learning_set_is_deleted(settings: Settings, seas: Seas) -> None:
    row = trained(settings, seas)
    sets.delete(seas.db, row.learning_set_id)
    seas.db.commit()
    with pytest.raises(Forbidden, match=f"project {seas.gulf.id}"):
        versions.find(seas.db, seas.viewer(seas.ben), row.id)
    taxon_id = seas.taxa["detritus"]
    cell = Source("confusion", {"classifier_id": row.id, "truth": taxon_id, "predicted": taxon_id})
    with pytest.raises(Forbidden, match=f"project {seas.gulf.id}"):
        make_batch(seas.db, seas.project(seas.ben), seas.ben, cell)
    assert make_batch(seas.db, seas.project(), seas.ada, cell).title.startswith("detritus")
    seas.db.execute("delete from project where id = %s", [seas.gulf.id])
    assert versions.find(seas.db, seas.viewer(seas.ben), row.id).id == row.id


def test_a_source_that_is_closed_while_the_training_waits_is_not_learned_from(settings: Settings, seas: Seas) -> None:
    classifier_id, job_id = start(seas)
    seas.db.execute("delete from member where project_id = %s and account_id = %s", [seas.gulf.id, seas.ada.id])
    seas.db.commit()
    with pytest.raises(Refused, match=f"objects of project {seas.gulf.id}, which you may not read"):
        work(settings, seas, job_id)
    row = seas.db.execute("select trained_at from classifier where id = %s", [classifier_id]).fetchone()
    assert row.trained_at is None


def test_a_set_of_a_project_that_one_may_not_see_is_not_even_named(seas: Seas) -> None:
    gulf = find_project(seas.db, seas.viewer(seas.ada), seas.gulf.id)
    set_id = sets.begin(seas.db, gulf, seas.ada.id, "Secret", Choices(sources=(gulf.id,)))
    with pytest.raises(NotFound, match="no such learning set"):
        versions.start_training(seas.db, seas.project(seas.ben), seas.ben.id, replace(QUICK, learning_set_id=set_id))
    with pytest.raises(Conflict, match="“Secret 1” is still being made"):
        versions.start_training(seas.db, seas.project(), seas.ada.id, replace(QUICK, learning_set_id=set_id))


def test_a_classifier_that_is_not_whole_is_not_used(settings: Settings, seas: Seas) -> None:
    row = trained(settings, seas)
    store = open_store(settings)
    data = store.read(row.blob)
    other = Model.from_bytes(data)
    assert np.array_equal(other.taxa, row.taxa)
    versions._open.cache_clear()
    store.put(row.blob, data[:-1] + b"x")
    with pytest.raises(Damaged, match="not what was written"):
        versions.open_model(settings, row)
    store.remove(row.blob)
    with pytest.raises(NotFound, match="gone from the store"):
        versions.open_model(settings, row)
    for changed, sentence in (({"embedder_id": None}, "embedder that is gone"), ({"trained_at": None}, "not trained")):
        with pytest.raises(Conflict, match=sentence):
            versions.open_model(settings, row._replace(**changed))


def test_a_training_that_is_stopped_leaves_nothing_and_begins_anew(settings: Settings, seas: Seas) -> None:
    classifier_id, job_id = start(seas)
    args = {"classifier_id": classifier_id}
    job = JobContext(job_id, "train", seas.bay.id, seas.ada.id, args, settings, settings.database_url)
    job.listener = lambda progress: job.interrupted.set() if "fitting" in progress.message else None
    with pytest.raises(Interrupted):
        training.run(job)
    row = seas.db.execute("select trained_at, blob from classifier where id = %s", [classifier_id]).fetchone()
    assert row.trained_at is None and row.blob is None
    seas.db.commit()
    work(settings, seas, job_id)
    assert versions.find(seas.db, seas.viewer(seas.ada), classifier_id).trained_at is not None


def test_a_removed_classifiers_file_is_swept_and_others_stay(settings: Settings, seas: Seas) -> None:
    kept, gone = trained(settings, seas), trained(settings, seas, method="logistic")
    versions.remove(seas.db, seas.bay.id, gone.id)
    seas.db.commit()
    store = open_store(settings)
    assert store.sweep(seas.db, older_than_s=-10) == 1
    store.read(kept.blob)
    with pytest.raises(NotFound):
        store.read(gone.blob)
    with pytest.raises(NotFound):
        versions.remove(seas.db, seas.gulf.id, kept.id)
    busy, _ = start(seas, title="Again")
    with pytest.raises(Conflict, match="being trained"):
        versions.remove(seas.db, seas.bay.id, busy)


@pytest.fixture
def ask(seas: Seas, app_client: Client) -> Any:
    """Calls of the managers Ada and Ben."""
    tokens = {who.name: make_token(seas.db, who.id, "test", "full", 1)[1] for who in (seas.ada, seas.ben)}
    seas.db.commit()

    def call(verb: str, path: str, who: str = "Ada", **body: Any) -> Any:
        headers = {"authorization": f"Bearer {tokens[who]}", "accept": "application/json"}
        path = f"/api/v1/projects/{seas.bay.id}/classifiers{path}"
        return app_client.request(verb, path, headers=headers, **({"json": body} if body else {}))

    return call


def test_a_program_trains_reads_and_deletes(settings: Settings, seas: Seas, ask: Any) -> None:
    own = ask("POST", "", method="discriminant").json()
    both_seas = ask("POST", "", learning_set_id=both(seas), title="Both", method="discriminant").json()
    for job in (own, both_seas):
        work(settings, seas, job["job_id"])
    assert [each["title"] for each in ask("GET", "").json()] == ["Both", "Validated here"]
    one = ask("GET", f"/{both_seas['classifier_id']}").json()
    assert one["classifier"]["n_objects"] == N_LEARNED and len(one["report"]["per_taxon"]) == 3
    held = ask("GET", f"/{both_seas['classifier_id']}/held-out").json()
    assert len(held["objects"]) == len(held["scores"]) == one["report"]["n_held_out"]
    assert ask("GET", f"/{both_seas['classifier_id']}", "Ben").status_code == 403
    assert ask("GET", f"/{own['classifier_id']}", "Ben").status_code == 200
    assert ask("GET", "/99999999999").status_code == 404
    assert ask("DELETE", f"/{own['classifier_id']}").status_code == 204
    assert ask("GET", f"/{own['classifier_id']}").status_code == 404
    assert ask("POST", "", learning_set_id=10**7).status_code == 404
    set_member(seas.db, seas.bay.id, seas.ben.id, "annotator")
    seas.db.commit()
    assert ask("POST", "", "Ben", method="forest").status_code == 403


def test_the_command_trains_and_says_what_to_expect(
    settings: Settings, seas: Seas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    both(seas)

    def shoal(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["train", *words])
        return answer.exit_code, answer.output

    code, said = shoal("Bay", "--set", "both seas", "--method", "discriminant", "--title", "Two seas")
    assert code == 0 and "“Two seas”, version 1, discriminant" in said
    assert "by whole samples" in said and "fiber" not in said and "Oithona similis" in said
    code, said = shoal("Bay", "--method", "logistic", "--predict")
    assert code == 0 and "logistic" in said
    assert "Bay: run 1, 30 objects predicted" in said and "It is shown now" in said
    seas.db.rollback()
    assert {seas.bay.seen(i)[0] for i in seas.bay.ids[30:]} == {"P"}
    code, said = shoal("Bay", "--set", "nothing")
    assert code == 1 and "no learning set 'nothing'" in said


def test_a_command_and_the_report_say_what_was_left_out_for_want_of_a_vector(
    settings: Settings, seas: Seas, monkeypatch: pytest.MonkeyPatch, app_client: Client
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    both(seas)
    seas.db.execute("delete from object_vector where project_id = %s", [seas.gulf.id])
    seas.db.commit()
    told = CliRunner().invoke(main, ["train", "Bay", "--set", "both seas", "--method", "discriminant"]).output
    assert "40 more of the learning set have no vector" in told
    page = logged_in(app_client, seas.viewer(seas.ada).account).get(f"/projects/{seas.bay.id}/classifiers/1").text
    assert "40 of the 70 objects of its learning set have no vector" in page
    assert f"40 of project {seas.gulf.id}" in page


def test_taxa_that_could_not_be_asked_are_told_with_the_figure(
    settings: Settings, seas: Seas, monkeypatch: pytest.MonkeyPatch, app_client: Client
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    seas.bay.do(seas.ada, seas.bay.ids[30:31], taxon="fiber")
    seas.db.commit()
    told = CliRunner().invoke(main, ["train", "Bay", "--method", "discriminant"]).output
    assert "taxa could be asked: of the others nothing can be said." in told
    page = logged_in(app_client, seas.viewer(seas.ada).account).get(f"/projects/{seas.bay.id}/classifiers/1").text
    assert "taxa could be asked)." in page.split("of 100</b> new images get the right name")[1][:80]


def test_a_training_that_failed_leaves_no_set_and_an_equal_one_is_not_kept_twice(
    settings: Settings, seas: Seas
) -> None:
    def own(**more: Any) -> tuple[int, int]:
        started = versions.start_training(
            seas.db, seas.project(), seas.ada.id, Training(None, "Bay", "discriminant", **more)
        )
        seas.db.commit()
        return started

    def set_ids() -> list[int]:
        seas.db.rollback()
        return [row.id for row in seas.db.execute("select id from learning_set order by id")]

    first, job_id = own()
    # As a worker writes a job's end, and its queue.
    seas.db.execute("update job set status = 'failed' where id = %s", [job_id])
    seas.db.execute("delete from procrastinate_jobs")
    seas.db.commit()
    second, job_id = own()
    assert len(set_ids()) == 1 and versions.read(seas.db, first).learning_set_id is None
    work(settings, seas, job_id)
    third, job_id = own(pca="40")
    assert len(set_ids()) == 2
    work(settings, seas, job_id)
    kept = set_ids()
    assert len(kept) == 1
    assert {versions.read(seas.db, one).learning_set_id for one in (second, third)} == set(kept)
    seas.bay.do(seas.ada, seas.bay.ids[30:33], taxon="detritus")
    seas.db.commit()
    fourth, job_id = own()
    work(settings, seas, job_id)
    assert len(set_ids()) == 2
    listed = sets.list_sets(seas.db, seas.viewer(seas.ada), seas.bay.id)
    assert [one.id for one in automatic.without_former(listed)] == [versions.read(seas.db, fourth).learning_set_id]


def test_a_classifier_that_failed_is_not_told_to_be_in_training(settings: Settings, seas: Seas) -> None:
    classifier_id, job_id = start(seas)
    with pytest.raises(Conflict, match="is still being trained"):
        runs_made.find_classifier(seas.db, seas.project(), classifier_id)
    seas.db.execute("update job set status = 'failed', error = 'The disk is full.' where id = %s", [job_id])
    with pytest.raises(Conflict, match=r"was not trained: The disk is full\. Choose another"):
        runs_made.find_classifier(seas.db, seas.project(), classifier_id)
