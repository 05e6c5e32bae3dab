"""`shoal gc` removes what nothing refers to, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from app import database
from app.accounts.viewer import Account, Viewer
from app.errors import Conflict, Refused
from app.exchange import staging
from app.exchange.report import ImportOptions
from app.keeping.leavings import Leavings, collect
from app.objects.store import open_store
from app.projects.access import find_project
from app.reshaping import asked, subset
from app.reshaping.choosing import Wish
from app.reshaping.subset import What
from tests.exchange.conftest import Workplace, picture
from tests.keeping.conftest import contents


def sweep(laboratory: Workplace, *, dry_run: bool = False, older_than_s: float = 0) -> Leavings:
    laboratory.db.commit()
    with database.connect(laboratory.settings.database_url, autocommit=True) as db:
        return collect(laboratory.settings, db, dry_run=dry_run, older_than_s=older_than_s)


def second_project(laboratory: Workplace, tmp_path: Path) -> int:
    """One image of its own, and one that the first project has too."""
    source = tmp_path / "second"
    source.mkdir()
    (source / "own.png").write_bytes(picture(500))
    (source / "shared.png").write_bytes(picture(1))
    first = laboratory.project_id
    laboratory.project_id = laboratory.new_project()
    assert laboratory.bring_in(source).n_images == 2
    laboratory.project_id, second = first, laboratory.project_id
    return second


def readable(laboratory: Workplace) -> int:
    refs = laboratory.values("select blob from content union all select thumbnail from content")
    return len(open_store(laboratory.settings).read_many(refs))


def test_what_is_in_use_stays(laboratory: Workplace) -> None:
    before = contents(laboratory.settings.database_url)
    found = sweep(laboratory)
    assert (found.rows, found.contents, found.files, found.folders) == ({}, 0, {}, {})
    assert contents(laboratory.settings.database_url) == before
    assert readable(laboratory) == 2 * 31


def test_a_project_that_is_gone_takes_its_rows_and_images_with_it_but_not_what_others_show(
    laboratory: Workplace, tmp_path: Path
) -> None:
    first, files = laboratory.project_id, laboratory.stored_files()
    kept = contents(laboratory.settings.database_url)
    second = second_project(laboratory, tmp_path)
    index = laboratory.settings.home / "index" / str(second)
    index.mkdir(parents=True)
    (index / "ids.npy").write_bytes(b"12345")
    (index.parent / str(first)).mkdir()
    laboratory.db.execute("delete from project where id = %s", [second])

    foreseen = sweep(laboratory, dry_run=True)
    assert foreseen.rows["image"] == 2 and foreseen.contents == 1 and len(foreseen.files) == 1
    assert foreseen.folders == {index: 5}
    assert laboratory.stored_files() != files and index.exists(), "a dry run removes nothing"

    assert sweep(laboratory) == foreseen
    assert laboratory.stored_files() == files
    assert not index.exists() and (index.parent / str(first)).exists()
    after = contents(laboratory.settings.database_url)
    for table in ("object", "image", "content", "label", "history", "object_field", "object_vector"):
        assert after[table] == kept[table], table
    assert readable(laboratory) == 2 * 31
    assert sweep(laboratory).n_bytes == 0


def test_a_subset_that_was_never_made_to_its_end_goes_after_a_day(laboratory: Workplace) -> None:
    db = laboratory.db
    home = find_project(db, Viewer(Account(laboratory.account_id, "", "", True)), laboratory.project_id)
    made = subset.ask(db, home, laboratory.account_id, "Cut", Wish(), What())
    db.commit()
    with database.connect(laboratory.settings.database_url, autocommit=True) as worker, worker.transaction():
        subset._begin(worker, made)
    assert sweep(laboratory).subsets == [], "its job waits"
    db.execute("update job set status = 'failed' where id = %s", [made.job_id])
    hidden = asked.find(db, made.id).to_id
    assert sweep(laboratory, older_than_s=3600).subsets == []
    assert sweep(laboratory, dry_run=True).subsets == sweep(laboratory).subsets == [hidden]
    assert laboratory.values("select id from project where hidden is not null") == []
    left = asked.find(db, made.id)
    assert (left.state, left.to_id) == ("asked", None)


def test_files_that_are_young_stay_since_something_may_be_about_to_name_them(laboratory: Workplace) -> None:
    store = open_store(laboratory.settings)
    store.put("packs/aa/aabb", b"written a moment ago")
    assert not sweep(laboratory, older_than_s=3600).files
    day_ago = time.time() - 86_400
    os.utime(Path(laboratory.settings.store_url) / "packs/aa/aabb", (day_ago, day_ago))
    assert sweep(laboratory, older_than_s=3600).files == {"packs/aa/aabb": 20}


def test_while_an_import_runs_nothing_goes(laboratory: Workplace) -> None:
    with database.connect(laboratory.settings.database_url, autocommit=True) as db:
        staging.begin(db, laboratory.project_id, laboratory.account_id, "elsewhere", "fingerprint", ImportOptions())
        with pytest.raises(Conflict, match="An import or a backup is at work"):
            sweep(laboratory)


def test_what_an_interrupted_import_has_stored_waits_for_it(laboratory: Workplace) -> None:
    """Its connection is gone with it, and so is its lock; its chunks are not."""
    with database.connect(laboratory.settings.database_url, autocommit=True) as db:
        begun = staging.begin(
            db, laboratory.project_id, laboratory.account_id, "elsewhere", "fingerprint", ImportOptions()
        )
        store = open_store(laboratory.settings)
        store.put("packs/cc/ccdd", b"pixels")
        db.execute(
            """
            insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
            values ('\\x01', 6, 'PNG', 'L', 1, 1, 'packs/cc/ccdd:0:6', 'packs/cc/ccdd:0:6')
            """
        )
        db.execute(
            "insert into import_chunk (import_id, number, n_rows, contents, packs) values (%s, 0, 1, %s, %s)",
            [begun.id, [b"\x01"], ["packs/cc/ccdd"]],
        )
    found = sweep(laboratory)
    assert found.contents == 0 and not found.files
    laboratory.db.execute("update import set status = 'failed' where id = %s", [begun.id])
    assert sweep(laboratory).files == {"packs/cc/ccdd": 6}


def test_what_a_strip_shows_as_example_stays(laboratory: Workplace) -> None:
    laboratory.db.execute(
        """
        insert into strip (project_id, state, side, size_px, examples)
        select %s, 'proposed', 'bottom', 4, jsonb_build_array(jsonb_build_object('hash', encode(min(hash), 'hex')))
        from image
        """,
        [laboratory.project_id],
    )
    laboratory.db.execute("delete from image where hash = (select min(hash) from image)")
    assert sweep(laboratory).contents == 0
    laboratory.db.execute("delete from strip")
    assert sweep(laboratory).contents == 1


def test_beside_a_database_that_knows_no_image_none_is_removed(laboratory: Workplace) -> None:
    files = laboratory.stored_files()
    laboratory.db.execute("truncate image, content")
    with pytest.raises(Refused, match="is this the database that the images belong to"):
        sweep(laboratory)
    assert laboratory.stored_files() == files
