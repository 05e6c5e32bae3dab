"""The wizard's steps, a set's page, its files and the API: who may do what, and what one is told."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from app.accounts.viewer import Account
from app.database import Db, connect
from app.errors import Refused
from app.jobs.context import JobContext
from app.learning import job as learning_job
from app.learning import loading, previews, sets
from app.objects.store import open_store
from app.projects.queries import set_member
from app.settings import Settings
from tests.learning.conftest import Seas
from tests.web_fixtures import Client, logged_in

RAISED = {"pick": "varied", "seed": "1", "per_taxon": "5000"}


@dataclass(frozen=True)
class Desk:
    """Ana's browser: she manages the bay and may look at the gulf."""

    client: Client
    seas: Seas
    settings: Settings
    account: Account

    @property
    def base(self) -> str:
        return f"/projects/{self.seas.bay.id}/learning-sets"

    @property
    def api(self) -> str:
        return f"/api/v1{self.base}"

    def get(self, rest: str = "") -> str:
        answer = self.client.get(self.base + rest)
        assert answer.status_code == 200, answer.text
        return str(answer.text)

    def post(self, rest: str = "", **form: Any) -> Any:
        return self.client.post(self.base + rest, data=form)

    def choose(self, *project_ids: int, taxa: dict[int, int] | None = None, **form: str) -> None:
        """The first two steps."""
        assert self.post("/new", source=[str(one) for one in project_ids]).status_code == 303
        told = RAISED | form | ({"taxa": json.dumps(taxa)} if taxa is not None else {})
        assert self.post("/new/taxa", **told).headers["location"].endswith("/preview")

    def work(self) -> list[str]:
        """Do the waiting jobs as a worker does; what they log."""
        with connect(self.settings.database_url) as db:
            rows = db.execute("select * from job where kind = 'learning' and status = 'queued' order by id").fetchall()
        logged: list[str] = []
        for row in rows:
            context = JobContext(
                row.id, row.kind, row.project_id, row.account_id, row.args, self.settings, self.settings.database_url
            )
            try:
                learning_job.run(context)
            except Refused as refused:
                self._end(row.id, "failed", refused.sentence)
                raise
            logged += context.lines
            self._end(row.id, "done")
        return logged

    def _end(self, job_id: int, status: str, error: str = "") -> None:
        with connect(self.settings.database_url) as db:
            db.execute("update job set status = %s, error = %s where id = %s", [status, error, job_id])

    def made(self, path: str) -> sets.LearningSet:
        with connect(self.settings.database_url) as db:
            return sets.find_begun(db, int(path.rpartition("/")[2]))


@pytest.fixture
def desk(db: Db, seas: Seas, settings: Settings, app_client: Client, make_account: Callable[..., Account]) -> Desk:
    account = make_account("ana@example.org")
    set_member(db, seas.bay.id, account.id, "manager")
    set_member(db, seas.gulf.id, account.id, "visitor")
    db.commit()
    return Desk(logged_in(app_client, account), seas, settings, account)


def test_from_the_projects_over_the_taxa_and_the_preview_to_a_frozen_set(desk: Desk) -> None:
    taxa = desk.seas.taxa
    assert "No learning set yet" in desk.get()
    assert "Gulf" in desk.get("/new")
    desk.choose(
        desk.seas.bay.id, desk.seas.gulf.id, taxa={taxa["Oithona similis"]: taxa["Oithona"], taxa["detritus"]: 0},
        per_taxon="12", pick="random",
    )  # fmt: skip
    told = desk.get("/new/preview")
    assert "<b>12</b> objects" in told and "20 objects of taxa that are left out" in told
    assert "Only <b>Oithona</b> is taught" in told
    assert "also Oithona similis" in told
    made = desk.post(title="Copepods").headers["location"]
    assert "it waits for its turn" in desk.get(f"/{made.rpartition('/')[2]}/progress").lower()
    assert desk.work() == ["12 objects."]
    page = desk.client.get(made).text
    assert "Copepods, version 1" in page and "at random, seed 1" in page and "also Oithona similis" in page
    assert (desk.made(made).n_objects, desk.made(made).n_taxa) == (12, 1)
    assert "Copepods, version 1" in desk.get()
    elsewhere = f"/projects/{desk.seas.gulf.id}/learning-sets"
    assert "1 learning set of other projects" in desk.client.get(elsewhere).text
    assert "Copepods, version 1" in desk.client.get(made.replace(desk.base, elsewhere)).text


