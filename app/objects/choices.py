"""What the sheets of the board offer while one types: samples, people, columns and the like, the first that match."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from app.database import Db
from app.errors import Refused
from app.objects.fields import Field, Fields, listed_fields
from app.objects.orders import order_choices
from app.objects.shown import NOT_FOR_ANONYMOUS
from app.projects.access import VISITOR, Project
from app.search.codes import VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.templating import parent_name, thousands

MOST = 50
# What can stand under a tile beside the columns: key and words.
OWN_SHOWN = {
    "depth": "depth",
    "date": "date",
    "sample": "sample",
    "score": "score",
    "when": "labelled at",
    "who": "labelled by",
}
# Columns of the object that the conditions date, time, depth, place and sun ask for.
OF_CONDITIONS = {"date", "time", "depth_min_m", "depth_max_m", "latitude", "longitude", "sun_position"}


@dataclass(frozen=True)
class Choice:
    """One thing to choose: what the address says for it, what a person reads, and what tells it from others."""

    value: str
    label: str
    detail: str = ""
    type: str = ""  # of a column: number or text


@get("/projects/{project_id:int}/choices", opt=VISITOR, include_in_schema=False, sync_to_thread=True)
def show_choices(
    db: NamedDependency[Db], project: NamedDependency[Project], of: FromQuery[str] = "field", q: FromQuery[str] = ""
) -> list[Choice]:
    """The first fifty whose name contains what was typed; those that begin with it stand first."""
    if of not in OFFERS:
        raise Refused(f"There are no choices of “{of[:40]}” here. Ask for one of {', '.join(OFFERS)}.")
    return OFFERS[of](db, project, q.replace("\0", " ").strip()[:250])


def _samples(db: Db, project: Project, typed: str) -> list[Choice]:
    rows = db.execute(
        """
        select id, orig_id as name
          from sample
         where project_id = %(project_id)s
           and (%(among)s::bigint[] is null or id = any(%(among)s))
           and strpos(lower(orig_id), lower(%(typed)s)) > 0
         order by strpos(lower(orig_id), lower(%(typed)s)) > 1, orig_id
         limit %(most)s
        """,
        {"project_id": project.id, "among": _visible(db, project), "typed": typed, "most": MOST},
    )
    return [Choice(str(row.id), parent_name(row.name)) for row in rows]


def _acquisitions(db: Db, project: Project, typed: str) -> list[Choice]:
    rows = db.execute(
        """
        select acquisition.id, acquisition.orig_id as name, sample.orig_id as sample
          from acquisition
          join sample on sample.id = acquisition.sample_id
         where acquisition.project_id = %(project_id)s
           and (%(among)s::bigint[] is null or sample.id = any(%(among)s))
           and strpos(lower(acquisition.orig_id), lower(%(typed)s)) > 0
         order by strpos(lower(acquisition.orig_id), lower(%(typed)s)) > 1, acquisition.orig_id, acquisition.id
         limit %(most)s
        """,
        {"project_id": project.id, "among": _visible(db, project), "typed": typed, "most": MOST},
    )
    return [Choice(str(row.id), parent_name(row.name), f"of {parent_name(row.sample)}") for row in rows]


def _instruments(db: Db, project: Project, typed: str) -> list[Choice]:
    rows = db.execute(
        """
        select instrument, count(*) as n
          from acquisition
         where project_id = %(project_id)s
           and (%(among)s::bigint[] is null or sample_id = any(%(among)s))
           and strpos(lower(instrument), lower(%(typed)s)) > 0
         group by instrument
         order by instrument
         limit %(most)s
        """,
        {"project_id": project.id, "among": _visible(db, project), "typed": typed, "most": MOST},
    )
    return [Choice(row.instrument, row.instrument or "none named", f"{thousands(row.n)} acquisitions") for row in rows]


def _imports(db: Db, project: Project, typed: str) -> list[Choice]:
    """Sources are paths and names of people's machines: not for anonymous people."""
    if project.validated_only:
        return []
    rows = db.execute(
        """
        select id, source, n_objects, started_at
          from import
         where project_id = %(project_id)s
           and n_objects > 0
           and strpos(lower(id || ' ' || source), lower(%(typed)s)) > 0
         order by id desc
         limit %(most)s
        """,
        {"project_id": project.id, "typed": typed, "most": MOST},
    )
    return [
        Choice(
            str(row.id), row.source.rstrip("/").rpartition("/")[2] or row.source,
            f"{row.started_at:%Y-%m-%d}, {thousands(row.n_objects)} objects",
        )
        for row in rows
    ]  # fmt: skip


