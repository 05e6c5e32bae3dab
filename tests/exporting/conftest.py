"""Projects that go out and come in again, and what they hold, without the numbers that only one Shoal knows."""

import csv
import io
import shutil
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.accounts.viewer import Account, Viewer
from app.database import connect
from app.exporting import files
from app.exporting.choices import Wish
from app.jobs.run import run_queued
from app.projects.access import find_project
from app.projects.queries import set_member
from tests.exchange.conftest import Workplace, bundle, picture, workplace

__all__ = ["bundle", "picture", "workplace"]

CARRIED = """
select object.orig_id, object.latitude, object.longitude, object.date, object.time, object.depth_min_m,
       object.depth_max_m, object.sun_position, object.link, object.complement_info,
       label.status, coalesce(was.ecotaxa_id::text, was.display_name) as taxon, account.name as person,
       date_trunc('second', label.at) as at, guess.display_name as predicted, prediction.score,
       regexp_replace(sample.orig_id, '^__DUMMY_ID__.*', '-') as sample, sample.latitude as south,
       sample.longitude as west, sample.dataportal_descriptor, sample.fields as sample_fields,
       regexp_replace(acquisition.orig_id, '^__DUMMY_ID__.*', '-') as acquisition, acquisition.instrument,
       acquisition.fields as acquisition_fields,
       regexp_replace(process.orig_id, '^__DUMMY_ID__.*', '-') as process, process.fields as process_fields,
       (select jsonb_object_agg(name, case type when 'number' then to_jsonb(nullif(numbers[position], 'NaN'))
                                                else to_jsonb(texts[position]) end)
        from field
        where field.project_id = object.project_id and field.level = 'object') as fields,
       (select jsonb_agg(jsonb_build_array(rank, file_name, encode(hash, 'hex')) order by rank)
        from image
        where image.project_id = object.project_id and image.object_id = object.id) as images
from object
join object_field on object_field.project_id = object.project_id and object_field.object_id = object.id
join sample on sample.id = object.sample_id
join acquisition on acquisition.id = object.acquisition_id
join process on process.acquisition_id = object.acquisition_id
join project on project.id = object.project_id
left join label on label.project_id = object.project_id and label.object_id = object.id and label.status in ('D', 'V')
left join taxon as was on was.id = label.taxon_id
left join account on account.id = label.account_id
left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                    and prediction.run_id = project.current_run_id
left join taxon as guess on guess.id = prediction.taxon_id
where object.project_id = %s
order by sample.orig_id, object.id
"""


class Exporter:
    """A workplace whose projects are written out as a worker does it."""

    def __init__(self, place: Workplace, tmp_path: Path) -> None:
        self.place, self.db, self.settings, self.tmp = place, place.db, place.settings, tmp_path
        set_member(place.db, place.project_id, place.account_id, "manager")
        place.db.commit()

    def carried(self, project_id: int) -> list[tuple[Any, ...]]:
        """All that EcoTaxa's backup has a place for."""
        return self.place.rows(CARRIED, project_id)

    def viewer(self, account_id: int | None = None) -> Viewer:
        return Viewer(Account(account_id or self.place.account_id, "ada@example.org", "Ada Lovelace", False))

    def ask(self, kind: str, project_id: int | None = None, **choices: Any) -> files.Export:
        project = find_project(self.db, self.viewer(), project_id or self.place.project_id)
        made = files.ask(self.db, project, self.place.account_id, Wish(kind, choices))
        self.db.commit()
        return made

    def work(self, made: files.Export) -> files.Export:
        """Do the job; the export as it stands then."""
        assert made.job_id is not None
        run_queued(made.job_id, self.settings, self.settings.database_url, threading.Event())
        with connect(self.settings.database_url) as db:
            return files.find(db, made.project_id, made.id)

    def export(self, kind: str, project_id: int | None = None, **choices: Any) -> Path:
        """The finished file."""
        made = self.work(self.ask(kind, project_id, **choices))
        assert made.status == "done", made.error
        return files.whole_file(self.settings, made)

    def unpacked(self, path: Path, name: str = "unpacked") -> Path:
        folder = self.tmp / name
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            archive.extractall(folder)
        return folder

    def again(self, path: Path, **options: Any) -> int:
        """The export imported into a project of its own."""
        first = self.place.project_id
        self.place.project_id = self.place.new_project()
        set_member(self.db, self.place.project_id, self.place.account_id, "manager")
        report = self.place.bring_in(path, **options)
        assert report.status == "done", report.lines()
        made, self.place.project_id = self.place.project_id, first
        return made


def read_tsv(data: bytes) -> list[dict[str, str]]:
    """The rows of one of EcoTaxa's tables, read as Python's own reader does; the types row, where there is one, too."""
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter="\t"))


def tables(path: Path) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(path) as archive:
        return {name: read_tsv(archive.read(name)) for name in archive.namelist() if name.endswith(".tsv")}


@pytest.fixture
def exporter(workplace: Workplace, tmp_path: Path) -> Exporter:
    return Exporter(workplace, tmp_path)


Bundle = Callable[..., Path]
