"""What an edit of columns is asked to do, checked against the project before anything is looked at or written."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from app.database import Db
from app.edits.columns import EditColumn, check_level, edit_columns, find_column, new_column
from app.edits.sources import Formula, OneValue, Source, Table
from app.edits.tables import find_table
from app.edits.things import PLURALS
from app.errors import Refused
from app.exchange.values import BadValue
from app.expressions import parse

Way = Literal["value", "formula", "table"]
SHORT = 60


@dataclass(frozen=True)
class ValuesWish:
    """`way`: one `value` for all (empty: it goes), a `formula` over their columns, or the rows of the table `table_id`.
    `column`: of the `level`, such as area; of a table its own. `new_column`: number or text, where the project is to
    get it by this edit. `filters`: only what holds objects that meet these conditions, as an address of the board says
    them. `empty_erases`: empty cells of the table take values away, instead of leaving them."""

    level: str
    way: Way
    column: str = ""
    value: str = ""
    formula: str = ""
    table_id: int | None = None
    new_column: str = ""
    filters: str = ""
    empty_erases: bool = False

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ("", None, False)}

    def words(self, source: Source) -> str:
        """The edit in a line, for lists."""
        named = ", ".join(column.key for column in source.columns)
        if self.way == "formula":
            return f"{named} = {_short(self.formula)}"
        if self.way == "table":
            return f"{_short(named)} from a table"
        return f"{named} = {_short(self.value)}" if self.value.strip() else f"{named} emptied"


def read_wish(stored: dict[str, Any]) -> ValuesWish:
    known = {one.name for one in fields(ValuesWish)}
    return ValuesWish(**{name: value for name, value in stored.items() if name in known})


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def find_source(db: Db, project_id: int, wish: ValuesWish, may_be_there: bool = False) -> Source:
    """Where the new values come from, or Refused with what is wrong. `may_be_there`: the new column was made already,
    by this very edit."""
    level = check_level(wish.level)
    if wish.way == "table":
        return _table(db, project_id, wish)
    if not wish.column.strip():
        raise Refused("Name the column that is to change.", status=422)
    column = _column(db, project_id, wish, may_be_there)
    if wish.way == "formula":
        return Formula(db, project_id, column, parse(wish.formula))
    if wish.way != "value":
        raise Refused(f"{wish.way!r} is none of value, formula and table.", status=422)
    if level == "object" and wish.new_column and not wish.value.strip():
        raise Refused("A new column needs a value.", status=422)
    try:
        return OneValue(column, column.read(wish.value))
    except BadValue as bad:
        raise Refused(str(bad), status=422) from None


def _column(db: Db, project_id: int, wish: ValuesWish, may_be_there: bool) -> EditColumn:
    if wish.new_column and not may_be_there:
        return new_column(db, project_id, wish.level, wish.column, wish.new_column)
    return find_column(edit_columns(db, project_id, wish.level), wish.level, wish.column)


def _table(db: Db, project_id: int, wish: ValuesWish) -> Table:
    row = find_table(db, project_id, wish.table_id or 0)
    if row.level != wish.level:
        raise Refused(f"The rows of this table are {PLURALS[row.level]}, not {PLURALS[wish.level]}.", status=422)
    known = edit_columns(db, project_id, row.level)
    return Table(row.id, [find_column(known, row.level, name) for name in row.columns], wish.empty_erases)
