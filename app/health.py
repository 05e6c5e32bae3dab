"""Whether this server can serve: for load balancers, and for whoever looks."""

from litestar import Request, Response, route
from litestar.concurrency import sync_to_thread

from app.database import Db
from app.logs import log


@route("/health", http_method=["GET", "HEAD"], opt={"public": True, "quiet": True}, include_in_schema=False)
async def show_health(request: Request) -> Response[dict[str, object] | None]:
    """200 while the database answers, else 503. A worker that is away is told, and keeps nobody from looking."""
    try:
        async with request.app.state.connections.take() as db:
            body = await sync_to_thread(measure_health, db)
    except Exception as error:
        log.warning("unhealthy", error=type(error).__name__)
        return Response({"status": "down", "database": "unreachable"}, status_code=503, headers={"Retry-After": "5"})
    return Response(body, headers={"Cache-Control": "no-store"})


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
