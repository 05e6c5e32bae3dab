"""EcoTaxa's backup: a folder for each sample with its table and its images, as EcoTaxa and Shoal import it."""

from typing import TYPE_CHECKING

from app.exporting import about
from app.exporting.columns import FieldName, backup_columns, fields_of, has_texts
from app.exporting.names import unique
from app.exporting.pictures import Paths, Pictures, find_paths
from app.exporting.selection import by_sample
from app.exporting.tables import Counted, write_table
from app.nouns import counted
from app.objects.store import open_store

if TYPE_CHECKING:
    from app.exporting.job import Work

# What EcoTaxa's database takes of each kind of free column.
MOST_FIELDS = {("object", "number"): 500, ("object", "text"): 20, ("sample", "text"): 60}
MOST_FIELDS |= {("acquisition", "text"): 30, ("process", "text"): 30}
LONGEST_TEXT, LONGEST_NAME = 250, 255


def write(work: "Work") -> int:
    fields = fields_of(work.db, work.project.id)
    columns = backup_columns(fields, has_texts(work.db, work.project.id))
    parts = by_sample(work.db, work.project.id, work.selection)
    counted = Counted(work)
    images = work.export.choices.images
    store = open_store(work.settings)
    pictures = Pictures(work.db, work.bundle, store, work.export.choices.convert, counted.images)
    n_rows = 0
    for name, part in zip(unique(part.name for part in parts), parts, strict=True):
        paths = find_paths(work.db, work.project.id, part, images) if images != "none" else Paths()
        # Also without images a row for each, and their names: the table is read back as an update.
        n_rows += write_table(
            work, f"{name}/ecotaxa_{name}.tsv", part, columns, "first" if images == "first" else "all", True, counted,
            paths,
        )  # fmt: skip
        if images != "none":
            pictures.put(work.project.id, part, f"{name}/", paths, images)
    about.tell_pictures(work, pictures)
    _tell_limits(work, fields)
    work.bundle.text("README.md", about.ecotaxa(work, n_rows))
    return n_rows


def _tell_limits(work: "Work", fields: list[FieldName]) -> None:
    """What Shoal reads back and EcoTaxa would not take."""
    for (level, type), most in MOST_FIELDS.items():
        n = sum(1 for one in fields if (one.level, one.type) == (level, type))
        if n > most:
            work.note(
                f"EcoTaxa takes {most} {type} columns of {level}s, and this project has {n}: it refuses the rest."
            )
    row = work.db.execute(
        """
        select (select count(*)
                from object
                where project_id = %(id)s
                  and (length(orig_id) > %(name)s or length(link) > %(name)s)) as names,
               (select count(*)
                from object_field
                where project_id = %(id)s
                  and exists (select from unnest(texts) as text where length(text) > %(text)s)) as texts,
               (select count(*)
                from object
                where project_id = %(id)s
                  and not exists (
                      select
                      from image
                      where image.project_id = object.project_id
                        and image.object_id = object.id
                  )) as bare,
               (select count(*) - count(distinct orig_id) from object where project_id = %(id)s) as twins
        """,
        {"id": work.project.id, "name": LONGEST_NAME, "text": LONGEST_TEXT},
    ).fetchone()
    if row.names:
        work.note(
            f"{counted(row.names, 'object has', 'objects have')} an id or a link of over {LONGEST_NAME} characters:"
            " EcoTaxa refuses them."
        )
    if row.texts:
        work.note(
            f"{counted(row.texts, 'object has', 'objects have')} texts of over {LONGEST_TEXT} characters: EcoTaxa"
            " refuses them."
        )
    if row.bare:
        work.note(
            f"{counted(row.bare, 'object has', 'objects have')} no image and are left out: every row of this format"
            " is an image."
        )
    if row.twins:
        work.note(
            f"{counted(row.twins, 'object has', 'objects have')} the id of another: an import takes them for one"
            " object."
        )
