"""What keeps the taxonomy in order: taxa renamed, moved, deprecated in favour of others, and given other names."""

from typing import Any, Literal

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.nouns import counted
from app.taxonomy.names import folded, normalised
from app.taxonomy.naming import hold_structure, name_uniquely, names_around
from app.taxonomy.queries import check_name, get_taxon

NO_TAXON = "There is no taxon with this id. It may have been removed."
LARGEST_ID = 2**31


def may_curate(db: Db, viewer: Viewer, row: Any) -> bool:
    """Application managers any taxon; of a class that a person made, the managers of the project that it was made in,
    while nobody has looked at it."""
    if viewer.is_application_manager:
        return True
    if row.created_by is None or row.created_in is None or row.reviewed_at is not None or viewer.account_id is None:
        return False
    found = db.execute(
        "select from member where project_id = %s and account_id = %s and role = 'manager'",
        [row.created_in, viewer.account_id],
    ).fetchone()
    return found is not None


def may_rename(db: Db, viewer: Viewer, row: Any) -> bool:
    """Who may keep it in order, and who created it."""
    own = row.created_by is not None and row.created_by == viewer.account_id
    return own or may_curate(db, viewer, row)


def held(db: Db, viewer: Viewer, taxon_id: int, own_too: bool = False) -> Any:
    """The taxon, held until the transaction ends: an act that would use it waits. Refused for who may not change it."""
    hold_structure(db)
    row = None
    if 0 < taxon_id < LARGEST_ID:
        row = db.execute("select * from taxon where id = %s for update", [taxon_id]).fetchone()
    if row is None:
        raise NotFound(NO_TAXON)
    if may_curate(db, viewer, row) or (own_too and may_rename(db, viewer, row)):
        return row
    if row.created_by is None:
        raise Forbidden(f"“{row.display_name}” is of the taxonomy that was loaded: application managers change it.")
    raise Forbidden(
        f"“{row.display_name}” is changed by application managers, and by the managers of the project that it was made"
        " in while nobody has looked at it; who created it may rename it."
    )


def named(db: Db, text: str) -> Any:
    """The one taxon that is meant: by its number here, its display name, its name and its parent's, or a name that only
    one has."""
    text = text.strip()
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
    own, _, above = text.partition("<")
    rows = db.execute(
        """
        select *, lower(display_name) = lower(%(text)s) as is_shown
        from taxon
        where id = %(number)s
           or folded_name(name) = %(folded)s
           or lower(display_name) = lower(%(text)s)
           or (folded_name(name) = %(own)s
               and exists (select from taxon as parent
                           where parent.id = taxon.parent_id
                             and folded_name(parent.name) = %(above)s))
        limit 50
        """,
        {
            "number": number, "text": normalised(text), "folded": folded(text), "own": folded(own),
            "above": folded(above),
        },
    ).fetchall()  # fmt: skip
    found = [row for row in rows if row.id == number] or [row for row in rows if row.is_shown] or rows
    if not found:
        raise Refused(f"No taxon is called “{text[:80]}”: choose one from the list.", status=422)
    if len(found) > 1:
        names = ", ".join(f"“{row.display_name}”" for row in found[:5])
        raise Refused(f"Several taxa are called “{text[:80]}”: say which, as in {names}.", status=422)
    return found[0]


def used_by(db: Db, viewer: Viewer, row: Any, verb: str) -> list[Any]:
    """The projects that use or preset a taxon; refused where there is one that the caller does not manage. Who created
    it may rename it as long as it is used where it was made."""
    own = row.created_in if verb == "rename" and row.created_by == viewer.account_id else None
    projects = db.execute(
        """
        with used as (
            select project_id, coalesce(sum(n) filter (where status <> 'P'), 0)::bigint as n_labels,
                   coalesce(sum(n) filter (where status = 'P'), 0)::bigint as n_predictions
            from count_delta
            where taxon_id = %(taxon)s
            group by project_id
            having sum(n) > 0
        )
        select project.id, project.title, project.status, coalesce(n_labels, 0) as n_labels,
               coalesce(n_predictions, 0) as n_predictions, preset_taxon.taxon_id is not null as is_preset,
               %(all)s or coalesce(member.role = 'manager', false) or project.id = %(own)s as is_managed
        from project
        left join used on used.project_id = project.id
        left join preset_taxon on preset_taxon.project_id = project.id and preset_taxon.taxon_id = %(taxon)s
        left join member on member.project_id = project.id and member.account_id = %(account)s
        where used.project_id is not null
           or preset_taxon.taxon_id is not null
        order by project.id
        """,
        {"taxon": row.id, "account": viewer.account_id, "all": viewer.is_application_manager, "own": own},
    ).fetchall()
    others = sum(not project.is_managed for project in projects)
    if others:
        raise Forbidden(
            f"“{row.display_name}” is used in {counted(others, 'project')} that you do not manage: ask an application"
            f" manager to {verb} it."
        )
    return projects


