"""Uploads: resumed where they stopped, by one writer at a time, within limits, and for managers only."""

import asyncio
import errno
import os
import resource
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from app import database
from app.accounts.viewer import Account
from app.database.launcher import Cluster
from app.errors import Refused
from app.exchange import uploads
from app.exchange.uploads import Appender
from app.settings import Settings, load_settings
from tests.browser.conftest import start_server
from tests.web_fixtures import Client, bearer, logged_in, rows

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
NAME = "Leg 3, été.zip"


@pytest.fixture
def manager(make_account: Callable[..., Account]) -> Account:
    return make_account()


@pytest.fixture
def project_id(make_project: Callable[..., int], manager: Account) -> int:
    return make_project(manager=manager)


@pytest.fixture
def client(app_client: Client, manager: Account) -> Client:
    return logged_in(app_client, manager)


def begin(client: Any, project_id: int, size: int, name: str = NAME, **more: Any) -> Any:
    told = f"filename {b64encode(name.encode()).decode()},fingerprint {b64encode(b'abc').decode()}"
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told, **more.pop("headers", {})}
    return client.post(f"/api/v1/projects/{project_id}/uploads", headers=headers, **more)


def send(client: Any, place: str, offset: int, data: bytes, **headers: str) -> Any:
    return client.patch(place, content=data, headers={**BYTES, "Upload-Offset": str(offset), **headers})


def offset_of(client: Any, place: str) -> int:
    return int(client.head(place, headers=TUS).headers["upload-offset"])


def upload_of(settings: Settings, project_id: int, place: str) -> uploads.Upload:
    with database.connect(settings.database_url) as db:
        return uploads.find_upload(db, settings, project_id, UUID(place.rpartition("/")[2]))


def test_an_upload_comes_in_pieces_and_ends_up_whole(client: Client, project_id: int, settings: Settings) -> None:
    data = os.urandom(3_500_000)
    created = begin(client, project_id, len(data))
    assert created.status_code == 201
    place = created.headers["location"]
    for start in range(0, len(data), 1_500_000):
        answer = send(client, place, start, data[start : start + 1_500_000])
        assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0")
    upload = upload_of(settings, project_id, place)
    assert upload.completed_at is not None
    assert (upload.name, upload.kind, upload.fingerprint) == (NAME, "zip", "abc")
    assert upload.source(settings).read_bytes() == data


def test_the_server_tells_what_it_speaks_and_how_much_it_takes(client: Client, project_id: int) -> None:
    answer = client.options(f"/api/v1/projects/{project_id}/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,termination"
    assert int(answer.headers["tus-max-size"]) == 50_000_000_000


def test_bytes_that_begin_elsewhere_than_where_it_stopped_are_refused(client: Client, project_id: int) -> None:
    place = begin(client, project_id, 100).headers["location"]
    send(client, place, 0, b"x" * 40)
    for offset in (0, 39, 41):
        answer = send(client, place, offset, b"y" * 10)
        assert (answer.status_code, answer.headers["upload-offset"]) == (409, "40")
    assert offset_of(client, place) == 40


def test_two_writers_cannot_mix_their_bytes(client: Client, project_id: int, settings: Settings) -> None:
    place = begin(client, project_id, 100).headers["location"]
    upload = upload_of(settings, project_id, place)
    with Appender(upload, upload.source(settings), 0):
        answer = send(client, place, 0, b"x" * 10)
        assert answer.status_code == 423
        assert "being sent at this moment" in answer.json()["detail"]
    assert send(client, place, 0, b"x" * 10).status_code == 204


def test_more_than_was_announced_is_not_kept(client: Client, project_id: int, settings: Settings) -> None:
    place = begin(client, project_id, 10).headers["location"]
    assert send(client, place, 0, b"0123456789ab").status_code == 413
    assert upload_of(settings, project_id, place).source(settings).read_bytes() == b"0123456789"


def test_what_is_too_large_or_has_no_room_is_refused_before_a_byte_is_sent(
    client: Client, project_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = begin(client, project_id, 50_000_000_001)
    assert answer.status_code == 413
    assert "SHOAL_UPLOAD_LIMIT_GB" in answer.json()["detail"]
    usage = type("Usage", (), {"free": uploads.RESERVE_BYTES + 1_000_000})
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda place: usage)
    assert begin(client, project_id, 600_000).status_code == 201
    answer = begin(client, project_id, 600_000)
    assert answer.status_code == 507
    assert "room for 400.0 kB" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": "many"}, 400),
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Metadata": "filename %%%"}, 400),
        ({"Upload-Metadata": ""}, 400),
        ({"Upload-Metadata": "filename " + b64encode(b"notes.docx").decode()}, 415),
        ({"Upload-Metadata": "filename " + b64encode(b"..").decode()}, 400),
    ],
)
def test_a_creation_that_makes_no_sense_is_refused(
    client: Client, project_id: int, headers: dict[str, str], status: int
) -> None:
    answer = begin(client, project_id, 10, headers=headers)
    assert answer.status_code == status
    assert answer.headers["tus-resumable"] == "1.0.0"
    assert answer.json()["detail"]