def _people(db: Db, project: Project, typed: str) -> list[Choice]:
    """Those who acted or labelled in the project, which all may know who look at it: not its members."""
    if project.validated_only:
        return []
    rows = db.execute(
        """
        select id, name
          from account
         where (id = any(%(labelled)s)
                or exists (select from act where account_id = account.id and project_id = %(project_id)s))
           and strpos(lower(name), lower(%(typed)s)) > 0
         order by lower(name), id
         limit %(most)s
        """,
        {
            "project_id": project.id, "typed": typed, "most": MOST,
            "labelled": np.unique(open_mirror(db, project.id).account).tolist(),
        },
    )  # fmt: skip
    return [Choice(str(row.id), row.name) for row in rows]


def _columns(db: Db, project: Project, typed: str) -> list[Choice]:
    return _matching((field_choice(field) for field in listed_fields(db, project.id)), typed)


def _fields(db: Db, project: Project, typed: str) -> list[Choice]:
    """Columns to filter by, without those that a condition of their own asks for."""
    fields = listed_fields(db, project.id)
    return _matching((field_choice(field) for field in fields if field.key not in OF_CONDITIONS), typed)


def _shown(db: Db, project: Project, typed: str) -> list[Choice]:
    own = (
        Choice(key, words)
        for key, words in OWN_SHOWN.items()
        if not (project.validated_only and key in NOT_FOR_ANONYMOUS)
    )
    return _matching([*own, *_beside_own(db, project)], typed)


def _orders(db: Db, project: Project, typed: str) -> list[Choice]:
    own = [Choice(choice["key"], choice["label"]) for choice in order_choices(Fields([]), project.validated_only)]
    return _matching([*own, *_beside_own(db, project)], typed)


def _beside_own(db: Db, project: Project) -> list[Choice]:
    """The columns, beside which the object's own day and time of day are offered as “date” already."""
    return [field_choice(field) for field in listed_fields(db, project.id) if field.key != "date"]


def field_choice(field: Field) -> Choice:
    """A column, said by its name and, before it, where it stands."""
    label = field.name if field.level == "object" else f"{field.level} {field.name}"
    return Choice(f"f.{field.key}", label, field.type, field.type)


def _matching(choices: Iterable[Choice], typed: str) -> list[Choice]:
    wanted = typed.casefold()
    kept = [choice for choice in choices if wanted in choice.label.casefold()]
    kept.sort(key=lambda choice: (choice.label.casefold() != wanted, not choice.label.casefold().startswith(wanted)))
    return kept[:MOST]


def _visible(db: Db, project: Project) -> list[int] | None:
    """The samples that one may know of: anonymous people those with validated objects, everybody else all."""
    return visible_samples(open_mirror(db, project.id)) if project.validated_only else None


def visible_samples(mirror: Mirror) -> list[int]:
    return np.unique(mirror.sample[mirror.status == VALIDATED]).tolist()


OFFERS = {
    "sample": _samples, "acquisition": _acquisitions, "instrument": _instruments, "import": _imports,
    "person": _people, "column": _columns, "field": _fields, "show": _shown, "order": _orders,
}  # fmt: skip

routes = [show_choices]
