"""What only shows when all rows of an import stand side by side, and beside what the project holds already."""

from typing import Any

from app.database import Db
from app.exchange.report import SHOWN_FAULTS, Fault

# A row without a sample belongs to the project's stand-in, as in EcoTaxa.
STAND_IN = "__DUMMY_ID__{}__"


def repeated(db: Db, import_id: int, file_names: list[str]) -> list[Fault]:
    """The same image twice in one object."""
    rows = db.execute(
        """
        select file, line, object_orig_id, image_name
        from (
            select file, line, number, object_orig_id, image_name,
                   row_number() over (partition by object_orig_id, image_name order by number) as nth
            from staged_row
            where import_id = %s
        ) as counted
        where nth > 1
        order by number
        limit %s
        """,
        [import_id, SHOWN_FAULTS],
    )
    return [
        _fault(row, file_names, f"Object '{row.object_orig_id}' has the image '{row.image_name}' twice. Delete a row.")
        for row in rows
    ]


def split_acquisitions(db: Db, project_id: int, import_id: int, file_names: list[str]) -> list[Fault]:
    """An acquisition in a second sample, here or in the project."""
    rows = db.execute(
        """
        with pair as (
            select distinct on (acquisition_orig_id, sample_orig_id)
                   acquisition_orig_id, coalesce(nullif(sample_orig_id, ''), %(stand_in)s) as sample_orig_id,
                   number, file, line
            from staged_row
            where import_id = %(import_id)s
              and acquisition_orig_id <> ''
            order by acquisition_orig_id, sample_orig_id, number
        ),
        known as (
            select acquisition.orig_id as acquisition_orig_id, sample.orig_id as sample_orig_id, 0::bigint as number
            from acquisition
            join sample on sample.id = sample_id
            where acquisition.project_id = %(project_id)s
            union all
            select acquisition_orig_id, sample_orig_id, number
            from pair
        ),
        first as (
            select distinct on (acquisition_orig_id) acquisition_orig_id, sample_orig_id
            from known
            order by acquisition_orig_id, number
        )
        select pair.file, pair.line, acquisition_orig_id, first.sample_orig_id as first_sample, pair.sample_orig_id
        from pair
        join first using (acquisition_orig_id)
        where first.sample_orig_id <> pair.sample_orig_id
        order by pair.number
        limit %(limit)s
        """,
        {
            "import_id": import_id,
            "project_id": project_id,
            "stand_in": STAND_IN.format(project_id),
            "limit": SHOWN_FAULTS,
        },
    )
    return [
        _fault(
            row,
            file_names,
            f"Acquisition '{row.acquisition_orig_id}' is already associated with sample '{row.first_sample}', it cannot"
            f" be associated as well with '{row.sample_orig_id}'. Give it another acq_id.",
        )
        for row in rows
    ]


# Objects are matched first (hence the fence): many images may share a name, and their pairs would run to millions.
EXISTING = """
from (
    select staged_row.*, object.id as object_id
    from staged_row
    join object on object.project_id = %(project_id)s
               and object.orig_id = staged_row.object_orig_id
    where staged_row.import_id = %(import_id)s
    offset 0
) as staged_row
join image on image.project_id = %(project_id)s
          and image.object_id = staged_row.object_id
          and image.file_name = staged_row.image_name
where true
"""


def is_all_there(db: Db, project_id: int, import_id: int) -> bool:
    """Whether every row stands in the project already, with the same pixels: the source was imported before."""
    row = db.execute(
        f"""
        select (select count(*) from staged_row where import_id = %(import_id)s) as staged,
               (select count(distinct staged_row.number) {EXISTING} and image.hash = staged_row.image_hash) as there
        """,  # noqa: S608 - a constant
        {"project_id": project_id, "import_id": import_id},
    ).fetchone()
    return row.staged > 0 and row.staged == row.there


def existing(db: Db, project_id: int, import_id: int, file_names: list[str]) -> list[Fault]:
    """Images of objects that stand in the project already."""
    rows = db.execute(
        f"""
        select file, line, object_orig_id, image_name
        {EXISTING}
        order by staged_row.number
        limit %(limit)s
        """,
        {"project_id": project_id, "import_id": import_id, "limit": SHOWN_FAULTS},
    )
    return [
        _fault(
            row,
            file_names,
            f"Object '{row.object_orig_id}' with image '{row.image_name}' is already in this project."
            " Leave such rows out with --skip-existing.",
        )
        for row in rows
    ]


def skip_existing(db: Db, project_id: int, import_id: int, same_pixels: bool = False) -> int:
    """Leave out the rows that stand in the project already (only those with the same pixels); returns how many."""
    return db.execute(
        f"""
        delete from staged_row
        where import_id = %(import_id)s
          and number in (
              select staged_row.number {EXISTING} and (not %(same_pixels)s or image.hash = staged_row.image_hash)
          )
        """,  # noqa: S608 - a constant
        {"project_id": project_id, "import_id": import_id, "same_pixels": same_pixels},
    ).rowcount


def known_images(db: Db, project_id: int, names: list[str]) -> dict[str, int]:
    """Those of these images that came from a watched folder, with the sizes of their files: they are read once."""
    rows = db.execute(
        """
        select image.file_name, content.n_bytes
        from unnest(%s::text[]) as asked (name)
        join object on object.project_id = %s
                   and object.orig_id = asked.name
        join image on image.project_id = object.project_id
                  and image.object_id = object.id
                  and image.file_name = object.orig_id
        join content using (hash)
        """,
        [names, project_id],
    )
    return {row.file_name: row.n_bytes for row in rows}


def _fault(row: Any, file_names: list[str], message: str) -> Fault:
    return Fault(file_names[row.file] if file_names else "", row.line, message)
