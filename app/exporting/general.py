"""EcoTaxa's general export: chosen columns, in one table or one for each sample, acquisition or taxon."""

from typing import TYPE_CHECKING

from app.exporting import about
from app.exporting.columns import chosen, fields_of, general_columns
from app.exporting.names import safe, unique
from app.exporting.pictures import Paths, Pictures, find_paths
from app.exporting.selection import Part, by_acquisition, by_sample, by_taxon
from app.exporting.tables import Counted, write_table
from app.objects.store import open_store

if TYPE_CHECKING:
    from app.exporting.job import Work


def write(work: "Work") -> int:
    choices = work.export.choices
    every = general_columns(fields_of(work.db, work.project.id), choices, work.export.with_emails)
    columns, _ = chosen(every, choices.columns)
    parts = split(work)
    counted = Counted(work)
    pictures = Pictures(work.db, work.bundle, open_store(work.settings), False, counted.images)
    n_rows = 0
    for name, part in zip(unique(part.name for part in parts), parts, strict=True):
        paths = find_paths(work.db, work.project.id, part, choices.images) if choices.images != "none" else Paths()
        paths = paths.under(f"{name}/")
        n_rows += write_table(
            work, f"ecotaxa_{name}.tsv", part, columns, choices.images, choices.types_row, counted, paths
        )
        if choices.images != "none":
            pictures.put(work.project.id, part, "", paths, choices.images)
    about.tell_pictures(work, pictures)
    work.bundle.text("README.md", about.ecotaxa(work, n_rows))
    return n_rows


def split(work: "Work") -> list[Part]:
    """The parts that the choices ask for; whole, it is called after the project."""
    how = work.export.choices.split_by
    if how == "sample":
        return by_sample(work.db, work.project.id, work.selection)
    if how == "acquisition":
        return by_acquisition(work.db, work.project.id, work.selection)
    if how == "taxon":
        return by_taxon(work.db, work.project.id, work.project.current_run_id, work.selection)
    return [Part(safe(work.project.title), work.selection.ids)]
