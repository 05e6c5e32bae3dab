"""Connections whose rows are named tuples and that know pgvector's types."""

from typing import Any

import psycopg
from pgvector.psycopg import register_vector
from psycopg.rows import namedtuple_row
from psycopg_pool import ConnectionPool

from app.errors import Refused

Db = psycopg.Connection[Any]

OLDEST_POSTGRES = 160000
OLDEST_PGVECTOR = (0, 8)


def connect(url: str, *, autocommit: bool = False, patience_s: int = 60) -> Db:
    """One connection, for jobs, commands and tests."""
    try:
        db: Db = psycopg.connect(url, row_factory=namedtuple_row, autocommit=autocommit, connect_timeout=patience_s)
    except psycopg.OperationalError as error:
        raise Refused(f"The database cannot be reached: {str(error).strip()}", status=503) from error
    prepare(db)
    return db


def prepare(db: Db) -> None:
    """Teach a connection halfvec and vector, where the extension is already there (not before the first migration)."""
    if db.execute("select 1 from pg_extension where extname = 'vector'").fetchone():
        register_vector(db)
    if not db.autocommit:
        db.commit()


def open_pool(url: str, max_size: int = 20, statement_timeout_s: int = 15) -> ConnectionPool[Db]:
    """The web processes' connections: none may hold a statement for longer than `statement_timeout_s`."""
    return ConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        timeout=10,
        # How long a database that is away is knocked at before the next request knocks anew: the pauses between
        # attempts double, and a server that is back shall not be waited for.
        reconnect_timeout=5,
        open=True,
        configure=prepare,
        check=ConnectionPool.check_connection,
        kwargs={"row_factory": namedtuple_row, "options": f"-c statement_timeout={statement_timeout_s}s"},
    )


def check_server(db: Db) -> None:
    """Refuse a server that is too old for Shoal, saying what is needed."""
    version = db.info.server_version
    if version < OLDEST_POSTGRES:
        raise Refused(
            f"The database is PostgreSQL {version // 10000}.{version % 10000}. Shoal needs 16 or newer: "
            "upgrade that server, or unset DATABASE_URL and Shoal starts its own."
        )
    row = db.execute("select default_version from pg_available_extensions where name = 'vector'").fetchone()
    if row is None:
        raise Refused(
            "The database has no pgvector. Install pgvector 0.8 or newer on that server "
            "(Debian: postgresql-NN-pgvector), or unset DATABASE_URL and Shoal starts its own."
        )
    if tuple(int(part) for part in row[0].split(".")[:2]) < OLDEST_PGVECTOR:
        raise Refused(f"The database has pgvector {row[0]}. Shoal needs 0.8 or newer: upgrade it on that server.")
