"""What a summary's README.md says: of what it is, and what each column means."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.exporting import about
from app.nouns import counted
from app.summaries.counting import Plan, Sums
from app.summaries.formulas import Formulas, header, unit

if TYPE_CHECKING:
    from app.exporting.job import Work

WORDS = {"V": "validated", "D": "dubious", "P": "predicted", "U": "unclassified"}


def readme(work: "Work", plan: Plan, sums: Sums, formulas: Formulas, n_rows: int) -> str:
    choices = work.export.choices
    by = {"none": "of all objects together", "sample": "by sample", "acquisition": "by acquisition"}[plan.by]
    lines = [
        *about.head(work),
        f"- a summary {by}: {counted(int(sums.n.sum()), 'object')} in {counted(n_rows, 'row')}",
        *(
            [f"- {counted(sums.n_other, 'object is', 'objects are')} of other statuses, or of taxa that are left out"]
            if sums.n_other
            else []
        ),
        *([f"- only objects that meet {choices.filters}"] if choices.filters else []),
        *([f"- only {', '.join(WORDS[one] for one in choices.statuses)}"] if choices.statuses else []),
        "",
        "`summary.csv` and `summary.tsv` are the same table, with commas and with tabs. UTF-8 with a byte-order mark;"
        " texts that a spreadsheet would take for a formula have a ' before them; empty: there is no such number.",
        "",
        "## Columns",
        "",
        *_columns(plan, choices.quantities, formulas),
        *([
            "", "## Taxa counted as others", "", *(f"- {line}" for line in choices.regroup),
        ] if choices.regroup else []),
        *about.notes(work),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _columns(plan: Plan, quantities: tuple[str, ...], formulas: Formulas) -> Iterator[str]:
    if plan.by != "none":
        yield "- `sample`: its name; `sample_id`, `acquisition_id`: Shoal's number, which no other one has"
    if plan.with_status:
        yield "- `status`: of the objects in this row: validated, dubious, predicted or unclassified"
    yield "- `taxon`: as it is called in Shoal; `taxon_id`: its number there; `aphia_id`: its WoRMS id, if it has one"
    parts = "the subsample coefficient × the total water volume"
    meant = {
        "abundance": "how many objects there are",
        "concentration": f"the sum over the objects of 1 / ({parts})",
        "biovolume": f"the sum over the objects of the volume of one object / ({parts})",
    }
    for one in quantities:
        yield f"- `{header(one, formulas)}`: {unit(one, formulas)}: {meant[one]}"
        if one in plan.reckoner.expressions:
            yield (
                f"- `without_{one}`: of how many of the row's objects nothing can be said; the sum leaves them out: see"
                " `without_value.csv`"
            )
    if plan.reckoner.expressions:
        yield f"- subsample coefficient: `{formulas.subsample_coef}`"
        yield f"- total water volume, {unit('concentration', formulas).split()[-1]}: `{formulas.total_water_volume}`"
    if "biovolume" in plan.reckoner.expressions:
        yield f"- volume of one object, {unit('biovolume', formulas).split()[0]}: `{formulas.individual_volume}`"
    if plan.by == "none" and plan.reckoner.expressions:
        yield "- of all samples together the sum of theirs, which is no mean"
    if plan.by != "none":
        yield "- a row with 0: none of the objects that are counted; those of other statuses may be of that taxon"
