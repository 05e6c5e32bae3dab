"""The results as people and programs read them."""

import csv
import json
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.effort import costs
from tests.benchmarks.effort.diary import Diary
from tests.benchmarks.effort.measures import COVERAGES, MINUTES, Reached, after_minutes, curve, sensitivity

Curves = dict[str, dict[int, Reached]]
HEADS = (
    "strategy", "coverage %", "s / correct", "with waits", "acts / correct", "precision %", "worst tenth %", "classes",
    "unseen",
)  # fmt: skip


def rows_of(curves: Curves) -> list[list[Any]]:
    return [
        [
            name, each.coverage, round(each.seconds(), 3), round(each.with_waits, 3), round(each.acts, 3),
            round(100 * each.precision, 2), round(100 * each.worst_tenth, 1), each.n_classes, each.n_unseen,
        ]
        for name, reached in curves.items()
        for each in reached.values()
    ]  # fmt: skip


def say_effort(console: Console, title: str, curves: Curves) -> None:
    table = Table(*HEADS, title=title)
    for row in rows_of(curves):
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    console.print(table)


def say_time(console: Console, diaries: dict[str, Diary]) -> None:
    """With what was waited for on this machine: not the same the next time."""
    heads = (*(f"correct after {n} min" for n in MINUTES), "waited, s", "what for", "meanwhile in the background, s")
    table = Table("strategy", *heads)
    for name, diary in diaries.items():
        waits, meanwhile = (_seconds_by_what(diary, kind) for kind in ("wait", "background"))
        counts = after_minutes(diary)
        said, beside = (", ".join(f"{what} {s:.0f}" for what, s in each.items()) for each in (waits, meanwhile))
        table.add_row(name, *(f"{counts[n]:,}" for n in MINUTES), f"{sum(waits.values()):.0f}", said, beside)
    console.print(table)


def _seconds_by_what(diary: Diary, wanted: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind, what, value in diary.entries:
        if kind == wanted:
            found[what] = found.get(what, 0.0) + value
    return found


def say_requests(console: Console, diaries: dict[str, Diary]) -> None:
    table = Table("strategy", "request", "times", "median ms", "p95 ms", "highest ms", title="Measured at the server")
    for name, diary in diaries.items():
        for what, seconds in diary.requests.items():
            ordered = sorted(seconds)
            p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
            figures = [f"{1000 * value:.1f}" for value in (median(ordered), p95, ordered[-1])]
            table.add_row(name, what, f"{len(ordered):,}", *figures)
    console.print(table)


def say_sensitivity(console: Console, curves: Curves) -> None:
    """Which comparisons hang on one assumed cost."""
    table = Table("coverage %", "undecided between", "if this cost", "is multiplied by", title="Rankings that flip")
    for coverage in COVERAGES:
        for pair, what, factor in sensitivity(curves, coverage):
            table.add_row(str(coverage), pair, what, f"{factor:g}")
    console.print(table if table.rows else "No ranking flips when one cost is halved or doubled.")


def say_where(console: Console, curves: Curves) -> None:
    """Which acts the seconds go into."""
    table = Table("strategy", "coverage %", *costs.SECONDS, title="Seconds per correct image, by act")
    for name, reached in curves.items():
        for each in reached.values():
            parts = [costs.SECONDS[what] * each.counts.get(what, 0) / max(each.n_right, 1) for what in costs.SECONDS]
            table.add_row(name, str(each.coverage), *(f"{part:.2f}" for part in parts))
    console.print(table)


def as_json(curves: Curves) -> str:
    """{strategy: {coverage: {seconds, acts, precision}}}, the same for the same seed."""
    return json.dumps(
        {
            name: {
                str(each.coverage): {
                    "seconds": round(each.seconds(), 3),
                    "acts": round(each.acts, 3),
                    "precision": round(each.precision, 4),
                }
                for each in reached.values()
            }
            for name, reached in curves.items()
        }
    )


def write_csv(path: Path, curves: Curves) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        writer.writerows(rows_of(curves))


def curves_of(diaries: dict[str, Diary], n: int) -> Curves:
    return {name: curve(diary, n) for name, diary in diaries.items()}
