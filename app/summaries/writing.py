"""Writes a summary: its table as CSV and TSV, the objects without a value, what the columns mean, and the totals."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg.types.json import Jsonb

from app.database import Db
from app.exporting.selection import UNNAMED
from app.expressions import Fault
from app.nouns import counted
from app.summaries.counting import STATUSES, Plan, Sums, sum_up
from app.summaries.formulas import Formulas, header, read_formulas, reckoner
from app.summaries.readme import WORDS, readme
from app.summaries.regroup import regrouping
from app.summaries.totals import totals

if TYPE_CHECKING:
    from app.exporting.job import Work

ORDER = "VDPU"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # by which a spreadsheet takes a text for a formula


@dataclass(frozen=True)
class Named:
    """What the rows are called. `units`: their samples' and acquisitions' names by id; `taxa`: name, WoRMS id."""

    units: dict[int, Any]
    taxa: dict[int, Any]

    def unit_key(self, unit_id: int) -> tuple[str, str, int]:
        row = self.units.get(unit_id)
        return (row.sample, row.acquisition or "", unit_id) if row else ("", "", unit_id)


def write(work: "Work") -> int:
    choices = work.export.choices
    formulas = read_formulas(choices.formulas)
    plan = Plan(
        choices.by,
        choices.with_status,
        frozenset(STATUSES.index(one) for one in choices.statuses),
        reckoner(work.db, work.project.id, choices.quantities, formulas),
        regrouping(work.db, choices.regroup),
    )
    sums = _summed(work, plan)
    names = Named(_units(work.db, plan.by, sums.units), _taxa(work.db, sums.groups[:, 1]))
    n_rows = _tables(work, plan, sums, names, formulas)
    told = totals(plan, choices.quantities, sums, names, formulas)
    told["reasons"] = _reasons(work, sums)
    work.db.execute("update export set summary = %s where id = %s", [Jsonb(told), work.export.id])
    work.bundle.text("README.md", readme(work, plan, sums, formulas, n_rows))
    return n_rows


def _summed(work: "Work", plan: Plan) -> Sums:
    """The sums, with the objects that have no value written into a table of their own."""
    n_done = 0
    place = work.place / "without_value.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["quantity", "reason", "sample", "acquisition", "object", "object_id"])

        def done(n: int) -> None:
            nonlocal n_done
            n_done += n
            work.report.progress(n_done, len(work.selection), "objects", "")

        def missed(quantity: str, fault: Fault, ids: np.ndarray) -> None:
            for row in _objects(work.db, work.project.id, ids.tolist()):
                named = (_said(row.sample), _said(row.acquisition), row.orig_id)
                lines.writerow([quantity, fault.says, *map(_guarded, named), row.id])

        sums = sum_up(work.db, work.project, plan, work.selection, done, missed)
    if sums.reasons:
        work.bundle.shrink(place.name, place)
    place.unlink()
    return sums


def _objects(db: Db, project_id: int, ids: list[int]) -> list[Any]:
    return db.execute(
        """
        select object.id, object.orig_id, sample.orig_id as sample, acquisition.orig_id as acquisition
        from object
        join sample on sample.id = object.sample_id
        join acquisition on acquisition.id = object.acquisition_id
        where object.project_id = %s
          and object.id = any(%s::bigint[])
        order by object.id
        """,
        [project_id, ids],
    ).fetchall()


def _units(db: Db, by: str, ids: np.ndarray) -> dict[int, Any]:
    if by == "none":
        return {}
    if by == "sample":
        rows = db.execute(
            """
            select id, orig_id as sample, null as acquisition
            from sample
            where id = any(%s::bigint[])
            """,
            [ids.tolist()],
        )
    else:
        rows = db.execute(
            """
            select acquisition.id, sample.orig_id as sample, acquisition.orig_id as acquisition
            from acquisition
            join sample on sample.id = acquisition.sample_id
            where acquisition.id = any(%s::bigint[])
            """,
            [ids.tolist()],
        )
    return {row.id: row for row in rows}


def _taxa(db: Db, ids: np.ndarray) -> dict[int, Any]:
    rows = db.execute(
        """
        select id, display_name as name, aphia_id, rank, type
        from taxon
        where id = any(%s::int[])
        """,
        [np.unique(ids).tolist()],
    )
    return {row.id: row for row in rows}


def _said(name: str) -> str:
    return "" if name.startswith(UNNAMED[:-1]) else name


def _guarded(text: str) -> str:
    """No text is a formula to a spreadsheet."""
    return "'" + text if text.startswith(FORMULA_SIGNS) else text


def headers(plan: Plan, quantities: tuple[str, ...], formulas: Formulas) -> list[str]:
    """The columns of the table."""
    units = {"none": [], "sample": ["sample", "sample_id"], "acquisition": ["sample", "acquisition", "acquisition_id"]}
    found = [*units[plan.by], *(["status"] if plan.with_status else []), "taxon", "taxon_id", "aphia_id"]
    found += [header(one, formulas) for one in quantities]
    return [*found, *(f"without_{one}" for one in plan.reckoner.expressions)]


def _tables(work: "Work", plan: Plan, sums: Sums, names: Named, formulas: Formulas) -> int:
    places = {"summary.csv": ",", "summary.tsv": "\t"}
    quantities = work.export.choices.quantities
    n_rows = 0
    with ExitStack() as stack:
        writers = []
        for name, delimiter in places.items():
            file = stack.enter_context((work.place / name).open("w", newline="", encoding="utf-8-sig"))
            writers.append(csv.writer(file, delimiter=delimiter))
        for writer in writers:
            writer.writerow(headers(plan, quantities, formulas))
        for row in _rows(plan, quantities, sums, names, work.export.choices.zero_rows):
            n_rows += 1
            for writer in writers:
                writer.writerow(row)
            if n_rows % 10_000 == 0:
                work.report.checkpoint()
    for name in places:
        work.bundle.shrink(name, work.place / name)
        (work.place / name).unlink()
    return n_rows


def _rows(plan: Plan, quantities: tuple[str, ...], sums: Sums, names: Named, zero_rows: bool) -> Iterator[list[Any]]:
    """The table's rows: units by name, taxa by name, the most certain status first. With `zero_rows` each unit has a
    row for every taxon and status that any unit has."""
    pairs = {(taxon, status) for _, taxon, status in sums.groups.tolist()}
    ordered = sorted(pairs, key=lambda pair: (_taxon(names, pair[0])[0].lower(), ORDER.index(STATUSES[pair[1]])))
    ends = np.searchsorted(sums.groups[:, 0], sums.units, side="right")
    starts = np.searchsorted(sums.groups[:, 0], sums.units)
    spans = dict(zip(sums.units.tolist(), zip(starts.tolist(), ends.tolist(), strict=True), strict=True))
    for unit_id in sorted(spans, key=names.unit_key):
        start, end = spans[unit_id]
        there = {(sums.groups[k, 1].item(), sums.groups[k, 2].item()): k for k in range(start, end)}
        for pair in ordered:
            if pair in there or (zero_rows and plan.by != "none"):
                yield [*_head(plan, names, unit_id, pair), *_cells(plan, quantities, sums, there.get(pair))]


def _head(plan: Plan, names: Named, unit_id: int, pair: tuple[int, int]) -> list[Any]:
    cells: list[Any] = []
    if plan.by != "none":
        sample, acquisition, _ = names.unit_key(unit_id)
        cells = [
            _guarded(_said(sample)),
            *([_guarded(_said(acquisition))] if plan.by == "acquisition" else []),
            unit_id,
        ]
    if plan.with_status:
        cells.append(WORDS[STATUSES[pair[1]]])
    name, aphia_id = _taxon(names, pair[0])
    return [*cells, _guarded(name), pair[0] or None, aphia_id]


def _taxon(names: Named, taxon_id: int) -> tuple[str, int | None]:
    row = names.taxa.get(taxon_id)
    return (row.name, row.aphia_id) if row else ("unclassified", None)


def _cells(plan: Plan, quantities: tuple[str, ...], sums: Sums, k: int | None) -> list[Any]:
    """Values of one row, then of how many objects nothing can be said; empty where that is all of them."""
    if k is None:
        return [0] * (len(quantities) + len(plan.reckoner.expressions))
    values: list[Any] = []
    for one in quantities:
        if one == "abundance":
            values.append(int(sums.n[k]))
        else:
            values.append(None if sums.without[one][k] == sums.n[k] else f"{sums.values[one][k]:.12g}")
    return [*values, *(int(sums.without[one][k]) for one in plan.reckoner.expressions)]


def _reasons(work: "Work", sums: Sums) -> list[dict[str, Any]]:
    """Why objects have no value, the most frequent first, each with one of them."""
    firsts = _objects(work.db, work.project.id, sorted({first for _, first in sums.reasons.values()}))
    known = {row.id: row for row in firsts}
    found = []
    for (quantity, says), (n, first) in sorted(sums.reasons.items(), key=lambda item: -item[1][0]):
        row = known.get(first)
        found.append(
            {"quantity": quantity, "says": says, "n": n, "object_id": first,
             "object": row.orig_id if row else "", "sample": _said(row.sample) if row else ""}
        )  # fmt: skip
        work.note(
            f"{quantity}: {says}: {counted(n, 'object')}, the first {_first(row)}. They are counted in no {quantity}."
        )
    return found


def _first(row: Any) -> str:
    sample = _said(row.sample) if row else ""
    return (f"“{row.orig_id}”" + (f" of the sample “{sample}”" if sample else "")) if row else "removed meanwhile"
