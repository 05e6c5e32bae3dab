"""Looking: what got its vector since the last time is compared with every search that is kept for it.

Run after each import, once the new objects are embedded. A search sees what its owner may read at that moment.
"""

from collections import defaultdict
from typing import Any

import numpy as np

from app import database, search
from app.database import Db
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.labels.changes import array
from app.projects.references import READABLE
from app.search.likeness import vectors_by_id
from app.search.sizes import Space, sizes_of
from app.search.vector_ids import vector_ids
from indexer.spaces import with_size

TITLE = "Look for what is searched"
MOST_MATCHES = 10_000  # of one search at a time: of more, the nearest
ROWS = 20_000  # compared at once

# Searches that are to look at the project `p`; each as its owner may read now.
_CONCERNED = f"""
      from kept_search
      join project p on p.id = %(project_id)s and p.embedder_id = kept_search.embedder_id
      join account on account.id = kept_search.account_id and account.blocked_at is null
      left join kept_search_looked looked on looked.search_id = kept_search.id and looked.project_id = p.id
     where kept_search.paused_at is null
       and (kept_search.project_id = p.id or kept_search.everywhere)
       and {READABLE.replace("%(account_id)s", "kept_search.account_id")}
"""


def after_embedding(db: Db, project_id: int, account_id: int | None) -> int | None:
    """Queue a look at what is new in the project, if anybody searches there; returns the job's id."""
    row = db.execute(f"select count(*) as n {_CONCERNED}", {"project_id": project_id}).fetchone()
    return enqueue(db, "searches", TITLE, project_id, account_id, {}) if row.n else None


@job_body("searches")
def run(job: JobContext) -> None:
    """Look at what is new in the job's project. Begun again, it finds the same, and tells nothing twice."""
    search.configure(job.settings)
    # Each search's matches are kept by themselves: no transaction is to last as long as many objects take.
    with database.connect(job.database_url, autocommit=True) as db:
        found = look(db, job.project_id or 0, job)
    job.log(f"{found:,} new matches.")


def look(db: Db, project_id: int, report: Any) -> int:
    """Compare what is new with the searches; returns how many matches are new."""
    rows = db.execute(
        f"""
        select kept_search.id, p.embedder_id, kept_search.space_id, direction, size_weight::float8, max_distance,
               examples,
               least(coalesce(looked.horizon, since), pg_snapshot_xmin(pg_current_snapshot()))::text as horizon,
               pg_snapshot_xmin(pg_current_snapshot())::text as now
          {_CONCERNED}
         order by kept_search.id
        """,
        {"project_id": project_id},
    ).fetchall()
    groups: dict[tuple[str, float, int | None], list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.horizon, row.size_weight, row.space_id].append(row)
    n = 0
    for (horizon, weight, space_id), searches in groups.items():
        space = Space(project_id, searches[0].embedder_id, weight, space_id)
        n += _looked_since(db, space, horizon, searches, report)
    return n


def _looked_since(db: Db, space: Space, horizon: str, searches: list[Any], report: Any) -> int:
    """What one group of searches, which have looked equally far, finds."""
    ids = vector_ids(db, space.embedder_id or 0, space.id, since=horizon)
    pieces: list[tuple[np.ndarray, np.ndarray]] = []
    directions = np.array([row.direction for row in searches], np.float32)
    farthest = np.array([row.max_distance for row in searches], np.float32)
    for start in range(0, len(ids), ROWS):
        report.progress(start, len(ids), "objects", "comparing")
        found, vectors = vectors_by_id(db, space, ids[start : start + ROWS])
        if space.size_weight:
            vectors = with_size(vectors, sizes_of(db, space.id, found), space.size_weight)
        distances = 1 - vectors @ directions.T
        near = (distances <= farthest).any(axis=1)
        pieces.append((found[near], distances[near]))
    n = 0
    for k, row in enumerate(searches):
        n += _write(db, space.id, row, len(ids), [(found, distances[:, k]) for found, distances in pieces])
    return n


def _write(db: Db, project_id: int, row: Any, n_looked: int, pieces: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """Keep a search's matches and how far it has looked; returns how many were not known."""
    ids = np.concatenate([np.empty(0, np.int64), *(found for found, _ in pieces)])
    distances = np.concatenate([np.empty(0, np.float32), *(apart for _, apart in pieces)])
    kept = np.flatnonzero((distances <= row.max_distance) & ~np.isin(ids, np.array(row.examples, np.int64)))
    kept = kept[np.argsort(distances[kept], kind="stable")[:MOST_MATCHES]]
    found = db.execute(
        """
        with looked as (
            insert into kept_search_looked as before (search_id, project_id, horizon, n_looked)
            values (%(search_id)s, %(project_id)s, %(now)s::text::xid8, %(n_looked)s)
            on conflict (search_id, project_id) do update
               set horizon = excluded.horizon, looked_at = now(), n_looked = before.n_looked + excluded.n_looked
        )
        insert into kept_search_match (search_id, project_id, object_id, distance)
        select %(search_id)s, %(project_id)s, id, greatest(distance, 0)
          from unnest(%(ids)s::bigint[], %(distances)s::real[]) as found (id, distance)
        on conflict do nothing
        """,
        {
            "search_id": row.id, "project_id": project_id, "now": row.now, "n_looked": n_looked,
            "ids": array(ids[kept].tolist()), "distances": array(distances[kept].tolist()),
        },
    )  # fmt: skip
    return found.rowcount