def test_the_list_of_projects_is_filtered_and_keeps_what_is_ticked(desk: Desk) -> None:
    part = {"hx-request": "true"}
    path = f"{desk.base}/new?title=gul&source={desk.seas.bay.id}"
    told = desk.client.get(path, headers=part).text
    assert "Gulf" in told and re.search(rf'value="{desk.seas.bay.id}" checked', told)
    assert "Gulf" not in desk.client.get(f"{desk.base}/new?fewest=41&source=", headers=part).text
    assert desk.client.get(f"{desk.base}/new?fewest=many", headers=part).status_code == 422
    assert "Choose at least one project" in desk.post("/new").text


def test_the_wizard_remembers_and_begins_with_the_choices_of_a_former_set(desk: Desk) -> None:
    taxa = desk.seas.taxa
    desk.choose(desk.seas.bay.id, taxa={taxa["Oithona"]: taxa["Copepoda"]}, per_taxon="77", with_unseen="yes")
    made = desk.post(title="One").headers["location"]
    desk.work()
    desk.choose(desk.seas.bay.id, taxa={}, per_taxon="")
    assert desk.post(f"/{made.rpartition('/')[2]}/again").headers["location"] == f"{desk.base}/new/taxa"
    page = desk.get("/new/taxa")
    assert 'value="77"' in page and "Copepoda</option>" in page


def test_a_new_set_begins_afresh_after_one_was_made_or_let_go(desk: Desk) -> None:
    assert "You go on with" not in desk.get("/new")
    desk.choose(desk.seas.bay.id, per_taxon="77")
    assert "You go on with" in desk.get("/new")
    desk.client.post(f"{desk.base}/new/afresh")
    assert "You go on with" not in desk.get("/new")
    desk.choose(desk.seas.bay.id, per_taxon="77")
    made = desk.post(title="Seventy").headers["location"]
    assert "You go on with" not in desk.get("/new")
    desk.post(f"/{made.rpartition('/')[2]}/again")
    assert "for “Seventy”" in desk.get("/new")
    assert 'value="Seventy"' in desk.get("/new/preview")


def test_conditions_that_cannot_be_obeyed_are_told_in_the_preview(desk: Desk) -> None:
    desk.choose(desk.seas.bay.id, filters="f.volume=1..2")
    answer = desk.client.get(f"{desk.base}/new/preview")
    assert answer.status_code == 422 and "In “Bay” the condition f.volume=1..2" in answer.text
    assert "whole number" in desk.client.post(f"{desk.base}/new/taxa", data=RAISED | {"per_taxon": "many"}).text


def test_a_source_that_is_closed_meanwhile_is_told_at_each_step(desk: Desk) -> None:
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    made = desk.post(title="Both").headers["location"]
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    desk.seas.db.execute(
        "delete from member where account_id = %s and project_id = %s", [desk.account.id, desk.seas.gulf.id]
    )
    desk.seas.db.commit()
    assert "1 of the chosen projects is not there" in desk.get("/new")
    assert "Oithona similis" not in desk.get("/new/taxa")
    assert f"project {desk.seas.gulf.id} cannot be learned from" in desk.client.get(f"{desk.base}/new/preview").text
    with pytest.raises(Refused, match=f"project {desk.seas.gulf.id} cannot be learned from"):
        desk.work()
    answer = desk.client.get(made)
    assert answer.status_code == 403 and f"project {desk.seas.gulf.id}" in answer.text
    assert "Both" not in desk.get()


