"""What was decided of taxa here stands when a list says otherwise, and is told: nothing is undone silently."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.accounts.viewer import Viewer
from app.database import Db
from app.taxonomy.changing import deprecate_taxon, move_taxon, rename_taxon
from app.taxonomy.created import list_created, n_waiting, refuse_taxon, remove_taxon
from app.taxonomy.merging import merge_taxa
from app.taxonomy.portable import write_list
from app.taxonomy.queries import create_taxon
from tests.small_projects import make_project
from tests.taxonomy.desk import ECOTAXA, Desk


@pytest.fixture
def boss(make_account: Any) -> Viewer:
    return Viewer(make_account("boss@example.org", is_application_manager=True))


def ids(db: Db) -> dict[str, int]:
    return {row.name: row.id for row in db.execute("select id, name from taxon order by id desc")}


def brought(desk: Desk) -> dict[str, int]:
    desk.compare(desk.file("taxa.tsv", ECOTAXA))
    assert desk.take_in() == "done", desk.error
    return ids(desk.db)


def state(db: Db, taxon_id: int) -> tuple[str, int | None]:
    row: Any = db.execute("select status, rename_to from taxon where id = %s", [taxon_id]).fetchone()
    return row.status, row.rename_to


def test_what_was_deprecated_here_stays_so_when_a_list_has_it_in_use(db: Db, desk: Desk, boss: Viewer) -> None:
    taxa = brought(desk)
    deprecate_taxon(db, boss, taxa["Annelida"], taxa["Copepoda"])
    report = desk.compare(desk.file("taxa.tsv", ECOTAXA))
    assert (report.n_kept, report.n_same) == (1, 5)
    assert report.kept == ["Annelida: kept deprecated here, the list has it in use"]
    assert desk.take_in() == "done", desk.error
    assert state(db, taxa["Annelida"]) == ("D", taxa["Copepoda"])
    worms = "taxonID\tscientificName\ntaxname:882\tAnnelida\n"
    assert desk.compare(desk.file("Taxon.tsv", worms)).n_kept == 1
    desk.take_in()
    assert state(db, taxa["Annelida"]) == ("D", taxa["Copepoda"])


def test_what_to_use_instead_is_as_a_person_said(db: Db, desk: Desk, boss: Viewer) -> None:
    taxa = brought(desk)
    deprecate_taxon(db, boss, taxa["Oldname"], taxa["Annelida"])
    desk.compare(desk.file("taxa.tsv", ECOTAXA))
    desk.take_in()
    assert state(db, taxa["Oldname"]) == ("D", taxa["Annelida"])


SHIP = {"uid": "0a5bd3f4-6a5c-4a2b-9f0e-00000000000{}"}


def portable(folder: Path, lines: list[str]) -> Path:
    """A list from a ship: number, number of its parent, name, status."""
    uid = SHIP["uid"]
    rows = [line.split(",") for line in lines]
    text = "".join(
        f"{uid.format(number)},{uid.format(above) if above else ''},{name},M,{status},,,,\n"
        for number, above, name, status in rows
    )
    path = folder / "ship.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("shoal_taxonomy.json", '{"version": 1}')
        archive.writestr("taxa.csv", "uid,parent_uid,name,type,status,rank,aphia_id,ecotaxa_id,use_instead\n" + text)
    return path


ABOARD = [
    "1,,root,A",
    "2,1,egg,N",
    "3,1,blob,N",
    "4,1,mess,N",
    "5,1,dust,N",
    "6,2,half,N",
    "7,1,merged,N",
    "8,1,same,N",
]


def test_what_was_changed_here_stands_against_the_same_portable_list(
    db: Db, desk: Desk, boss: Viewer, tmp_path: Path
) -> None:
    bay = make_project(db, 5)
    assert desk.compare(portable(tmp_path, ABOARD)).n_new == 8
    assert desk.take_in() == "done", desk.error
    taxa = ids(db)
    bay.taxa["mess"] = taxa["mess"]
    rename_taxon(db, boss, taxa["egg"], "ovum")
    move_taxon(db, boss, taxa["blob"], taxa["egg"])
    refuse_taxon(db, boss, taxa["mess"], taxa["egg"])
    remove_taxon(db, boss, taxa["dust"])
    merge_taxa(db, boss, taxa["merged"], taxa["same"])
    db.commit()
    before = desk.shown()
    report = desk.compare(portable(tmp_path, ABOARD))
    assert (report.n_new, report.n_renamed, report.n_moved, report.n_kept, report.n_faults) == (0, 0, 0, 5, 0)
    assert report.kept == [
        "ovum: changed here, the list calls it egg", "blob: changed here, the list has it under root",
        "mess: removed here", "dust: removed here", "merged: kept deprecated here, the list has it in use",
    ]  # fmt: skip
    assert desk.take_in() == "done", desk.error
    assert desk.shown() == before
    assert state(db, taxa["merged"]) == ("D", taxa["same"])


def test_what_is_new_aboard_still_comes_and_what_stands_below_a_removed_class_is_told(
    db: Db, desk: Desk, boss: Viewer, tmp_path: Path
) -> None:
    desk.compare(portable(tmp_path, ABOARD))
    desk.take_in()
    remove_taxon(db, boss, ids(db)["dust"])
    later = [*ABOARD, "9,5,speck,N"]
    later[7] = "8,1,renamed,N"
    report = desk.compare(portable(tmp_path, later))
    assert (report.n_renamed, report.n_kept, report.n_faults) == (1, 1, 1)
    assert report.faults[0][1].startswith("speck: its parent was removed here")


def test_classes_made_aboard_wait_and_are_refused_as_any(db: Db, desk: Desk, boss: Viewer, tmp_path: Path) -> None:
    desk.account_id = None  # type: ignore[assignment]
    desk.compare(portable(tmp_path, ABOARD))
    desk.take_in()
    assert n_waiting(db, boss) == 7
    waiting = list_created(db, boss, waiting=True)
    assert {(one.created_by, one.mine, one.may_judge) for one in waiting} == {(None, False, True)}
    assert refuse_taxon(db, boss, ids(db)["dust"], None)
    assert n_waiting(db, boss) == 6


def test_a_removed_class_does_not_come_back_by_ones_own_list(db: Db, desk: Desk, boss: Viewer, tmp_path: Path) -> None:
    desk.compare(portable(tmp_path, ABOARD))
    desk.take_in()
    db.commit()
    db.autocommit = True
    write_list(db, tmp_path / "home.zip")
    remove_taxon(db, boss, ids(db)["dust"])
    assert desk.compare(tmp_path / "home.zip").kept == ["dust: removed here"]
    create_taxon(db, "dust", ids(db)["root"], "M", None)
    report = desk.compare(tmp_path / "home.zip")
    assert (report.n_kept, report.n_new) == (0, 0)


def test_classes_that_images_made_at_the_root_take_their_places_in_a_list_on_request(db: Db, desk: Desk) -> None:
    for name in ("copepoda", "part", "other"):
        db.execute("insert into taxon (name, display_name) values (%s, %s)", [name, name])
    before = ids(db)
    report = desk.compare(desk.file("taxa.tsv", ECOTAXA))
    # Two places are called “part”: nobody can say which is meant.
    assert (report.n_new, report.n_matching, report.matching) == (6, 1, ["Copepoda under living"])
    assert desk.take_in(match_roots=True) == "done", desk.error
    row: Any = db.execute("select * from taxon where ecotaxa_id = 25828").fetchone()
    assert (row.id, row.display_name) == (before["copepoda"], "Copepoda")
    assert desk.shown()["Copepoda"] == "living"
    assert desk.compare(desk.file("taxa.tsv", ECOTAXA)).n_same == 6