@pytest.mark.parametrize("name", ["../../etc/passwd.zip", "C:\\data\\a.zip", "a/b/\x00c.ZIP", "é" * 300 + ".tar"])
def test_a_name_never_leads_out_of_its_folder(client: Client, project_id: int, settings: Settings, name: str) -> None:
    place = begin(client, project_id, 10, name).headers["location"]
    upload = upload_of(settings, project_id, place)
    assert upload.source(settings).resolve().parent == (uploads.folder(settings) / str(upload.id)).resolve()
    assert upload.source(settings).is_file()


def test_annotators_send_nothing(
    client: Client,
    another_client: Callable[[], Client],
    project_id: int,
    make_account: Any,
    make_member: Any,
    database_url: str,
) -> None:
    place = begin(client, project_id, 10).headers["location"]
    annotator = make_account()
    make_member(project_id, annotator, "annotator")
    theirs, outsider = logged_in(another_client(), annotator), logged_in(another_client(), make_account())
    for who, status in ((theirs, 403), (outsider, 404)):
        assert begin(who, project_id, 10).status_code == status
        assert send(who, place, 0, b"x").status_code == status
        assert who.head(place, headers=TUS).status_code == status
        assert who.delete(place, headers=TUS).status_code == status
    assert offset_of(client, place) == 0


