"""The README.md of what is exported to learn from: what it is, from where, under which licence, and how many."""

import csv
import io
from typing import TYPE_CHECKING

from app.exporting import about
from app.exporting.labelled import SPLITS, STATUSES, Seen, Taxon
from app.nouns import counted

if TYPE_CHECKING:
    from app.exporting.job import Work

WORDS = {"U": "unclassified", "P": "predicted", "D": "dubious", "V": "validated"}
TAXA = "taxa.csv"
LOADS = {
    "folders": [
        "    from datasets import load_dataset",
        '    data = load_dataset("imagefolder", data_dir="here")',
        "",
        "    from torchvision.datasets import ImageFolder",
        '    train = ImageFolder("here/train")',
    ],
    "coco": [
        "    from pycocotools.coco import COCO",
        '    train = COCO("here/annotations/train.json")',
    ],
    "csv": [
        "    import pandas",
        '    objects = pandas.read_csv("here/objects.csv")',
    ],
    "parquet": [
        "    import pandas",
        '    objects = pandas.read_parquet("here/objects.parquet")',
    ],
}


def write(work: "Work", seen: Seen, taxa: dict[int, Taxon], says: list[str]) -> None:
    """The card, and the table of taxa. `says`: what is to be known of this kind's files."""
    work.bundle.text("README.md", text(work, seen, taxa, says))
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    names = ["id", "name", "folder", "parent", "lineage", "type", "rank", "ecotaxa_id", "aphia_id"]
    lines.writerow([*names, *SPLITS])
    counts = seen.counts()
    for taxon in sorted(taxa.values(), key=lambda taxon: taxon.name):
        if taxon.id in counts:
            lines.writerow([*(guarded(getattr(taxon, name)) for name in names), *counts[taxon.id]])
    work.bundle.text(TAXA, out.getvalue())


def guarded(cell: object) -> object:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def text(work: "Work", seen: Seen, taxa: dict[int, Taxon], says: list[str]) -> str:
    choices = work.export.choices
    licence = choices.licence or work.project.settings.get("licence") or "not stated: ask who made the project"
    statuses = [WORDS[letter] for letter in choices.statuses or STATUSES]
    lines = [
        *about.head(work),
        f"- licence: {licence}",
        f"- {counted(len(seen), 'object')} of {len(set(seen.taxa.tolist()) - {0}):,} taxa: {', '.join(statuses)}"
        + ("" if choices.with_unseen or not choices.statuses else "; labels accepted unseen under an audit left out"),
        *([f"- only objects that meet {choices.filters}"] if choices.filters else []),
        f"- splits by sample, seed {choices.seed}: no sample is in two of them",
        "",
        *LOADS[work.export.kind],
        "",
        *(f"- {line}" for line in says),
        f"- `{TAXA}`: the taxa with their lineages, and how many objects of each are in each split",
        *about.notes(work),
        "",
        "## How many",
        "",
        "| taxon | train | validation | test |",
        "| --- | ---: | ---: | ---: |",
        *_rows(seen, taxa),
    ]
    return "\n".join(lines) + "\n"


def _rows(seen: Seen, taxa: dict[int, Taxon]) -> list[str]:
    """A line for each taxon, the largest first."""
    counts = sorted(seen.counts().items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    names = {id: taxon.name.replace("|", "\\|").replace("\n", " ") for id, taxon in taxa.items()}
    return [f"| {names.get(id, id)} | " + " | ".join(f"{n:,}" for n in split) + " |" for id, split in counts]
