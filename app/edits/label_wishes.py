"""What an edit of labels is asked to do, and which labels it is of."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from app.database import Db
from app.errors import NotFound, Refused
from app.exporting.selection import check_filters
from app.labels.acts import Labelled, named_taxon
from app.search.codes import DUBIOUS, VALIDATED
from app.search.mirror import Mirror, open_mirror

Way = Literal["erase", "reset", "predicted", "reclassify"]
WAYS = {
    "erase": "labels erased",
    "reset": "labels put back to what stood before",
    "predicted": "labels turned into predictions",
    "reclassify": "labels reclassified",
}
LARGEST_ACCOUNT = 2**31


@dataclass(frozen=True)
class LabelsWish:
    """`way`: erase (no label any more: what is predicted shows again, where anything is); reset (each label of these
    people in this period goes, and what stood before shows again); predicted (the label becomes a prediction of score
    1); reclassify (the taxon becomes `taxon_id`; status, author and time stay). Of objects that meet the `filters`, as
    an address of the board says them, and whose label was given by `who` (`others`: by anybody else) between `since`
    and `until`."""

    way: Way
    filters: str = ""
    who: int | None = None
    others: bool = False
    since: datetime | None = None
    until: datetime | None = None
    taxon_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        said = {name: value for name, value in asdict(self).items() if value not in ("", None, False)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}


def read_wish(stored: dict[str, Any]) -> LabelsWish:
    known: dict[str, Any] = {name: stored[name] for name in LabelsWish.__dataclass_fields__ if name in stored}
    moments: dict[str, Any] = {
        name: datetime.fromisoformat(stored[name]) for name in ("since", "until") if name in stored
    }
    return LabelsWish(**known | moments)


def check(db: Db, project: Labelled, wish: LabelsWish) -> str:
    """The edit in a line, for lists; or Refused with what is wrong."""
    if wish.way not in WAYS:
        raise Refused(f"{wish.way!r} is none of {', '.join(WAYS)}.", status=422)
    if any(moment is not None and moment.tzinfo is None for moment in (wish.since, wish.until)):
        raise Refused("A moment needs its time zone, as in 2026-05-31T12:00:00Z.", status=422)
    if wish.since and wish.until and wish.since > wish.until:
        raise Refused("The period ends before it begins: exchange the two moments.", status=422)
    if wish.others and wish.who is None:
        raise Refused("Say whose labels stay: “others” means anybody but that person.", status=422)
    words = WAYS[wish.way]
    if wish.way == "predicted" and project.status != "annotate":
        raise Refused("This project takes no predictions: a manager can change its status in its settings.", status=409)
    if wish.way == "reclassify":
        taxon_id = named_taxon(db, wish.taxon_id)
        words += f" as {_taxon(db, taxon_id)}"
    if wish.who is not None:
        words += f", of {'everybody but ' if wish.others else ''}{_person(db, wish.who)}"
    if wish.since or wish.until:
        words += f", given {_moment('from', wish.since)}{_moment(' until', wish.until)}".rstrip().replace("  ", " ")
    return words


def _moment(word: str, at: datetime | None) -> str:
    if at is None:
        return ""
    told = f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
    return f"{word} {told.removesuffix(' 00:00')} UTC"


def _person(db: Db, account_id: int) -> str:
    row = None
    if 0 < account_id < LARGEST_ACCOUNT:
        row = db.execute("select name from account where id = %s", [account_id]).fetchone()
    if row is None:
        raise NotFound("There is no such person here.")
    return str(row.name)


def who_labelled(db: Db, project_id: int) -> list[Any]:
    """Id and name of everybody whose labels stand, those too whom only an import names; by name."""
    return db.execute(
        "select id, name from account where id = any(%s) order by lower(name), id",
        [np.unique(open_mirror(db, project_id).account).tolist()],
    ).fetchall()


def _taxon(db: Db, taxon_id: int) -> str:
    row: Any = db.execute("select display_name from taxon where id = %s", [taxon_id]).fetchone()
    return str(row.display_name)


@dataclass(frozen=True)
class Meant:
    """Objects with a label that an edit is of, by what the mirror knows: SQL has the last word."""

    mirror: Mirror
    places: np.ndarray
    n_objects: int

    @property
    def ids(self) -> np.ndarray:
        return self.mirror.ids[self.places]


def meant(db: Db, project_id: int, account_id: int | None, wish: LabelsWish) -> Meant:
    mirror = open_mirror(db, project_id)
    kept = np.ones(len(mirror), bool)
    if wish.filters:
        kept = mirror.mask(db, check_filters(db, project_id, wish.filters, account_id)).copy()
    n_objects = int(np.count_nonzero(kept))
    kept &= (mirror.status == VALIDATED) | (mirror.status == DUBIOUS)
    if wish.who is not None:
        kept &= (mirror.account != wish.who) if wish.others else (mirror.account == wish.who)
    if wish.since is not None:
        kept &= mirror.at >= int(wish.since.timestamp() // 1)
    if wish.until is not None:
        kept &= mirror.at <= int(wish.until.timestamp() // 1)
    if wish.way == "reclassify":
        kept &= mirror.taxon != wish.taxon_id
    return Meant(mirror, np.flatnonzero(kept), n_objects)
