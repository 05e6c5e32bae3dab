"""One taxon put into another: its objects everywhere, what stands below it, its names, and what is advised."""

from dataclasses import dataclass, field
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict
from app.taxonomy.changing import deprecate_taxon, held, lineage_ids, used_by
from app.taxonomy.naming import name_uniquely, names_around
from app.taxonomy.replacing import Replaced, check_pair, replace


@dataclass(frozen=True)
class Merged:
    """What came of it, by project; `left`: titles of projects that can only be explored, whose labels stay."""

    to_id: int
    n_children: int
    replaced: dict[int, Replaced] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Share:
    """A project that uses a taxon, or presets it; `is_left`: it can only be explored, so its labels stay."""

    id: int
    title: str
    n_labels: int
    n_predictions: int
    is_preset: bool
    is_left: bool


@dataclass(frozen=True)
class MergeLook:
    """What a merge would do; `names`: by which the other would be found too."""

    from_id: int
    from_name: str
    to_id: int
    to_name: str
    n_children: int
    names: list[str]
    projects: list[Share]


def look_at_merge(db: Db, viewer: Viewer, from_id: int, to_id: int) -> MergeLook:
    """The same is refused as by the merge itself. Nothing changes."""
    row, target = _pair(db, viewer, from_id, to_id)
    projects = used_by(db, viewer, row, "merge")
    _check_twins(db, row, target)
    told: Any = db.execute(
        """
        select (select count(*) from taxon where parent_id = %(from)s) as n_children,
               array(select name from other_name where taxon_id = %(from)s order by name) as names
        """,
        {"from": from_id},
    ).fetchone()
    shares = [
        Share(one.id, one.title, one.n_labels, one.n_predictions, one.is_preset, one.status == "explore")
        for one in projects
    ]
    return MergeLook(
        from_id, row.display_name, to_id, target.display_name, told.n_children, [row.name, *told.names], shares
    )


def merge_taxa(db: Db, viewer: Viewer, from_id: int, to_id: int) -> Merged:
    """The first is deprecated in favour of the other, which is found by its names too. Labels change by acts of each
    project, which its managers may undo."""
    row, target = _pair(db, viewer, from_id, to_id)
    projects = used_by(db, viewer, row, "merge")
    n_children = _give_children(db, row, target)
    _give_names(db, row, to_id)
    if row.aphia_id and not target.aphia_id:
        db.execute("update taxon set aphia_id = %s where id = %s", [row.aphia_id, to_id])
    open_ones = [project for project in projects if project.status != "explore"]
    replaced = {project.id: replace(db, project, viewer.account_id or 0, from_id, to_id) for project in open_ones}
    deprecate_taxon(db, viewer, from_id, to_id)
    return Merged(to_id, n_children, replaced, [one.title for one in projects if one.status == "explore"])


def _pair(db: Db, viewer: Viewer, from_id: int, to_id: int) -> tuple[Any, Any]:
    row = held(db, viewer, from_id)
    check_pair(db, from_id, to_id)
    target: Any = db.execute("select * from taxon where id = %s", [to_id]).fetchone()
    if from_id in lineage_ids(db, to_id):
        raise Conflict(
            f"“{target.display_name}” stands under “{row.display_name}”: move it out from there first, then merge."
        )
    return row, target


def _give_children(db: Db, row: Any, target: Any) -> int:
    """What stands below goes below the other."""
    _check_twins(db, row, target)
    before = names_around(db, [row.id, target.id])
    n: int = db.execute(
        "update taxon set parent_id = %s, changed_at = now() where parent_id = %s", [target.id, row.id]
    ).rowcount
    name_uniquely(db, before | names_around(db, [target.id]))
    return n


def _check_twins(db: Db, row: Any, target: Any) -> None:
    twins = db.execute(
        """
        select child.display_name
        from taxon as child
        join taxon as twin on lower(twin.name) = lower(child.name) and twin.parent_id = %s
        where child.parent_id = %s
          and child.status <> 'D'
          and twin.status <> 'D'
        order by child.display_name
        """,
        [target.id, row.id],
    ).fetchall()
    if twins:
        names = ", ".join(f"“{twin.display_name}”" for twin in twins[:5])
        raise Conflict(f"Both have taxa below them of the same names ({names}): merge these first.")


def _give_names(db: Db, row: Any, to_id: int) -> None:
    db.execute(
        """
        insert into other_name (taxon_id, kind, name, language)
        select %(to)s, kind, name, language from other_name where taxon_id = %(from)s
        union all
        select %(to)s, 'synonym', %(name)s, ''
        on conflict (taxon_id, kind, name) do nothing
        """,
        {"to": to_id, "from": row.id, "name": row.name},
    )
