"""How one person keeps one project's board: the digits' taxa, tile size, fields, contrast, what size weighs."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from litestar import put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.objects import queries
from app.openapi import refusals
from app.projects.access import OWN, Project
from app.taxonomy.names import UNKNOWN_TAXON, is_italic
from indexer.spaces import USUAL_WEIGHT

SLOTS = "123456789"
SMALLEST, USUAL, LARGEST = 60, 100, 400  # per cent of the usual tile
MOST_FIELDS = 6
LONGEST_KEY = 300  # of a column whose name has 250 signs, with its level
# Own: it changes nothing but what is kept for the caller, so that visitors may.


@dataclass(frozen=True)
class SlotTaxon:
    """The taxon that a digit stands for, named as the label field names it."""

    id: int
    display_name: str
    italic: bool


@dataclass(frozen=True)
class Preferences:
    """What is kept, or the defaults where nothing is."""

    slots: dict[str, SlotTaxon] = field(default_factory=dict)
    size: int = USUAL
    show: list[str] = field(default_factory=list)
    contrast: bool = False
    invert: bool = False
    size_weight: float = USUAL_WEIGHT  # of an object's size in every order by likeness, 0 to 1

    @property
    def slots_json(self) -> str:
        """The slots as the board's script reads them."""
        return json.dumps({digit: asdict(taxon) for digit, taxon in self.slots.items()})


@dataclass(frozen=True)
class PreferenceChange:
    """What is to be kept from now on; what is null stays. In `slots`, digits with taxon ids, or null to empty one."""

    slots: dict[str, int | None] | None = None
    size: int | None = None
    show: list[str] | None = None
    contrast: bool | None = None
    invert: bool | None = None
    size_weight: float | None = None


def read(db: Db, project_id: int, account_id: int | None) -> Preferences:
    """One person's preferences in a project; where one has none, the project's fields and the usual rest."""
    row = db.execute(
        """
        select coalesce(kept.settings, '{}') as settings, coalesce(project.settings -> 'show', '[]') as show
          from project
          left join board_preference as kept on kept.project_id = project.id and kept.account_id = %s
         where project.id = %s
        """,
        [account_id, project_id],
    ).fetchone()
    if row is None:
        return Preferences()
    kept: dict[str, Any] = {"show": row.show} | row.settings
    return Preferences(**{**kept, "slots": _slot_taxa(db, kept.get("slots", {}))})


def _slot_taxa(db: Db, slots: dict[str, int]) -> dict[str, SlotTaxon]:
    """Slots with their taxa's names of today, without those whose taxon is gone."""
    if not slots:
        return {}
    rows = db.execute("select id, display_name, name, rank, type from taxon where id = any(%s)", [list(slots.values())])
    taxa = {
        row.id: SlotTaxon(row.id, row.display_name, is_italic(row.name, row.rank or "", row.type or "")) for row in rows
    }
    return {digit: taxa[taxon_id] for digit, taxon_id in sorted(slots.items()) if taxon_id in taxa}


def write(db: Db, project_id: int, account_id: int, change: PreferenceChange) -> Preferences:
    """Keep what `change` says beside what was kept before, and give the whole."""
    _check(db, change)
    plain = {name: value for name, value in change.__dict__.items() if value is not None and name != "slots"}
    db.execute(
        """
        insert into board_preference as kept (project_id, account_id, settings)
        values (%(project_id)s, %(account_id)s,
                %(plain)s || jsonb_build_object('slots', jsonb_strip_nulls(%(slots)s)))
        on conflict (project_id, account_id) do update
           set settings = kept.settings || %(plain)s
               || jsonb_build_object('slots', jsonb_strip_nulls(coalesce(kept.settings -> 'slots', '{}') || %(slots)s))
        """,
        {
            "project_id": project_id,
            "account_id": account_id,
            "plain": Jsonb(plain),
            "slots": Jsonb(change.slots or {}),
        },
    )
    return read(db, project_id, account_id)


def _check(db: Db, change: PreferenceChange) -> None:
    if change.size is not None and not SMALLEST <= change.size <= LARGEST:
        raise Refused(f"Tiles can be {SMALLEST} to {LARGEST} % of their usual size, not {change.size} %.")
    if change.size_weight is not None and not 0 <= change.size_weight <= 1:
        raise Refused(f"Size weighs between 0 (not at all) and 1 (alone) in likeness, not {change.size_weight:g}.")
    if change.show is not None and len(change.show) > MOST_FIELDS:
        raise Refused(f"At most {MOST_FIELDS} fields fit under a tile: choose fewer than {len(change.show)}.")
    if any(len(key) > LONGEST_KEY or "\0" in key for key in change.show or []):
        raise Refused("A field under the tiles is named by a name that no field has.")
    slots = change.slots or {}
    if wrong := [digit for digit in slots if digit not in SLOTS or len(digit) != 1]:
        raise Refused(f"The slots are 1 to 9: there is none called “{wrong[0][:20]}”.")
    wanted = {taxon_id for taxon_id in slots.values() if taxon_id is not None}
    if any(not 0 <= taxon_id < 2**31 for taxon_id in wanted) or len(queries.taxon_names(db, list(wanted))) < len(
        wanted
    ):
        raise Refused(UNKNOWN_TAXON)


@put("/projects/{project_id:int}/preferences", opt=OWN, include_in_schema=False, sync_to_thread=True)
def keep_preferences(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[PreferenceChange],
) -> Preferences:
    return write(db, project.id, actor(viewer).id, data)


@put(
    "/projects/{project_id:int}/preferences", opt=OWN, sync_to_thread=True, tags=["projects"],
    summary="Keep how one's own board looks: slots of the digits, tile size, fields, contrast, what size weighs",
    responses=refusals(400, 401, 404),
)  # fmt: skip
def keep_preferences_api(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: JSONBody[PreferenceChange],
) -> Preferences:
    """What the request leaves out stays as it is; a slot that is null is emptied."""
    return write(db, project.id, actor(viewer).id, data)


routes = [keep_preferences]
api_routes = [keep_preferences_api]
