"""Whole columns of PostgreSQL as numpy arrays: one row of aggregated arrays, read in binary without a Python loop."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from psycopg.abc import Buffer, Query
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.rows import tuple_row

from app.database.connections import Db

HEADER_BYTES = 20  # dimensions, has-nulls flag, element's oid, length, lower bound
NUMBERS = {1005: ">i2", 1007: ">i4", 1016: ">i8", 1021: ">f4", 1022: ">f8"}  # by the oid of the array's type


class _NumberLoader(Loader):
    """A one-dimensional array without nulls, as numpy."""

    format = Format.BINARY
    kind: str

    def load(self, data: Buffer) -> np.ndarray:
        return decode(bytes(data), self.kind)


def decode(data: bytes, kind: str) -> np.ndarray:
    """Elements of an array in PostgreSQL's binary form, each preceded by its length, in the machine's byte order."""
    native = np.dtype(kind).newbyteorder("=")
    if len(data) < HEADER_BYTES:
        return np.empty(0, native)
    elements = np.frombuffer(data, np.dtype([("length", ">i4"), ("value", kind)]), offset=HEADER_BYTES)
    return elements["value"].astype(native)


LOADERS = {oid: type(f"Loader{oid}", (_NumberLoader,), {"kind": kind}) for oid, kind in NUMBERS.items()}


def fetch_arrays(db: Db, query: Query, params: Any = None) -> tuple[Any, ...]:
    """The one row of a query whose columns are array_agg(...) of numbers; where nothing was aggregated, None."""
    with db.cursor(binary=True, row_factory=tuple_row) as cursor:
        for oid, loader in LOADERS.items():
            cursor.adapters.register_loader(oid, loader)
        row = cursor.execute(query, params).fetchone()
    return tuple(row) if row is not None else ()


def fetch_vectors(db: Db, query: Query, params: Any, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids, int64 [n], and halfvecs, float16 [n, dimension], of a query that gives their two arrays in one row."""
    element = [("length", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("v", ">f2", (dimension,))]
    with db.cursor(binary=True, row_factory=tuple_row) as cursor:
        cursor.execute(query, params)
        ids, vectors = cursor.pgresult.get_value(0, 0), cursor.pgresult.get_value(0, 1)
    if ids is None:
        return np.empty(0, np.int64), np.empty((0, dimension), np.float16)
    rows = np.frombuffer(vectors, np.dtype(element), offset=HEADER_BYTES)
    return decode(ids, ">i8"), rows["v"].astype(np.float16)


def fetch_vectors_of(
    db: Db, embedder_id: int | None, project_id: int, ids: Iterable[int], dimension: int
) -> tuple[np.ndarray, np.ndarray]:
    """Those of the objects that have a vector, in no order, and the vectors as it made them, both as above."""
    return fetch_vectors(
        db,
        """
        select array_agg(object_id), array_agg(v)
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and object_id = any(%s::bigint[])
        """,
        [embedder_id, project_id, "{" + ",".join(map(str, ids)) + "}"],
        dimension,
    )


def fetch_numbers_of(db: Db, project_id: int, ids: Iterable[int], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of the objects that have free columns, int64 [n], in no order, and their numbers, float64 [n, width]; NaN
    where one is missing."""
    with db.cursor(binary=True, row_factory=tuple_row) as cursor:
        row = cursor.execute(
            """
            select array_agg(object_id),
                   array_agg(cardinality(numbers)),
                   string_agg(array_send(numbers), ''::bytea)
            from (
                select object_id, numbers
                from object_field
                where project_id = %s
                  and object_id = any(%s::bigint[])
                  and numbers <> '{}'
                order by cardinality(numbers)
            ) as found
            """,
            [project_id, "{" + ",".join(map(str, ids)) + "}"],
        ).fetchone()
    if row is None or row[0] is None:
        return np.empty(0, np.int64), np.empty((0, width))
    found, sizes, data = np.array(row[0], np.int64), np.array(row[1]), row[2]
    numbers = np.full((len(found), width), np.nan)
    rows = offset = 0
    for size, n in zip(*np.unique(sizes, return_counts=True), strict=True):
        cells = ("cells", [("length", ">i4"), ("value", ">f8")], (size,))
        part = np.frombuffer(data, np.dtype([("head", f"V{HEADER_BYTES}"), cells]), n, offset)
        numbers[rows : rows + n, : min(size, width)] = part["cells"]["value"][:, :width]
        rows, offset = rows + n, offset + n * part.dtype.itemsize
    return found, numbers
