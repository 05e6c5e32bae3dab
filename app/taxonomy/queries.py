"""Taxa looked up by what is typed, read for a project's tree, and created."""

from dataclasses import dataclass
from typing import Any

import psycopg

from app.database import Db
from app.errors import Conflict, Refused
from app.taxonomy.names import is_italic, normalised

MOST_FOUND = 50
RECENT_ACTS = 2000
LONGEST_NAME = 200


@dataclass(frozen=True)
class FoundTaxon:
    """A taxon as the type-ahead offers it: `group` says why it stands where it stands."""

    id: int
    name: str
    display_name: str
    italic: bool
    type: str
    group: str
    n: int


def find_taxa(db: Db, typed: str, project_id: int | None = None, account_id: int | None = None) -> list[FoundTaxon]:
    """Taxa in whose name the typed words begin words: one's recent ones, the preset ones, the project's, then all.

    Nothing typed finds all but the last. Deprecated taxa are not offered.
    """
    typed = normalised(typed.replace("\0", " ").replace("*", " ")).lower()
    words = [word.translate({ord(sign): f"\\{sign}" for sign in "\\%_"}) for word in typed.split()[:10]]
    rows = db.execute(
        """
        with recent as (
            select taxon_id, max(id) as act_id
              from (select id, taxon_id
                      from act
                     where project_id = %(project_id)s and account_id = %(account_id)s
                     order by id desc
                     limit %(recent_acts)s) as own
             where taxon_id is not null
             group by taxon_id
             order by act_id desc
             limit 10
        ),
        preset as (
            select taxon_id, position
              from preset_taxon
             where project_id = %(project_id)s
        ),
        present as (
            select taxon_id, sum(n)::bigint as n
              from count_delta
             where project_id = %(project_id)s
             group by taxon_id
            having sum(n) > 0
        )
        select taxon.id, taxon.name, taxon.display_name, taxon.rank, taxon.type,
               case when recent.act_id is not null then 'recent' when preset.position is not null then 'preset'
                    when present.n is not null then 'project' else 'all' end as found_in,
               coalesce(present.n, 0) as n
          from taxon
          left join recent on recent.taxon_id = taxon.id
          left join preset on preset.taxon_id = taxon.id
          left join present on present.taxon_id = taxon.id
         where taxon.status <> 'D'
           and (%(pattern)s <> '%%' or recent.act_id is not null or preset.position is not null
                or present.n is not null)
           and (lower(taxon.display_name) like %(pattern)s or lower(taxon.display_name) like '%% ' || %(pattern)s)
         order by recent.act_id is null, preset.position is null, present.n is null,
                  case when %(pattern)s = '%%' then -recent.act_id end,
                  case when %(pattern)s = '%%' then preset.position end,
                  lower(taxon.name) <> %(typed)s, lower(taxon.display_name) not like %(pattern)s,
                  coalesce(present.n, 0) desc, length(taxon.display_name), lower(taxon.display_name)
         limit %(limit)s
        """,
        {
            "project_id": project_id, "account_id": account_id, "recent_acts": RECENT_ACTS, "limit": MOST_FOUND,
            "pattern": "% ".join(words) + "%", "typed": typed,
        },
    )  # fmt: skip
    return [
        FoundTaxon(
            row.id, row.name, row.display_name, is_italic(row.name, row.rank, row.type), row.type, row.found_in, row.n
        )
        for row in rows
    ]


def get_taxon(db: Db, taxon_id: int) -> Any:
    """One taxon with the names above it, or None."""
    return db.execute(
        """
        with recursive above as (
            select id, parent_id, name, 0 as height from taxon where id = %(id)s
            union all
            select taxon.id, taxon.parent_id, taxon.name, above.height + 1
              from above
              join taxon on taxon.id = above.parent_id
        )
        select taxon.id, taxon.parent_id, taxon.name, taxon.display_name, taxon.type, taxon.status, taxon.rank,
               taxon.aphia_id, taxon.ecotaxa_id, taxon.rename_to,
               (select array_agg(name order by height desc) from above) as lineage
          from taxon
         where taxon.id = %(id)s
        """,
        {"id": taxon_id},
    ).fetchone()


def check_name(name: str) -> str:
    """A new name with single blanks, or Refused."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or "<" in name or not name.isprintable():
        raise Refused(
            f"A taxon's name has 1 to {LONGEST_NAME} characters, without “<”, which stands before its parent."
        )
    return name


def create_taxon(db: Db, name: str, parent_id: int | None, type: str, account_id: int | None) -> FoundTaxon:
    """A new class under a parent, shown as “name < parent” where its name alone is taken."""
    name = check_name(name)
    if type not in ("P", "M"):
        raise Refused("A taxon is of type P (phylogenetic) or M (morphological).")
    parent = db.execute("select id, name, status from taxon where id = %s", [parent_id]).fetchone()
    if parent_id is not None and (parent is None or parent.status == "D"):
        raise Refused("The parent taxon is unknown or deprecated: choose another.")
    same = db.execute(
        "select parent_id from taxon where lower(name) = lower(%s) or lower(display_name) = lower(%s)", [name, name]
    ).fetchall()
    display_name = f"{name} < {parent.name}" if parent and same else name
    try:
        with db.transaction():
            row = db.execute(
                """
                insert into taxon (parent_id, name, display_name, type, status, created_by)
                select %(parent_id)s, %(name)s, %(display_name)s, %(type)s, 'N', %(account_id)s
                 where not %(here)s
                   and not exists (select from taxon where lower(display_name) = lower(%(display_name)s))
                returning id
                """,
                {
                    "parent_id": parent_id, "name": name, "display_name": display_name, "type": type,
                    "account_id": account_id, "here": any(row.parent_id == parent_id for row in same),
                },
            ).fetchone()  # fmt: skip
    except psycopg.errors.UniqueViolation:
        row = None
    if row is None:
        raise Conflict(f"There is already a taxon “{display_name}”: use it, or choose another name.")
    return FoundTaxon(row.id, name, display_name, is_italic(name, "", type), type, "all", 0)
