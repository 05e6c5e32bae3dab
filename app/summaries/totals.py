"""What a summary comes to, as its page shows it: the same sums as in its file, with the smallest put together."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from app.summaries.counting import STATUSES, Plan, Sums
from app.summaries.formulas import QUANTITIES, Formulas, header, unit
from app.taxonomy.names import is_italic

if TYPE_CHECKING:
    from app.summaries.writing import Named

MOST_TAXA, MOST_UNITS, SHOWN = 200, 300, 9  # taxa and units that are told; taxa that are told of each unit


def totals(plan: Plan, quantities: Iterable[str], sums: Sums, names: "Named", formulas: Formulas) -> dict[str, Any]:
    """Quantities with their totals; taxa, the most abundant first, with their values by status; units by name with the
    values of the first SHOWN taxa and of the others together; of both, `unknown`: quantities without any value."""
    columns = {one: sums.n if one == "abundance" else sums.values[one] for one in quantities}
    found, places = np.unique(sums.groups[:, 1], return_inverse=True)
    order = np.argsort(-np.bincount(places, sums.n, len(found)), kind="stable")
    rank = np.empty(len(found), np.int64)
    rank[order] = np.arange(len(found))
    ranks = rank[places] if len(found) else places
    return {
        "by": plan.by,
        "with_status": plan.with_status,
        "n_objects": int(sums.n.sum()),
        "n_other": sums.n_other,
        "quantities": [_quantity(one, columns[one], sums, formulas) for one in columns],
        "n_taxa": len(found),
        "taxa": _taxa(found[order], ranks, columns, sums, names),
        "n_units": len(sums.units),
        "units": _units(ranks, columns, sums, names) if plan.by != "none" else [],
    }


def _quantity(name: str, column: np.ndarray, sums: Sums, formulas: Formulas) -> dict[str, Any]:
    without = int(sums.without[name].sum()) if name in sums.without else 0
    return {
        "name": name,
        "label": QUANTITIES[name].label,
        "header": header(name, formulas),
        "unit": unit(name, formulas),
        "total": _plain(float(column.sum()), name),
        "without": without,
    }


def _plain(value: float, quantity: str) -> float | int:
    return round(value) if quantity == "abundance" else value


def _taxa(
    found: np.ndarray, ranks: np.ndarray, columns: dict[str, np.ndarray], sums: Sums, names: "Named"
) -> list[dict[str, Any]]:
    by_status = {
        one: np.stack([
            np.bincount(ranks, np.where(sums.groups[:, 2] == code, column, 0), len(found))
            for code in range(len(STATUSES))
        ])
        for one, column in columns.items()
    }  # fmt: skip
    told = []
    for place, taxon_id in enumerate(found[:MOST_TAXA].tolist()):
        row = names.taxa.get(taxon_id)
        values = {one: [_plain(value, one) for value in parts[:, place].tolist()] for one, parts in by_status.items()}
        told.append(
            {"id": taxon_id, "name": row.name if row else "unclassified", "values": values,
             "italic": row is not None and is_italic(row.name, row.rank, row.type),
             "unknown": _unknown(sums, ranks == place)}
        )  # fmt: skip
    return told


def _unknown(sums: Sums, rows: np.ndarray | slice) -> list[str]:
    """Quantities of which nothing can be said for any object of some groups: no sum, and not 0."""
    n = sums.n[rows].sum()
    return [one for one, without in sums.without.items() if n and without[rows].sum() == n]


def _units(ranks: np.ndarray, columns: dict[str, np.ndarray], sums: Sums, names: "Named") -> list[dict[str, Any]]:
    shown = sorted(sums.units.tolist(), key=names.unit_key)[:MOST_UNITS]
    starts = np.searchsorted(sums.groups[:, 0], shown)
    ends = np.searchsorted(sums.groups[:, 0], shown, side="right")
    told = []
    for unit_id, start, end in zip(shown, starts.tolist(), ends.tolist(), strict=True):
        sample, acquisition, _ = names.unit_key(unit_id)
        places = np.minimum(ranks[start:end], SHOWN)
        values = {
            one: [_plain(value, one) for value in np.bincount(places, column[start:end], SHOWN + 1).tolist()]
            for one, column in columns.items()
        }
        told.append(
            {"id": unit_id, "sample": sample, "acquisition": acquisition, "values": values,
             "unknown": _unknown(sums, slice(start, end))}
        )  # fmt: skip
    return told
