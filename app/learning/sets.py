"""Learning sets: made of validated objects, frozen, and found with the viewer's rights."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.learning import automatic, candidates
from app.learning.candidates import Candidates
from app.learning.choices import Choices, check, check_title, read_choices
from app.learning.fields import FieldInfo, common_fields, load_fields
from app.projects.access import find_project
from app.projects.references import READABLE, sources

__all__ = ["Choices", "FieldInfo", "LearningSet", "common_fields", "find_set", "freeze", "list_sets", "load_fields"]
__all__ += ["own_set"]

OWN_TITLE = "Validated here"
DELETED = "The learning set was deleted while it was being made."
NO_SET = "There is no such learning set, or it is not shared with you."
NOTHING = (
    "Nothing is left to learn from: the chosen projects have no validated object of the taxa that teach, under these"
    " conditions. Validate some, choose other projects, or leave fewer taxa out."
)


class Report(Protocol):
    """Of a job's context, what this work needs."""

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...


class Home(Protocol):
    """The project in which a set is made."""

    @property
    def id(self) -> int: ...

    @property
    def embedder_id(self) -> int | None: ...


@dataclass(frozen=True)
class LearningSet:
    """A learning set as one sees it. `job_status`: of the job that makes it, null where that ended long ago."""

    id: int
    project_id: int
    project_title: str
    title: str
    version: int
    choices: Choices
    source_ids: list[int]
    n_objects: int
    n_taxa: int
    account_id: int | None
    by: str | None
    job_id: int | None
    job_status: str | None
    created_at: datetime
    frozen_at: datetime | None
    brought_from: str | None  # the file that it came in
    is_automatic: bool = False  # a training made it, of what was validated then

    @property
    def name(self) -> str:
        return f"{self.title} {self.version}"


def freeze(
    db: Db,
    project: Home,
    account_id: int | None,
    title: str,
    choices: Choices,
    job: Report | None = None,
) -> int:
    """Make a set at once, in the caller's transaction; returns its id.

    Refused where nothing is left to learn from; Forbidden, by its number, where a source may not be read.
    """
    set_id = begin(db, project, account_id, title, choices)
    write_items(db, set_id, chosen(db, project, account_id, choices, job))
    close(db, set_id)
    return set_id


def own_set(db: Db, project: Home, account_id: int | None) -> int:
    """A new version of what is validated here and in those reference projects that the account may read, at once: of
    millions that takes minutes."""
    return freeze(db, project, account_id, OWN_TITLE, own_choices(db, project, account_id))


def begin_own(db: Db, project: Home, account_id: int | None) -> int:
    """The same, still empty: the job that learns from it makes it first (see app/learning/job.py)."""
    choices = own_choices(db, project, account_id)
    n, n_taxa = validated_in(db, choices.sources)
    if not n:
        raise Refused(NOTHING, status=409)
    if n_taxa < 2:
        raise Refused(f"All {n:,} validated objects are of one taxon: label some of another one first.", status=409)
    automatic.forget_failed(db, project.id)
    set_id = begin(db, project, account_id, OWN_TITLE, choices)
    automatic.mark(db, set_id)
    return set_id


def validated_in(db: Db, project_ids: Sequence[int]) -> tuple[int, int]:
    """How many objects of some projects are validated, and of how many taxa."""
    row: Any = db.execute(
        """
        select coalesce(sum(n), 0)::bigint as n, count(*) as n_taxa
        from (
            select taxon_id, sum(n) as n
            from count_delta
            where project_id = any(%s)
              and status = 'V'
            group by taxon_id
            having sum(n) > 0
        ) as taxa
        """,
        [list(project_ids)],
    ).fetchone()
    return int(row.n), int(row.n_taxa)


def own_choices(db: Db, project: Home, account_id: int | None) -> Choices:
    others = sources(db, project.id, project.embedder_id, account_id)
    versions = {one.id: one.number for one in others if one.number is not None}
    return Choices(sources=(project.id, *(one.id for one in others)), versions=versions)


