"""What every web handler gets by name: `db` (one transaction a request), `viewer`, `project`, `settings`.

A handler declares who may use it, and the guard in app/accounts/access.py holds it to that:

    @get("/projects/{project_id:int}/tiles", opt={"role": "visitor"}, sync_to_thread=True)
    def show_tiles(db: NamedDependency[Db], project: NamedDependency[Project]) -> Template: ...

`role` is "visitor", "annotator" or "manager" in a project (the handler must then ask for `project`), or
"application_manager" anywhere. Without a project, no role means: anybody who is logged in. `public` opens a route to
everybody. `reads` marks a POST that changes nothing, `own` a write that changes only what is kept for its caller, so
that visitors may do it too; such a handler refuses who is not logged in. A project's route that declares no role is
closed. Streams are sent after the transaction has ended: their generators take a connection of their own from
`request.app.state.connections.pool`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from litestar import Litestar
from litestar.concurrency import sync_to_thread
from litestar.datastructures import State
from litestar.types import Scope
from psycopg_pool import ConnectionPool

from app.database import Db


class Transaction:
    """A pooled connection that is given back once, whoever ends it first."""

    def __init__(self, pool: ConnectionPool[Db], turns: asyncio.Semaphore) -> None:
        self.pool = pool
        self.turns = turns
        self.db: Db | None = None

    async def begin(self) -> Db:
        await self.turns.acquire()
        try:
            self.db = await sync_to_thread(self.pool.getconn)
        except BaseException:
            self.turns.release()
            raise
        return self.db

    async def end(self, *, commit: bool) -> None:
        if self.db is None:
            return
        db, self.db = self.db, None
        try:
            await sync_to_thread(self._end, db, commit)
        finally:
            self.turns.release()

    def _end(self, db: Db, commit: bool) -> None:
        try:
            if commit:
                db.commit()
            else:
                with suppress(psycopg.OperationalError):
                    db.rollback()
        finally:
            self.pool.putconn(db)


class Connections:
    """The pool, entered by as many requests as it has connections.

    Waiting for a connection inside a thread would let the waiting requests take all threads from those that hold the
    connections: nobody would move. So requests wait for their turn before they take a thread.
    """

    def __init__(self, pool: ConnectionPool[Db]) -> None:
        self.pool = pool
        self.turns = asyncio.Semaphore(pool.max_size)

    def transaction(self) -> Transaction:
        return Transaction(self.pool, self.turns)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[Db]:
        """A transaction apart from the request's own."""
        transaction = self.transaction()
        db = await transaction.begin()
        try:
            yield db
        except BaseException:
            await transaction.end(commit=False)
            raise
        await transaction.end(commit=True)


@asynccontextmanager
async def open_connections(app: Litestar) -> AsyncIterator[None]:
    """Made on the event loop that the requests will wait on."""
    app.state.connections = Connections(app.state.pool)
    yield


async def provide_db(scope: Scope, state: State) -> AsyncGenerator[Db, None]:
    """The request's transaction: committed before the first byte of the answer, rolled back when anything is raised."""
    transaction = state.connections.transaction()
    scope["state"]["transaction"] = transaction
    db = await transaction.begin()
    try:
        yield db
    except BaseException:
        await transaction.end(commit=False)
        raise
    await transaction.end(commit=True)


async def end_transaction(_: Exception, scope: Scope) -> None:
    """Litestar leaves a generator dependency open when a later dependency raises, so every exception ends it here."""
    transaction = scope.get("state", {}).get("transaction")
    if transaction is not None:
        await transaction.end(commit=False)
