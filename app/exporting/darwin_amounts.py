"""Concentrations and biovolumes of a Darwin Core Archive, by the formulas that the project remembers."""

from typing import TYPE_CHECKING

import numpy as np

from app.errors import Refused
from app.exporting.darwin_terms import BIOVOLUME, CONCENTRATION
from app.exporting.selection import PIECE
from app.summaries.formulas import QUANTITIES, Formulas, formulas_of, reckoner

if TYPE_CHECKING:
    from app.exporting.job import Work

MEASURES = {"concentration": CONCENTRATION, "biovolume": BIOVOLUME}
PER_CUBIC_METRE = {"m3": 1.0, "L": 1e3, "mL": 1e6}
CUBIC_MILLIMETRES = {"mm3": 1.0, "um3": 1e-9, "mL": 1e3}
DECIMALS = 6


def reckon(work: "Work", ids: np.ndarray) -> dict[str, np.ndarray]:
    """What each of these objects, by ascending id, adds to each quantity that has formulas; NaN: it has no value."""
    formulas = formulas_of(work.project)
    wanted = [name for name in MEASURES if all(getattr(formulas, need) for need in QUANTITIES[name].needs)]
    if not wanted:
        return {}
    try:
        asked = reckoner(work.db, work.project.id, wanted, formulas)
    except Refused as refused:
        work.note(f"Concentrations and biovolumes are left out: {refused.sentence}")
        return {}
    found = {name: np.full(len(ids), np.nan) for name in wanted}
    for first in range(0, len(ids), PIECE):
        some = ids[first : first + PIECE]
        there, told = asked.values(work.db, work.project.id, some.tolist())
        places = first + np.searchsorted(some, there)
        for name, (values, _) in told.items():
            found[name][places] = values * factor(name, formulas)
        work.report.checkpoint()
    return found


def factor(quantity: str, formulas: Formulas) -> float:
    """From the units of the formulas to those of the archive: per cubic metre, in cubic millimetres."""
    volume = CUBIC_MILLIMETRES[formulas.volume_unit] if quantity == "biovolume" else 1.0
    return volume * PER_CUBIC_METRE[formulas.water_unit]


def rounded(amount: float) -> float:
    """To six decimals; what would be nothing then keeps as many digits."""
    return round(amount, DECIMALS) or float(f"{amount:.{DECIMALS}g}")