def test_another_site_cannot_make_a_browser_send(client: Client, project_id: int) -> None:
    assert begin(client, project_id, 10, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_an_upload_of_another_project_is_not_there(
    client: Client, project_id: int, make_project: Any, manager: Account
) -> None:
    place = begin(client, project_id, 10).headers["location"]
    other = place.replace(f"/projects/{project_id}/", f"/projects/{make_project(manager=manager)}/")
    assert send(client, other, 0, b"x").status_code == 404


def test_a_program_sends_with_a_token(app_client: Client, project_id: int, manager: Account, database_url: str) -> None:
    headers = bearer(database_url, manager)
    place = begin(app_client, project_id, 4, headers=headers).headers["location"]
    assert send(app_client, place, 0, b"abcd", **headers).status_code == 204
    listed = app_client.get(f"/api/v1/projects/{project_id}/uploads", headers=headers).json()
    assert [(item["name"], item["offset"], item["size"]) for item in listed] == [(NAME, 4, 4)]


def test_a_cancelled_upload_leaves_nothing(client: Client, project_id: int, settings: Settings) -> None:
    place = begin(client, project_id, 10).headers["location"]
    send(client, place, 0, b"abc")
    assert client.delete(place, headers=TUS).status_code == 204
    assert client.head(place, headers=TUS).status_code == 404
    assert list(uploads.folder(settings).iterdir()) == []


def test_a_full_disk_keeps_what_fitted_and_says_so(client: Client, project_id: int) -> None:
    """The system's own limit of a file's length stands for the disk's end: the same half-written piece."""
    place = begin(client, project_id, 3_000_000).headers["location"]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_300_000, before[1]))
    try:
        answer = send(client, place, 0, os.urandom(2_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["detail"]
    assert answer.headers["upload-offset"] == "1300000"
    assert offset_of(client, place) == 1_300_000
    assert send(client, place, 1_300_000, os.urandom(1_700_000)).status_code == 204


def test_a_disk_that_has_room_again_a_moment_later_gets_no_bytes_twice(
    client: Client, project_id: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls, data = os.pwrite, [], os.urandom(1_500_000)

    def short(file: int, rest: memoryview, offset: int) -> int:
        calls.append(offset)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "full")
        return write(file, rest[:100_000] if len(calls) == 1 else rest, offset)

    place = begin(client, project_id, 2_000_000).headers["location"]
    monkeypatch.setattr(os, "pwrite", short)
    assert send(client, place, 0, data).status_code == 507
    assert upload_of(settings, project_id, place).source(settings).read_bytes() == data[:100_000]


def test_nothing_is_appended_to_a_file_of_the_server_nor_to_what_came_whole(
    client: Client, project_id: int, manager: Account, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "cruise.zip"
    file.write_bytes(b"whole")
    with database.connect(settings.database_url) as db:
        ids = [uploads.note_path(db, project_id, manager.id, place).id for place in (file, tmp_path)]
    places = [f"/api/v1/projects/{project_id}/uploads/{upload_id}" for upload_id in ids]
    sent = begin(client, project_id, 4).headers["location"]
    send(client, sent, 0, b"abcd")
    for place, offset in ((places[0], 5), (places[1], tmp_path.stat().st_size), (sent, 4)):
        assert send(client, place, offset, b"x" * 25).status_code == 409
    assert file.read_bytes() == b"whole"


def test_other_troubles_of_the_disk_are_not_taken_for_a_full_one(
    client: Client, project_id: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise OSError(errno.EIO, "broken")

    upload = upload_of(settings, project_id, begin(client, project_id, 10).headers["location"])
    with Appender(upload, upload.source(settings), 0) as appender:
        monkeypatch.setattr(os, "pwrite", broken)
        with pytest.raises(OSError, match="broken"):
            appender.write(b"x")


def test_abandoned_uploads_are_swept_after_a_week(client: Client, project_id: int, settings: Settings) -> None:
    old, young = (begin(client, project_id, 10).headers["location"] for _ in range(2))
    stray = uploads.folder(settings) / "00000000-0000-4000-8000-000000000000"
    stray.mkdir()
    os.utime(stray, (0, 0))
    with database.connect(settings.database_url) as db:
        old_id = UUID(old.rpartition("/")[2])
        db.execute("update upload set touched_at = now() - interval '8 days' where id = %s", [old_id])
        uploads.sweep(db, settings)
    assert client.head(old, headers=TUS).status_code == 404
    assert offset_of(client, young) == 0
    assert [place.name for place in uploads.folder(settings).iterdir()] == [young.rpartition("/")[2]]


# Against a real server: connections that break, and processes that die.


class Served:
    """A `shoal serve` of this test, which can be killed and started again."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home, self.told = home, {"SHOAL_HOME": str(home), "DATABASE_URL": database_url, "SHOAL_PROCESSES": "2"}
        self.start()

    def start(self) -> None:
        self.process, self.address = start_server(self.home, self.told)

    def kill(self) -> None:
        """Everything at once, as when the machine runs out of memory."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        for pid in [self.process.pid, *map(int, children.stdout.split())]:
            os.kill(pid, 9)
        self.process.communicate(timeout=20)

    def raw_patch(self, place: str, offset: int, n_bytes: int, data: bytes, headers: dict[str, str]) -> socket.socket:
        """A PATCH that announces n_bytes and has sent `data` so far."""
        parts = urlsplit(self.address)
        link = socket.create_connection((parts.hostname, parts.port))
        told = {**BYTES, **headers, "Host": parts.netloc, "Content-Length": str(n_bytes), "Upload-Offset": str(offset)}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        link.sendall(f"PATCH {place} HTTP/1.1\r\n{head}\r\n".encode() + data)
        return link


@contextmanager
def served(tmp_path: Path, database_url: str) -> Iterator[Served]:
    server = Served(tmp_path, database_url)
    yield server
    server.process.terminate()
    server.process.communicate(timeout=20)


def wait_for_offset(client: httpx.Client, place: str, least: int) -> int:
    for _ in range(100):
        if (offset := offset_of(client, place)) >= least:
            return offset
        time.sleep(0.05)
    raise AssertionError(f"still only {offset} bytes")


def test_an_upload_goes_on_after_a_cut_and_after_the_server_was_killed(
    tmp_path: Path, database_url: str, project_id: int, manager: Account, server: Cluster
) -> None:
    data, headers = os.urandom(9_000_000), bearer(database_url, manager)
    with served(tmp_path, database_url) as site, httpx.Client(base_url=site.address, headers=headers) as client:
        place = begin(client, project_id, len(data)).headers["location"]
        # The connection breaks in the middle of a PATCH.
        site.raw_patch(place, 0, len(data), data[:2_500_000], headers).close()
        cut = wait_for_offset(client, place, 2_000_000)
        time.sleep(0.3)
        cut = offset_of(client, place)
        assert cut <= 2_500_000
        # The next one is in flight when the server dies.
        link = site.raw_patch(place, cut, len(data) - cut, data[cut : cut + 3_000_000], headers)
        wait_for_offset(client, place, cut + 2_000_000)
        site.kill()
        link.close()
        site.start()
        client.base_url = site.address
        offset = offset_of(client, place)
        assert cut + 2_000_000 <= offset <= cut + 3_000_000
        assert send(client, place, offset, data[offset:]).status_code == 204
    settings = load_settings({"SHOAL_HOME": str(tmp_path), "DATABASE_URL": database_url})
    upload = upload_of(settings, project_id, place)
    assert upload.completed_at is not None
    assert upload.source(settings).read_bytes() == data
    assert rows(database_url, "select count(*) from upload where completed_at is not null")[0][0] == 1


def test_a_silent_connection_is_ended_and_does_not_lock_out_the_next(
    client: Client, project_id: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.exchange import upload_api

    monkeypatch.setattr(upload_api, "SILENT_S", 0.2)
    upload = upload_of(settings, project_id, begin(client, project_id, 10).headers["location"])

    class Silent:
        async def stream(self) -> Any:
            yield b"abc"
            await asyncio.sleep(60)

    append = upload_api.append(Silent(), Appender(upload, upload.source(settings), 0))
    # A thread of its own: the browser's tests leave an event loop running in the main one.
    with ThreadPoolExecutor(1) as thread, pytest.raises(Refused) as refused:
        thread.submit(asyncio.run, append).result()
    assert refused.value.status == 408
    assert upload.source(settings).read_bytes() == b"abc"
    with Appender(upload, upload.source(settings), 3):
        pass