def test_other_embedders_and_columns_are_named_with_what_is_common(desk: Desk) -> None:
    db = desk.seas.db
    db.execute("delete from object_vector where project_id = %s", [desk.seas.gulf.id])
    db.execute("insert into embedder (name, digest, dimension) values ('older', 'y', 16)")
    db.execute(
        "update project set embedder_id = (select id from embedder where name = 'older') where id = %s",
        [desk.seas.gulf.id],
    )
    db.execute("update field set name = 'size' where project_id = %s and name = 'area'", [desk.seas.gulf.id])
    db.commit()
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    told = desk.get("/new/preview")
    assert "its vectors are of older, which cannot be compared" in told and "Without, it teaches nothing" in told
    assert "<code>area</code> is not in Gulf" in told and "<code>size</code> is not in Bay" in told
    assert "2 numeric columns are common to all" in told


def test_projects_that_name_the_same_differently_are_told(desk: Desk) -> None:
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    told = " ".join(desk.get("/new/comparison").split())
    assert "Of what Bay calls <b>Oithona</b> and Gulf has the like of" in told
    assert "mostly <b>Oithona similis</b>" in told
    taxa = desk.seas.taxa
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id, taxa={taxa["Oithona similis"]: taxa["Oithona"]})
    assert "<b>Oithona similis</b>" not in desk.get("/new/comparison")


def test_everything_here_in_one_click_and_away_again(desk: Desk) -> None:
    made = desk.post("/own").headers["location"]
    assert desk.client.post(f"{made}/delete").status_code == 409
    desk.work()
    assert desk.made(made).name == "Validated here 1"
    assert desk.client.post(f"{made}/delete").status_code == 303
    assert "No learning set yet" in desk.get()


def stored_images(db: Db, settings: Settings) -> None:
    """A picture for each object, in the store."""
    writer = open_store(settings).pack_writer()
    rows = db.execute("select hash from content").fetchall()
    blobs = []
    for i, _ in enumerate(rows):
        data = io.BytesIO()
        Image.new("L", (20, 10), i % 256).save(data, "PNG")
        blobs.append(writer.add(data.getvalue()))
    writer.finish()
    db.execute(
        "update content set blob = given.blob from unnest(%s::bytea[], %s::text[]) as given (hash, blob)"
        " where content.hash = given.hash",
        [[row.hash for row in rows], blobs],
    )
    db.commit()


def test_a_set_is_written_out_with_its_images_and_brought_in_again(desk: Desk) -> None:
    stored_images(desk.seas.db, desk.settings)
    made = desk.post("/own").headers["location"]
    desk.work()
    desk.client.post(f"{made}/exports", data={"with_images": "yes"})
    set_id = int(made.rpartition("/")[2])
    assert "being written" in desk.client.get(f"{made}/progress").text
    desk.work()
    (export,) = desk.client.get(f"{desk.api}/{set_id}/exports").json()
    data = desk.client.get(f"{made}/exports/{export['id']}").content
    bundle = zipfile.ZipFile(io.BytesIO(data))
    folders = {name.split("/")[1] for name in bundle.namelist() if name.startswith("images/")}
    assert folders == {"Oithona", "detritus"}
    brought = desk.client.post(f"{desk.base}/import", files={"file": ("back.zip", data)}).headers["location"]
    assert desk.work() == ["30 objects are known here; 0 came with their vector."]
    with connect(desk.settings.database_url) as db:
        first, second = (loading.load(db, one, desk.seas.embedder_id) for one in (set_id, desk.made(brought).id))
    assert first.object_ids.tolist() == second.object_ids.tolist()
    assert first.taxa.tolist() == second.taxa.tolist()
    assert first.groups.tolist() == second.groups.tolist()
    assert not list((desk.settings.home / "learning").glob("brought-*")), "it goes once its set is there"


