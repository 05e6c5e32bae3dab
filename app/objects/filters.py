"""What a filter keeps of a project's objects, and how an address says it: taxon=7&status=P&f.area=10..50."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode

from app.database import Db
from app.objects.fields import Fields, project_fields

Pairs = Sequence[tuple[str, str]]

STATUS_WORDS = {"U": "unclassified", "P": "predicted", "D": "dubious", "V": "validated"}
LARGEST_INT, LARGEST_BIGINT = 2**31 - 1, 2**63 - 1
KEYS = frozenset({"taxon", "status", "sample", "who"})


@dataclass(frozen=True)
class Chip:
    """One condition as the page shows it; `invalid` says why it is not obeyed, and is empty where it is."""

    key: str
    raw: str
    label: str
    value: str
    invalid: str = ""


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
    with_children: bool = field(default=True, compare=False)

    def to_query(self, without: Chip | None = None) -> list[tuple[str, str]]:
        """The address's part that says this filter, or the one that is left when a chip is removed."""
        pairs = [(chip.key, chip.raw) for chip in self.chips if chip is not without]
        if not self.with_children and any(key == "taxon" for key, _ in pairs):
            pairs.append(("children", "0"))
        return pairs

    def keeps(self, status: str, taxon_id: int | None, account_id: int | None) -> bool:
        """Whether an object with this label, as just read, still meets the conditions that labels can change."""
        return (
            (status == "V" or not self.validated_only)
            and (not self.statuses or status in self.statuses)
            and (self.taxa is None or (taxon_id or 0) in self.taxa)
            and (not self.accounts or (account_id if status in "DV" else None) in self.accounts)
        )


def read_filter(db: Db, project_id: int, query: Pairs, validated_only: bool = False) -> Filter:
    """The filter that an address says. What it cannot mean here is kept as an invalid chip, and not obeyed.

    Who may see validated objects only, an anonymous person, learns nobody's name and cannot filter by people.
    """
    with_children = ("children", "0") not in query
    chips = [*_named_chips(db, project_id, query, validated_only), *_field_chips(project_fields(db, project_id), query)]
    order = {pair: place for place, pair in reversed(list(enumerate(query)))}
    chips.sort(key=lambda said: order[said[0].key, said[0].raw])
    good = [(chip, meaning) for chip, meaning in chips if not chip.invalid]
    taxa = [int(chip.raw) for chip, _ in good if chip.key == "taxon"]
    return Filter(
        taxa=frozenset(_with_children(db, taxa) if with_children else taxa) if taxa else None,
        statuses=frozenset(chip.raw for chip, _ in good if chip.key == "status"),
        samples=frozenset(int(chip.raw) for chip, _ in good if chip.key == "sample"),
        accounts=frozenset(int(chip.raw) for chip, _ in good if chip.key == "who"),
        ranges=tuple(meaning for _, meaning in good if isinstance(meaning, Range)),
        texts=tuple(meaning for _, meaning in good if isinstance(meaning, Text)),
        validated_only=validated_only,
        chips=tuple(chip for chip, _ in chips),
        with_children=with_children,
    )


def address(path: str, *parts: Iterable[tuple[str, str]]) -> str:
    """A path with its query, if there is any."""
    query = urlencode([pair for part in parts for pair in part])
    return f"{path}?{query}" if query else path


def _named_chips(db: Db, project_id: int, query: Pairs, nameless: bool) -> list[tuple[Chip, None]]:
    """Chips for taxa, statuses, samples and people, with their names looked up together; `nameless`: not people's."""
    said = list(dict.fromkeys((key, raw) for key, raw in query if key in KEYS))
    ids = {key: [int(raw) for k, raw in said if k == key and _is_id(key, raw)] for key in ("taxon", "sample", "who")}
    if nameless:
        ids["who"] = []
    names = {("taxon", 0): "unclassified", **_names(db, project_id, ids)} if any(ids.values()) else {}
    chips = []
    for key, raw in said:
        label = {"who": "labelled by"}.get(key, key)
        if key == "status":
            value, invalid = STATUS_WORDS.get(raw, raw[:40]), "" if raw in STATUS_WORDS else "There is no such status."
        else:
            name = names.get((key, int(raw))) if _is_id(key, raw) else None
            thing = "person" if key == "who" else key
            value, invalid = name or raw[:40], "" if name else f"This project has no such {thing}: not obeyed."
        chips.append((Chip(key, raw, label, value, invalid), None))
    return chips