def begin(db: Db, project: Home, account_id: int | None, title: str, choices: Choices, brought_from: str = "") -> int:
    """The next version of a title, still empty, which nobody may learn from."""
    title = check_title(title)
    if not brought_from:
        check(choices)
        for source in candidates.readable_sources(db, project.id, account_id, choices.sources):
            candidates.conditions(db, source, choices, account_id)
        candidates.check_taxa(db, choices)
        candidates.check_versions(db, choices)
    # Two versions that are made at once get their numbers one after the other.
    db.execute("select from project where id = %s for no key update", [project.id])
    row: Any = db.execute(
        """
        insert into learning_set (project_id, title, version, choices, source_ids, account_id)
        select %(project)s, %(title)s, coalesce(max(version), 0) + 1, %(choices)s, %(sources)s::int[], %(account)s
        from learning_set
        where project_id = %(project)s
          and title = %(title)s
        returning id
        """,
        {
            "project": project.id, "title": title, "account": account_id,
            "choices": Jsonb(choices.to_json() | ({"brought_from": brought_from} if brought_from else {})),
            "sources": sorted(set(choices.sources)),
        },
    ).fetchone()  # fmt: skip
    return int(row.id)


def made_by(db: Db, set_id: int, job_id: int) -> None:
    """Which job makes a set; one that is tried again is another."""
    db.execute("update learning_set set job_id = (select id from job where id = %s) where id = %s", [job_id, set_id])


def chosen(db: Db, project: Home, account_id: int | None, choices: Choices, report: Report | None = None) -> Candidates:
    """The objects that the choices give now, by id."""

    def tell(done: int, total: int) -> None:
        if report:
            report.progress(done, total, "taxa", "choosing")

    rows = candidates.readable_sources(db, project.id, account_id, choices.sources)
    found = candidates.find(db, rows, choices, project.embedder_id, account_id)
    if not len(found):
        raise Refused(NOTHING, status=409)
    return candidates.limited(db, found, choices, project.embedder_id, tell)


def write_items(db: Db, set_id: int, items: Candidates) -> None:
    """Write what a set is of, in place of what was written before; it is not frozen yet."""
    db.execute("delete from learning_item where set_id = %s", [set_id])
    columns = [items.project_ids, items.object_ids, items.taxa, items.own_taxa, items.groups]
    db.execute(
        """
        insert into learning_item (set_id, number, project_id, object_id, taxon_id, own_taxon_id, group_id)
        select %s, place - 1, nullif(project_id, 0), nullif(object_id, 0), taxon_id, nullif(own_taxon_id, 0), group_id
        from unnest(%s::int[], %s::bigint[], %s::int[], %s::int[], %s::bigint[]) with ordinality
             as given (project_id, object_id, taxon_id, own_taxon_id, group_id, place)
        """,
        [set_id, *("{" + ",".join(map(str, column.tolist())) + "}" for column in columns)],
    )
    made = db.execute(
        "update learning_set set n_objects = %s, n_taxa = %s, source_ids = %s where id = %s",
        [len(items), len(np.unique(items.taxa)), np.setdiff1d(items.project_ids, 0).tolist(), set_id],
    )
    if not made.rowcount:
        raise NotFound(DELETED)


def close(db: Db, set_id: int) -> None:
    """Freeze a set whose items are written: from now on one may learn from it, and nothing changes it."""
    db.execute("update learning_set set frozen_at = coalesce(frozen_at, now()) where id = %s", [set_id])


def find_begun(db: Db, set_id: int) -> LearningSet:
    """A set for the job that makes it, whoever may read it."""
    return _find(db, set_id, DELETED)


def find_any(db: Db, set_id: int) -> LearningSet:
    """A set for who keeps the server."""
    made = _find(
        db, set_id, f"There is no learning set {set_id}: “shoal learning-set list PROJECT” tells their numbers."
    )
    if made.frozen_at is None:
        raise Refused(f"Learning set {set_id} is still being made, or could not be: its job says more.", 409)
    return made


def _find(db: Db, set_id: int, otherwise: str) -> LearningSet:
    row = db.execute(TOLD + "where learning_set.id = %s", [set_id]).fetchone()
    if row is None:
        raise NotFound(otherwise)
    return _told(row)


def delete(db: Db, set_id: int) -> None:
    """Take a set away; classifiers that learned from it stay, and say no more what they learned from."""
    db.execute("delete from learning_set where id = %s", [set_id])


