"""The numbers of an archive and those that stand for them in this Shoal."""

from dataclasses import dataclass, field

from app.database import Db
from app.keeping.archive import columns_of
from app.keeping.archive_tables import NUMBERED, TABLES

# Between asking for the end of a sequence and moving it on, others may take numbers: never so many.
ELBOW_ROOM = 1000
RESERVING_LOCK = 7_460_068


@dataclass
class Numbers:
    """`taxon`, `account`, `embedder`: new by old. `project`: the old one. The other kinds are shifted as a block."""

    taxon: dict[int, int]
    account: dict[int, int]
    embedder: dict[int, int]
    project: int
    new_project: int = 0
    shifts: dict[str, int] = field(default_factory=dict)

    def reserve(self, db: Db) -> None:
        """Take a block of each sequence, as long as the archive's numbers reach. Its rows are in temporary tables."""
        db.execute("select pg_advisory_xact_lock(%s)", [RESERVING_LOCK])
        self.new_project = int(db.execute("select nextval('project_id_seq') as id").fetchone().id)
        for kind, sequence in NUMBERED.items():
            span = _span(db, kind)
            if span is None:
                continue
            low, high = span
            taken = int(db.execute("select nextval(%s) as n", [sequence]).fetchone().n)
            first = taken + ELBOW_ROOM
            db.execute("select setval(%s, %s)", [sequence, first + high - low + 1])
            self.shifts[kind] = first - low

    def shift(self, kind: str) -> int:
        return self.shifts.get(kind, 0)

    def new(self, kind: str, number: int) -> int | None:
        """What stands for a number now; None where that is not in the archive."""
        if kind in ("taxon", "account", "embedder"):
            known: dict[int, int] = getattr(self, kind)
            return known.get(number)
        if kind == "project":
            return self.new_project if number == self.project else None
        return number + self.shifts[kind] if kind in self.shifts else None


def _span(db: Db, kind: str) -> tuple[int, int] | None:
    """The lowest and highest number of a kind, also of what is gone and still named."""
    asked = " union all ".join(
        f"select min({column}) as low, max({column}) as high from archived_{table.name} where {column} > 0"  # noqa: S608
        for table in TABLES
        for column in columns_of(db, table)
        if table.kind(column) == kind
    )
    row = db.execute(f"select min(low) as low, max(high) as high from ({asked}) as spans").fetchone()  # noqa: S608
    return None if row.low is None else (int(row.low), int(row.high))