def _is_id(key: str, raw: str) -> bool:
    largest = LARGEST_BIGINT if key == "sample" else LARGEST_INT
    return raw.isascii() and raw.isdigit() and len(raw) < 20 and int(raw) <= largest


def _names(db: Db, project_id: int, ids: dict[str, list[int]]) -> dict[tuple[str, int], str]:
    """Names of taxa, of the project's samples and of people who belong to the project or labelled in it."""
    rows = db.execute(
        """
        select 'taxon' as key, id::bigint as id, display_name as name
          from taxon
         where id = any(%(taxon)s::int[])
        union all
        select 'sample', id, orig_id
          from sample
         where project_id = %(project_id)s and id = any(%(sample)s::bigint[])
        union all
        select 'who', id, name
          from account
         where id = any(%(who)s::int[])
           and (exists (select from member where member.account_id = account.id and project_id = %(project_id)s)
                or exists (select from act where act.account_id = account.id and project_id = %(project_id)s)
                or exists (select from label where label.account_id = account.id and project_id = %(project_id)s))
        """,
        {"project_id": project_id, **ids},
    )
    return {(row.key, row.id): row.name for row in rows}


def _with_children(db: Db, taxa: list[int]) -> list[int]:
    rows = db.execute(
        """
        with recursive branch as (
            select unnest(%s::int[]) as id
            union
            select taxon.id from branch join taxon on taxon.parent_id = branch.id
        )
        select id from branch
        """,
        [taxa],
    )
    return [row.id for row in rows]


def _field_chips(fields: Fields, query: Pairs) -> list[tuple[Chip, Range | Text | None]]:
    said = list(dict.fromkeys((key, raw) for key, raw in query if key.startswith("f.")))
    return [_field_chip(fields, key, raw) for key, raw in said]


def _field_chip(fields: Fields, key: str, raw: str) -> tuple[Chip, Range | Text | None]:
    name, column = key[2:], fields.find(key[2:])
    if column is None:
        return Chip(key, raw, name[:40], raw[:40], "This project has no such column: not obeyed."), None
    if raw[:1] in ("~", "=") and column.type == "text":
        words = f"contains “{raw[1:]}”" if raw[0] == "~" else f"is “{raw[1:]}”"
        return Chip(key, raw, name, words), Text(column.level, column.name, raw[0], raw[1:])
    limits = _range(raw) if column.type == "number" else None
    if limits is None:
        wanted = "a range like 10..50" if column.type == "number" else "~ and what it contains, or = and what it is"
        return Chip(key, raw, name, raw[:40], f"This column needs {wanted}: not obeyed."), None
    return Chip(key, raw, name, _range_words(*limits)), Range(column.level, column.name, *limits)


def _range(raw: str) -> tuple[float | None, float | None] | None:
    """lo..hi, lo.., ..hi, or one number, with or without = before it; None if it is none of these."""
    low, dots, high = raw.removeprefix("=").partition("..")
    try:
        limits = (float(low) if low else None, float(high) if high else None) if dots else (float(low), float(low))
    except ValueError:
        return None
    return None if limits == (None, None) or any(limit != limit for limit in limits) else limits


def _range_words(low: float | None, high: float | None) -> str:
    if low == high:
        return f"{low:g}"
    if high is None:
        return f"at least {low:g}"
    if low is None:
        return f"at most {high:g}"
    return f"{low:g} to {high:g}"
