"""Writes EcoTaxa's tables: UTF-8 with its mark, tabs, a header, a types row where imports want it, and the rows."""

import csv
import io
from typing import TYPE_CHECKING

from app.exporting.bundle import copy_out
from app.exporting.columns import Column, namesakes, query, values_of
from app.exporting.pictures import Paths
from app.exporting.selection import Part
from app.nouns import counted

if TYPE_CHECKING:
    from app.exporting.job import Work

MARK = "\ufeff"


class Counted:
    """Objects that were written, told to the job: where images follow their table, once these are there."""

    def __init__(self, work: "Work", total: int | None = None) -> None:
        self.work, self.n, self.n_images, self.n_lost = work, 0, 0, 0
        self.total = len(work.selection) if total is None else total
        self.waits = work.export.choices.images != "none"

    def objects(self, n: int) -> None:
        self.n += n
        self.tell()

    def images(self, n: int, n_objects: int, n_lost: int) -> None:
        """So many were written, of so many objects; so many are lost."""
        self.n_images, self.n, self.n_lost = n, n_objects, n_lost
        self.tell()

    def tell(self) -> None:
        said = f"{counted(self.n_images, 'image')} written" if self.n_images else ""
        if self.n_lost:
            said = f"{said or 'no image written'}, {self.n_lost:,} are missing from the store"
        self.work.report.progress(self.n, self.total, "objects", said)


def write_table(
    work: "Work", name: str, part: Part, columns: list[Column], images: str, typed: bool, counted: Counted, paths: Paths
) -> int:
    """One table of a part's objects; returns its rows, of which an object has one for each image."""
    statement, people = query(columns, images), namesakes(work.db)
    n_rows = 0
    with work.bundle.entry(name) as stream:
        stream.write(head(columns, typed).encode())
        for ids in part.pieces():
            values = values_of(work.project, ids, people) | (paths.values(ids) if images != "none" else {})
            n_rows += copy_out(work.db, statement, values, stream)
            counted.objects(0 if counted.waits else len(ids))
    return n_rows


def head(columns: list[Column], typed: bool) -> str:
    """The header, and the types row where there is one."""
    out = io.StringIO()
    lines = csv.writer(out, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL)
    lines.writerow([column.header for column in columns])
    if typed:
        lines.writerow([column.type for column in columns])
    return MARK + out.getvalue()
