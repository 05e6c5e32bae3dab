"""The columns of a project's objects, predefined and free, and how the address names them: f.area, f.sample.station."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.database import Db
from app.search.columns import PREDEFINED

LEVELS = ("object", "sample", "acquisition", "process")
LOOKED_AT = 100  # rows of each level that tell which predefined columns a project uses


@dataclass(frozen=True, slots=True)
class Field:
    """A column: where it stands and whether it holds numbers or texts."""

    level: str
    name: str
    type: str

    @property
    def key(self) -> str:
        """Its name in an address, without the `f.` before it."""
        return self.name if self.level == "object" else f"{self.level}.{self.name}"


class Fields:
    """A project's columns, found by their key."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._by_key = {field.key: field for field in fields}

    def __iter__(self) -> Iterator[Field]:
        return iter(self._by_key.values())

    def find(self, key: str) -> Field | None:
        """The column that `f.KEY` means; `f.object.NAME` may be written out."""
        return self._by_key.get(key) or self._by_key.get(key.removeprefix("object."))


def project_fields(db: Db, project_id: int) -> Fields:
    """Free columns first, as imported, then those that every project has."""
    rows = db.execute(
        """
        select level, name, type
          from field
         where project_id = %s
         order by array_position(array['object', 'sample', 'acquisition', 'process'], level), type, position
        """,
        [project_id],
    )
    free = [Field(row.level, row.name, row.type) for row in rows]
    own = [Field(level, name, type) for level, columns in PREDEFINED.items() for name, type in columns.items()]
    return Fields([*free, *(field for field in own if field not in free)])


def listed_fields(db: Db, project_id: int) -> list[Field]:
    """The columns as people choose among them: predefined ones stand last where the project's first rows have none."""
    rows = db.execute(
        """
        with part as (
            (select 'object' as level, to_jsonb(object) as told
               from object
              where project_id = %(project_id)s
              limit %(most)s)
              union all
            (select 'sample', to_jsonb(sample)
               from sample
              where project_id = %(project_id)s
              limit %(most)s)
              union all
            (select 'acquisition', to_jsonb(acquisition)
               from acquisition
              where project_id = %(project_id)s
              limit %(most)s)
              union all
            (select 'process', to_jsonb(process)
               from process
              where project_id = %(project_id)s
              limit %(most)s)
        )
        select distinct level, key
          from part, jsonb_each_text(told)
         where value not in ('', '?')
        """,
        {"project_id": project_id, "most": LOOKED_AT},
    )
    filled = {(row.level, row.key) for row in rows}
    return sorted(
        project_fields(db, project_id),
        key=lambda field: field.name in PREDEFINED[field.level] and (field.level, field.name) not in filled,
    )
