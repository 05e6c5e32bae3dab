"""Rows of numpy columns as PostgreSQL's binary COPY, without a Python loop."""

import numpy as np

from app.database import Db

Array = np.ndarray
HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"


def arrays(values: Array, kind: str, oid: int) -> tuple[np.dtype, Array]:
    """A column of arrays in PostgreSQL's binary form, all of the same length."""
    n, length = values.shape
    element = np.dtype([("length", ">i4"), ("value", kind)])
    whole = np.dtype([("head", ">i4", (5,)), ("elements", element, (length,))])
    rows = np.zeros(n, whole)
    rows["head"] = [1, 0, oid, length, 1]
    rows["elements"]["length"], rows["elements"]["value"] = np.dtype(kind).itemsize, values
    return whole, rows


def halves(vectors: Array) -> tuple[np.dtype, Array]:
    """A column of halfvec in pgvector's binary form."""
    n, dimension = vectors.shape
    whole = np.dtype([("dimension", ">i2"), ("unused", ">i2"), ("v", ">f2", (dimension,))])
    rows = np.zeros(n, whole)
    rows["dimension"], rows["v"] = dimension, vectors
    return whole, rows


def copy_rows(db: Db, table: str, names: list[str], columns: list[tuple], n: int) -> None:
    """COPY of rows whose fields all have a fixed size: (numpy kind, values or one value) each."""
    kinds = [np.dtype(kind) for kind, _ in columns]
    layout = [("fields", ">i2")]
    for number, kind in enumerate(kinds):
        layout += [(f"size{number}", ">i4"), (f"value{number}", kind)]
    rows = np.zeros(n, layout)
    rows["fields"] = len(columns)
    for number, (_, values) in enumerate(columns):
        rows[f"size{number}"], rows[f"value{number}"] = kinds[number].itemsize, values
    with db.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(names)}) from stdin (format binary)") as copy:
        copy.write(HEAD)
        copy.write(rows.tobytes())
        copy.write(END)
