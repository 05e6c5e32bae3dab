"""What is reckoned of each object, by the three formulas that a project remembers, and in which units."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Refused
from app.expressions import Expression, Fault, evaluate, parse
from app.expressions.columns import Bound, bind, read
from app.expressions.language import Call, Constant, Node
from app.nouns import counted
from app.projects.access import Project

WATER_UNITS = {"m3": "m³", "L": "L", "mL": "mL"}
VOLUME_UNITS = {"mm3": "mm³", "um3": "µm³", "mL": "mL"}
TRIED = 1_000  # objects on which formulas are tried


@dataclass(frozen=True)
class Formulas:
    """`subsample_coef`: which part of the sample an object's acquisition is. `total_water_volume`: how much water the
    sample was taken from, in `water_unit` (m3, L or mL). `individual_volume`: of one object, in `volume_unit` (mm3, um3
    or mL). Empty: nobody has said."""

    subsample_coef: str = ""
    total_water_volume: str = ""
    individual_volume: str = ""
    water_unit: str = "m3"
    volume_unit: str = "mm3"


LABELS = {
    "subsample_coef": "Subsample coefficient",
    "total_water_volume": "Total water volume",
    "individual_volume": "Volume of one object",
}


@dataclass(frozen=True)
class Quantity:
    """What is summed up. `needs`: the formulas that it is made of."""

    label: str
    needs: tuple[str, ...]


QUANTITIES = {
    "abundance": Quantity("Abundance", ()),
    "concentration": Quantity("Concentration", ("subsample_coef", "total_water_volume")),
    "biovolume": Quantity("Biovolume", ("individual_volume", "subsample_coef", "total_water_volume")),
}


def read_formulas(said: Mapping[str, Any]) -> Formulas:
    """Formulas by name, or Refused where one is not known or its unit is none."""
    known = {one.name for one in fields(Formulas)}
    if unknown := [name for name in said if name not in known]:
        raise Refused(f"There is no formula {unknown[0]!r}. There are: {', '.join(sorted(known))}.", status=422)
    if wrong := [name for name, text in said.items() if not isinstance(text, str)]:
        raise Refused(f"{wrong[0]} is a text, not {said[wrong[0]]!r}.", status=422)
    found = Formulas(**{name: text.strip() for name, text in said.items()})
    for unit, units in ((found.water_unit, WATER_UNITS), (found.volume_unit, VOLUME_UNITS)):
        if unit not in units:
            raise Refused(f"The unit {unit!r} is none of {', '.join(units)}.", status=422)
    return found


def formulas_of(project: Any) -> Formulas:
    """Those that the project remembers."""
    return Formulas(**(project.settings.get("formulas") or {}))


def save_formulas(db: Db, project: Project, formulas: Formulas) -> None:
    """Remember them, where each can be understood and has its columns."""
    for name in LABELS:
        if getattr(formulas, name):
            bind(db, project.id, _parsed(formulas, name))
    kept = Jsonb({"formulas": asdict(formulas)})
    db.execute("update project set settings = settings || %s where id = %s", [kept, project.id])


def _parsed(formulas: Formulas, name: str) -> Expression:
    text = getattr(formulas, name)
    if not text:
        what = LABELS[name].lower()
        raise Refused(
            f"There is no formula for the {what} ({name}): write one, as 1 where nothing is divided, or choose the"
            " abundance only.",
            status=422,
        )
    return parse(text)


def expression_of(quantity: str, formulas: Formulas) -> Expression:
    """What one object adds to a quantity with formulas: 1 or its volume, by its part of the sample and the water."""
    parts = {name: _parsed(formulas, name) for name in QUANTITIES[quantity].needs}
    above = parts["individual_volume"].root if "individual_volume" in parts else Constant(1.0, "1")
    root = above
    said = LABELS["individual_volume"].lower() if "individual_volume" in parts else "1"
    for name in ("subsample_coef", "total_water_volume"):
        said = f"{said} / {LABELS[name].lower()}"
        root = Call("/", (root, parts[name].root), said)
    return _over(root, list(parts.values()))


def _over(root: Node, parts: Iterable[Expression]) -> Expression:
    refs = dict.fromkeys(ref for part in parts for ref in part.refs)
    return Expression("", root, tuple(refs))


@dataclass(frozen=True)
class Reckoner:
    """The quantities of a summary that have formulas, with where their columns stand."""

    expressions: dict[str, Expression]
    bound: Bound

    def values(self, db: Db, project_id: int, ids: list[int]) -> tuple[np.ndarray, dict[str, tuple[Any, list[Fault]]]]:
        """Ids of the objects that are there, ascending, and by quantity what each adds (NaN: nothing can be said) and
        why some have no value."""
        found, columns = read(db, project_id, self.bound, ids)
        told = {}
        for quantity, expression in self.expressions.items():
            result = evaluate(expression, columns, len(found))
            told[quantity] = (result.values, [*result.faults, *result.missing])
        return found, told


def reckoner(db: Db, project_id: int, quantities: Iterable[str], formulas: Formulas) -> Reckoner:
    """Or Refused where a formula is missing, cannot be understood, or names a column that is not there."""
    expressions = {name: expression_of(name, formulas) for name in quantities if QUANTITIES[name].needs}
    whole = _over(Constant(1.0, "1"), expressions.values())
    return Reckoner(expressions, bind(db, project_id, whole))


def header(quantity: str, formulas: Formulas) -> str:
    """The column's name, with its unit."""
    return {
        "abundance": "abundance",
        "concentration": f"concentration_per_{formulas.water_unit}",
        "biovolume": f"biovolume_{formulas.volume_unit}_per_{formulas.water_unit}",
    }[quantity]


def unit(quantity: str, formulas: Formulas) -> str:
    """As people write it."""
    water, volume = WATER_UNITS[formulas.water_unit], VOLUME_UNITS[formulas.volume_unit]
    return {
        "abundance": "objects",
        "concentration": f"individuals per {water}",
        "biovolume": f"{volume} per {water}",
    }[quantity]


@dataclass(frozen=True)
class Trial:
    """What one formula gives for the first objects. `error`: why it gives nothing; `low`, `median`, `high`: of its
    values, null where there is none; `missing`: sentences of why some objects have no value."""

    name: str
    label: str
    n_objects: int
    n_values: int
    low: float | None
    median: float | None
    high: float | None
    missing: list[str]
    error: str


def try_formulas(db: Db, project_id: int, formulas: Formulas) -> list[Trial]:
    """Each formula on the project's first objects, so that one sees what it does before a summary is made."""
    rows = db.execute("select id from object where project_id = %s order by id limit %s", [project_id, TRIED])
    ids = [row.id for row in rows]
    return [_tried(db, project_id, formulas, name, ids) for name in LABELS if getattr(formulas, name)]


def _tried(db: Db, project_id: int, formulas: Formulas, name: str, ids: list[int]) -> Trial:
    try:
        parsed = _parsed(formulas, name)
        expression = Expression(parsed.text, Call("number", (parsed.root,), parsed.text), parsed.refs)
        bound = bind(db, project_id, expression)
    except Refused as refused:
        return Trial(name, LABELS[name], 0, 0, None, None, None, [], refused.sentence)
    found, columns = read(db, project_id, bound, ids)
    result = evaluate(expression, columns, len(found))
    values = result.values[~result.absent]
    said = [f"{fault.says}: {counted(len(fault.rows), 'object')}" for fault in [*result.faults, *result.missing]]
    low, median, high = np.quantile(values, [0, 0.5, 1]).tolist() if len(values) else (None, None, None)
    return Trial(name, LABELS[name], len(found), len(values), low, median, high, said, "")