def test_a_table_of_objects_that_are_not_known_here_brings_their_vectors(desk: Desk) -> None:
    made = desk.post("/own").headers["location"]
    desk.work()
    export = desk.client.post(f"{desk.api}/{made.rpartition('/')[2]}/exports", json={}).json()
    desk.work()
    data = desk.client.get(f"{desk.api}/{export['set_id']}/exports/{export['id']}/file").content
    desk.seas.db.execute("update object set orig_id = 'another ' || orig_id")
    desk.seas.db.commit()
    queued = desk.client.post(f"{desk.api}/import?title=Far", content=data).json()
    assert desk.work() == ["0 objects are known here; 30 came with their vector."]
    with connect(desk.settings.database_url) as db:
        far = loading.load(db, queued["set_id"], desk.seas.embedder_id)
        near = loading.load(db, export["set_id"], desk.seas.embedder_id)
    assert set(far.object_ids.tolist()) == {0} and set(far.project_ids.tolist()) == {0}
    assert abs(far.vectors - near.vectors).max() < 1e-3
    assert "from elsewhere" in desk.client.get(f"{desk.base}/{queued['set_id']}").text


def test_files_that_are_none_and_names_that_are_unknown_are_told_and_leave_nothing(desk: Desk) -> None:
    answer = desk.client.post(f"{desk.api}/import?title=Bad", content=b"what is this")
    assert answer.status_code == 422 and "cannot be read" in answer.json()["detail"]
    assert "Choose a file" in desk.client.post(f"{desk.base}/import", files={"other": ("x", b"")}).text
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as bundle:
        bundle.writestr("Nessie/1.png", b"none")
        bundle.writestr("Oithona/1.png", b"none")
    answer = desk.client.post(f"{desk.base}/import", files={"file": ("x.zip", data.getvalue())})
    assert answer.status_code == 422 and "no taxon, or several, of the name Nessie" in answer.text
    assert "No learning set yet" in desk.get()
    assert not list((desk.settings.home / "learning").iterdir())


def test_images_of_a_project_leave_in_bulk_only_with_its_managers(desk: Desk) -> None:
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    made = desk.post(title="Both").headers["location"]
    desk.work()
    refused = desk.client.post(f"{made}/exports", data={"with_images": "yes"})
    assert refused.status_code == 403 and "The images of “Gulf” can be exported by its managers only" in refused.text
    assert desk.client.post(f"{made}/exports").status_code == 303


def test_a_file_with_images_is_fetched_only_by_who_manages_all_that_they_are_of(desk: Desk, db: Db) -> None:
    stored_images(db, desk.settings)
    set_member(db, desk.seas.gulf.id, desk.account.id, "manager")
    db.commit()
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    made = desk.post(title="Both").headers["location"]
    desk.work()
    for with_images in ("yes", ""):
        desk.client.post(f"{made}/exports", data={"with_images": with_images})
    desk.work()
    set_id = int(made.rpartition("/")[2])
    table, images = (one["id"] for one in desk.client.get(f"{desk.api}/{set_id}/exports").json())
    assert desk.client.get(f"{made}/exports/{images}").status_code == 200
    set_member(db, desk.seas.gulf.id, desk.account.id, "visitor")
    db.commit()
    for path in (f"{made}/exports/{images}", f"{desk.api}/{set_id}/exports/{images}/file"):
        refused = desk.client.get(path)
        assert refused.status_code == 403 and "The images of “Gulf”" in refused.text
    assert desk.client.get(f"{made}/exports/{table}").status_code == 200


