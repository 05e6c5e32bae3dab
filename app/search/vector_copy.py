"""Writes vectors in bulk: packed by numpy into COPY's binary rows, then inserted where there is none yet."""

import struct

import numpy as np

from app.database import Db

# PostgreSQL's COPY, binary format: signature, flags, length of the extension; each row says its number of fields and
# each field its length; -1 fields end it.
HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
END = struct.pack(">h", -1)


def pack(ids: np.ndarray, vectors: np.ndarray) -> bytes:
    """int64 [n] and float [n, d] as COPY's rows of (bigint, halfvec): dimension, a zero, then the halves."""
    n, dimension = vectors.shape
    kind = [("fields", ">i2"), ("id_bytes", ">i4"), ("id", ">i8"), ("bytes", ">i4"), ("dimension", ">i2")]
    rows = np.zeros(n, np.dtype([*kind, ("unused", ">i2"), ("v", ">f2", (dimension,))]))
    rows["fields"], rows["id_bytes"], rows["id"] = 2, 8, ids
    rows["bytes"], rows["dimension"], rows["v"] = 4 + 2 * dimension, dimension, vectors
    return HEAD + rows.tobytes() + END


def write_vectors(db: Db, embedder_id: int, project_id: int, ids: np.ndarray, vectors: np.ndarray) -> int:
    """Add vectors of objects that have none yet and still exist, in the caller's transaction; returns how many."""
    db.execute("create temp table if not exists vector_in (object_id bigint not null, v halfvec not null)")
    db.execute("truncate vector_in")
    with db.cursor() as cursor, cursor.copy("copy vector_in (object_id, v) from stdin (format binary)") as copy:
        copy.write(pack(ids, vectors))
    return db.execute(
        """
        insert into object_vector (embedder_id, project_id, object_id, v)
        select distinct on (object.id) %(embedder)s, object.project_id, object.id, vector_in.v
        from vector_in
        join object on object.project_id = %(project)s and object.id = vector_in.object_id
        on conflict do nothing
        """,
        {"embedder": embedder_id, "project": project_id},
    ).rowcount
