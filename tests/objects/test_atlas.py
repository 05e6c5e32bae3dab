"""A section's thumbnails in one body: whole, in order, only for who may see them, and never other bytes than named."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.accounts.viewer import Account
from app.database import Db, connect
from app.errors import NotFound
from app.objects.atlas import atlas_url, read_name, write_name
from app.objects.store import Store, open_store
from app.settings import Settings
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account("ada@example.org")


@pytest.fixture
def project(db: Db, settings: Settings) -> SmallProject:
    """Ten objects; the thumbnail of each is its place in words."""
    small = make_project(db, 10)
    writer = open_store(settings).pack_writer()
    for place, id in enumerate(small.ids):
        file = f"thumbnail {place}".encode()
        give_thumbnail(db, small, id, writer.add(file), bytes([place]) * 32)
    writer.finish()
    db.commit()
    return small


def give_thumbnail(db: Db, project: SmallProject, id: int, thumbnail: str, hash: bytes) -> None:
    db.execute(
        """
        insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
        values (%s, 1, 'PNG', 'L', 1, 1, '', %s)
        """,
        [hash, thumbnail],
    )
    db.execute("update image set hash = %s where project_id = %s and object_id = %s", [hash, project.id, id])


def url_of(project: SmallProject, places: list[int]) -> str:
    tiles = [{"id": project.ids[place], "hash": (bytes([place]) * 32).hex()} for place in places]
    url = atlas_url(project.id, tiles)
    assert url
    return url


def files_of(body: bytes) -> list[bytes]:
    n = struct.unpack_from("<I", body)[0]
    lengths = struct.unpack_from(f"<{n}I", body, 4)
    start, files = 4 + 4 * n, []
    for length in lengths:
        files.append(body[start : start + length])
        start += length
    assert start == len(body)
    return files


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=50), st.binary(min_size=32, max_size=32))
def test_a_name_says_its_objects_in_their_order(ids: list[int], hash: bytes) -> None:
    name = write_name(ids, [hash])
    assert read_name(name)[0] == ids
    assert name.isascii() and "/" not in name


@given(st.text(max_size=40))
def test_no_name_breaks_the_reader(name: str) -> None:
    try:
        ids, _ = read_name(name)
    except NotFound:
        return
    assert ids


def test_an_atlas_holds_the_thumbnails_in_the_order_of_the_tiles_for_ever(
    app_client: Client, account: Account, project: SmallProject, make_member: Callable[[int, Account, str], None]
) -> None:
    make_member(project.id, account, "visitor")
    answer = logged_in(app_client, account).get(url_of(project, [7, 0, 3]))
    assert files_of(answer.content) == [b"thumbnail 7", b"thumbnail 0", b"thumbnail 3"]
    assert "immutable" in answer.headers["cache-control"]


def test_an_atlas_of_what_an_object_showed_before_is_gone(
    db: Db, app_client: Client, account: Account, project: SmallProject,
    make_member: Callable[[int, Account, str], None],
) -> None:  # fmt: skip
    make_member(project.id, account, "visitor")
    url = url_of(project, [1, 2])
    db.execute("update image set hash = %s where object_id = %s", [bytes([9]) * 32, project.ids[2]])
    db.commit()
    answer = logged_in(app_client, account).get(url)
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_objects_of_another_project_are_in_no_atlas_of_this_one(
    database_url: str, app_client: Client, account: Account, project: SmallProject,
    make_member: Callable[[int, Account, str], None],
) -> None:  # fmt: skip
    with connect(database_url) as db:
        other = make_project(db, 1)
        db.commit()
    make_member(other.id, account, "visitor")
    client = logged_in(app_client, account)
    url = url_of(project, [1, 2])
    assert client.get(url).status_code == 404
    assert client.get(url.replace(f"/projects/{project.id}/", f"/projects/{other.id}/")).status_code == 404


def test_anonymous_people_get_atlases_of_validated_objects_only(
    db: Db, app_client: Client, account: Account, project: SmallProject
) -> None:
    db.execute("update project set visibility = 'everyone' where id = %s", [project.id])
    project.do(Person(account.id, account.name), project.ids[:2], taxon="Oithona")
    db.commit()
    assert files_of(app_client.get(url_of(project, [1, 0])).content) == [b"thumbnail 1", b"thumbnail 0"]
    assert app_client.get(url_of(project, [1, 2])).status_code == 404


def test_parts_that_lie_near_each_other_are_read_at_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = Store(str(tmp_path))
    writer = store.pack_writer()
    refs = [writer.add(bytes([k]) * 3000) for k in range(200)]
    far = [writer.add(bytes(100_000)), writer.add(b"far")]
    writer.finish()
    reads: list[str] = []
    read_part = Store._read_part
    monkeypatch.setattr(
        Store, "_read_part", lambda self, path, *place: reads.append(path) or read_part(self, path, *place)
    )
    wanted = [far[1], *reversed(refs), refs[5]]
    assert store.read_many(wanted) == [b"far", *(bytes([k]) * 3000 for k in reversed(range(200))), bytes([5]) * 3000]
    assert len(reads) == 2
