"""Imports by programs: only for managers, and only from the folders that are opened for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import Forbidden, NotFound
from app.exchange.api import find_source
from app.jobs import foreground
from app.settings import Settings
from tests.exchange.conftest import picture
from tests.web_fixtures import Client, bearer


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    folder = tmp_path / "opened"
    (folder / "cast").mkdir(parents=True)
    (folder / "cast" / "a.png").write_bytes(picture())
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / "secret.png").write_bytes(picture())
    (folder / "link").symlink_to(tmp_path / "closed")
    return folder


@pytest.fixture
def settings(settings: Settings, opened: Path) -> Settings:
    return replace(settings, import_roots=str(opened))


def test_a_manager_imports_and_reads_the_report(
    app_client: Client, settings: Settings, make_account: Callable, make_project: Callable
) -> None:
    manager = make_account()
    project_id = make_project(manager=manager)
    headers = bearer(settings.database_url, manager)
    url = f"/api/v1/projects/{project_id}/imports"

    queued = app_client.post(url, json={"source": "cast"}, headers=headers)
    foreground.run_waiting(settings, settings.database_url, queued.json()["job_id"])

    assert queued.status_code == 202
    (listed,) = app_client.get(url, headers=headers).json()
    assert (listed["status"], listed["n_objects"], listed["report"]["n_images"]) == ("done", 1, 1)
    assert app_client.get(f"{url}/{listed['id']}", headers=headers).json() == listed
    assert app_client.get(f"{url}/999", headers=headers).status_code == 404


def test_others_may_not_import(
    app_client: Client, settings: Settings, make_account: Callable, make_project: Callable, make_member: Callable
) -> None:
    annotator, stranger = make_account(), make_account()
    project_id = make_project(manager=make_account())
    make_member(project_id, annotator, "annotator")
    url = f"/api/v1/projects/{project_id}/imports"

    for account, status in ((annotator, 403), (stranger, 404)):
        headers = bearer(settings.database_url, account)
        assert app_client.post(url, json={"source": "cast"}, headers=headers).status_code == status
        assert app_client.get(url, headers=headers).status_code == status


@pytest.mark.parametrize("source", ["../closed", "link", "/etc", "link/secret.png", "absent", "cast/../../closed"])
def test_a_path_never_leads_out_of_the_opened_folders(opened: Path, source: str) -> None:
    with pytest.raises(NotFound):
        find_source(str(opened), source)


def test_a_path_may_be_given_whole(opened: Path) -> None:
    assert find_source(str(opened), str(opened / "cast")) == (opened / "cast").resolve()
    assert find_source(f"/nowhere:{opened}", "cast") == (opened / "cast").resolve()


def test_without_opened_folders_nothing_is_imported() -> None:
    with pytest.raises(Forbidden, match="SHOAL_IMPORT_ROOTS"):
        find_source("", "/etc")
