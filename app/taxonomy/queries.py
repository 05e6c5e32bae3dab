"""Taxa looked up by what is typed, read with what stands above them, and created."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.errors import Conflict, Refused
from app.taxonomy import finding
from app.taxonomy.names import is_italic
from app.taxonomy.naming import hold_structure, name_uniquely

MOST_FOUND = 50
RECENT_ACTS = 2000
GROUPS = ("recent", "preset", "project", "all")
FIRST_WORD_BELOW = 10_000  # ranks, see migrations/0064
LONGEST_NAME = 200


@dataclass(frozen=True)
class FoundTaxon:
    """A taxon as the type-ahead offers it: `group` says why it stands where it stands; `also` is the synonym or common
    name by which it was found, where that is not its own."""

    id: int
    name: str
    display_name: str
    italic: bool
    type: str
    group: str
    n: int
    also: str = ""


def find_taxa(db: Db, typed: str, project_id: int | None = None, account_id: int | None = None) -> list[FoundTaxon]:
    """Taxa in one of whose names the typed words begin words: one's recent ones, the preset ones, the project's, then
    all; among all also those of this number, ours, EcoTaxa's or AphiaID.

    Nothing typed finds all but the last. Deprecated taxa are not offered.
    """
    words = finding.as_typed(typed)
    if typed.strip(" *") and not words:
        return []
    near = _near(db, project_id, account_id) if project_id is not None else {}
    ranks = finding.matching(db, words, list(near)) if words else dict.fromkeys(near, 0)
    if words:
        ranks = finding.begun(db, words, MOST_FOUND) | ranks
    rows = db.execute("select * from taxon where id = any(%s) and status <> 'D'", [list(ranks)]).fetchall()
    rows.sort(key=lambda row: _order(row, near.get(row.id), ranks[row.id], words))
    found = rows[:MOST_FOUND]
    by_another = [row.id for row in found if words and not finding.is_begun(words, row.display_name)]
    also = finding.other_names(db, words, by_another) if by_another else {}
    return [_found(row, near.get(row.id), also.get(row.id, "")) for row in found]


def _order(row: Any, near: Any, rank: int, words: str) -> tuple[Any, ...]:
    """Recent, preset, the project's, all. Nothing typed keeps the order of each; else the best name stands first."""
    group = GROUPS.index(near.found_in if near else "all")
    given = 0 if words or near is None else near.place
    return (
        group, given, row.name.lower() != words, rank >= FIRST_WORD_BELOW, -(near.n if near else 0), rank,
        row.display_name.lower(), row.id,
    )  # fmt: skip


def _found(row: Any, near: Any, also: str) -> FoundTaxon:
    italic = is_italic(row.name, row.rank, row.type)
    group = near.found_in if near else "all"
    return FoundTaxon(row.id, row.name, row.display_name, italic, row.type, group, near.n if near else 0, also)


def _near(db: Db, project_id: int, account_id: int | None) -> dict[int, Any]:
    """By id, taxa that this person used lately in the project, its preset ones, and those that its objects have: with
    their place in their group and their number of objects."""
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
        select taxon_id,
               case when recent.act_id is not null then 'recent' when preset.position is not null then 'preset'
                    else 'project' end as found_in,
               coalesce(-recent.act_id, preset.position, 0) as place, coalesce(present.n, 0) as n
          from recent
          full join preset using (taxon_id)
          full join present using (taxon_id)
         where taxon_id > 0
        """,
        {"project_id": project_id, "account_id": account_id, "recent_acts": RECENT_ACTS},
    )
    return {row.taxon_id: row for row in rows}


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


def create_taxon(
    db: Db, name: str, parent_id: int | None, type: str, account_id: int | None, project_id: int | None = None
) -> FoundTaxon:
    """A new class under a parent; all that share its name are shown as “name < parent”. `project_id`: whose managers
    are to look at it."""
    name = check_name(name)
    if type not in ("P", "M"):
        raise Refused("A taxon is of type P (phylogenetic) or M (morphological).")
    hold_structure(db)
    parent = db.execute("select id, name, status from taxon where id = %s", [parent_id]).fetchone()
    if parent_id is not None and (parent is None or parent.status == "D"):
        raise Refused("The parent taxon is unknown or deprecated: choose another.")
    row = db.execute(
        """
        insert into taxon (parent_id, name, display_name, type, status, created_by, created_in)
        select %(parent_id)s, %(name)s, %(name)s || ' < ' || gen_random_uuid(), %(type)s, 'N', %(account_id)s,
               %(project_id)s
         where not exists (select
                             from taxon
                            where lower(name) = lower(%(name)s)
                              and parent_id is not distinct from %(parent_id)s::int)
        returning id
        """,
        {
            "parent_id": parent_id, "name": name, "type": type, "account_id": account_id, "project_id": project_id,
        },
    ).fetchone()  # fmt: skip
    if row is None:
        shown = f"{name} < {parent.name}" if parent else name
        raise Conflict(f"There is already a taxon “{shown}”: use it, or choose another name.")
    name_uniquely(db, [name])
    made: Any = db.execute("select display_name from taxon where id = %s", [row.id]).fetchone()
    return FoundTaxon(row.id, name, made.display_name, is_italic(name, "", type), type, "all", 0)