def rename_taxon(db: Db, viewer: Viewer, taxon_id: int, name: str) -> Any:
    """Another name. What belongs to the loaded taxonomy is still found by the one it had, as a synonym."""
    row = held(db, viewer, taxon_id, own_too=True)
    name = check_name(name)
    if name == row.name:
        return get_taxon(db, taxon_id)
    used_by(db, viewer, row, "rename")
    _check_sibling(db, row.id, name, row.parent_id)
    before = names_around(db, [taxon_id])
    db.execute(
        """
        update taxon
        set name = %(name)s,
            display_name = %(name)s || ' < ' || id,
            changed_at = now()
        where id = %(id)s
        """,
        {"name": name, "id": taxon_id},
    )
    name_uniquely(db, before | names_around(db, [taxon_id]))
    if row.created_by is None:
        _note_name(db, taxon_id, "synonym", row.name)
    return get_taxon(db, taxon_id)


def _check_sibling(db: Db, taxon_id: int, name: str, parent_id: int | None) -> None:
    """Two of one name under one parent cannot be told apart: they are merged."""
    same = db.execute(
        """
        select display_name
        from taxon
        where lower(name) = lower(%s)
          and parent_id is not distinct from %s
          and id <> %s
          and status <> 'D'
        """,
        [name, parent_id, taxon_id],
    ).fetchone()
    if same:
        raise Conflict(f"There is already a taxon “{same.display_name}” there: choose another name, or merge the two.")


def move_taxon(db: Db, viewer: Viewer, taxon_id: int, parent_id: int | None) -> Any:
    """Under another parent, or to the root; with all that stands below it."""
    row = held(db, viewer, taxon_id)
    used_by(db, viewer, row, "move")
    if parent_id is not None:
        check_parent(db, row, parent_id)
    _check_sibling(db, taxon_id, row.name, parent_id)
    before = names_around(db, [taxon_id])
    db.execute("update taxon set parent_id = %s, changed_at = now() where id = %s", [parent_id, taxon_id])
    name_uniquely(db, before | names_around(db, [taxon_id]))
    return get_taxon(db, taxon_id)


def check_parent(db: Db, row: Any, parent_id: int) -> None:
    """A parent that is there, in use, and not below the taxon itself."""
    parent = db.execute("select display_name, status from taxon where id = %s", [parent_id]).fetchone()
    if parent is None or parent.status == "D":
        raise Refused("The parent taxon is unknown or deprecated: choose another.", status=422)
    if row.id in lineage_ids(db, parent_id):
        raise Conflict(
            f"“{parent.display_name}” stands under “{row.display_name}”, or is it: a taxon cannot stand under itself."
        )


def lineage_ids(db: Db, taxon_id: int) -> set[int]:
    """The taxon and all above it; ends where a loop would begin."""
    rows = db.execute(
        """
        with recursive above as (
            select id, parent_id from taxon where id = %s
            union
            select taxon.id, taxon.parent_id
            from above
            join taxon on taxon.id = above.parent_id
        )
        select id from above
        """,
        [taxon_id],
    )
    return {row.id for row in rows}


