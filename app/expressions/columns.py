"""The columns of a project as formulas name them: found or told of, and read for some rows at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from app.database import Db
from app.errors import Refused
from app.expressions.language import Expression, Ref
from app.objects.fields import Field, project_fields
from app.search.arrays import fetch_arrays
from app.search.columns import PREDEFINED

# Of a row of each level, what belongs to it: an object has a sample, a sample has no one object.
REACHES = {
    "object": ("object", "sample", "acquisition", "process"),
    "process": ("process", "acquisition", "sample"),
    "acquisition": ("acquisition", "sample", "process"),
    "sample": ("sample",),
}
# Names that EcoTaxa's tables have for columns that every project has.
ALSO = {
    "id": "orig_id", "lat": "latitude", "lon": "longitude", "long": "longitude", "depth_min": "depth_min_m",
    "depth_max": "depth_max_m", "objdate": "date", "objtime": "time", "sunpos": "sun_position",
}  # fmt: skip
FROM = {
    "object": """
from (select * from object where project_id = %(project_id)s and id = any(%(ids)s::bigint[])) as object
join sample on sample.id = object.sample_id
join acquisition on acquisition.id = object.acquisition_id
left join process on process.acquisition_id = object.acquisition_id
left join (
    select *
    from object_field
    where project_id = %(project_id)s
      and object_id = any(%(ids)s::bigint[])
) as object_field on object_field.object_id = object.id
""",
    "acquisition": """
from acquisition
join sample on sample.id = acquisition.sample_id
left join process on process.acquisition_id = acquisition.id
where acquisition.project_id = %(project_id)s
  and acquisition.id = any(%(ids)s::bigint[])
""",
    "process": """
from process
join acquisition on acquisition.id = process.acquisition_id
join sample on sample.id = acquisition.sample_id
where process.project_id = %(project_id)s
  and process.acquisition_id = any(%(ids)s::bigint[])
""",
    "sample": """
from sample
where sample.project_id = %(project_id)s
  and sample.id = any(%(ids)s::bigint[])
""",
}
IDS = {"object": "object.id", "acquisition": "acquisition.id", "process": "process.acquisition_id",
       "sample": "sample.id"}  # fmt: skip


@dataclass(frozen=True)
class Bound:
    """Where the columns of a formula stand, for rows of one level; `positions`: of the objects' free columns."""

    level: str
    fields: dict[Ref, Field]
    positions: dict[str, int]


def bind(db: Db, project_id: int, expression: Expression, level: str = "object") -> Bound:
    """Find a formula's columns, or Refused with the first that is not there. A column named without its level is one of
    `level`, whose rows the formula is for."""
    fields = list(project_fields(db, project_id))
    found = {ref: _find(fields, ref, level) for ref in expression.refs}
    rows = db.execute(
        """
        select name, position
        from field
        where project_id = %s
          and level = 'object'
        """,
        [project_id],
    )
    return Bound(level, found, {row.name: row.position for row in rows})


def _find(fields: list[Field], ref: Ref, level: str) -> Field:
    typed = ref.typed or str(ref)
    levels = ("process", "acquisition") if ref.level == "subsample" else (ref.level or level,)
    for one in levels:
        if one not in REACHES[level]:
            raise Refused(f"{typed} is of an {one}, and a {level} has many of them: name a column of the {level}.", 422)
    there = [field for field in fields if field.level in levels]
    found = _named(there, ref.name)
    if len(found) > 1:
        raise Refused(f"{typed} may be the process's or the acquisition's: write process. or acq. before it.", 422)
    if not found:
        sentence = f"There is no column {typed}: the project has no “{ref.name}” of {_of(levels)}."
        raise Refused(sentence + _near(fields, ref), 422)
    return found[0]


def _named(fields: list[Field], name: str) -> list[Field]:
    for wanted in (name, ALSO.get(name.lower(), name)):
        if found := [field for field in fields if field.name == wanted]:
            return found
    return [field for field in fields if field.name.lower() == name.lower()]


def _of(levels: tuple[str, ...]) -> str:
    many = {"object": "objects", "sample": "samples", "acquisition": "acquisitions", "process": "processes"}
    return " or ".join(many[level] for level in levels)


def _near(fields: list[Field], ref: Ref) -> str:
    near = get_close_matches(ref.name.lower(), [field.name.lower() for field in fields], 3, 0.6)
    meant = [str(Ref(field.level, field.name)) for field in fields if field.name.lower() in near][:3]
    return f" Did you mean {' or '.join(meant)}?" if meant else ""


def read(db: Db, project_id: int, bound: Bound, ids: list[int]) -> tuple[np.ndarray, Mapping[Ref, np.ndarray]]:
    """Ids of the rows that are there, ascending, and the formula's columns for each; a process has its acquisition's.

    Some 10,000 at a time: what they say is held in memory.
    """
    params: dict[str, Any] = {"project_id": project_id, "ids": ids}
    order = IDS[bound.level]
    cells = [f"array_agg({order} order by {order})"]
    for place, field in enumerate(bound.fields.values()):
        cells.append(f"array_agg({_cell(bound, field, place, params)} order by {order})")
    found = fetch_arrays(db, f"select {', '.join(cells)} {FROM[bound.level]}", params)
    if found[0] is None:
        return np.empty(0, np.int64), {ref: np.empty(0) for ref in bound.fields}
    return np.asarray(found[0], np.int64), {
        ref: _column(values) for ref, values in zip(bound.fields, found[1:], strict=True)
    }


def _column(values: Any) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return values
    texts = np.empty(len(values), object)
    texts[:] = values
    return texts


def _cell(bound: Bound, field: Field, place: int, params: dict[str, Any]) -> str:
    """A column's SQL; numbers without nulls, as arrays of them are read."""
    if field.level == "object" and field.name in bound.positions:
        at = int(bound.positions[field.name])
        if field.type == "number":
            return f"coalesce(object_field.numbers[{at}], 'NaN')::float8"
        return f"object_field.texts[{at}]"
    if (own := _own(field)) is not None:
        return own
    params[f"name{place}"] = field.name
    return f"{field.level}.fields ->> %(name{place})s::text"


def _own(field: Field) -> str | None:
    """The SQL of a column that every project has."""
    kind = PREDEFINED[field.level].get(field.name)
    if kind is None:
        return None
    cell = f"{field.level}.{field.name}"
    return f"coalesce({cell}, 'NaN')::float8" if kind == "number" else f"{cell}::text"
