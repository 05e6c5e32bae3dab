"""What goes out comes in again: labels alone, whole tables as updates, and a whole project through its archive."""

import csv
import io
import re
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from app.database import connect
from app.exporting import files
from app.jobs.run import run_queued
from app.keeping.archive import archive
from app.keeping.archive_restore import restore
from app.projects.access import find_project
from app.reshaping import merging
from app.reshaping.merging import Answers
from tests.exporting.conftest import Exporter
from tests.exporting.test_backup import filled
from tests.keeping.conftest import unheard

__all__ = ["filled"]

# What differs from day to day and from Shoal to Shoal: when it was written, and numbers that only one Shoal knows.
OWN = re.compile(
    r"- written by Shoal on .*|<pubDate>.*</pubDate>|<dateStamp>.*</dateStamp>|packageId=\"[^\"]*\"|of the project \d+"
)


NUMBERS = ("object_id", "sample_id", "acquisition_id")


def labels(exporter: Exporter) -> list[Any]:
    return exporter.place.rows("select * from label order by object_id")


def test_annotations_out_and_in_again_change_nothing(filled: Exporter) -> None:
    before, was = filled.carried(filled.place.project_id), labels(filled)
    path = filled.export("annotations")
    for mode in ("fields", "all"):
        report = filled.place.bring_in(path, update=mode)
        assert (report.status, report.n_left_out) == ("nothing", 0), report.lines()
    assert filled.carried(filled.place.project_id) == before
    assert labels(filled) == was
    assert filled.place.values("select count(*) from act where detail ? 'import_id'") == [0]


def test_annotations_restore_what_was_labelled_otherwise_since(filled: Exporter) -> None:
    before = filled.carried(filled.place.project_id)
    path = filled.export("annotations")
    filled.db.execute("update label set status = 'D', taxon_id = 84963, version = version + 1")
    filled.db.commit()
    report = filled.place.bring_in(path, update="all")
    assert (report.status, report.n_labels) == ("done", 2), report.lines()
    assert filled.carried(filled.place.project_id) == before


@pytest.mark.parametrize("kind", ["ecotaxa_backup", "ecotaxa_general"])
@pytest.mark.parametrize("mode", ["fields", "all"])
def test_tables_out_and_in_again_as_updates_change_nothing(filled: Exporter, kind: str, mode: str) -> None:
    before, was = filled.carried(filled.place.project_id), labels(filled)
    given = {"types_row": True} if kind == "ecotaxa_general" else {"images": "none"}
    report = filled.place.bring_in(filled.export(kind, **given), update=mode)
    assert (report.status, report.n_rows > 0, report.n_left_out) == ("nothing", True, 0), report.lines()
    assert filled.carried(filled.place.project_id) == before
    assert labels(filled) == was


@pytest.fixture
def published(filled: Exporter) -> Exporter:
    """With all that a publication needs, and with columns of every level in formulas."""
    contact = {"name": "Ada Lovelace", "organisation": "Sea", "email": "a@b.org", "orcid": "", "role": "creator"}
    formulas = {"subsample_coef": "1", "total_water_volume": "2", "individual_volume": "3"}
    said = {"licence": "CC0-1.0", "citation": "Ada", "contacts": [contact], "formulas": formulas}
    filled.db.execute("update project set settings = settings || %s", [Jsonb(said)])
    filled.db.execute("update taxon set aphia_id = 1080 where id = 25828")
    filled.db.commit()
    return filled


KINDS: dict[str, dict[str, Any]] = {
    "ecotaxa_backup": {},
    "ecotaxa_general": {"images": "all", "split_by": "taxon", "extras": ["score", "choices", "provenance", "history"]},
    "annotations": {},
    "csv": {"statuses": []},
    "summary": {"by": "acquisition"},
    "darwin_core": {"statuses": ["V", "P"], "through_ancestors": True, "with_absent": True},
}


def test_a_restored_archive_exports_the_same_files(published: Exporter, tmp_path: Path) -> None:
    first = published.place.project_id
    file = tmp_path / "bay.shoal"
    with connect(published.settings.database_url, autocommit=True) as db:
        archive(published.settings, db, first, file, unheard)
        again = restore(published.settings, db, file, unheard)
    assert again != first
    for kind, choices in KINDS.items():
        one, other = (contents(published.export(kind, project_id, **choices)) for project_id in (first, again))
        assert list(one) == list(other), kind
        for name in one:
            assert one[name] == other[name], f"{kind}: {name}"


def test_an_archive_is_an_export_as_well(published: Exporter) -> None:
    made = published.work(published.ask("archive"))
    assert made.status == "done", made.error
    assert made.file_name.endswith(f"_{made.id}.shoal")
    assert made.n_rows == published.place.values("select count(*) from object")[0]
    with connect(published.settings.database_url, autocommit=True) as db:
        again = restore(published.settings, db, files.whole_file(published.settings, made), unheard)
    assert contents(published.export("annotations", again)) == contents(published.export("annotations"))


def contents(path: Path) -> dict[str, Any]:
    """The files of an export, without what only one Shoal knows."""
    with zipfile.ZipFile(path) as whole:
        found = {name: whole.read(name) for name in whole.namelist()}
    return {name: comparable(name, data) for name, data in found.items()}


def comparable(name: str, data: bytes) -> Any:
    if name.endswith((".md", ".xml")):
        return OWN.sub("", data.decode())
    if name in ("objects.csv", "summary.csv", "summary.tsv"):
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        rows = csv.DictReader(text, delimiter="\t" if name.endswith(".tsv") else ",")
        return [{key: cell for key, cell in row.items() if key not in NUMBERS} for row in rows]
    return data


def test_a_project_that_took_in_its_own_objects_again_goes_out_and_in(filled: Exporter) -> None:
    other = filled.again(filled.export("ecotaxa_backup"))
    home, coming = (find_project(filled.db, filled.viewer(), one) for one in (filled.place.project_id, other))
    answers = Answers("join", objects="apart")
    made = merging.ask(filled.db, home, coming, filled.place.account_id, answers)
    filled.db.commit()
    run_queued(made.job_id or 0, filled.settings, filled.settings.database_url or "", threading.Event())
    again = filled.again(filled.export("ecotaxa_backup"))
    carried = filled.carried(home.id)
    assert len({row[0] for row in carried}) == len(carried) == 8
    assert filled.carried(again) == carried