def test_the_table_without_images_is_for_managers_here_who_may_read_each_source(desk: Desk, db: Db) -> None:
    desk.choose(desk.seas.bay.id, desk.seas.gulf.id)
    made = desk.post(title="Both").headers["location"]
    desk.work()
    queued = desk.client.post(f"{desk.api}/{made.rpartition('/')[2]}/exports", json={})
    assert queued.status_code == 202, "Ana looks at the gulf, and manages the bay"
    desk.work()
    path = f"{made}/exports/{queued.json()['id']}"
    assert desk.client.get(path).status_code == 200
    for project, sentence in ((desk.seas.bay, "make learning sets in"), (desk.seas.gulf, "which you may not read")):
        kept = db.execute(
            "delete from member where project_id = %s and account_id = %s returning *", [project.id, desk.account.id]
        ).fetchone()
        if project is desk.seas.bay:
            set_member(db, project.id, desk.account.id, "annotator")
        db.commit()
        for refused in (desk.client.get(path), desk.client.post(f"{made}/exports")):
            assert refused.status_code == 403 and sentence in refused.text
        set_member(db, project.id, desk.account.id, kept.role)


def test_what_is_too_large_to_look_at_is_made_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_LOOKED_AT", 10)
    desk.choose(desk.seas.bay.id)
    assert "more than can be looked at" in desk.get("/new/preview")
    for part in ("preview", "comparison"):
        refused = desk.client.post(f"{desk.api}/{part}", json={})
        assert refused.status_code == 422 and "without: a job chooses its objects" in refused.json()["detail"]
    made = desk.post(title="Large").headers["location"]
    desk.work()
    assert desk.made(made).n_objects == 30


def test_a_condition_that_a_source_does_not_know_is_refused_at_once(desk: Desk) -> None:
    for wish in ({"filters": "nope=5"}, {"filters": "sample=x", "sources": [desk.seas.bay.id, desk.seas.gulf.id]}):
        refused = desk.client.post(desk.api, json=wish | {"title": "Never"})
        assert refused.status_code == 422 and "cannot be obeyed" in refused.json()["detail"], refused.text
    assert desk.client.get(desk.api).json() == []


def test_programs_preview_make_list_and_delete(desk: Desk) -> None:
    taxa = desk.seas.taxa
    wish = {"sources": [desk.seas.bay.id, desk.seas.gulf.id], "per_taxon": 8, "taxa": {str(taxa["detritus"]): None}}
    told = desk.client.post(f"{desk.api}/preview", json=wish).json()
    assert (told["n_before"], told["n"], told["n_left_out"]) == (70, 16, 20)
    assert desk.client.post(f"{desk.api}/comparison", json=wish).json()["n_compared"] == 50
    queued = desk.client.post(desk.api, json=wish | {"title": "By a program"}).json()
    desk.work()
    read = desk.client.get(f"{desk.api}/{queued['set_id']}").json()
    assert read["taxa"] == {str(taxa["Oithona"]): 8, str(taxa["Oithona similis"]): 8}
    assert [one["id"] for one in desk.client.get(desk.api).json()] == [queued["set_id"]]
    elsewhere = f"/api/v1/projects/{desk.seas.gulf.id}/learning-sets?elsewhere=true"
    assert [one["id"] for one in desk.client.get(elsewhere).json()] == [queued["set_id"]]
    for wrong in ({"sources": [2**40]}, {"taxa": {str(2**31): None}}, {"taxa": {"1": -1}}, {"sources": [0]}):
        for part in ("", "/preview", "/comparison"):
            refused = desk.client.post(f"{desk.api}{part}", json=wish | wrong)
            assert refused.status_code == 400 and "There is no project or taxon" in refused.json()["detail"]
    assert desk.client.delete(f"{desk.api}/{queued['set_id']}").status_code == 204
    assert desk.client.get(f"{desk.api}/{queued['set_id']}").status_code == 404


def test_visitors_look_and_make_nothing(desk: Desk, db: Db) -> None:
    made = desk.post("/own").headers["location"]
    desk.work()
    db.execute("update member set role = 'visitor' where account_id = %s", [desk.account.id])
    db.commit()
    assert "New learning set" not in desk.get()
    assert desk.client.get(made).status_code == 200
    refused = [
        desk.post("/own"),
        desk.post(title="x"),
        desk.client.get(f"{desk.base}/new"),
        desk.client.post(f"{made}/exports"),
    ]
    assert {answer.status_code for answer in refused} == {403}
    assert "make learning sets in" in refused[0].text
