"""The taxa that a person keeps under the digits, project by project."""

from dataclasses import dataclass
from typing import Any

from app.accounts.viewer import Viewer
from app.database import Db

MOST_PROJECTS = 50


@dataclass(frozen=True)
class Slot:
    """A digit and the taxon that it stands for."""

    digit: str
    taxon: str


@dataclass(frozen=True)
class ProjectKeys:
    """The slots of one project."""

    id: int
    title: str
    slots: list[Slot]


def list_keys(db: Db, viewer: Viewer) -> list[ProjectKeys]:
    """Those of the projects that one may still see, by title."""
    rows: list[Any] = db.execute(
        """
        select project.id, project.title,
               array_agg(slot.key order by slot.key) as digits,
               array_agg(taxon.display_name order by slot.key) as taxa
        from board_preference kept
        join project on project.id = kept.project_id
        left join member on member.project_id = project.id and member.account_id = kept.account_id
        cross join lateral jsonb_each_text(coalesce(kept.settings -> 'slots', '{}')) as slot
        join taxon on taxon.id = slot.value::int
        where kept.account_id = %(account_id)s
          and (%(all)s or member.role is not null or project.visibility <> 'private')
        group by project.id
        order by lower(project.title), project.id
        limit %(limit)s
        """,
        {"account_id": viewer.account_id, "all": viewer.is_application_manager, "limit": MOST_PROJECTS},
    ).fetchall()
    return [
        ProjectKeys(row.id, row.title, [Slot(*pair) for pair in zip(row.digits, row.taxa, strict=True)]) for row in rows
    ]
