"""The list of projects: found, sorted and paged for one viewer, with counts of those that are shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.paging import cursor_of, id_and_key
from app.projects.access import role_of
from app.projects.wishes import Wish, narrowing

PAGE = 50
MOST_WORDS = 10
SORTS = {"title": "Title, mine first", "activity": "Last activity", "size": "Number of objects"}
# What each order compares, smallest first; the type is how a cursor's text is read back.
KEYS = {
    "title": ("(m.role is null)::int || lower(p.title)", "text"),
    "activity": ("-extract(epoch from activity.at)", "numeric"),
    "size": ("-coalesce(size.n, 0)", "bigint"),
}
ACTIVITY = """
    greatest(
        p.created_at,
        (select at from act where act.project_id = p.id order by id desc limit 1),
        (select started_at from import where import.project_id = p.id order by id desc limit 1)
    )
"""
# What only one order needs. Sums over all projects are made for the order by size alone.
JOINS = {
    "title": "",
    "activity": f"cross join lateral (select {ACTIVITY} as at) activity",
    "size": """
        left join (
            select project_id, sum(n)::bigint as n
            from count_delta
            where %(whole)s or status = 'V'
            group by project_id
        ) size on size.project_id = p.id
    """,
}
VISIBLE = """
    p.hidden is null
    and (%(all)s or m.role is not null or p.visibility = 'everyone'
     or (p.visibility = 'accounts' and %(account)s::int is not null))
"""


@dataclass(frozen=True)
class Listing:
    """A page of projects, how many there are in all, and the cursor of the page that follows ('' on the last)."""

    projects: list[dict[str, Any]]
    n: int
    next: str


def sorts_for(viewer: Viewer) -> dict[str, str]:
    """When others worked is not for who is not logged in: neither the times nor their order."""
    return {key: words for key, words in SORTS.items() if viewer.account or key != "activity"}


def list_projects(
    db: Db, viewer: Viewer, search: str = "", *, sort: str = "title", mine: bool = False, after: str = "",
    limit: int = PAGE, wish: Wish | None = None,
) -> Listing:  # fmt: skip
    """The projects that the viewer may see. Every word of `search` stands in title, instrument or description."""
    if sort not in (sorts := sorts_for(viewer)):
        raise Refused(f"Projects are sorted by {', '.join(sorts)}; not by {sort!r}.")
    after_id, after_key = id_and_key(after)
    key, type = KEYS[sort]
    narrowed = narrowing(db, viewer, wish or Wish())
    rows = db.execute(
        f"""
        with seen as (
            select p.id, p.title, p.description, p.instrument, p.status, p.visibility, p.created_at,
                   m.role as member_role, {key} as key, count(*) over () as n
            from project p
            left join member m on m.project_id = p.id and m.account_id = %(account)s
            {JOINS[sort]}
            where {VISIBLE}
              and (not %(mine)s or m.role is not null)
              and not exists (
                  select from unnest(%(words)s::text[]) as word
                  where strpos(lower(p.title || ' ' || p.instrument || ' ' || p.description), word) = 0
              )
              {"".join(f" and {clause}" for clause in narrowed.clauses)}
        )
        select *
        from seen
        where %(after_id)s::bigint is null
           or (key, id) > (%(after_key)s::{type}, %(after_id)s)
        order by key, id
        limit %(limit)s
        """,  # noqa: S608 (constants)
        {
            "account": viewer.account_id, "all": viewer.is_application_manager, "mine": mine,
            "whole": viewer.account is not None, "words": search.replace("\0", " ").lower().split()[:MOST_WORDS],
            "after_id": after_id, "after_key": after_key or None, "limit": limit + 1, **narrowed.values,
        },
    ).fetchall()  # fmt: skip
    page = rows[:limit]
    following = cursor_of(page[-1].id, page[-1].key) if len(rows) > limit else ""
    return Listing(_with_counts(db, viewer, page), rows[0].n if rows else 0, following)


def _with_counts(db: Db, viewer: Viewer, page: list[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in page]
    counts = _count(db, ids)
    active = _last_activity(db, ids) if viewer.account else {}
    return [_as_listed(viewer, row, counts.get(row.id, {}), active.get(row.id)) for row in page]


def _count(db: Db, ids: list[int]) -> dict[int, dict[str, int]]:
    rows = db.execute(
        """
        select project_id, status, sum(n)::bigint as n
        from count_delta
        where project_id = any(%s)
        group by project_id, status
        """,
        [ids],
    )
    counts: dict[int, dict[str, int]] = {}
    for row in rows:
        counts.setdefault(row.project_id, {})[row.status] = row.n
    return counts


def _last_activity(db: Db, ids: list[int]) -> dict[int, datetime]:
    rows = db.execute(f"select p.id, {ACTIVITY} as at from project p where p.id = any(%s)", [ids])  # noqa: S608 (constant)
    return {row.id: row.at for row in rows}


def _as_listed(viewer: Viewer, row: Any, by_status: dict[str, int], active_at: datetime | None) -> dict[str, Any]:
    counts = {status: by_status.get(status, 0) for status in "VPDU"}
    if viewer.account is None:
        counts = {"V": counts["V"], "P": 0, "D": 0, "U": 0}
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "instrument": row.instrument,
        "status": row.status,
        "visibility": row.visibility,
        "role": role_of(viewer, row.member_role, row.visibility),
        "is_member": row.member_role is not None,
        "counts": counts,
        "n_objects": sum(counts.values()),
        "active_at": active_at,
    }
