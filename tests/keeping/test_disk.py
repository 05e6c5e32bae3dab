"""What a project takes on disk: measured by a job, shown to its managers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app import database
from app.accounts.viewer import Account
from app.database import Db
from app.jobs import foreground
from app.keeping import disk, disk_job
from app.keeping.disk import DiskUse
from tests.exchange.conftest import Workplace
from tests.keeping.test_leavings import second_project
from tests.web_fixtures import Client, bearer, logged_in


def measured(laboratory: Workplace, project_id: int) -> DiskUse:
    laboratory.db.commit()
    with database.connect(laboratory.settings.database_url, autocommit=True) as db:
        disk.measure(laboratory.settings, db, project_id, lambda done, total: None)
        use = disk.find(db, project_id)
    assert use is not None
    return use


def part(use: DiskUse, name: str) -> tuple[int, int]:
    return next((one.n, one.n_bytes) for one in use.parts if one.name == name)


def test_images_are_told_by_their_bytes_and_what_others_show_too_apart(laboratory: Workplace, tmp_path: Path) -> None:
    n, n_bytes = laboratory.rows("select count(*), sum(n_bytes)::bigint from content")[0]
    assert part(measured(laboratory, laboratory.project_id), "images") == (n, n_bytes)
    second = second_project(laboratory, tmp_path)
    shared = laboratory.rows(
        "select count(*), sum(n_bytes)::bigint from content where hash in"
        " (select hash from image group by hash having count(distinct project_id) = 2)"
    )[0]
    use = measured(laboratory, laboratory.project_id)
    assert part(use, "shared") == shared == part(measured(laboratory, second), "shared")
    assert part(use, "images") == (n - 1, n_bytes - shared[1])


def test_images_are_measured_in_pieces(laboratory: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = measured(laboratory, laboratory.project_id)
    monkeypatch.setattr(disk, "PIECE", 7)
    assert measured(laboratory, laboratory.project_id).parts == whole.parts


def test_rows_vectors_and_indexes_are_told(laboratory: Workplace) -> None:
    index = laboratory.settings.home / "index" / str(laboratory.project_id) / "1"
    index.mkdir(parents=True)
    (index / "ids.npy").write_bytes(b"x" * 1234)
    laboratory.db.execute("analyze")
    use = measured(laboratory, laboratory.project_id)
    assert part(use, "index") == (1, 1234)
    assert part(use, "vectors")[0] == 31 and part(use, "vectors")[1] > 31 * 2 * 16
    assert part(use, "labels")[0] == 31 and part(use, "objects")[0] == 31
    assert use.n_bytes == sum(one.n_bytes for one in use.parts)


def test_an_empty_project_takes_nothing(laboratory: Workplace) -> None:
    assert measured(laboratory, laboratory.new_project()).n_bytes == 0


def test_the_whole_is_told_with_the_database_and_the_store(laboratory: Workplace) -> None:
    whole = disk.measure_whole(laboratory.settings, laboratory.db)
    assert whole.store == sum(path.stat().st_size for path in laboratory.stored_files())
    assert whole.database > 1_000_000 and whole.free > 0


@pytest.fixture
def manager(make_account: Callable[..., Account]) -> Account:
    return make_account()


def test_a_manager_has_it_measured_and_sees_it(
    app_client: Client, db: Db, manager: Account, make_project: Callable[..., int],
    make_member: Callable[[int, Account, str], None], database_url: str,
) -> None:  # fmt: skip
    project_id = make_project()
    make_member(project_id, manager, "manager")
    client = logged_in(app_client, manager)
    assert "Not measured yet" in client.get(f"/projects/{project_id}/disk").text
    assert client.post(f"/projects/{project_id}/disk", headers={"origin": "http://testserver.local"}).status_code == 303
    shown = client.get(f"/projects/{project_id}/disk").text
    assert "Waits for its turn" in shown and 'hx-trigger="load delay:1s"' in shown
    job = disk_job.latest(db, project_id)
    foreground.run_waiting(client.app.state.settings, database_url, job.id)
    done = client.get(f"/projects/{project_id}/disk/progress")
    assert done.headers["HX-Refresh"] == "true"
    shown = client.get(f"/projects/{project_id}/disk").text
    assert "Images that only this project has" in shown and "Not measured" not in shown
    told = client.get(f"/api/v1/projects/{project_id}/disk", headers=bearer(database_url, manager)).json()
    assert told["n_bytes"] == 0 and len(told["parts"]) == len(disk.WORDS)


def test_who_only_labels_does_not_see_it(
    app_client: Client, manager: Account, make_project: Callable[..., int],
    make_member: Callable[[int, Account, str], None],
) -> None:  # fmt: skip
    project_id = make_project()
    make_member(project_id, manager, "annotator")
    assert logged_in(app_client, manager).get(f"/projects/{project_id}/disk").status_code == 403
