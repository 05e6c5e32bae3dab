"""Lists of taxa are compared before anything changes, and taken in whole: EcoTaxa's, Darwin Core's, CSV, our own."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.database import Db, connect
from app.errors import Refused
from app.settings import Settings
from app.taxonomy import bringing
from app.taxonomy.bringing import ask_plan
from app.taxonomy.portable import write_list
from app.taxonomy.presets import list_presets, set_presets
from app.taxonomy.queries import create_taxon, find_taxa
from tests.small_projects import make_project, make_taxa
from tests.taxonomy.desk import ECOTAXA, Desk


def test_ecotaxas_list_comes_in_with_names_as_ecotaxa_shows_them(db: Db, desk: Desk) -> None:
    report = desk.compare(desk.file("taxa.tsv", ECOTAXA))
    assert (report.n_rows, report.n_new, report.n_faults) == (6, 6, 0)
    assert desk.shown() == {}
    assert desk.take_in() == "done", desk.error
    assert desk.shown() == {
        "living": None, "Copepoda": "living", "part < Copepoda": "Copepoda", "Annelida": "living",
        "part < Annelida": "Annelida", "Oldname": "living",
    }  # fmt: skip
    row: Any = db.execute(
        "select old.status, new.ecotaxa_id from taxon old join taxon new on new.id = old.rename_to"
    ).fetchone()
    assert tuple(row) == ("D", 25828)
    again = desk.compare(desk.file("taxa.tsv", ECOTAXA))
    assert (again.n_same, again.n_new, again.n_moved, again.n_renamed) == (6, 0, 0, 0)


def test_what_a_newer_list_renames_moves_and_deprecates_is_told_before(db: Db, desk: Desk) -> None:
    desk.compare(desk.file("taxa.tsv", ECOTAXA))
    desk.take_in()
    newer = ECOTAXA.replace("85011\t25828\tpart", "85011\t2\tpiece").replace("882\tphylum", "882\tphylum\n5\t2\tnew\tM")
    newer = newer.replace("2\t1\tAnnelida\tP\tA", "2\t\tAnnelida\tP\tA")
    report = desk.compare(desk.file("newer.tsv", newer))
    assert (report.n_new, report.n_renamed, report.n_moved) == (1, 1, 2)
    assert report.new == ["new under Annelida"]
    assert sorted(report.moved) == ["Annelida goes under the root", "part goes under Annelida"]
    assert "piece" not in desk.shown()
    assert desk.take_in() == "done", desk.error
    shown = desk.shown()
    assert (shown["piece"], shown["new"], shown["Annelida"]) == ("Annelida", "Annelida", None)
    assert [(one.display_name, one.also) for one in find_taxa(db, "part")] == [
        ("part < Annelida", ""),
        ("piece", "part"),
    ]


def test_ecotaxas_answers_in_json_come_in_too(desk: Desk) -> None:
    taxa = [
        {"id": 1, "name": "living", "type": "P", "id_lineage": [1], "lineage": ["living"], "display_name": "living"},
        {"id": 7, "name": "egg", "type": "M", "id_lineage": [7, 1], "lineage": ["egg", "living"], "renm_id": None},
    ]
    assert desk.compare(desk.file("set.json", json.dumps(taxa))).n_new == 2
    assert desk.take_in() == "done", desk.error
    assert desk.shown() == {"living": None, "egg": "living"}


def test_a_darwin_core_archive_brings_synonyms_and_common_names(db: Db, desk: Desk, tmp_path: Path) -> None:
    lsid = "urn:lsid:marinespecies.org:taxname:"
    meta = (
        '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="Taxon">'
        "<files><location>taxon.txt</location></files>"
        '<id index="0"/><field index="1" term="http://rs.tdwg.org/dwc/terms/parentNameUsageID"/>'
        '<field index="2" term="http://rs.tdwg.org/dwc/terms/acceptedNameUsageID"/>'
        '<field index="3" term="http://rs.tdwg.org/dwc/terms/scientificName"/>'
        '<field index="4" term="http://rs.tdwg.org/dwc/terms/taxonRank"/></core></archive>'
    )
    taxa = "a\tb\tc\tscientificName\te\n" + "".join(
        f"{lsid}{number}\t{lsid + above if above else ''}\t{lsid}{accepted}\t{name}\t{rank}\n"
        for number, above, accepted, name, rank in [
            ("1080", "", "1080", "Copepoda", "Class"), ("106485", "1080", "106485", "Oithona", "Genus"),
            ("106656", "106485", "106656", "Oithona similis", "Species"),
            ("106657", "", "106656", "Oithona helgolandica", "Species"),
        ]
    )  # fmt: skip
    path = tmp_path / "worms.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("meta.xml", meta)
        archive.writestr("taxon.txt", taxa)
        archive.writestr("vernacularname.txt", f"taxonID\tvernacularName\tlanguage\n{lsid}1080\tcopépodes\tfra\n")
    make_taxa(db)
    report = desk.compare(path)
    assert (report.n_new, report.n_same, report.n_names, report.n_faults) == (0, 3, 2, 0), report
    assert desk.take_in() == "done", desk.error
    assert [(one.display_name, one.also) for one in find_taxa(db, "helgo")] == [
        ("Oithona similis", "Oithona helgolandica")
    ]
    assert [one.display_name for one in find_taxa(db, "copepodes")] == ["Copepoda"]
    assert [one.display_name for one in find_taxa(db, "106656")] == ["Oithona similis"]
    assert desk.shown()["Copepoda"] == "living"


def test_a_csv_brings_lineages_parents_and_other_names(db: Db, desk: Desk) -> None:
    text = "name,lineage,type,synonyms,common names\negg,living > Copepoda,M,ovum|eier,œuf\nleg,,M,,\n"
    assert desk.compare(desk.file("mine.csv", text)).n_new == 4
    assert desk.take_in() == "done", desk.error
    assert desk.shown() == {"living": None, "Copepoda": "living", "egg": "Copepoda", "leg": None}
    assert [one.also for one in find_taxa(db, "eier")] == ["eier"]
    more = desk.compare(desk.file("more.csv", "name;parent\nhair;leg\ntip;hair\n"))
    assert (more.n_new, more.n_faults) == (2, 0)
    desk.take_in()
    assert desk.shown()["tip"] == "hair"


def test_all_faults_are_told_with_their_lines_and_nothing_changes(db: Db, desk: Desk) -> None:
    text = (
        "id,parent_id,name,taxotype\n1,,living,P\n2,3,a,P\n3,2,b,P\n4,99,orphan,P\n5,1,x<y,P\n6,1,odd,Q\n1,,again,P\nx,1,c,P\n"
        "7,4,below,P\n8,1,good,P\n"
    )
    report = desk.compare(desk.file("bad.csv", text))
    told = {line: fault for line, fault in report.faults}
    assert sorted(told) == [3, 4, 5, 6, 7, 8, 9, 10]
    assert "stands under itself" in told[3] and "neither in the list" in told[5] and "no type" in told[7]
    assert "twice" in told[8] and "whole number" in told[9] and "parent" in told[10]
    with pytest.raises(Refused, match="8 lines have faults"):
        desk.take_in()
    assert desk.shown() == {}
    assert desk.take_in(without_faulty=True) == "done", desk.error
    assert desk.shown() == {"living": None, "good": "living"}


def test_a_list_that_would_put_a_taxon_below_itself_is_refused(db: Db, desk: Desk) -> None:
    make_taxa(db)
    report = desk.compare(desk.file("loop.csv", "name,parent\nCopepoda,Oithona\n"))
    # By its name under the new parent it is another taxon; by its number it is the same one, and would be moved.
    db.execute("update taxon set aphia_id = 1080 where name = 'Copepoda'")
    report = desk.compare(desk.file("loop.csv", "name,parent,aphia_id\nCopepoda,Oithona,1080\n"))
    assert report.n_faults == 1 and "under itself" in report.faults[0][1]


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", ""), ("a.csv", "x,y\n1,2\n"), ("a.json", "{"), ("a.json", "[]"), ("a.zip", "PK\x03\x04 broken")],
)
def test_what_is_no_list_is_refused_in_one_sentence(desk: Desk, name: str, text: str) -> None:
    desk.id, job_id = ask_plan(desk.db, desk.account_id, desk.file(name, text), name)
    assert desk._work(job_id) == "failed"
    assert "Traceback" not in desk.error and "unforeseen" not in desk.error and len(desk.error) < 300


def test_a_killed_import_goes_on_where_it_was(db: Db, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.compare(desk.file("taxa.tsv", ECOTAXA))
    monkeypatch.setattr(bringing, "PART_ROWS", 2)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(bringing, "_change", lambda *_: 1 / 0)
        assert desk.take_in() == "failed"
    assert len(desk.shown()) == 6
    row: Any = db.execute("update job set status = 'queued' where status = 'failed' returning id").fetchone()
    assert desk._work(row.id) == "done", desk.error
    assert len(desk.shown()) == 6


def test_the_portable_list_goes_out_and_in_without_clashes(
    db: Db, desk: Desk, tmp_path: Path, server: Any, template: str, settings: Settings
) -> None:
    """To a ship and back: both sides made classes meanwhile, some of the same name."""

    bay = make_project(db, 5, title="Bay")
    create_taxon(db, "fiber", bay.taxa["not-living"], "M", None)
    set_presets(db, bay.id, [bay.taxa["fiber"], bay.taxa["Oithona"]])
    db.commit()
    db.autocommit = True
    write_list(db, tmp_path / "home.zip")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database ship template {template}")
    try:
        url = server.url.replace("///shoal", "///ship")
        with connect(url, autocommit=True) as ship:
            account = ship.execute("insert into account (email, name) values ('s@x', 'S') returning id").fetchone()[0]
            ship.execute("insert into project (title) values ('Bay')")

            at_sea = Desk(ship, replace(settings, database_url=url), tmp_path, account)
            at_sea.compare(tmp_path / "home.zip")
            assert at_sea.take_in(with_presets=True) == "done", at_sea.error
            assert at_sea.shown() == desk.shown()
            assert [one.display_name for one in list_presets(ship, 1)] == ["fiber < detritus", "Oithona"]
            calanoida = ship.execute("select id from taxon where name = 'Calanoida'").fetchone()[0]
            for name in ("egg", "blob"):
                create_taxon(ship, name, calanoida, "M", account)
            write_list(ship, tmp_path / "ship.zip")
    finally:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("drop database ship with (force)")
    create_taxon(db, "egg", bay.taxa["Calanoida"], "M", desk.account_id)
    create_taxon(db, "blob", bay.taxa["detritus"], "M", desk.account_id)
    report = desk.compare(tmp_path / "ship.zip")
    assert (report.n_new, report.n_moved, report.n_renamed, report.n_faults) == (1, 0, 0, 0)
    assert desk.take_in() == "done", desk.error
    shown = desk.shown()
    assert shown["egg"] == "Calanoida"
    assert (shown["blob < Calanoida"], shown["blob < detritus"]) == ("Calanoida", "detritus")
    assert desk.compare(tmp_path / "ship.zip").n_same == len(shown) - 1


def test_a_list_of_a_newer_shoal_is_refused(desk: Desk, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "new.zip", "w") as archive:
        archive.writestr("shoal_taxonomy.json", '{"version": 2}')
        archive.writestr("taxa.csv", "uid,name\n")
    desk.id, job_id = ask_plan(desk.db, desk.account_id, tmp_path / "new.zip", "new.zip")
    assert desk._work(job_id) == "failed"
    assert "newer Shoal" in desk.error
