"""Whether this server can serve: for load balancers, and for whoever looks."""

import asyncio

from litestar import Request, Response, route
from litestar.concurrency import sync_to_thread

from app.database import Db
from app.logs import log
from app.web import Connections

# A database that hangs, rather than refuses, is known by its silence.
LONGEST_WAIT_S = 4.0


@route("/health", http_method=["GET", "HEAD"], opt={"public": True, "quiet": True}, include_in_schema=False)
async def show_health(request: Request) -> Response[dict[str, object] | None]:
    """200 while the database answers, else 503. A worker that is away is told, and keeps nobody from looking."""
    state = request.app.state
    look: asyncio.Task[dict[str, object]] | None = state.get("health_look")
    if look is None or look.done():
        look = state["health_look"] = asyncio.create_task(look_at_database(state.connections))
    # Not cancelled: its thread waits on, and whoever asks meanwhile waits for the same one, so that no more are lost.
    await asyncio.wait([look], timeout=LONGEST_WAIT_S)
    error = look.exception() if look.done() else TimeoutError()
    if error is not None:
        log.warning("unhealthy", error=type(error).__name__)
        return Response({"status": "down", "database": "unreachable"}, status_code=503, headers={"Retry-After": "5"})
    return Response(look.result(), headers={"Cache-Control": "no-store"})


async def look_at_database(connections: Connections) -> dict[str, object]:
    async with connections.take() as db:
        return await sync_to_thread(measure_health, db)


def measure_health(db: Db) -> dict[str, object]:
    row = db.execute(
        """
        select (select count(*) from job where status = 'queued') as queued,
               (select count(*) from job where status = 'running') as running,
               (select extract(epoch from now() - max(last_heartbeat)) from procrastinate_workers) as worker_seen_s
        """
    ).fetchone()
    worker = None if row.worker_seen_s is None else round(float(row.worker_seen_s), 1)
    return {
        "status": "ok",
        "database": "ok",
        "worker": "away" if worker is None or worker > 30 else "ok",
        "worker_seen_s": worker,
        "jobs_queued": row.queued,
        "jobs_running": row.running,
    }


routes = [show_health]
