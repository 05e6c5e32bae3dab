"""The content store on a folder: references, packs, sweeping, a full disk."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import database
from app.database import Db
from app.errors import NotFound, Refused
from app.objects import store as store_module
from app.objects.store import SWEEP_LOCK, Store, StoreFull, open_store
from app.settings import Settings


@pytest.fixture
def store(settings: Settings) -> Store:
    return open_store(settings)


def files(store: Store) -> list[Path]:
    return [path for path in Path(store.url).rglob("*") if path.is_file()]


def name_content(db: Db, hash: bytes, blob: str, thumbnail: str) -> None:
    db.execute(
        "insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)"
        " values (%s, 1, 'PNG', 'L', 1, 1, %s, %s)",
        [hash, blob, thumbnail],
    )
    db.commit()


def test_what_goes_into_a_pack_comes_out_of_it(store: Store) -> None:
    writer = store.pack_writer()
    refs = [writer.add(bytes([number]) * number) for number in range(1, 50)]
    (pack,) = writer.finish()

    assert [store.read(ref) for ref in refs] == [bytes([number]) * number for number in range(1, 50)]
    assert [str(path.relative_to(store.url)) for path in files(store)] == [pack]


def test_a_full_pack_is_put_away_and_another_begun(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "PACK_BYTES", 100)
    writer = store.pack_writer()
    refs = [writer.add(bytes([number]) * 40) for number in range(10)]

    assert len(writer.finish()) == 5
    assert [store.read(ref)[0] for ref in refs] == list(range(10))


def test_an_empty_pack_is_not_written(store: Store) -> None:
    assert store.pack_writer().finish() == []
    assert files(store) == []


def test_a_large_image_is_stored_once_under_its_hash(store: Store) -> None:
    data = b"pixels" * 1000
    hash = hashlib.sha256(data).digest()

    first, second = store.put_image(hash, data), store.put_image(hash, data)

    assert first == second == f"images/{hash.hex()[:2]}/{hash.hex()}"
    assert store.read(first) == data
    assert len(files(store)) == 1


def test_many_threads_read_more_packs_than_files_are_kept_open(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "OPEN_FILES", 3)
    refs = []
    for number in range(12):
        writer = store.pack_writer()
        refs.append(writer.add(bytes([number]) * 1000))
        writer.finish()

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(store.read, refs * 50))

    assert found == [bytes([number]) * 1000 for number in range(12)] * 50
    assert len(store._files) <= 3


@pytest.mark.parametrize("ref", ["packs/../../etc/passwd:0:10", "images/ab/../../x", "", "packs/ab/cd:0"])
def test_what_is_no_reference_is_refused(store: Store, ref: str) -> None:
    with pytest.raises(NotFound):
        store.read(ref)


def test_a_lost_file_is_told(store: Store) -> None:
    with pytest.raises(NotFound, match="restore it from a backup"):
        store.read("images/ab/" + "0" * 64)


def test_a_full_disk_is_told_and_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = store.pack_writer()
    writer.add(b"pixels")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StoreFull, match="is full: make room"):
        writer.finish()
    assert files(store) == []


def test_a_sweep_removes_what_no_content_names(store: Store, db: Db) -> None:
    writer = store.pack_writer()
    kept = writer.add(b"named")
    writer.finish()
    orphan = store.pack_writer()
    orphan.add(b"orphan")
    orphan.finish()
    hashes = [hashlib.sha256(data).digest() for data in (b"large", b"stray")]
    large = store.put_image(hashes[0], b"large")
    store.put_image(hashes[1], b"stray")
    name_content(db, hashes[0], large, kept)

    assert store.sweep(db, older_than_s=3600) == 0
    assert store.sweep(db, older_than_s=-60) == 2
    assert (store.read(kept), store.read(large)) == (b"named", b"large")
    assert len(files(store)) == 2


def test_a_sweep_waits_for_running_imports(store: Store, db: Db, database_url: str) -> None:
    writer = store.pack_writer()
    writer.add(b"of a running import")
    writer.finish()
    with database.connect(database_url, autocommit=True) as importing:
        importing.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])

        assert store.sweep(db, older_than_s=-60) == 0
        importing.execute("select pg_advisory_unlock_shared(%s)", [SWEEP_LOCK])

    assert store.sweep(db, older_than_s=-60) == 1


def test_a_store_is_checked_by_writing_to_it(store: Store, tmp_path: Path) -> None:
    store.check()

    assert files(store) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        Store(str(tmp_path / "file" / "store")).check()
