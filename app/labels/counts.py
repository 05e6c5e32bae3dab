"""Objects of a project by taxon and status: insert-only differences, summed on read and folded by a job."""

from collections.abc import Iterable

from app.database import Db
from app.search.codes import STATUSES

# One fold at a time: two would wait for each other's rows in different orders.
FOLD_LOCK = 7403
WORTH_FOLDING = 500


def project_counts(db: Db, project_id: int) -> dict[tuple[int, str], int]:
    """Number of objects by (taxon id, status); taxon 0 is unclassified."""
    rows = db.execute(
        """
        select taxon_id, status, sum(n)::bigint as n
          from count_delta
         where project_id = %s
         group by taxon_id, status
        having sum(n) <> 0
        """,
        [project_id],
    )
    return {(row.taxon_id, row.status): row.n for row in rows}


def status_totals(counts: dict[tuple[int, str], int]) -> dict[str, int]:
    """Number of objects by status, over all taxa."""
    totals = dict.fromkeys(STATUSES, 0)
    for (_, status), n in counts.items():
        totals[status] += n
    return totals


def add(db: Db, project_id: int, rows: Iterable[tuple[int, str, int]]) -> None:
    """Note differences (taxon id, status, n): what an import or a run brings."""
    taxon_ids, statuses, ns = zip(*rows, strict=True) if (rows := list(rows)) else ((), (), ())
    db.execute(
        """
        insert into count_delta (project_id, taxon_id, status, n)
        select %s, taxon_id, status, n
          from unnest(%s::int[], %s::text[], %s::bigint[]) as given (taxon_id, status, n)
         where n <> 0
        """,
        [project_id, list(taxon_ids), list(statuses), list(ns)],
    )


def fold(db: Db) -> int:
    """Replace many differences of a project by their sums; the number of rows that this saves."""
    if not db.execute("select pg_try_advisory_xact_lock(%s, 0)", [FOLD_LOCK]).fetchone()[0]:
        return 0
    row = db.execute(
        """
        with long as (
            select project_id
              from count_delta
             group by project_id
            having count(*) - count(distinct (taxon_id, status)) >= %s
        ),
        old as (
            delete from count_delta
             using long
             where count_delta.project_id = long.project_id
            returning count_delta.project_id, taxon_id, status, n
        ),
        new as (
            insert into count_delta (project_id, taxon_id, status, n)
            select project_id, taxon_id, status, sum(n)
              from old
             group by project_id, taxon_id, status
            having sum(n) <> 0
            returning 1
        )
        select (select count(*) from old) - (select count(*) from new)
        """,
        [WORTH_FOLDING],
    ).fetchone()
    return int(row[0]) if row else 0
