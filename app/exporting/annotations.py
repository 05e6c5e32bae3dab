"""Annotations alone: each object with its status, person, time and category, as a later import restores them."""

from typing import TYPE_CHECKING

from app.exporting import about
from app.exporting.columns import annotation_columns
from app.exporting.pictures import Paths
from app.exporting.selection import Part
from app.exporting.tables import Counted, write_table

if TYPE_CHECKING:
    from app.exporting.job import Work


def write(work: "Work") -> int:
    columns = annotation_columns(work.export.with_emails)
    part = Part("annotations", work.selection.ids)
    counted = Counted(work)
    n_rows = write_table(work, "ecotaxa_annotations.tsv", part, columns, "none", True, counted, Paths())
    twins = work.db.execute(
        """
        select count(*) - count(distinct orig_id) as n
        from object
        where project_id = %s
        """,
        [work.project.id],
    ).fetchone()
    if twins.n:
        work.note(
            f"{counted(twins.n, 'object has', 'objects have')} the id of another: this table cannot tell which of"
            " them a row means."
        )
    work.bundle.text("README.md", about.ecotaxa(work, n_rows))
    return n_rows
