"""Looking through the taxonomy: found by name also where it is misspelt, and one taxon with its place and its use."""

from dataclasses import dataclass
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import NotFound
from app.taxonomy import finding
from app.taxonomy.names import is_italic

MOST_FOUND = 100
MOST_CHILDREN = 1000

# Of an `account`, whether the caller may know who that is: as the search has it, who is in a project with them.
NAMED = """
    (%(all)s or account.id = %(account)s or exists (
        select from member as mine
        join member as theirs using (project_id)
        join project on project.id = mine.project_id and project.hidden is null
        where mine.account_id = %(account)s and theirs.account_id = account.id
    ))
"""


@dataclass(frozen=True)
class Listed:
    """A taxon in a list: `above` are the names from the root to its parent; `n` counts its own objects."""

    id: int
    name: str
    display_name: str
    italic: bool
    type: str
    status: str
    rank: str
    above: str
    n_children: int
    n: int


@dataclass(frozen=True)
class Use:
    """Objects of a taxon and of those below it in one project, by status."""

    project_id: int
    title: str
    n: int
    counts: dict[str, int]


@dataclass(frozen=True)
class OtherName:
    """A synonym, or a common name in a language."""

    id: int
    kind: str
    name: str
    language: str


@dataclass(frozen=True)
class OneTaxon:
    """A taxon with those above and below it, and where it is used, of what the caller may see."""

    row: Any
    italic: bool
    lineage: list[Any]
    children: list[Listed]
    uses: list[Use]
    names: list["OtherName"]

    @property
    def counts(self) -> dict[str, int]:
        return {status: sum(use.counts[status] for use in self.uses) for status in "VPD"}


def search(db: Db, viewer: Viewer, typed: str) -> tuple[list[Listed], bool]:
    """Taxa in one of whose names the typed words begin words, or with this number; else those spelt alike (then True).
    Deprecated ones stand last."""
    words = finding.as_typed(typed)
    if not typed.strip():
        return _listed(db, viewer, _roots(db)), False
    if not words:
        return [], False
    ids = list(finding.begun(db, words, MOST_FOUND, with_deprecated=True))
    if ids:
        return _listed(db, viewer, ids), False
    return _listed(db, viewer, finding.spelt_alike(db, words)), True


def _roots(db: Db) -> list[int]:
    rows = db.execute("select id from taxon where parent_id is null order by lower(name), id limit %s", [MOST_CHILDREN])
    return [row.id for row in rows]


def _listed(db: Db, viewer: Viewer, ids: list[int]) -> list[Listed]:
    """These taxa, in this order, with the names above them and the objects that the viewer may know of."""
    rows = db.execute(
        """
        with recursive given as (
            select id, place
            from unnest(%(ids)s::int[]) with ordinality as given (id, place)
        ),
        above as (
            select given.id as leaf, taxon.parent_id, ''::text as name, 0 as height
            from given
            join taxon on taxon.id = given.id
            union all
            select above.leaf, taxon.parent_id, taxon.name, above.height + 1
            from above
            join taxon on taxon.id = above.parent_id
        ),
        lineage as (
            select leaf, string_agg(name, ' › ' order by height desc) as names
            from above
            where height > 0
            group by leaf
        ),
        used as (
            select taxon_id, sum(n)::bigint as n
            from count_delta
            where taxon_id = any(%(ids)s::int[])
              and status <> 'U'
              and project_id = any(%(projects)s::int[])
            group by taxon_id
        )
        select taxon.*, coalesce(lineage.names, '') as above, coalesce(used.n, 0) as n,
               (select count(*) from taxon child where child.parent_id = taxon.id) as n_children
        from given
        join taxon on taxon.id = given.id
        left join lineage on lineage.leaf = taxon.id
        left join used on used.taxon_id = taxon.id
        order by given.place
        """,
        {"ids": ids, "projects": seen_projects(db, viewer)},
    )
    return [
        Listed(
            row.id, row.name, row.display_name, is_italic(row.name, row.rank, row.type), row.type, row.status, row.rank,
            row.above, row.n_children, row.n,
        )
        for row in rows
    ]  # fmt: skip


