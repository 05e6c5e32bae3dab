"""What searches have found: listed with the projects that it is in, marked as looked at, and worked as a batch."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from app.batches.sources import Batched, Found, known_args, number_in, source
from app.database import Db
from app.errors import NotFound
from app.labels.acts import Labeller
from app.projects.references import READABLE
from app.search.arrays import fetch_arrays
from app.searches.kept import NO_SEARCH

MOST_SHOWN = 200


@dataclass(frozen=True)
class Match:
    """An object that a search has found; `is_new`: its owner has not looked at it."""

    id: int
    project_id: int
    project: str
    distance: float
    found_at: datetime
    is_new: bool


@dataclass(frozen=True)
class Place:
    """A project with matches of a search; `may_label`: its owner may there."""

    project_id: int
    project: str
    n: int
    n_new: int
    may_label: bool


def list_matches(
    db: Db, account_id: int, search_id: int, *, only_new: bool = False, limit: int = MOST_SHOWN
) -> list[Match]:
    """New ones first, the nearest of these first; of the projects that the owner may read now."""
    rows = db.execute(
        f"""
        select found.object_id, p.id, p.title, found.distance::float8, found.found_at, found.looked_at is null
          from kept_search
          join kept_search_match found on found.search_id = kept_search.id
          join project p on p.id = found.project_id
          join object on object.project_id = found.project_id and object.id = found.object_id
         where kept_search.id = %(search_id)s
           and kept_search.account_id = %(account_id)s
           and (found.looked_at is null or not %(only_new)s)
           and {READABLE}
         order by found.looked_at is not null, found.distance, found.object_id
         limit %(limit)s
        """,  # noqa: S608 - a constant
        {"search_id": search_id, "account_id": account_id, "only_new": only_new, "limit": limit},
    )
    return [Match(*row) for row in rows]


def places_of(db: Db, account_id: int, search_id: int) -> list[Place]:
    """Where the matches are, that with the most new ones first."""
    rows = db.execute(
        f"""
        select p.id, p.title, count(*), count(*) filter (where found.looked_at is null) as n_new,
               p.status <> 'explore'
               and (bool_or(account.is_application_manager) or bool_or(member.role in ('annotator', 'manager')) is true)
          from kept_search
          join account on account.id = kept_search.account_id
          join kept_search_match found on found.search_id = kept_search.id
          join project p on p.id = found.project_id
          join object on object.project_id = found.project_id and object.id = found.object_id
          left join member on member.project_id = p.id and member.account_id = kept_search.account_id
         where kept_search.id = %(search_id)s
           and kept_search.account_id = %(account_id)s
           and {READABLE}
         group by p.id
         order by n_new desc, lower(p.title), p.id
        """,  # noqa: S608 - a constant
        {"search_id": search_id, "account_id": account_id},
    )
    return [Place(*row) for row in rows]


def note_looked_at(db: Db, account_id: int, search_id: int, ids: list[int] | None) -> int:
    """Mark matches as looked at, all of them where none are named; returns how many were new."""
    done = db.execute(
        """
        update kept_search_match found
           set looked_at = now()
          from kept_search
         where kept_search.id = %(search_id)s
           and kept_search.account_id = %(account_id)s
           and found.search_id = kept_search.id
           and found.looked_at is null
           and (%(ids)s::bigint[] is null or found.object_id = any(%(ids)s::bigint[]))
        """,
        {"search_id": search_id, "account_id": account_id, "ids": ids},
    )
    return done.rowcount


@source("search", "what a kept search found")
def find_matches(db: Db, project: Batched, account: Labeller, args: dict[str, Any], limit: int) -> Found:
    """Matches in the project of one's own search, the nearest first: the new ones, or with `all` every one."""
    known_args(args, "search_id", "all")
    search_id = int(number_in(args, "search_id"))
    row = db.execute(
        "select title from kept_search where id = %s and account_id = %s", [search_id, account.id]
    ).fetchone()
    if row is None:
        raise NotFound(NO_SEARCH)
    ids, distances = fetch_arrays(
        db,
        """
        select array_agg(object_id order by distance, object_id), array_agg(distance order by distance, object_id)
          from (select found.object_id, found.distance
                  from kept_search_match found
                  join object on object.project_id = found.project_id and object.id = found.object_id
                 where found.search_id = %s
                   and found.project_id = %s
                   and (found.looked_at is null or %s)
                 order by found.distance, found.object_id
                 limit %s) as found
        """,
        [search_id, project.id, bool(args.get("all")), limit],
    )
    title = f"{'Found by' if args.get('all') else 'New for'} “{row.title}”"
    if ids is None:
        return Found(np.empty(0, np.int64), np.empty(0, np.float32), title=title)
    return Found(ids, distances, title=title)
