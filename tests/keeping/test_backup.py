"""What a backup holds, and that a restore on an empty machine gives it back whole."""

import errno
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import database
from app.cli import main
from app.errors import Conflict, Damaged, NotFound, Refused
from app.keeping import backup, backup_folder, manifest
from app.keeping.manifest import DamagedBackup
from app.keeping.restore import RESTORING, restore
from app.objects.store import SWEEP_LOCK, open_store
from app.settings import Settings
from tests.exchange.conftest import Workplace, picture
from tests.keeping.conftest import contents, unheard

NewHome = Callable[[], Settings]


def take(laboratory: Workplace, folder: Path, **more: object) -> Path:
    laboratory.db.commit()
    settings = laboratory.settings
    return backup.back_up(settings, settings.database_url, folder, unheard, **more)


def url_of(settings: Settings) -> str:
    return database.open_database(settings, make=False)


def test_what_is_backed_up_comes_back_whole_on_another_machine(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    tuned = laboratory.settings.home / "embedders" / "tuned-1.onnx"
    tuned.parent.mkdir(parents=True, exist_ok=True)
    tuned.write_bytes(b"weights")
    open_store(laboratory.settings).put("embedders/tuned-1.onnx", b"weights")
    made = manifest.read(take(laboratory, tmp_path / "kept"))
    other = new_home()
    restore(other, tmp_path / "kept", unheard)
    assert contents(url_of(other)) == contents(laboratory.settings.database_url)
    assert made.rows["object"] == 31
    assert not made.missing
    assert (other.home / "embedders" / "tuned-1.onnx").read_bytes() == b"weights"
    assert open_store(other).read_file("embedders/tuned-1.onnx") == b"weights"
    blobs = laboratory.values("select blob from content union select thumbnail from content")
    assert open_store(other).read_many(blobs) == open_store(laboratory.settings).read_many(blobs)
    assert not (other.home / RESTORING).exists()


def test_what_comes_later_is_new_after_a_restore_and_what_was_there_is_not(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    """Numbers of transactions begin anew: what a search had looked at, and what it had not, stays so."""
    db = laboratory.db
    db.execute(
        """
        insert into kept_search (project_id, account_id, title, embedder_id, direction, max_distance, since)
        select project_id, %s, 'like it', embedder_id, '{1}', 1, max(tx)
        from object_vector
        group by project_id, embedder_id
        """,
        [laboratory.account_id],
    )
    # A transaction that is far ahead of whatever the new database has counted to.
    db.execute("update object_vector set tx = '4000000' where object_id = (select min(id) from object)")
    db.execute("update kept_search set since = '3000000'")
    take(laboratory, tmp_path / "kept")
    other = new_home()
    restore(other, tmp_path / "kept", unheard)
    with database.connect(url_of(other)) as theirs:
        unseen = theirs.execute(
            "select array_agg(object_id) as ids from object_vector, kept_search where tx >= since"
        ).fetchone()
        past = theirs.execute(
            "select bool_and(tx < pg_snapshot_xmin(pg_current_snapshot())) as past from object_vector"
        ).fetchone()
    assert unseen.ids == laboratory.values("select min(id) from object")
    assert past.past


def test_of_the_images_only_what_is_new_is_copied(laboratory: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    take(laboratory, folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / "store").rglob("*") if path.is_file()}
    source = tmp_path / "more"
    source.mkdir()
    (source / "new.png").write_bytes(picture(99))
    laboratory.bring_in(source)
    second = take(laboratory, folder)
    after = {path: path.stat().st_mtime_ns for path in (folder / "store").rglob("*") if path.is_file()}
    assert {path: at for path, at in after.items() if path in before} == before
    assert len(after) == len(before) + 1
    assert manifest.list_backups(folder)[-1] == second.name
    assert manifest.read(second).rows["object"] == 32


def test_only_so_many_are_kept_and_each_of_them_is_whole(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    take(laboratory, folder)
    laboratory.db.execute("delete from image")
    laboratory.db.execute("delete from content where blob like 'images/%'")
    take(laboratory, folder)
    last = take(laboratory, folder, keep=1)
    assert manifest.list_backups(folder) == [last.name]
    assert not list((folder / "store" / "images").rglob("*/*"))
    backup_folder.check(folder, None, unheard)
    restore(new_home(), folder, unheard)


def test_an_earlier_one_can_be_asked_for(laboratory: Workplace, new_home: NewHome, tmp_path: Path) -> None:
    first = take(laboratory, tmp_path / "kept")
    laboratory.db.execute("update project set title = 'Later'")
    take(laboratory, tmp_path / "kept")
    other = new_home()
    restore(other, tmp_path / "kept", unheard, first.name)
    with database.connect(url_of(other)) as db:
        assert db.execute("select title from project").fetchone().title == "Test"


def test_while_it_runs_nothing_is_swept(laboratory: Workplace, tmp_path: Path) -> None:
    swept: list[int] = []

    def sweep(part: str, done: int, total: int) -> None:
        with database.connect(laboratory.settings.database_url, autocommit=True) as db:
            alone = db.execute("select pg_try_advisory_lock(%s) as alone", [SWEEP_LOCK]).fetchone().alone
            swept.append(alone)

    settings = laboratory.settings
    laboratory.db.commit()
    backup.back_up(settings, settings.database_url, tmp_path / "kept", sweep)
    assert swept and not any(swept)


def test_people_go_on_labelling_while_it_runs(laboratory: Workplace, new_home: NewHome, tmp_path: Path) -> None:
    """What is backed up is one moment: no label without its history."""
    stop = threading.Event()

    def label() -> None:
        with database.connect(laboratory.settings.database_url) as db:
            while not stop.is_set():
                db.execute("update label set version = version + 1 where object_id = (select min(id) from object)")
                db.execute("insert into history select project_id, object_id, -version, 'V', taxon_id, account_id, at,"
                           " provenance, null, null, null, 'V', taxon_id, version from label"
                           " where object_id = (select min(id) from object)")  # fmt: skip
                db.commit()

    writer = threading.Thread(target=label)
    writer.start()
    try:
        take(laboratory, tmp_path / "kept")
    finally:
        stop.set()
        writer.join()
    other = new_home()
    restore(other, tmp_path / "kept", unheard)
    with database.connect(url_of(other)) as db:
        row = db.execute(
            """
            select version, (select count(*) from history where act_id < 0) as n
            from label
            where object_id = (select min(id) from object)
            """
        ).fetchone()
    assert row.version == row.n + 1


def test_a_file_that_the_store_has_lost_is_told_and_the_rest_is_kept(laboratory: Workplace, tmp_path: Path) -> None:
    lost = laboratory.values("select blob from content where blob like 'images/%'")
    open_store(laboratory.settings).remove(lost[0])
    made = manifest.read(take(laboratory, tmp_path / "kept"))
    assert made.missing == lost
    assert made.n_files > 0


def test_a_damaged_file_is_found_and_nothing_is_restored(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    made = take(laboratory, tmp_path / "kept")
    damaged = max((made / manifest.DATABASE).iterdir(), key=lambda path: path.stat().st_size)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with pytest.raises(Refused, match="not as they were written"):
        backup_folder.check(tmp_path / "kept", None, unheard)
    other = new_home()
    with pytest.raises(Refused, match="not as it was written"):
        restore(other, tmp_path / "kept", unheard)
    assert not other.home.exists()


def test_a_damaged_image_stops_the_restore_and_once_it_is_whole_the_same_goes_on(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    take(laboratory, tmp_path / "kept")
    damaged = next((tmp_path / "kept" / "store" / "packs").rglob("*/*"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    other = new_home()
    with pytest.raises(Refused, match="not as it was written"):
        restore(other, tmp_path / "kept", unheard)
    damaged.write_bytes(whole)
    restore(other, tmp_path / "kept", unheard)
    assert contents(url_of(other)) == contents(laboratory.settings.database_url)


def test_nothing_is_restored_over_what_is_there(laboratory: Workplace, new_home: NewHome, tmp_path: Path) -> None:
    take(laboratory, tmp_path / "kept")
    with pytest.raises(Conflict, match="holds images already"):
        restore(laboratory.settings, tmp_path / "kept", unheard)
    other = new_home()
    database.migrate(database.open_database(other))
    before = contents(url_of(other))
    with pytest.raises(Conflict, match="holds tables already"):
        restore(other, tmp_path / "kept", unheard)
    assert contents(url_of(other)) == before
    assert not list(open_store(other).paths())


def test_a_newer_shoals_backup_is_refused(laboratory: Workplace, new_home: NewHome, tmp_path: Path) -> None:
    made = take(laboratory, tmp_path / "kept")
    told = manifest.read(made)
    manifest.write(made, replace(told, migrations=[*told.migrations, "9999_later.sql"]))
    with pytest.raises(Refused, match=r"newer Shoal.*9999_later"):
        restore(new_home(), tmp_path / "kept", unheard)
    manifest.write(made, replace(told, format=manifest.FORMAT + 1))
    with pytest.raises(Refused, match="newer Shoal"):
        restore(new_home(), tmp_path / "kept", unheard)


def test_an_interrupted_backup_is_none_and_the_next_clears_it_away(laboratory: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    (folder / ".unfinished-1" / "database").mkdir(parents=True)
    with pytest.raises(NotFound, match="There are: none"):
        backup_folder.check(folder, None, unheard)
    take(laboratory, folder)
    assert not list(folder.glob(".unfinished-*"))


def test_two_at_once_in_one_folder_are_one_too_many(laboratory: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    with backup_folder.alone_in(folder), pytest.raises(Conflict, match="at work"):
        take(laboratory, folder)


def test_a_backup_inside_what_is_backed_up_is_refused(laboratory: Workplace) -> None:
    with pytest.raises(Refused, match="another disk"):
        take(laboratory, laboratory.settings.home / "kept")


def test_a_folder_of_other_things_is_refused_and_what_is_put_into_one_of_backups_stays(
    laboratory: Workplace, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    theirs = [folder / "files" / "photos" / "a.jpg", folder / "store" / "list.txt"]

    def put() -> None:
        for path in theirs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("theirs")

    put()
    with pytest.raises(Refused, match="holds other things"):
        take(laboratory, folder)
    assert {path.name for path in folder.iterdir()} == {"files", "store"}
    shutil.rmtree(folder)
    take(laboratory, folder)
    put()
    take(laboratory, folder, keep=1)
    assert [path.read_text() for path in theirs] == ["theirs", "theirs"]


def test_a_damaged_list_of_files_hinders_no_later_backup_and_costs_no_file(
    laboratory: Workplace, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    first = take(laboratory, folder)
    (first / manifest.FILES).write_bytes((first / manifest.FILES).read_bytes()[:-30])
    laboratory.db.execute("delete from image")
    laboratory.db.execute("delete from content")
    take(laboratory, folder)
    last = take(laboratory, folder, keep=1)
    assert manifest.list_backups(folder) == [first.name, last.name]
    assert manifest.FILES in manifest.faults(folder)[first.name]
    assert list((folder / "store" / "images").rglob("*/*"))


def test_a_damaged_image_is_named_and_copied_anew_by_the_next_backup(laboratory: Workplace, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    first = take(laboratory, folder)
    damaged = next((folder / "store" / "packs").rglob("*/*"))
    whole = damaged.read_bytes()
    damaged.write_bytes(b"?" + whole[1:])
    with pytest.raises(DamagedBackup, match=damaged.name):
        backup_folder.check(folder, None, unheard)
    last = take(laboratory, folder)
    assert damaged.read_bytes() == whole
    for name in (first.name, last.name):
        backup_folder.check(folder, name, unheard)


def test_one_that_lost_its_manifest_is_told_and_not_passed_over(laboratory: Workplace, tmp_path: Path) -> None:
    take(laboratory, tmp_path / "kept")
    last = take(laboratory, tmp_path / "kept")
    (last / manifest.MANIFEST).unlink()
    assert list(manifest.faults(tmp_path / "kept")) == [last.name]
    with pytest.raises(DamagedBackup, match="no whole backup"):
        backup_folder.check(tmp_path / "kept", None, unheard)


def test_a_folder_that_is_closed_is_told(
    laboratory: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may write everywhere, hence the fake of a disk that is read-only."""

    def closed(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    (tmp_path / "kept").mkdir()
    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(Refused, match="may not be written to"):
        take(laboratory, tmp_path / "kept")


def test_an_interrupted_restore_is_all_that_a_home_lets_go_on(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(laboratory, tmp_path / "kept")
    other = new_home()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for step in ("load", "settle"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(f"app.keeping.restore.{step}", interrupt)
            restore(other, tmp_path / "kept", unheard)
        with pytest.raises(Damaged, match=r"shoal restore .*kept --backup"):
            database.open_database(other)
        monkeypatch.setenv("SHOAL_HOME", str(other.home))
        said = CliRunner().invoke(main, ["doctor"])
        assert said.exit_code == 2 and "goes on with it" in said.output
        assert CliRunner().invoke(main, ["migrate"]).exit_code == 2
    restore(other, tmp_path / "kept", unheard)
    assert contents(url_of(other)) == contents(laboratory.settings.database_url)


def test_where_one_is_damaged_the_others_are_named_and_can_be_taken_instead(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    first = take(laboratory, tmp_path / "kept")
    source = tmp_path / "more"
    source.mkdir()
    (source / "new.png").write_bytes(picture(99))
    laboratory.bring_in(source)
    before = {entry.path for entry in manifest.read_files(first)}
    last = take(laboratory, tmp_path / "kept")
    for entry in manifest.read_files(last):
        if entry.path not in before:
            (tmp_path / "kept" / entry.path).unlink()
    other = new_home()
    with pytest.raises(DamagedBackup, match=rf"--backup NAME; there are: {first.name}"):
        restore(other, tmp_path / "kept", unheard)
    restore(other, tmp_path / "kept", unheard, first.name)
    assert not (other.home / RESTORING).exists()


def test_exports_whose_files_are_not_there_are_forgotten_by_a_restore(
    laboratory: Workplace, new_home: NewHome, tmp_path: Path
) -> None:
    laboratory.db.execute(
        """
        insert into export (project_id, kind, file_name, n_bytes, expires_at)
        select id, 'coco', name, n_bytes, now() + interval '7 days'
        from project, (values ('lost.zip', 5), ('here.zip', 5), ('comes.zip', null)) as given (name, n_bytes)
        """
    )
    take(laboratory, tmp_path / "kept")
    other = new_home()
    here = laboratory.values("select id from export where file_name = 'here.zip'")[0]
    (other.home / "exports").mkdir(parents=True)
    (other.home / "exports" / f"export-{here}.zip").write_bytes(b"12345")
    restore(other, tmp_path / "kept", unheard)
    with database.connect(url_of(other)) as theirs:
        left = theirs.execute("select file_name from export order by id").fetchall()
    assert [row.file_name for row in left] == ["here.zip", "comes.zip"]
