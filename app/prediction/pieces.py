"""What a run of predictions is made of: objects read in pieces with vectors and columns, and rows written by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from psycopg import sql

from app.database import Db
from app.errors import Refused
from app.search.arrays import fetch_vectors_of
from app.search.columns import PREDEFINED
from app.search.mirror import Mirror

# PostgreSQL's COPY, binary format: signature, flags and length of the extension; a number of fields of -1 ends it.
HEAD, END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
CHOICES = (("taxon_id", "score"), ("taxon_2_id", "score_2"), ("taxon_3_id", "score_3"))


@dataclass(frozen=True)
class Rows:
    """What a run says of objects: ids int64 [n], taxa int32 [n, k] with scores float32 [n, k], the likeliest first, for
    one to three choices, and novelties float32 [n]."""

    ids: np.ndarray
    taxa: np.ndarray
    scores: np.ndarray
    novelty: np.ndarray


def read_vectors(
    db: Db, project_id: int, embedder_id: int, ids: np.ndarray, dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the ids, int64 ascending, that have a vector, and the vectors, float32 [n, d] of unit length."""
    found, halves = fetch_vectors_of(db, embedder_id, project_id, ids.tolist(), dimension)
    order = np.argsort(found)
    vectors = halves[order].astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found[order], vectors


def read_columns(db: Db, mirror: Mirror, names: Sequence[str]) -> list[np.ndarray]:
    """Numeric columns by ordinal, float64, such as object.area or depth_min_m; Refused where the project lacks one."""
    found, missing = [], []
    for name in names:
        level, _, own = name.partition(".") if name not in PREDEFINED["object"] else ("object", "", name)
        try:
            column = mirror.column(db, level, own)
        except KeyError:
            missing.append(name)
            continue
        if isinstance(column, np.ndarray):
            found.append(column)
        else:
            missing.append(name)
    if missing:
        raise Refused(
            f"This classifier reads columns that this project does not have as numbers: {', '.join(missing)}."
            " Train one without them: the form says which columns are common."
        )
    return found


def columns_of(columns: Sequence[np.ndarray], places: np.ndarray) -> np.ndarray | None:
    """Their values at some ordinals, float64 [n, f], NaN where missing or not finite; None without columns."""
    if not columns:
        return None
    values = np.stack([column[places] for column in columns], axis=1).astype(np.float64)
    values[~np.isfinite(values)] = np.nan
    return values


def write_rows(db: Db, project_id: int, run_id: int, rows: Rows) -> None:
    """Add rows to a run, in the caller's transaction."""
    n, k = rows.taxa.shape
    fields = [("run_id", ">i4", run_id), ("project_id", ">i4", project_id), ("object_id", ">i8", rows.ids)]
    for number, (taxon, score) in enumerate(CHOICES[:k]):
        fields += [(taxon, ">i4", rows.taxa[:, number]), (score, ">f4", rows.scores[:, number])]
    fields.append(("novelty", ">f4", rows.novelty))
    kind = [("n_fields", ">i2"), *((f"{name}{part}", size) for name, of, _ in fields for part, size in _parts(of))]
    packed = np.zeros(n, np.dtype(kind))
    packed["n_fields"] = len(fields)
    for name, of, values in fields:
        packed[f"{name} bytes"], packed[name] = np.dtype(of).itemsize, values
    names = ", ".join(name for name, _, _ in fields)
    with db.cursor() as cursor, cursor.copy(f"copy prediction ({names}) from stdin (format binary)") as copy:
        copy.write(HEAD)
        copy.write(packed.tobytes())
        copy.write(END)


def _parts(kind: str) -> list[tuple[str, str]]:
    """A field's length, and the field."""
    return [(" bytes", ">i4"), ("", kind)]


def carry_over(db: Db, project_id: int, run_id: int, former_id: int | None, after: int, up_to: int) -> int:
    """Let a run say what a former one says of those objects, of a range of ids, that it says nothing of itself.

    Each row keeps its novelty, and by whom it was first said: of another's word no held-out object of the run's own
    classifier tells anything. In the caller's transaction; returns how many.
    """
    if former_id is None:
        return 0
    return db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score,
                                taxon_2_id, score_2, taxon_3_id, score_3, novelty, said_by)
        select %(run)s, former.project_id, object_id, taxon_id, score, taxon_2_id, score_2, taxon_3_id, score_3,
               novelty, coalesce(said_by, source.classifier_id, 0)
        from prediction as former
        join run as source on source.id = %(former)s
        where former.project_id = %(project)s
          and former.run_id = %(former)s
          and object_id > %(after)s
          and object_id <= %(up_to)s
          and not exists (select
                          from prediction as own
                          where own.project_id = %(project)s
                            and own.run_id = %(run)s
                            and own.object_id = former.object_id)
        order by object_id
        """,
        {"project": project_id, "run": run_id, "former": former_id, "after": after, "up_to": up_to},
    ).rowcount


def settle(db: Db, project_id: int, run_id: int) -> None:
    """Let PostgreSQL look at its table again: what it does not know to be large, it counts in the slowest way (a
    million rows in 7 seconds instead of 2.5, while labels wait). `db` in autocommit."""
    row = db.execute(
        "select tableoid::regclass::text as part from prediction where project_id = %s and run_id = %s limit 1",
        [project_id, run_id],
    ).fetchone()
    if row:
        db.execute(sql.SQL("analyze {}").format(sql.SQL(row.part)))
