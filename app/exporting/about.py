"""What an export's README.md says of it: what it is, where from, how many, and what it does not carry."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.exporting.choices import find_kind
from app.exporting.objects import PROVENANCES
from app.exporting.pictures import Pictures
from app.nouns import counted

if TYPE_CHECKING:
    from app.exporting.job import Work

NOT_CARRIED = {
    "ecotaxa_backup": "Comments, the history of labels, how a label came about, scores and second choices of"
    " predictions, vectors and settings have no place in this format. An import gives predictions the score 1.",
    "ecotaxa_general": "Comments, vectors and settings are not here.",
    "annotations": "Predictions are here without their scores. Objects without any annotation have empty cells, as"
    " EcoTaxa has it: an import in the mode “fields and classifications” leaves such objects as they are. To have it"
    " take labels away again, write unclassified into object_annotation_status of these rows.",
}

EXTRAS = {
    "score": "`score`: the probability of the current prediction's first choice, also where a person said something"
    " else",
    "choices": "`predicted_1` to `predicted_3`: the first three choices of the current prediction, also where a person"
    " said something else; `score_1` to `score_3`: their probabilities",
    "provenance": f"`provenance`: how the label came about: {PROVENANCES}",
    "batch": "`batch`: the number of the batch in which the object was labelled",
    "history": "`history`: every label so far, the oldest first: when (UTC), V validated, D dubious or U taken away,"
    " the taxon and who said it",
}


def ecotaxa(work: "Work", n_rows: int) -> str:
    """The text beside EcoTaxa's tables."""
    kind = find_kind(work.export.kind)
    lines = [
        *head(work),
        f"- {kind.label}: {kind.says}",
        f"- {counted(len(work.selection), 'object')} in {counted(n_rows, 'row')}",
        *([f"- only objects that meet {work.export.choices.filters}"] if work.export.choices.filters else []),
        "",
        "Tables are UTF-8 with a byte-order mark, tab-separated, with quotation marks around what is no number; missing"
        " values are empty cells, times are UTC. Texts are written as they are, also those that begin with = + - or @:"
        " tell a spreadsheet to read them as text.",
        "",
        NOT_CARRIED[work.export.kind],
        *([""] if work.export.choices.extras else []),
        *(f"- {EXTRAS[name]}" for name in work.export.choices.extras),
        *notes(work),
    ]
    return "\n".join(lines) + "\n"


def head(work: "Work") -> list[str]:
    """Title and origin."""
    now = datetime.now(UTC)
    return [
        f"# {work.project.title}",
        "",
        *([work.project.description, ""] if work.project.description else []),
        f"- written by Shoal on {now:%Y-%m-%d} at {now:%H:%M} UTC",
        *([f"- instrument: {work.project.instrument}"] if work.project.instrument else []),
    ]


def notes(work: "Work") -> list[str]:
    return ["", "## To know", "", *(f"- {line}" for line in work.notes)] if work.notes else []


def tell_pictures(work: "Work", pictures: Pictures) -> None:
    """What became of images that could not be written as they are."""
    if pictures.n_lost:
        work.note(
            f"{counted(pictures.n_lost, 'image is', 'images are')} missing from the store: they are left out, and no"
            " import finds them."
        )
    if pictures.n_converted:
        work.note(
            f"{counted(pictures.n_converted, 'image was', 'images were')} TIFF, WebP or BMP, and are PNG under their"
            " names."
        )
    if pictures.kept_as:
        work.note(f"Some images are {', '.join(sorted(pictures.kept_as))}, which EcoTaxa does not read.")
