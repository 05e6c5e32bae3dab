"""Gives the images of an object their ranks as EcoTaxa does: as asked, else after the last one."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Any

from app.database import Db

# EcoTaxa keeps rank 100 for the original of a vignette: counting on starts below it.
KEPT_RANK = 100


def choose_ranks(db: Db, project_id: int, import_id: int) -> None:
    """Fill the temporary table image_choice for objects of several rows and for those that have images already."""
    db.execute("create temp table image_choice (number bigint primary key, rank smallint not null) on commit drop")
    with db.cursor(name="ranks") as reader:
        reader.itersize = 20_000
        reader.execute(
            """
            select object_id, staged_row.number, image_rank,
                   case when is_new then '{}' else array(
                       select rank
                       from image
                       where image.project_id = %(project_id)s
                         and image.object_id = object_map.object_id
                   ) end as taken
            from staged_row
            join object_map on orig_id = object_orig_id
            where import_id = %(import_id)s
              and (n_rows > 1 or not is_new)
            order by object_id, staged_row.number
            """,
            {"project_id": project_id, "import_id": import_id},
        )
        for choices in _batches(_choices(reader)):
            db.execute(
                "insert into image_choice select * from unnest(%s::bigint[], %s::smallint[])",
                [[number for number, _ in choices], [rank for _, rank in choices]],
            )


def _choices(rows: Iterable[Any]) -> Iterator[tuple[int, int]]:
    for _, images in groupby(rows, lambda row: row.object_id):
        taken: set[int] = set()
        for image in images:
            taken = taken or set(image.taken)
            rank = image.image_rank
            if rank is None or rank in taken:
                rank = max((used for used in taken if used < KEPT_RANK), default=-1) + 1
            while rank in taken:
                rank += 1
            taken.add(rank)
            yield image.number, rank


def _batches(choices: Iterator[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    while batch := list(islice(choices, 20_000)):
        yield batch
