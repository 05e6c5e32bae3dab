"""Projects, bundles and pictures for the tests of imports."""

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.database import Db
from app.exchange.importing import run_import
from app.exchange.report import ImportOptions, ImportReport
from app.settings import Settings


class Workplace:
    """A project with its manager, and short ways to import into it and to look at what came of it."""

    def __init__(self, db: Db, settings: Settings) -> None:
        self.db, self.settings = db, settings
        self.account_id = db.execute(
            "insert into account (email, name) values ('ada@example.org', 'Ada Lovelace') returning id"
        ).fetchone()[0]
        self.project_id = self.new_project()

    def new_project(self) -> int:
        project_id = self.db.execute(
            "insert into project (title, created_by) values ('Test', %s) returning id", [self.account_id]
        ).fetchone()[0]
        self.db.commit()
        return project_id

    def add_taxa(self, *rows: tuple[int, int | None, str, str]) -> None:
        for id, parent_id, name, display_name in rows:
            self.db.execute(
                "insert into taxon (id, ecotaxa_id, parent_id, name, display_name) values (%s, %s, %s, %s, %s)",
                [id, id, parent_id, name, display_name],
            )
        self.db.commit()

    def bring_in(self, source: Path, **options: Any) -> ImportReport:
        self.db.commit()
        return run_import(
            self.settings.database_url,
            self.settings,
            self.project_id,
            self.account_id,
            source,
            ImportOptions(**options),
        )

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        self.db.commit()
        return [tuple(row) for row in self.db.execute(sql, parameters or None)]

    def values(self, sql: str, *parameters: Any) -> list[Any]:
        return [row[0] for row in self.rows(sql, *parameters)]

    def objects(self) -> list[Any]:
        """Every object with its free columns by name, label or prediction, and images."""
        self.db.commit()
        return self.db.execute(OBJECTS, [self.project_id]).fetchall()

    def stored_files(self) -> list[Path]:
        return sorted(path for path in Path(self.settings.store_url).rglob("*") if path.is_file())


OBJECTS = """
select object.*, label.status, label.taxon_id, label.account_id, label.at, prediction.taxon_id as predicted_taxon_id,
       prediction.score, sample.orig_id as sample, acquisition.orig_id as acquisition, process.orig_id as process,
       coalesce((
           select jsonb_object_agg(name, case type
               when 'number' then to_jsonb(nullif(numbers[position], 'NaN'))
               else to_jsonb(texts[position]) end)
           from field
           where field.project_id = object.project_id
             and field.level = 'object'
       ), '{}') as fields,
       (
           select jsonb_agg(jsonb_build_array(rank, file_name, width_px, height_px) order by rank)
           from image
           join content using (hash)
           where image.project_id = object.project_id
             and image.object_id = object.id
       ) as images
from object
join object_field on object_field.project_id = object.project_id and object_field.object_id = object.id
join sample on sample.id = object.sample_id
join acquisition on acquisition.id = object.acquisition_id
join process on process.acquisition_id = object.acquisition_id
join project on project.id = object.project_id
left join label on label.project_id = object.project_id and label.object_id = object.id
left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                    and prediction.run_id = project.current_run_id
where object.project_id = %s
order by object.id
"""


@pytest.fixture
def workplace(db: Db, settings: Settings) -> Workplace:
    return Workplace(db, settings)


def picture(seed: int = 0, size: tuple[int, int] = (20, 10), format: str = "PNG", mode: str = "L") -> bytes:
    """A small picture that differs with its seed."""
    image = Image.new(mode, size)
    image.putdata([(seed * 37 + place * 11) % 256 for place in range(size[0] * size[1])])
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """Writes a bundle: a table of the given header, types and rows, beside the pictures a.png and b.png."""

    def write(header: str, types: str, *rows: str, name: str = "bundle", table: str = "ecotaxa_t.tsv") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for number, file in enumerate(("a.png", "b.png")):
            (folder / file).write_bytes(picture(number))
        lines = [header.split(), [f"[{kind}]" for kind in types], *(row.split("|") for row in rows)]
        with (folder / table).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter="\t", lineterminator=os.linesep).writerows(lines)
        return folder

    return write
