"""Reads what EcoTaxa says of every object, finds the same objects here, and tells whose labels changed since.

Both sides' labels are compared with what stood when they last agreed: what changed on one side alone is taken or sent,
what changed on both, to something else, is a conflict that a person decides. A label is a person's word (V or D);
predictions are each side's own.
"""

from collections.abc import Sequence
from typing import Any

from app.database import Db
from app.ecotaxa.client import EcoTaxa, RemoteObject
from app.ecotaxa.visits import Link, Report
from app.jobs.context import JobContext

PART_OBJECTS = 100_000
KINDS = ("take", "conflict", "send", "unmapped", "blocked", "withdrawn", "gone")


def read(db: Db, remote: EcoTaxa, link: Link, visit_id: int, job: JobContext) -> int:
    """Every object as it is there now; `db` in autocommit, a window a transaction. Returns how many there are."""
    n = 0
    for rows in remote.objects(link.remote_id):
        with db.transaction():
            _keep(db, link.project_id, visit_id, rows)
        n += len(rows)
        job.progress(n, None, "objects", "reading what EcoTaxa says")
    db.execute("analyze ecotaxa_object")
    db.execute("update ecotaxa_link set read_at = now() where project_id = %s", [link.project_id])
    return n


def _keep(db: Db, project_id: int, visit_id: int, rows: Sequence[RemoteObject]) -> None:
    with db.cursor() as cursor:
        cursor.execute(
            """
            create temporary table if not exists ecotaxa_window (
                remote_id bigint, sample_id bigint, orig_id text, status text, taxon_id int, at timestamptz,
                by_name text
            ) on commit delete rows
            """
        )
        with cursor.copy("copy ecotaxa_window from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            """
            insert into ecotaxa_object (project_id, remote_id, orig_id, sample_id, status, taxon_id, at, by_name,
                                        visit_id)
            select distinct on (remote_id) %(project)s, remote_id, orig_id, sample_id, status, taxon_id, at, by_name,
                   %(visit)s
            from ecotaxa_window
            order by remote_id
            on conflict (project_id, remote_id) do update
            set orig_id = excluded.orig_id,
                sample_id = excluded.sample_id,
                status = excluded.status,
                taxon_id = excluded.taxon_id,
                at = excluded.at,
                by_name = excluded.by_name,
                visit_id = excluded.visit_id
            """,
            {"project": project_id, "visit": visit_id},
        )


def match(db: Db, project_id: int) -> None:
    """Objects are the same where they have the same id of their own, and only one on each side has it. Those that were
    here and were deleted are not fetched again."""
    db.execute(
        """
        update ecotaxa_object
        set object_id = null,
            removed_here = true,
            difference = null
        where project_id = %(project)s
          and object_id is not null
          and not exists (select from object where project_id = %(project)s and id = ecotaxa_object.object_id)
        """,
        {"project": project_id},
    )
    db.execute(
        """
        with missing as materialized (
            select orig_id, min(remote_id) as remote_id
            from ecotaxa_object
            where project_id = %(project)s
            group by orig_id
            having count(*) = 1
               and bool_and(object_id is null)
        ),
        found as materialized (
            select missing.remote_id, min(object.id) as object_id
            from missing
            join object on object.project_id = %(project)s
                       and object.orig_id = missing.orig_id
            group by missing.remote_id
            having count(*) = 1
        )
        update ecotaxa_object
        set object_id = found.object_id,
            removed_here = false
        from found
        where ecotaxa_object.project_id = %(project)s
          and ecotaxa_object.remote_id = found.remote_id
        """,
        {"project": project_id},
    )
    db.execute("analyze ecotaxa_object")


def samples_to_fetch(db: Db, project_id: int, visit_id: int) -> tuple[int, bool, list[int]]:
    """How many objects there are not here, whether that is all of them, and in which samples of theirs they are."""
    row: Any = db.execute(
        """
        select count(*) filter (where object_id is null) as n_new,
               coalesce(bool_and(object_id is null), true) as is_all,
               coalesce(array_agg(distinct sample_id) filter (where object_id is null and sample_id is not null),
                        '{}') as samples
        from ecotaxa_object
        where project_id = %s
          and visit_id = %s
          and not removed_here
        """,
        [project_id, visit_id],
    ).fetchone()
    return row.n_new, row.is_all, row.samples


def numbers_in_use(db: Db, project_id: int) -> list[int]:
    """EcoTaxa's numbers of all categories in use on either side."""
    rows = db.execute(
        """
        select taxon_id as number from ecotaxa_object where project_id = %(project)s and taxon_id is not null
        union
        select remote_id from ecotaxa_taxon where project_id = %(project)s
        union
        select ecotaxa_id
        from taxon
        join (select distinct taxon_id from count_delta where project_id = %(project)s) as used
          on used.taxon_id = taxon.id
        where ecotaxa_id is not null
        """,
        {"project": project_id},
    )
    return sorted(row.number for row in rows)


def keep_categories(db: Db, project_id: int, numbers: list[int], told: list[dict[str, Any]]) -> None:
    """What EcoTaxa says of them; of what it does not know, that."""
    known = {int(one["id"]): one for one in told}
    names = [str(known.get(number, {}).get("display_name") or known.get(number, {}).get("name") or "")[:250]
             for number in numbers]  # fmt: skip
    usable = [number in known and known[number].get("status") != "D" for number in numbers]
    db.execute(
        """
        insert into ecotaxa_category (project_id, remote_id, name, is_usable)
        select %s, *
        from unnest(%s::int[], %s::text[], %s::bool[])
        on conflict (project_id, remote_id) do update
        set name = coalesce(nullif(excluded.name, ''), ecotaxa_category.name),
            is_usable = excluded.is_usable
        """,
        [project_id, numbers, names, usable],
    )


# Both sides as they are now, people's labels alone. `as_theirs`: their number for our taxon; `as_ours`: our taxon for
# their number.
SIDES = """
sides as materialized (
    select theirs.remote_id, theirs.object_id, theirs.base_status, theirs.base_taxon_id, theirs.our_status,
           theirs.our_taxon_id, theirs.difference, theirs.seen_version,
           case when theirs.status in ('D', 'V') then theirs.status end as their_status,
           case when theirs.status in ('D', 'V') then theirs.taxon_id end as their_taxon_id,
           case when label.status in ('D', 'V') then label.status end as now_status,
           case when label.status in ('D', 'V') then label.taxon_id end as now_taxon_id,
           coalesce(label.version, 0) as version, theirs.at, theirs.by_name,
           case when label.status in ('D', 'V') then coalesce(said.remote_id, taxon.ecotaxa_id) end as as_theirs,
           theirs.visit_id
    from ecotaxa_object as theirs
    left join label on label.project_id = %(project)s
                   and label.object_id = theirs.object_id
    left join taxon on taxon.id = label.taxon_id
    left join ecotaxa_taxon as said on said.project_id = %(project)s
                                   and said.taxon_id = label.taxon_id
    where theirs.project_id = %(project)s
      and theirs.remote_id > %(after)s
      and theirs.remote_id <= %(until)s
      and theirs.object_id is not null
)
"""
_TOLD = f"""
with {SIDES},
told as (
    select sides.*,
           (their_status, their_taxon_id) is not distinct from (now_status, as_theirs)
               and (now_status is null or as_theirs is not null) as is_same,
           (their_status, their_taxon_id) is distinct from (base_status, base_taxon_id) as they_changed,
           (now_status, now_taxon_id) is distinct from (our_status, our_taxon_id) as we_changed,
           coalesce(target.is_usable, false) as is_sendable, coalesce(former.is_usable, true) as is_open
    from sides
    left join ecotaxa_category as target on target.project_id = %(project)s
                                        and target.remote_id = as_theirs
    left join ecotaxa_category as former on former.project_id = %(project)s
                                        and former.remote_id = their_taxon_id
),
meant as (
    select told.*,
           case when visit_id < %(visit)s then 'gone'
                when is_same or not (they_changed or we_changed) then null
                when they_changed and we_changed then 'conflict'
                when they_changed then 'take'
                when now_status is null then 'withdrawn'
                when not is_sendable then 'unmapped'
                when not is_open then 'blocked'
                else 'send' end as now_difference
    from told
)
"""  # noqa: S608 - constants


def tell_differences(db: Db, project_id: int, visit_id: int, push: bool, job: JobContext) -> None:
    """Agree on what is the same, and write down how the rest differs, in parts; `db` in autocommit. A push keeps in
    which version somebody was shown what is to be sent: what differs since was shown to nobody."""
    db.execute(
        "delete from ecotaxa_object where project_id = %s and visit_id < %s and object_id is null",
        [project_id, visit_id],
    )
    after, n = 0, 0
    while until := _next_part(db, project_id, after):
        values = {"project": project_id, "visit": visit_id, "push": push, "after": after, "until": until.last}
        db.execute(_WRITE, values)
        after, n = until.last, n + until.n
        job.progress(n, None, "objects", "comparing")


def _next_part(db: Db, project_id: int, after: int) -> Any:
    row: Any = db.execute(
        """
        select max(remote_id) as last, count(*) as n
        from (
            select remote_id
            from ecotaxa_object
            where project_id = %s
              and remote_id > %s
            order by remote_id
            limit %s
        ) as part
        """,
        [project_id, after, PART_OBJECTS],
    ).fetchone()
    return row if row.n else None


_WRITE = f"""
    {_TOLD}
    update ecotaxa_object
    set difference = now_difference,
        seen_version = case when now_difference is null then null
                            when not %(push)s then version
                            when ecotaxa_object.difference = now_difference then ecotaxa_object.seen_version end,
        base_status = case when is_same then their_status else ecotaxa_object.base_status end,
        base_taxon_id = case when is_same then their_taxon_id else ecotaxa_object.base_taxon_id end,
        our_status = case when is_same then now_status else ecotaxa_object.our_status end,
        our_taxon_id = case when is_same then now_taxon_id else ecotaxa_object.our_taxon_id end
    from meant
    where ecotaxa_object.project_id = %(project)s
      and ecotaxa_object.remote_id = meant.remote_id
      and (now_difference is distinct from ecotaxa_object.difference
           or now_difference is not null
           or (is_same and (they_changed or we_changed)))
"""  # noqa: S608 - constants


def count(db: Db, project_id: int, report: Report) -> None:
    """Into a visit's report, so that no page has to count."""
    rows = db.execute(
        """
        select difference, count(*) as n
        from ecotaxa_object
        where project_id = %s
          and difference is not null
        group by difference
        """,
        [project_id],
    )
    found = {row.difference: row.n for row in rows}
    for kind in KINDS:
        setattr(report, f"n_{kind}", found.get(kind, 0))
