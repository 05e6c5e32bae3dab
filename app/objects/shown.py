"""The fields under a tile: columns of the mirror and what the tables say of the label, as short texts."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, timedelta
from typing import Any

import numpy as np

from app.database import Db
from app.objects.fields import Fields, project_fields
from app.objects.preferences import MOST_FIELDS
from app.search.columns import TextColumn
from app.search.heads import NONE
from app.search.mirror import Mirror
from app.templating import parent_name

NOT_FOR_ANONYMOUS = frozenset({"when", "who"})
EPOCH = date(1970, 1, 1)
FIGURES = 6
WHOLE = 1e15  # below this, a whole number is written out

Texts = Callable[[Any, int], str]  # of a tile's row and its ordinal


def shown_fields(
    db: Db, mirror: Mirror, show: Sequence[str], rows: Sequence[Any], anonymous: bool
) -> list[list[tuple[str, str]]]:
    """For each row, the keys that can be shown with their texts; a text is empty where there is no value."""
    keys = [key for key in dict.fromkeys(show) if not (anonymous and key in NOT_FOR_ANONYMOUS)][:MOST_FIELDS]
    if not keys or not rows:
        return [[] for _ in rows]
    fields = project_fields(db, mirror.project_id)
    writers = [(key, writer) for key in keys if (writer := _writer(db, mirror, fields, key, rows))]
    places = np.searchsorted(mirror.ids, [row.id for row in rows]).tolist()
    known = [place < len(mirror) and mirror.ids[place] == row.id for place, row in zip(places, rows, strict=True)]
    return [
        [(key, writer(row, place)) for key, writer in writers] if here else []
        for row, place, here in zip(rows, places, known, strict=True)
    ]


def _writer(db: Db, mirror: Mirror, fields: Fields, key: str, rows: Sequence[Any]) -> Texts | None:
    """What writes a field's text; None where the project has no such field."""
    if key in OWN:
        return OWN[key](db, mirror, rows)
    column = fields.find(key.removeprefix("f."))
    return _of_column(mirror.column(db, column.level, column.name)) if column else None


def _of_column(values: np.ndarray | TextColumn) -> Texts:
    if isinstance(values, TextColumn):
        return lambda row, place: values.text(place) or ""
    return lambda row, place: number_words(float(values[place]))


def number_words(value: float | None) -> str:
    if value is None or value != value:
        return ""
    return str(int(value)) if value == round(value, 0) and abs(value) < WHOLE else f"{value:.{FIGURES}g}"


def _depth(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    shallowest, deepest = mirror.head(db, "shallowest"), mirror.head(db, "deepest")

    def write(row: Any, place: int) -> str:
        low, high = number_words(float(shallowest[place])), number_words(float(deepest[place]))
        return "" if not low else f"{low} m" if low == high else f"{low}–{high} m"

    return write


def _date(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    day, second = mirror.head(db, "day"), mirror.head(db, "second")

    def write(row: Any, place: int) -> str:
        if day[place] == NONE:
            return ""
        try:
            text = (EPOCH + timedelta(days=int(day[place]))).isoformat()
        except OverflowError:
            return ""
        clock = int(second[place])
        return text if clock == NONE else f"{text} {clock // 3600:02}:{clock % 3600 // 60:02}"

    return write


def _sample(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    write = _of_column(mirror.column(db, "sample", "orig_id"))
    return lambda row, place: parent_name(write(row, place))


def _score(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    return lambda row, place: "" if row.score is None else f"{row.score:.3g}"


def _when(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    return lambda row, place: f"{row.at.astimezone(UTC):%Y-%m-%d %H:%M}" if row.at and row.status in "DV" else ""


def _who(db: Db, mirror: Mirror, rows: Sequence[Any]) -> Texts:
    ids = list({row.account_id for row in rows if row.account_id and row.status in "DV"})
    found = db.execute("select id, name from account where id = any(%s)", [ids])
    names = {row.id: row.name for row in found}
    return lambda row, place: names.get(row.account_id, "") if row.status in "DV" else ""


OWN: dict[str, Callable[[Db, Mirror, Sequence[Any]], Texts]] = {
    "depth": _depth,
    "date": _date,
    "sample": _sample,
    "score": _score,
    "when": _when,
    "who": _who,
}