def read_taxon(db: Db, viewer: Viewer, taxon_id: int) -> OneTaxon:
    """One taxon's page. Raises NotFound where there is none."""
    row = None
    if 0 < taxon_id < 2**31:
        row = db.execute(
            f"""
            select taxon.*, account.name as creator, target.display_name as renamed_name
            from taxon
            left join account on account.id = taxon.created_by
                             and {NAMED}
            left join taxon target on target.id = taxon.rename_to
            where taxon.id = %(taxon)s
            """,  # noqa: S608 - a constant
            {"taxon": taxon_id, "account": viewer.account_id, "all": viewer.is_application_manager},
        ).fetchone()
    if row is None:
        raise NotFound("There is no taxon with this id. It may have been removed.")
    return OneTaxon(
        row=row,
        italic=is_italic(row.name, row.rank, row.type),
        lineage=_lineage(db, row.parent_id),
        children=children_of(db, viewer, taxon_id),
        uses=uses(db, viewer, taxon_id),
        names=other_names_of(db, taxon_id),
    )


def children_of(db: Db, viewer: Viewer, taxon_id: int) -> list[Listed]:
    """Those in use first. Nothing below a taxon that is not there."""
    rows = db.execute(
        "select id from taxon where parent_id = %s::bigint order by status = 'D', lower(name), id limit %s",
        [taxon_id, MOST_CHILDREN],
    )
    return _listed(db, viewer, [row.id for row in rows])


def other_names_of(db: Db, taxon_id: int) -> list[OtherName]:
    rows = db.execute(
        """
        select id, kind, name, language
        from other_name
        where taxon_id = %s::bigint
        order by kind desc, lower(name), id
        """,
        [taxon_id],
    )
    return [OtherName(*row) for row in rows]


def _lineage(db: Db, taxon_id: int | None) -> list[Any]:
    """The taxa from the root down to this one."""
    return db.execute(
        """
        with recursive above as (
            select id, parent_id, 0 as height from taxon where id = %s
            union all
            select taxon.id, taxon.parent_id, above.height + 1
            from above
            join taxon on taxon.id = above.parent_id
        )
        select taxon.id, taxon.name, taxon.rank, taxon.type
        from above
        join taxon on taxon.id = above.id
        order by height desc
        """,
        [taxon_id],
    ).fetchall()


def uses(db: Db, viewer: Viewer, taxon_id: int) -> list[Use]:
    """Objects of the taxon and of all below it, by project, the most first; from the projects' own sums."""
    rows = db.execute(
        """
        with recursive branch as (
            select %(taxon_id)s::int as id
            union
            select taxon.id from branch join taxon on taxon.parent_id = branch.id
        ),
        used as (
            select project_id, status, sum(n)::bigint as n
            from count_delta
            where taxon_id in (select id from branch)
              and status <> 'U'
              and project_id = any(%(projects)s::int[])
            group by project_id, status
        )
        select project.id, project.title, sum(used.n)::bigint as n, jsonb_object_agg(used.status, used.n) as by_status
        from used
        join project on project.id = used.project_id
        group by project.id, project.title
        having sum(used.n) > 0
        order by sum(used.n) desc, lower(project.title), project.id
        """,
        {"taxon_id": taxon_id, "projects": seen_projects(db, viewer)},
    )
    return [
        Use(row.id, row.title, row.n, {status: row.by_status.get(status, 0) for status in "VPD"} | {"U": 0})
        for row in rows
    ]


def seen_projects(db: Db, viewer: Viewer) -> list[int]:
    """The projects whose counts the viewer may learn. Nobody looks in here without an account."""
    rows = db.execute(
        """
        select project.id
        from project
        left join member on member.project_id = project.id and member.account_id = %(account)s
        where project.hidden is null
          and (%(manager)s
               or member.role is not null
               or project.visibility in ('accounts', 'everyone'))
        """,
        {"account": viewer.account_id, "manager": viewer.is_application_manager},
    )
    return [row.id for row in rows]
