"""What a filter keeps of a project's objects, and how an address says it: taxon=7&status=P&f.area=10..50.

The table CONDITIONS says which conditions there are; what cannot be obeyed here stays as an invalid chip.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from app.database import Db
from app.errors import Refused
from app.objects.conditions import CONDITIONS, PEOPLE_WORDS, Condition, find_condition
from app.objects.fields import Fields, project_fields
from app.objects.names import names_of
from app.objects.readings import READERS, Reading, read_number_range, unread

Pairs = Sequence[tuple[str, str]]

# What an address says beside the filter.
VIEW_KEYS = frozenset(
    {"children", "order", "dir", "seed", "examples", "query", "cursor", "limit", "show", "size"}
)  # fmt: skip
NAMED = frozenset({"taxon", "predicted", "sample", "acquisition", "import", "instrument", "who", "ever", "act", "pile"})
THINGS = {"who": "person", "ever": "person", "predicted": "taxon"}
NUMBERED = {
    "taxon": "a taxon or its whole name, such as taxon=45072 or taxon=Copepoda",
    "predicted": "a taxon or its whole name, such as predicted=45072 or predicted=Copepoda", "sample": "a sample",
    "acquisition": "an acquisition", "import": "an import", "act": "an act", "pile": "a pile",
    "who": "a person, or me or others", "ever": "a person, or me",
}  # fmt: skip
OF_TAXA = ("taxon", "predicted")
LOG_IN = "Log in to filter by this: not obeyed."
NO_CONDITION = "A condition is written as key=value, such as taxon=45072 or status=V, with & between two"


@dataclass(frozen=True)
class Chip:
    """One condition as the page shows it; `invalid` says why it is not obeyed, and is empty where it is."""

    key: str
    raw: str
    label: str
    value: str
    invalid: str = ""

    @property
    def said(self) -> str:
        """As it was written, for sentences."""
        return (f"{self.key}={self.raw}" if self.key else self.raw)[:80]

    @property
    def why(self) -> str:
        """Why it is not obeyed, within a sentence."""
        return self.invalid.removesuffix(": not obeyed.").rstrip(".")


class Range(NamedTuple):
    """A column of numbers from `low` to `high`, both included; None is open."""

    level: str
    name: str
    low: float | None
    high: float | None


class Text(NamedTuple):
    """A column of texts that contain ('~', in any case) or equal ('=') a text."""

    level: str
    name: str
    operator: str
    text: str


class Said(NamedTuple):
    """A condition of the table with the values that it was given, as app/objects/readings.py reads them."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Filter:
    """Conditions that an object must all meet; empty ones keep everything."""

    taxa: frozenset[int] | None = None  # with their children already; 0: no taxon; None: any
    statuses: frozenset[str] = frozenset()
    samples: frozenset[int] = frozenset()
    accounts: frozenset[int] = frozenset()  # who labelled last
    ranges: tuple[Range | tuple[str, str, float | None, float | None], ...] = ()
    texts: tuple[Text | tuple[str, str, str, str], ...] = ()
    validated_only: bool = False
    chips: tuple[Chip, ...] = field(default=(), compare=False)
    meanings: tuple[Any, ...] = field(default=(), compare=False)  # of each chip; None where it is not obeyed
    with_children: bool = field(default=True, compare=False)
    others_than: int | None = None  # labelled last by anybody but this account; adds to `accounts`
    provenances: frozenset[str] = frozenset()
    whens: tuple[tuple[int | None, int | None], ...] = ()  # seconds since 1970 of the label
    statics: tuple[Said, ...] = ()  # of what no label changes: depth, date, place ...
    looked_up: tuple[Said, ...] = ()  # of other tables: comments, acts, who ever labelled

    def to_query(self, without: Chip | None = None) -> list[tuple[str, str]]:
        """The address's part that says this filter, or the one that is left when a chip is removed."""
        pairs = [(chip.key, chip.raw) for chip in self.chips if chip is not without]
        if not self.with_children and any(key == "taxon" for key, _ in pairs):
            pairs.append(("children", "0"))
        return pairs

    def obeyed(self, status: int = 400) -> "Filter":
        """This one, or Refused where a condition cannot be obeyed: a program is told what a person sees as a chip."""
        for chip in self.chips:
            if chip.invalid:
                raise Refused(
                    f"The condition {chip.said} cannot be obeyed: {chip.why}. Take it away, or mend it.", status=status
                )
        return self

    def without(self, chips: Sequence[Chip]) -> "Filter":
        """What is left when these conditions are removed."""
        left = [pair for pair in zip(self.chips, self.meanings, strict=True) if pair[0] not in chips]
        return _filter_of(left, self.with_children, self.validated_only)

    def keeps(
        self,
        status: str,
        taxon_id: int | None,
        account_id: int | None,
        provenance: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """Whether an object with this label, as just read, still meets the conditions that labels can change."""
        labelled = status in "DV"
        return (
            (status == "V" or not self.validated_only)
            and (not self.statuses or status in self.statuses)
            and (self.taxa is None or (taxon_id or 0) in self.taxa)
            and self._keeps_person(account_id if labelled else None, labelled)
            and (not self.provenances or _provenance(status, provenance) in self.provenances)
            and all(_in_time(at if labelled else None, *limits) for limits in self.whens)
        )

    def _keeps_person(self, account_id: int | None, labelled: bool) -> bool:
        if not self.accounts and self.others_than is None:
            return True
        by_others = self.others_than is not None and labelled and account_id != self.others_than
        return account_id in self.accounts or by_others


def _provenance(status: str, provenance: str | None) -> str | None:
    return provenance if status in "DV" else "predicted" if status == "P" else None


def _in_time(at: datetime | None, first: int | None, last: int | None) -> bool:
    if at is None:
        return False
    second = int(at.timestamp() // 1)
    return (first is None or second >= first) and (last is None or second <= last)


def pairs_in(text: str) -> Pairs:
    """The conditions of a filter that is given as one text. What is no key=value keeps an empty key: no filter has it,
    so that it is refused where a filter must be obeyed, instead of keeping everything."""
    pieces = [piece if "=" in piece else f"={piece}" for piece in text.strip().lstrip("?").split("&") if piece.strip()]
    return parse_qsl("&".join(pieces), keep_blank_values=True)


def read_filter(
    db: Db, project_id: int, query: Pairs, validated_only: bool = False, account_id: int | None = None
) -> Filter:
    """The filter that an address says. What it cannot mean here is kept as an invalid chip, and not obeyed.

    `account_id` is who looks: me. Who may see validated objects only, an anonymous person, learns nobody's name and
    cannot filter by people, their comments, acts and times.
    """
    said = [
        pair for pair in dict.fromkeys((_clean(key), _clean(raw)) for key, raw in query) if pair[0] not in VIEW_KEYS
    ]
    said = _with_numbers(db, said)
    with_children = ("children", "0") not in query
    read = [
        (Chip(key, raw, label, reading.words, reading.invalid), None if reading.invalid else reading.meaning)
        for key, raw, reading, label in _readings(db, project_id, said, validated_only, account_id)
    ]
    whole = {"taxon", "predicted"} if with_children else {"predicted"}
    taxa = [taxon for chip, meaning in read if chip.key in whole and meaning for taxon in meaning]
    if taxa:
        below = _branches(db, taxa)
        read = [(chip, below[meaning[0]] if chip.key in whole and meaning else meaning) for chip, meaning in read]
    return _filter_of(read, with_children, validated_only)


def _with_numbers(db: Db, said: Pairs) -> Pairs:
    """Taxa that are said by a display name that only one has are said by their numbers."""
    typed = [raw for key, raw in said if key in OF_TAXA and not raw.isdecimal()]
    if not typed:
        return said
    rows = db.execute(
        """
        select typed.name, min(id)::text as id
        from unnest(%s::text[]) as typed (name)
        join taxon on lower(display_name) = lower(typed.name)
        group by typed.name
        having count(*) = 1
        """,
        [sorted({*typed})],
    )
    numbers = {row.name: row.id for row in rows}
    return [(key, numbers.get(raw, raw) if key in OF_TAXA else raw) for key, raw in said]


def _filter_of(read: list[tuple[Chip, Any]], with_children: bool, validated_only: bool) -> Filter:
    """The filter of conditions and what each means."""
    good = [(chip.key, meaning) for chip, meaning in read if not chip.invalid]
    taxa = _all_of(good, "taxon")
    people = _all_of(good, "who")
    return Filter(
        taxa=frozenset(taxa) if taxa else None,
        statuses=frozenset(_all_of(good, "status")),
        samples=frozenset(_all_of(good, "sample")),
        accounts=frozenset(person for person in people if person > 0),
        others_than=next((-person for person in people if person < 0), None),
        provenances=frozenset(_all_of(good, "provenance")),
        whens=tuple(meaning for key, meaning in good if key == "when"),
        ranges=tuple(meaning for _, meaning in good if isinstance(meaning, Range)),
        texts=tuple(meaning for _, meaning in good if isinstance(meaning, Text)),
        statics=_said(good, ("acquisition", "instrument", "import", "depth", "date", "month", "time", "sun", "place",
                             "predicted", "score", "margin", "novelty")),
        looked_up=_said(good, ("ever", "comment", "act", "pile")),
        validated_only=validated_only,
        chips=tuple(chip for chip, _ in read),
        meanings=tuple(meaning for _, meaning in read),
        with_children=with_children,
    )  # fmt: skip


def _clean(raw: str) -> str:
    """Without what no table can hold: a byte of zero, half a character."""
    return raw.replace("\0", "�").encode("utf-8", "replace").decode()


def _all_of(good: list[tuple[str, Any]], key: str) -> list[Any]:
    return [value for said, meaning in good if said == key for value in meaning]


def _said(good: list[tuple[str, Any]], keys: Sequence[str]) -> tuple[Said, ...]:
    """Conditions that may be repeated as one with all their values, the others one by one."""
    found = []
    for key in keys:
        meanings = [meaning for said, meaning in good if said == key]
        if CONDITIONS[key].repeat and meanings:
            found.append(Said(key, tuple(sorted({value for meaning in meanings for value in meaning}))))
        else:
            found += [Said(key, meaning) for meaning in meanings]
    return tuple(found)


def address(path: str, *parts: Iterable[tuple[str, str]]) -> str:
    """A path with its query, if there is any."""
    query = urlencode([pair for part in parts for pair in part])
    return f"{path}?{query}" if query else path


def _readings(
    db: Db, project_id: int, said: Pairs, anonymous: bool, account_id: int | None
) -> list[tuple[str, str, Reading, str]]:
    """Key, text, meaning and label of every condition; names and columns are looked up together."""
    conditions = [(key, raw, find_condition(key)) for key, raw in said]
    allowed = [(key, raw) for key, raw, about in conditions if about and (about.for_anonymous or not anonymous)]
    names = names_of(db, project_id, [pair for pair in allowed if pair[0] in NAMED], anonymous)
    fields = project_fields(db, project_id) if any(key.startswith("f.") for key, _ in allowed) else Fields([])
    found = []
    for key, raw, about in conditions:
        label = key[2:] if key.startswith("f.") else about.label if about else key[:40]
        found.append((key, raw, _reading(about, key, raw, anonymous, account_id, names, fields), label))
    return found


def _reading(
    about: Condition | None,
    key: str,
    raw: str,
    anonymous: bool,
    account_id: int | None,
    names: dict[tuple[str, str], str],
    fields: Fields,
) -> Reading:
    if about is None:
        return unread(raw, "There is no such filter" if key else NO_CONDITION)
    if anonymous and not about.for_anonymous:
        return Reading(raw[:40], invalid=LOG_IN)
    if key.startswith("f."):
        return _field_reading(fields, key, raw)
    if key in READERS:
        return READERS[key](raw)
    if raw in dict(about.choices):
        return _viewer_reading(raw, account_id)
    if key in NUMBERED and not raw.isdecimal():
        return unread(raw, f"This needs the number of {NUMBERED[key]}")
    if (name := names.get((key, raw))) is None:
        return unread(raw, f"This project has no such {THINGS.get(key, key)}")
    return Reading(name, (raw if key == "instrument" else int(raw),))


def _viewer_reading(raw: str, account_id: int | None) -> Reading:
    """me: the viewer's account; others: told apart by its sign."""
    if account_id is None:
        return Reading(raw, invalid=LOG_IN)
    return Reading(PEOPLE_WORDS[raw], (account_id if raw == "me" else -account_id,))


def _field_reading(fields: Fields, key: str, raw: str) -> Reading:
    column = fields.find(key[2:])
    if column is None:
        return unread(raw, "This project has no such column")
    if column.type == "number":
        reading = read_number_range(raw, wanted="This column needs a range like 10..50")
        return (
            reading if reading.invalid else Reading(reading.words, Range(column.level, column.name, *reading.meaning))
        )
    if raw[:1] not in ("~", "="):
        return unread(raw, "This column needs ~ and what it contains, or = and what it is")
    words = f"contains “{raw[1:]}”" if raw[0] == "~" else f"is “{raw[1:]}”"
    return Reading(words, Text(column.level, column.name, raw[0], raw[1:]))


def _branches(db: Db, taxa: list[int]) -> dict[int, tuple[int, ...]]:
    """Each of the taxa with all that is below it."""
    rows = db.execute(
        """
        with recursive branch as (
            select id as top, id from unnest(%s::int[]) as id
            union
            select branch.top, taxon.id from branch join taxon on taxon.parent_id = branch.id
        )
        select top, array_agg(id) as ids from branch group by top
        """,
        [taxa],
    )
    return {row.top: tuple(row.ids) for row in rows}
