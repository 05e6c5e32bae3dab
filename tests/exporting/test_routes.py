"""The page, the API and the command: who may export what, and what they are told."""

import errno
import os
import re
import shutil
import threading
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app import cli
from app.accounts.viewer import Account
from app.database import connect
from app.exporting import files
from app.exporting.choices import KINDS, Choices, needs_manager
from app.jobs import upkeep
from app.jobs.run import run_queued
from app.settings import Settings
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def bay(db: Any) -> SmallProject:
    """Twelve objects in two samples; their images are told of and not stored."""
    made = make_project(db, 12, "Bay of “Villefranche”")
    db.commit()
    return made


@pytest.fixture
def anybody(make_account: Any, make_member: Any, app_client: Client, bay: SmallProject) -> Any:
    """Logs in somebody of a role: `anybody("annotator")`."""

    def log_in(role: str) -> Account:
        account: Account = make_account()
        make_member(bay.id, account, role)
        logged_in(app_client, account)
        return account

    return log_in


def work(settings: Settings) -> None:
    """What a worker does."""
    with connect(settings.database_url) as db:
        rows = db.execute("select id from job where status = 'queued' and kind = 'export' order by id").fetchall()
    for row in rows:
        run_queued(row.id, settings, settings.database_url, threading.Event())


@pytest.mark.parametrize("role", ["visitor", "annotator", "manager"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("images", ["none", "first"])
def test_who_may_ask_for_what(
    app_client: Client, anybody: Any, bay: SmallProject, role: str, kind: str, images: str
) -> None:
    anybody(role)
    known = KINDS[kind]
    if known.needs_images and images == "none":
        images = "all"
    given = {"images": images} if "images" in known.takes else {}
    answer = app_client.post(f"/api/v1/projects/{bay.id}/exports", json={"kind": kind} | given)
    chosen = Choices(images=given.get("images", "none"))  # type: ignore[arg-type]
    allowed = role == "manager" or (role == "annotator" and not needs_manager(kind, chosen))
    # One that is published needs a licence first, which is said to those alone who may publish it.
    taken = 422 if kind == "darwin_core" else 202
    assert answer.status_code == (taken if allowed else 403), answer.text
    if role == "annotator" and not allowed:
        assert "needs the role manager" in answer.json()["detail"]


def test_an_export_is_asked_for_followed_downloaded_and_deleted(
    app_client: Client, anybody: Any, bay: SmallProject, settings: Settings
) -> None:
    anybody("manager")
    base = f"/api/v1/projects/{bay.id}/exports"
    asked = app_client.post(base, json={"kind": "annotations"}).json()
    assert (asked["status"], asked["n_bytes"], asked["expires_at"]) == ("queued", None, None)
    assert app_client.post(base, json={"kind": "annotations"}).json()["id"] == asked["id"]
    assert app_client.get(f"{base}/{asked['id']}/file").status_code == 409

    work(settings)

    done = app_client.get(f"{base}/{asked['id']}").json()
    assert (done["status"], done["n_rows"]) == ("done", 12)
    got = app_client.get(f"{base}/{asked['id']}/file")
    assert len(got.content) == done["n_bytes"]
    assert "annotations" in got.headers["content-disposition"]
    with zipfile.ZipFile(BytesIO(got.content)) as archive:
        assert archive.namelist() == ["ecotaxa_annotations.tsv", "README.md"]
    folder = files.folder(settings)
    assert [path.name for path in folder.iterdir()] == [f"export-{asked['id']}.zip"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert app_client.delete(f"{base}/{asked['id']}").status_code == 204
    assert list(folder.iterdir()) == []
    assert app_client.get(base).json() == []


def test_a_download_that_broke_off_goes_on_where_it_was(
    app_client: Client, anybody: Any, bay: SmallProject, settings: Settings
) -> None:
    anybody("manager")
    base = f"/api/v1/projects/{bay.id}/exports"
    asked = app_client.post(base, json={"kind": "annotations"}).json()["id"]
    work(settings)
    for url in (f"{base}/{asked}/file", f"/projects/{bay.id}/exports/{asked}"):
        whole = app_client.get(url)
        size, tag = len(whole.content), whole.headers["etag"]
        assert whole.headers["accept-ranges"] == "bytes"
        for said, first, last in (("100-", 100, size), ("0-9", 0, 10), ("-7", size - 7, size), ("5-99999999", 5, size)):
            part = app_client.get(url, headers={"Range": f"bytes={said}", "If-Range": tag})
            assert (part.status_code, part.content) == (206, whole.content[first:last])
            assert part.headers["content-range"] == f"bytes {first}-{last - 1}/{size}"
        beyond = app_client.get(url, headers={"Range": f"bytes={size}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        for more in ({"Range": "bytes=0-1,5-6"}, {"Range": "lines=1-2"}, {"Range": "bytes=5-", "If-Range": '"other"'}):
            assert app_client.get(url, headers=more).content == whole.content


def test_the_name_of_a_file_tells_what_was_chosen(app_client: Client, anybody: Any, bay: SmallProject) -> None:
    anybody("manager")
    wishes: list[dict[str, Any]] = [
        {}, {"split_by": "sample"}, {"filters": "status=V"}, {"internal_ids": True},
    ]  # fmt: skip
    asked = [
        app_client.post(f"/api/v1/projects/{bay.id}/exports", json={"kind": "ecotaxa_general"} | wish).json()
        for wish in wishes
    ]
    names = [re.sub(r"_\d{8}_\d{4}_", " ", one["file_name"]) for one in asked]
    said = ["general", "general_by_sample", "general_filtered", "general"]
    assert names == [
        f"Bay_of_“Villefranche”_ecotaxa_{words} {one['id']}.zip" for words, one in zip(said, asked, strict=True)
    ]


def test_an_annotator_sees_their_own_exports_only_and_no_addresses(
    app_client: Client, anybody: Any, bay: SmallProject, settings: Settings, db: Any
) -> None:
    manager = anybody("manager")
    base = f"/api/v1/projects/{bay.id}/exports"
    theirs = app_client.post(base, json={"kind": "annotations"}).json()["id"]
    bay.do(manager, bay.ids[:3], taxon="Oithona")  # type: ignore[arg-type]
    db.commit()
    anybody("annotator")
    own = app_client.post(base, json={"kind": "annotations"}).json()["id"]
    work(settings)

    assert [one["id"] for one in app_client.get(base).json()] == [own]
    assert app_client.get(f"{base}/{theirs}/file").status_code == 404
    with zipfile.ZipFile(BytesIO(app_client.get(f"{base}/{own}/file").content)) as archive:
        table = archive.read("ecotaxa_annotations.tsv").decode()
    assert manager.name in table
    assert manager.email not in table


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"kind": "nothing"}, "There are: ecotaxa_backup"),
        ({"kind": "annotations", "split_by": "sample"}, "has no choice 'split_by'"),
        ({"kind": "ecotaxa_general", "columns": ["object_colour"]}, "There is no column 'object_colour'"),
        ({"kind": "ecotaxa_general", "types_row": True, "extras": ["score"]}, "neither internal ids nor extra"),
        ({"kind": "annotations", "filters": "f.colour=1..2"}, "cannot be obeyed"),
        ({"kind": "annotations", "filters": "copepods"}, "The condition copepods cannot be obeyed"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    app_client: Client, anybody: Any, bay: SmallProject, wish: dict[str, Any], says: str
) -> None:
    anybody("manager")
    answer = app_client.post(f"/api/v1/projects/{bay.id}/exports", json=wish)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


def test_the_page_offers_what_one_may_have(app_client: Client, anybody: Any, bay: SmallProject) -> None:
    base = f"/projects/{bay.id}/exports"
    anybody("annotator")
    page = app_client.get(base).text
    assert "EcoTaxa tables" in page
    assert "EcoTaxa backup" not in page
    assert 'name="images"' not in page
    anybody("manager")
    assert "EcoTaxa backup" in app_client.get(base).text
    assert 'name="filters" value="status=V"' in app_client.get(base, params={"filters": "status=V"}).text
    assert 'name="filters" value="status=V"' in app_client.get(f"/projects/{bay.id}/summaries?filters=status%3DV").text
    sent = app_client.post(base, data={"kind": "ecotaxa_general", "filters": "nothing=1"})
    assert sent.status_code == 422
    assert "cannot be obeyed" in sent.text
    assert app_client.post(base, data={"kind": "ecotaxa_general", "split_by": "sample"}).status_code == 303
    assert "waits for its turn" in app_client.get(f"{base}/list").text


def test_the_command_writes_a_file_and_leaves_nothing_beside(
    bay: SmallProject, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    target = tmp_path / "out.zip"
    done = CliRunner().invoke(cli.main, ["export", str(bay.id), "ecotaxa_general", str(target), "--split-by", "sample"])
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["ecotaxa_sample0.tsv", "ecotaxa_sample1.tsv", "README.md"]
    assert list(files.folder(settings).iterdir()) == []
    refused = CliRunner().invoke(cli.main, ["export", str(bay.id), "annotations", str(tmp_path / "no" / "out.zip")])
    assert refused.exit_code == 1
    assert "There is no folder" in refused.output


def test_where_the_target_is_full_it_is_said_where_the_finished_file_lies(
    bay: SmallProject, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)

    def is_full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "move", is_full)
    done = CliRunner().invoke(cli.main, ["export", str(bay.id), "annotations", str(tmp_path / "out.zip")])
    assert done.exit_code == 1 and "No space left" in done.output and "Export page for 7 days" in done.output
    assert [path.name for path in files.folder(settings).iterdir()] == ["export-1.zip"]


def test_after_a_week_the_file_goes(
    app_client: Client, anybody: Any, bay: SmallProject, settings: Settings, db: Any
) -> None:
    anybody("manager")
    base = f"/api/v1/projects/{bay.id}/exports"
    asked = app_client.post(base, json={"kind": "annotations"}).json()["id"]
    work(settings)
    path = files.path_of(settings, asked)
    db.execute("update export set expires_at = now() - interval '1 second'")
    db.commit()
    assert app_client.get(f"{base}/{asked}/file").status_code == 404
    os.utime(path, (0, 0))
    upkeep.sweep_uploads(settings, db)
    assert not path.exists()