def deprecate_taxon(db: Db, viewer: Viewer, taxon_id: int, advised_id: int | None) -> Any:
    """Take a taxon out of use, with the one to use instead. What it labels keeps it until that is replaced."""
    row = held(db, viewer, taxon_id)
    used_by(db, viewer, row, "deprecate")
    if advised_id is not None:
        _check_advised(db, row, advised_id)
    db.execute(
        """
        update taxon
        set status = 'D',
            rename_to = %(advised)s,
            changed_at = now(),
            reviewed_at = coalesce(reviewed_at, now()),
            reviewed_by = coalesce(reviewed_by, %(by)s)
        where id = %(id)s
        """,
        {"id": taxon_id, "advised": advised_id, "by": viewer.account_id},
    )
    # Who was advised to use this one is now advised to use that.
    db.execute("update taxon set rename_to = %s where rename_to = %s and id <> %s", [advised_id, taxon_id, advised_id])
    return get_taxon(db, taxon_id)


def _check_advised(db: Db, row: Any, advised_id: int) -> None:
    advised = db.execute("select id, display_name, status from taxon where id = %s", [advised_id]).fetchone()
    if advised is None or advised.status == "D":
        raise Refused("The taxon to use instead is unknown, or deprecated itself: choose another.", status=422)
    if advised.id == row.id:
        raise Refused("A taxon cannot be replaced by itself: choose another.", status=422)


def restore_taxon(db: Db, viewer: Viewer, taxon_id: int) -> Any:
    """Put a deprecated taxon in use again."""
    row = held(db, viewer, taxon_id)
    if row.status != "D":
        raise Conflict(f"“{row.display_name}” is in use: it was not deprecated.")
    _check_sibling(db, taxon_id, row.name, row.parent_id)
    db.execute("update taxon set status = 'A', rename_to = null, changed_at = now() where id = %s", [taxon_id])
    # What it was merged into was found by its name too.
    db.execute(
        "delete from other_name where taxon_id = %s and kind = 'synonym' and lower(name) = lower(%s)",
        [row.rename_to, row.name],
    )
    name_uniquely(db, [row.name])
    return get_taxon(db, taxon_id)


def keep_taxon(db: Db, viewer: Viewer, taxon_id: int) -> Any:
    """Say of a class that somebody made that it is right as it is: it waits no longer."""
    held(db, viewer, taxon_id)
    db.execute(
        """
        update taxon
        set status = 'A',
            changed_at = now(),
            reviewed_at = now(),
            reviewed_by = %s
        where id = %s
          and status = 'N'
        """,
        [viewer.account_id, taxon_id],
    )
    return get_taxon(db, taxon_id)


def set_numbers(db: Db, viewer: Viewer, taxon_id: int, aphia_id: int | None, ecotaxa_id: int | None) -> Any:
    """WoRMS' and EcoTaxa's number of a taxon. EcoTaxa gives each to one taxon only."""
    held(db, viewer, taxon_id)
    for number in (aphia_id, ecotaxa_id):
        if number is not None and not 0 < number < LARGEST_ID:
            raise Refused("A number of WoRMS or EcoTaxa is a positive whole one.", status=422)
    other = db.execute(
        "select display_name from taxon where ecotaxa_id = %s and id <> %s", [ecotaxa_id, taxon_id]
    ).fetchone()
    if other:
        raise Conflict(f"“{other.display_name}” has this number of EcoTaxa: merge the two, or correct it there.")
    db.execute(
        "update taxon set aphia_id = %s, ecotaxa_id = %s, changed_at = now() where id = %s",
        [aphia_id, ecotaxa_id, taxon_id],
    )
    return get_taxon(db, taxon_id)


def add_name(
    db: Db, viewer: Viewer, taxon_id: int, kind: Literal["synonym", "common"], name: str, language: str = ""
) -> None:
    """One more name by which a taxon is found."""
    held(db, viewer, taxon_id, own_too=True)
    _note_name(db, taxon_id, kind, check_name(name), language.strip()[:20])


def _note_name(db: Db, taxon_id: int, kind: str, name: str, language: str = "") -> None:
    db.execute(
        """
        insert into other_name (taxon_id, kind, name, language)
        values (%s, %s, %s, %s)
        on conflict (taxon_id, kind, name) do update set language = excluded.language
        """,
        [taxon_id, kind, name, language],
    )


def remove_name(db: Db, viewer: Viewer, taxon_id: int, name_id: int) -> None:
    held(db, viewer, taxon_id, own_too=True)
    if not db.execute("delete from other_name where id = %s and taxon_id = %s", [name_id, taxon_id]).rowcount:
        raise NotFound("This taxon has no such other name: it may have been removed already.")
