"""Sums up a project's objects by sample, taxon and status, some at a time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.database import Db
from app.exporting.selection import PIECE, Selection
from app.expressions import Fault
from app.search.arrays import fetch_arrays
from app.summaries.formulas import Reckoner
from app.summaries.regroup import LEFT_OUT, Regrouping

STATUSES = "UPDV"  # by their code
FOLDED = 200_000  # groups that are held before those alike are put together
MOST_REASONS = 100
Missed = Callable[[str, Fault, np.ndarray], None]


@dataclass(frozen=True)
class Plan:
    """What is summed up. `by`: none, sample or acquisition. `statuses`: codes of those that count, all where empty.
    `with_status`: apart by status."""

    by: str
    with_status: bool
    statuses: frozenset[int]
    reckoner: Reckoner
    regrouping: Regrouping


@dataclass
class Sums:
    """Groups: unit, taxon (0: none) and status of each, int64 [k, 3], in order of the units' ids; `n`: objects, int64
    [k]; `values` and `without`: by quantity what is summed up, and of how many objects nothing can be said, [k].
    `units`: ids of all units with an object that meets the conditions, of whatever status. `reasons`: why objects have
    no value, by quantity, with how many and the first of them."""

    groups: np.ndarray
    n: np.ndarray
    values: dict[str, np.ndarray]
    without: dict[str, np.ndarray]
    units: np.ndarray
    n_other: int = 0
    reasons: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def sum_up(db: Db, project: Any, plan: Plan, chosen: Selection, done: Callable[[int], None], missed: Missed) -> Sums:
    """`done`: told how many objects were looked at; `missed`: told of objects without a value, by quantity, with their
    ids."""
    unit_of = {"none": np.zeros(len(chosen), np.int64), "sample": chosen.samples, "acquisition": chosen.acquisitions}
    units, places = np.unique(unit_of[plan.by], return_inverse=True)
    adder = _Adder(list(plan.reckoner.expressions))
    n_other, n_reasons, first = 0, Counter[tuple[str, str]](), dict[tuple[str, str], int]()
    for start in range(0, len(chosen), PIECE):
        ids, here = chosen.ids[start : start + PIECE], places[start : start + PIECE]
        taxa, statuses = _seen(db, project, ids.tolist())
        taxa = plan.regrouping.regrouped(taxa)
        counts = (taxa != LEFT_OUT) & (np.isin(statuses, list(plan.statuses)) if plan.statuses else True)
        n_other += len(ids) - int(counts.sum())
        ids, here, taxa, statuses = ids[counts], here[counts], taxa[counts], statuses[counts]
        values = {}
        if plan.reckoner.expressions and len(ids):
            found, told = plan.reckoner.values(db, project.id, ids.tolist())
            # What was removed meanwhile is not counted.
            there = np.isin(ids, found)
            here, taxa, statuses = here[there], taxa[there], statuses[there]
            for quantity, (numbers, faults) in told.items():
                values[quantity] = numbers
                for fault in faults:
                    missed(quantity, fault, found[fault.rows])
                    key = _key(quantity, fault.says, n_reasons)
                    n_reasons[key] += len(fault.rows)
                    first.setdefault(key, int(found[fault.rows[0]]))
        status = statuses if plan.with_status else np.zeros_like(statuses)
        adder.add((here << 33) + (taxa << 2) + status, values)
        done(len(chosen.ids[start : start + PIECE]))
    keys, matrix = adder.folded()
    groups = np.stack([units[keys >> 33], (keys >> 2) & 0x7FFFFFFF, keys & 3], axis=1)
    reasons = {key: (n, first[key]) for key, n in n_reasons.items()}
    return Sums(groups, matrix[:, 0].astype(np.int64), *adder.by_quantity(matrix), units, n_other, reasons)


def _key(quantity: str, says: str, known: Counter[tuple[str, str]]) -> tuple[str, str]:
    """Reasons that are told apart; texts of all kinds could make one of each object."""
    key = (quantity, says)
    return key if key in known or len(known) < MOST_REASONS else (quantity, "for other reasons")


@dataclass
class _Adder:
    """Rows by key: objects, and for each quantity its sum and the objects without a value."""

    quantities: list[str]
    keys: list[np.ndarray] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)

    def add(self, keys: np.ndarray, values: dict[str, np.ndarray]) -> None:
        columns = [np.ones(len(keys))]
        for quantity in self.quantities:
            numbers = values.get(quantity, np.empty(0))
            columns += [np.nan_to_num(numbers), np.isnan(numbers).astype(np.float64)]
        self.keys.append(keys)
        self.rows.append(np.stack(columns, axis=1))
        self._fold()
        if sum(map(len, self.keys[:-1])) > FOLDED:
            self.folded()

    def _fold(self) -> None:
        """The last rows, those of one key put together."""
        found, places = np.unique(self.keys[-1], return_inverse=True)
        rows = self.rows[-1]
        self.keys[-1] = found
        self.rows[-1] = np.stack([np.bincount(places, column, len(found)) for column in rows.T], axis=1)

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """All rows by ascending key."""
        width = 1 + 2 * len(self.quantities)
        self.keys = [np.concatenate([np.empty(0, np.int64), *self.keys])]
        self.rows = [np.concatenate([np.empty((0, width)), *self.rows])]
        self._fold()
        return self.keys[0], self.rows[0]

    def by_quantity(self, matrix: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        values = {name: matrix[:, 1 + 2 * k] for k, name in enumerate(self.quantities)}
        without = {name: matrix[:, 2 + 2 * k].astype(np.int64) for k, name in enumerate(self.quantities)}
        return values, without


def _seen(db: Db, project: Any, ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Taxon (0: none) and code of the status of objects as one sees them now, in the order of their ids."""
    taxa, statuses = fetch_arrays(
        db,
        """
        select array_agg(coalesce(label.taxon_id, prediction.taxon_id, 0)::int8 order by given.id),
               array_agg((case label.status
                          when 'V' then 3
                          when 'D' then 2
                          else (prediction.taxon_id is not null)::int
                          end)::int8 order by given.id)
        from unnest(%(ids)s::bigint[]) as given (id)
        left join label on label.project_id = %(project_id)s
                       and label.object_id = given.id
                       and label.status in ('D', 'V')
        left join prediction on prediction.project_id = %(project_id)s
                            and prediction.run_id = %(run_id)s
                            and prediction.object_id = given.id
        """,
        {"ids": ids, "project_id": project.id, "run_id": project.current_run_id},
    )
    return np.asarray(taxa, np.int64), np.asarray(statuses, np.int64)
