"""PostgreSQL with pgvector: Shoal's own or a given one, its migrations, and connections to it."""

from app.database.connections import Db, check_server, connect, open_pool
from app.database.launcher import open_database
from app.database.migrations import check_known, is_new, make_ready, migrate, pending

__all__ = [
    "Db",
    "check_known",
    "check_server",
    "connect",
    "is_new",
    "make_ready",
    "migrate",
    "open_database",
    "open_pool",
    "pending",
]
