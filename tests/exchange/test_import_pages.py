"""The import page and its twin in the API: sent, checked, asked about, imported; with what went wrong told."""

import io
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app import database
from app.accounts.viewer import Account
from app.exchange import preparing, uploads
from app.jobs.run import run_queued
from app.settings import Settings
from tests import web_fixtures
from tests.exchange.conftest import picture
from tests.web_fixtures import Client, bearer, logged_in

TUS = {"Tus-Resumable": "1.0.0"}
HEADER = "object_id\timg_file_name\tobject_annotation_category\tobject_annotation_status\tobject_annotation_person_name"
TYPES = "\t".join(["[t]"] * 5)
GOOD = ["o1\ta.png\tCope\tvalidated\tBo Ek", "o2\tb.png\tdetritus fibre\tvalidated\tBo Ek", "o3\tc.png\t\t\t"]


def rows(url: str, query: str, *values: object) -> list[Any]:
    return list(web_fixtures.rows(url, query, *values))


def packed(*lines: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("ecotaxa_t.tsv", "\n".join([HEADER, TYPES, *lines]))
        for number, name in enumerate(("a.png", "b.png", "c.png")):
            archive.writestr(name, picture(number))
    return out.getvalue()


class Desk:
    """A manager at the import page of one project."""

    def __init__(self, client: Client, project_id: int, settings: Settings, url: str) -> None:
        self.client, self.project_id, self.settings, self.url = client, project_id, settings, url

    def send(self, data: bytes, name: str = "leg3.zip", **headers: str) -> str:
        """Upload; returns its id."""
        told = TUS | headers | {"Upload-Metadata": f"filename {b64encode(name.encode()).decode()}"}
        created = self.client.post(
            f"/api/v1/projects/{self.project_id}/uploads", headers=told | {"Upload-Length": str(len(data))}
        )
        place = created.headers["location"]
        bytes_ = TUS | headers | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        assert self.client.patch(place, content=data, headers=bytes_).status_code == 204
        return place.rpartition("/")[2]

    def place(self, upload_id: str, what: str = "") -> str:
        return f"/projects/{self.project_id}/import/{upload_id}{what}"

    def press(self, upload_id: str, what: str, **form: str) -> Any:
        return self.client.post(self.place(upload_id, f"/{what}"), data=form)

    def answer(self, upload_id: str, what: str, **body: Any) -> Any:
        return self.client.post(self.place(upload_id, f"/{what}"), json=body, headers={"accept": "application/json"})

    def see(self, upload_id: str) -> str:
        answer = self.client.get(self.place(upload_id))
        assert answer.status_code == 200
        return answer.text

    def work(self) -> None:
        """What a worker does: runs the imports that wait."""
        waiting = rows(self.url, "select id from job where status = 'queued' and kind = 'import' order by id")
        for job in waiting:
            run_queued(job.id, self.settings, self.url, threading.Event())

    def count(self, table: str) -> int:
        row: Any = rows(self.url, f"select count(*) as n from {table} where project_id = %s", self.project_id)[0]
        return int(row.n)


@pytest.fixture
def manager(make_account: Callable[..., Account]) -> Account:
    return make_account("ada@example.org")


@pytest.fixture
def desk(
    app_client: Client, manager: Account, make_project: Callable[..., int], settings: Settings, database_url: str
) -> Desk:
    return Desk(logged_in(app_client, manager), make_project(manager=manager), settings, database_url)


def test_a_bundle_is_sent_checked_asked_about_and_imported(desk: Desk, manager: Account) -> None:
    rows_before = desk.count("object")
    rows(desk.url, "insert into taxon (name, display_name) values ('Copepoda', 'Copepoda') returning id")
    upload_id = desk.send(packed(*GOOD))
    assert "Check what it holds" in desk.see(upload_id)

    assert desk.press(upload_id, "check").status_code == 303
    assert "Waits for its turn" in desk.see(upload_id)
    desk.work()
    page = desk.see(upload_id)
    assert "2 unknown taxa" in page
    assert "1 unknown person" in page
    assert "3 names to answer first" in page
    assert desk.count("object") == rows_before == 0

    refused = desk.press(upload_id, "run")
    assert (refused.status_code, "3 of the names are not answered yet" in refused.text) == (422, True)
    (taxon,) = rows(desk.url, "select id from taxon where name = 'Copepoda'")
    assert desk.answer(upload_id, "answers", taxa={"Cope": taxon.id}).status_code == 200
    assert desk.answer(upload_id, "answers", taxa={"detritus fibre": "-"}).status_code == 200
    assert desk.answer(upload_id, "answers", users={"Bo Ek": f"Ada <{manager.email}>"}).status_code == 200
    assert "to answer first" not in desk.see(upload_id)

    assert desk.press(upload_id, "run").status_code == 303
    desk.work()
    page = desk.see(upload_id)
    assert "Added 3 objects with 3 images" in page
    assert f'href="/projects/{desk.project_id}?import=' in page
    assert (desk.count("object"), desk.count("label")) == (3, 1)
    labelled = rows(desk.url, "select taxon_id, account_id from label where status = 'V'")
    assert [tuple(row) for row in labelled] == [(taxon.id, manager.id)]
    assert list(uploads.folder(desk.settings).iterdir()) == []
    listed = desk.client.get(f"/projects/{desk.project_id}/import").text
    assert "leg3.zip" in listed
    assert str(desk.settings.home) not in listed


def test_faults_are_told_with_file_and_line_and_can_be_downloaded(desk: Desk) -> None:
    upload_id = desk.send(packed("o1\tnowhere.png\t\t\t", "o2\tb.png\tCope\t\t", "o3\tc.png\t\t\t"))
    desk.press(upload_id, "check")
    desk.work()
    page = desk.see(upload_id)
    assert "2 faults" in page
    assert "ecotaxa_t.tsv" in page
    assert "When a category (Cope) is provided it has to be with a status." in page
    (row,) = rows(desk.url, "select import_id from upload")
    table = desk.client.get(f"/projects/{desk.project_id}/imports/{row.import_id}/faults.tsv")
    assert table.headers["content-disposition"].startswith("attachment")
    lines = [line.split("\t") for line in table.text.splitlines()]
    assert [line[:2] for line in lines] == [["file", "line"], ["ecotaxa_t.tsv", "3"], ["ecotaxa_t.tsv", "4"]]
    # The bytes are still here: with another choice the same upload can be checked again.
    assert desk.press(upload_id, "check", skip_bad_images="true").status_code == 303


def test_many_unknown_taxa_are_made_under_one_parent_and_people_without_access(desk: Desk) -> None:
    (parent,) = rows(desk.url, "insert into taxon (name, display_name) values ('detritus', 'detritus') returning id")
    upload_id = desk.send(packed(*GOOD))
    desk.press(upload_id, "check")
    desk.work()
    parent_id = parent.id
    made = desk.answer(upload_id, "taxa", texts=["Cope", "detritus fibre"], parent_id=parent_id, type="M").json()
    taxa = rows(desk.url, "select id, name, type from taxon where parent_id = %s order by id", parent_id)
    assert sorted(tuple(row)[1:] for row in taxa) == [("Cope", "M"), ("detritus fibre", "M")]
    assert sorted(made["taxa"].values()) == [row.id for row in taxa]
    desk.answer(upload_id, "people", name="Bo Ek")
    (person,) = rows(desk.url, "select name, email, blocked_at from account where name = 'Bo Ek'")
    assert person.blocked_at is not None
    assert person.email.endswith(".invalid")
    desk.press(upload_id, "run")
    desk.work()
    assert desk.count("object") == 3


def test_near_names_are_proposed(desk: Desk) -> None:
    for name in ("Copepoda", "Detritus fibres"):
        rows(desk.url, "insert into taxon (name, display_name) values (%s, %s) returning id", name, name)
    upload_id = desk.send(packed("o1\ta.png\tCopepod\tvalidated\t", "o2\tb.png\tdetritus_fibre\tvalidated\t"))
    desk.press(upload_id, "check")
    desk.work()
    page = desk.see(upload_id)
    assert 'data-proposed-name="Copepoda"' in page
    assert 'data-proposed-name="Detritus fibres"' in page


def test_answers_that_mean_nothing_are_refused(desk: Desk) -> None:
    upload_id = desk.send(packed(*GOOD))
    assert desk.answer(upload_id, "answers", taxa={"Cope": 999_999}).status_code == 422
    refused = desk.answer(upload_id, "answers", users={"Bo Ek": "nobody@example.org"})
    assert (refused.status_code, "no such account" in refused.json()["detail"]) == (422, True)


def test_a_damaged_archive_is_told_by_its_own_name(desk: Desk) -> None:
    upload_id = desk.send(b"PK" + bytes(200))
    desk.press(upload_id, "check")
    desk.work()
    page = desk.see(upload_id)
    assert "leg3.zip cannot be read as a zip archive" in page
    assert "Check again" not in page, "it would be as damaged as before"


def test_what_works_is_not_begun_twice_nor_taken_away(desk: Desk) -> None:
    upload_id = desk.send(packed(*GOOD))
    desk.press(upload_id, "check")
    assert desk.press(upload_id, "check").status_code == 409
    assert desk.press(upload_id, "remove").status_code == 409
    assert desk.press(upload_id, "cancel").status_code == 303
    assert "Cancelled" in desk.see(upload_id)
    assert desk.press(upload_id, "remove").status_code == 303
    assert list(uploads.folder(desk.settings).iterdir()) == []


def test_an_upload_that_has_not_come_whole_is_not_imported(desk: Desk) -> None:
    told = TUS | {"Upload-Length": "10", "Upload-Metadata": f"filename {b64encode(b'a.zip').decode()}"}
    place = desk.client.post(f"/api/v1/projects/{desk.project_id}/uploads", headers=told).headers["location"]
    upload_id = place.rpartition("/")[2]
    assert "only the rest is sent" in desk.see(upload_id)
    assert desk.press(upload_id, "check").status_code == 409


def test_a_second_upload_of_the_same_adds_nothing(desk: Desk) -> None:
    for _ in range(2):
        upload_id = desk.send(packed("o1\ta.png\t\t\t"))
        desk.press(upload_id, "check")
        desk.work()
        if "Import 1 object" in desk.see(upload_id):
            desk.press(upload_id, "run")
            desk.work()
    assert "All of this was imported before" in desk.see(upload_id)
    assert desk.count("object") == 1


def test_of_two_copies_sent_before_either_was_imported_the_first_brings_it_in(desk: Desk) -> None:
    first, second = (desk.send(packed("o1\ta.png\t\t\t"), name) for name in ("ts.zip", "ts2.zip"))
    for upload_id, press in ((first, "check"), (first, "run"), (second, "check")):
        desk.press(upload_id, press)
        desk.work()
    assert "Added 1 object with 1 image" in desk.see(first)
    assert "All of this was imported before" in desk.see(second)
    assert "Added" not in desk.see(second)


def test_what_is_no_archive_is_not_offered_another_check(desk: Desk) -> None:
    upload_id = desk.send(b"no zip at all")
    desk.press(upload_id, "check")
    desk.work()
    page = desk.see(upload_id)
    assert "cannot be read as a zip archive" in page
    assert "Check again" not in page
    assert "Choose another source" in page
    for _ in range(2):
        assert desk.press(upload_id, "remove").headers["location"] == f"/projects/{desk.project_id}/import"
    assert list(uploads.folder(desk.settings).iterdir()) == []


def test_a_program_checks_and_imports_an_upload(desk: Desk, manager: Account) -> None:
    headers = bearer(desk.url, manager)
    upload_id = desk.send(packed(*GOOD), **headers)
    api = f"/api/v1/projects/{desk.project_id}/imports"
    client = desk.client

    assert client.post(api, json={"upload": upload_id, "dry_run": True}, headers=headers).status_code == 202
    desk.work()
    (checked,) = client.get(api, headers=headers).json()
    assert (checked["status"], checked["upload"], checked["source"]) == ("asking", upload_id, "leg3.zip")
    assert checked["report"]["missing_taxa"] == ["Cope", "detritus fibre"]
    assert desk.count("object") == 0

    mapping = {"taxa": {"Cope": "-", "detritus fibre": "-"}, "users": {"Bo Ek": manager.email}}
    asked = {"upload": upload_id, "mapping": mapping}
    assert client.post(api, json=asked, headers=headers).status_code == 202
    desk.work()
    assert client.get(api, headers=headers).json()[0]["status"] == "done"
    assert client.post(api, json=asked, headers=headers).status_code == 409


def test_an_import_that_still_runs_has_no_list_of_faults_yet(desk: Desk) -> None:
    (row,) = rows(
        desk.url,
        "insert into import (project_id, source, fingerprint) values (%s, 'leg3.zip', '') returning id",
        desk.project_id,
    )
    page = f"/projects/{desk.project_id}/imports/{row.id}"
    assert desk.client.get(page).status_code == 200
    answer = desk.client.get(f"{page}/faults.tsv")
    assert (answer.status_code, "no report" in answer.text) == (404, True)


def test_nobody_is_the_person_of_an_account_that_was_removed(
    desk: Desk, make_account: Callable[..., Account], another_client: Callable[[], Client]
) -> None:
    make_account("bo@example.org")
    rows(
        desk.url,
        "update account set removed_at = now(), blocked_at = now(), email = 'removed-17', name = 'Cy Left' "
        "where email = 'bo@example.org' returning id",
    )
    upload_id = desk.send(packed(*GOOD))
    for typed in ("removed-17", "Cy Left"):
        refused = desk.answer(upload_id, "answers", users={"Bo Ek": typed})
        assert (refused.status_code, "no such account" in refused.json()["detail"]) == (422, True)
    desk.press(upload_id, "check")
    desk.work()
    chief = logged_in(another_client(), make_account(is_application_manager=True))
    page = chief.get(desk.place(upload_id)).text
    assert "ada@example.org" in page and "removed-17" not in page


def test_an_answer_that_another_tab_saves_meanwhile_outlives_the_check(
    desk: Desk, make_account: Callable[..., Account]
) -> None:
    bo = make_account("bo@example.org")
    upload_id = desk.send(packed(*GOOD))
    pressed = threading.Thread(target=desk.press, args=(upload_id, "check"))
    with database.connect(desk.url) as db:
        upload = uploads.find_upload(db, desk.settings, desk.project_id, UUID(upload_id))
        preparing.save_answers(db, upload, {}, {"Bo Ek": bo.email})
        pressed.start()
        pressed.join(0.5)
    pressed.join()
    (row,) = rows(desk.url, "select options, job_id from upload")
    assert row.options["mapping"]["users"] == {"Bo Ek": bo.id}
    (job,) = rows(desk.url, "select args from job where id = %s", row.job_id)
    assert job.args["options"]["mapping"]["users"] == {"Bo Ek": bo.id}


def test_who_was_named_with_an_address_can_be_invited_later(desk: Desk) -> None:
    upload_id = desk.send(packed(*GOOD))
    desk.answer(upload_id, "people", name="Bo Ek", email="bo@example.org")
    members = f"/projects/{desk.project_id}/members"
    assert desk.client.post(members, data={"email": "bo@example.org", "role": "annotator"}).status_code in (200, 303)
    (person,) = rows(desk.url, "select id, password_hash from account where email = 'bo@example.org'")
    assert person.password_hash is None
    assert "/login/link/" in desk.client.post(f"{members}/{person.id}/link").text


def test_a_folder_of_the_server_is_taken_where_that_is_opened(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "on the server" not in desk.client.get(f"/projects/{desk.project_id}/import").text
    opened = tmp_path / "opened"
    (opened / "cruise").mkdir(parents=True)
    (opened / "cruise" / "a.png").write_bytes(picture())
    object.__setattr__(desk.client.app.state.settings, "import_roots", str(opened))
    assert "Or a folder or archive on the server" in desk.client.get(f"/projects/{desk.project_id}/import").text
    refused = desk.client.post(f"/projects/{desk.project_id}/import/paths", data={"path": "/etc"})
    assert (refused.status_code, "There is no" in refused.text) == (404, True)
    taken = desk.client.post(f"/projects/{desk.project_id}/import/paths", data={"path": "cruise"})
    upload_id = taken.headers["location"].rpartition("/")[2]
    desk.press(upload_id, "check")
    desk.work()
    desk.press(upload_id, "run")
    desk.work()
    assert desk.count("object") == 1
    assert (opened / "cruise" / "a.png").exists()