def title_of(db: Db, set_id: int | None) -> str:
    """What a classifier without a title of its own is called; null: of what is validated here, still to be frozen."""
    row = db.execute("select title from learning_set where id = %s", [set_id]).fetchone() if set_id else None
    return row.title if row else OWN_TITLE


def without_vector(db: Db, set_id: int, embedder_id: int) -> dict[int, list[int]]:
    """By project, the objects of a set that have no vector of an embedder."""
    rows = db.execute(
        """
        select item.project_id, array_agg(item.object_id) as ids
        from learning_item item
        where item.set_id = %s
          and item.project_id is not null
          and not exists (
              select
              from object_vector
              where object_vector.embedder_id = %s
                and object_vector.project_id = item.project_id
                and object_vector.object_id = item.object_id
          )
        group by item.project_id
        order by item.project_id
        """,
        [set_id, embedder_id],
    )
    return {row.project_id: row.ids for row in rows}


# A set as LearningSet tells it; `p` is the project that it was made in.
TOLD = """
    select learning_set.id, p.id as project_id, p.title as project_title, learning_set.title, version, choices,
           source_ids, n_objects, n_taxa, learning_set.account_id, account.name as by, job_id,
           job.status as job_status, learning_set.created_at, frozen_at
    from learning_set
    join project p on p.id = learning_set.project_id
    left join account on account.id = learning_set.account_id
    left join job on job.id = learning_set.job_id
"""


def find_set(db: Db, viewer: Viewer, set_id: int) -> LearningSet:
    """The set, where the viewer may read the project that it was made in and all that it is of.

    NotFound where the former may not be read, Forbidden with the sources' numbers where one of the latter may not.
    """
    row = db.execute(TOLD + "where learning_set.id = %s", [set_id]).fetchone()
    if row is None:
        raise NotFound(NO_SET)
    try:
        find_project(db, viewer, row.project_id)
    except NotFound:
        raise NotFound(NO_SET) from None
    if told := closed(db, viewer.account_id, row.source_ids, row.project_id):
        raise Forbidden(
            f"“{row.title} {row.version}” was made of objects of {told}, which you may not read (any more). Ask a"
            " manager there to add you, or make a learning set without it."
        )
    return _told(row)


def check_sources(db: Db, set_id: int, account_id: int | None, home_id: int) -> None:
    """Forbidden where an account may not read (any more) all that a set is of; a command, which has none, may."""
    row = db.execute("select title, version, source_ids from learning_set where id = %s", [set_id]).fetchone()
    if row and account_id is not None and (told := closed(db, account_id, row.source_ids, home_id)):
        raise Forbidden(
            f"“{row.title} {row.version}” was made of objects of {told}, which you may not read (any more). Choose"
            " another learning set, or ask a manager there to add you."
        )


def closed(db: Db, account_id: int | None, ids: list[int], home_id: int) -> str:
    """Those of the projects, but the home, that the account may not read, in words; a deleted one is closed to none."""
    rows = db.execute(
        f"""
        select p.id
        from project p
        where p.id = any(%(ids)s)
          and p.id <> %(home_id)s
          and not {READABLE}
        order by p.id
        """,  # noqa: S608 - a constant
        {"ids": ids, "home_id": home_id, "account_id": account_id},
    )
    return ", ".join(f"project {row.id}" for row in rows)


def list_sets(db: Db, viewer: Viewer, project_id: int, elsewhere: bool = False) -> list[LearningSet]:
    """Sets made in a project that the viewer may read, or `elsewhere` those of all others, the newest first."""
    rows = db.execute(
        f"""
        {TOLD}
        where (p.id = %(project_id)s) <> %(elsewhere)s
          and (p.id = %(project_id)s or frozen_at is not null)
          and {READABLE}
          and not exists (
              select
              from project p
              where p.id = any(learning_set.source_ids)
                and p.id <> learning_set.project_id
                and not {READABLE}
          )
        order by learning_set.id desc
        limit 500
        """,  # noqa: S608 - constants
        {"project_id": project_id, "elsewhere": elsewhere, "account_id": viewer.account_id},
    )
    return [_told(row) for row in rows]


def _told(row: Any) -> LearningSet:
    told = row._asdict()
    stored = told.pop("choices")
    known = {"brought_from": stored.get("brought_from"), "is_automatic": stored.get("is_automatic", False)}
    return LearningSet(**told, choices=read_choices(stored), **known)
