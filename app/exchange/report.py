"""What an import was asked to do, and what it tells."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from app.errors import Refused
from app.nouns import counted

SHOWN_FAULTS = 1000
# Names in the example of a mapping; whoever has more unknown taxa writes a program, or lets them be made.
MOST_IN_EXAMPLE = 100
UPDATES = ("", "fields", "all")
# What an import may leave out: how one of it is told, and how several are.
LEFT_OUT = {
    "image": ("bad image left out", "bad images left out"),
    "cells": (
        "row has more cells than there are columns: look whether its values stand in the right ones",
        "rows have more cells than there are columns: look whether their values stand in the right ones",
    ),
    "file": ("file left out, as it is no image", "files left out, as they are no images"),
}


@dataclass(frozen=True)
class ImportOptions:
    """The choices of one import. What changes the rows is kept with it, and holds when it is resumed."""

    taxa_from_folders: bool = False
    samples_from_folders: bool = False
    skip_existing: bool = False
    skip_bad_images: bool = False
    create_taxa: bool = False
    mapping: dict[str, dict[str, Any]] = field(default_factory=dict)
    dry_run: bool = False
    # Read and check everything, and stop before it becomes visible, as if there were a question: the same import
    # without `hold` goes on from there, and reads nothing twice.
    hold: bool = False
    from_scratch: bool = False
    # Of a watched folder: what of it is there already is left out, and names in it begin with `under`; `flat` takes
    # only the files that stand in the folder itself.
    watched: bool = False
    under: str = ""
    flat: bool = False
    # Of these, files that changed after `until` (ns) and those named are still being written.
    until: int | None = None
    # Of objects that are there: "fields", or "all" for their fields and classifications; empty: objects are added.
    update: str = ""
    unsettled: list[str] = field(default_factory=list)
    chunk_rows: int = 500
    processes: int = 2

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "ImportOptions":
        """Options from an API's or a job's JSON; a name that is none is told."""
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if unknown:
            raise Refused(f"An import has no option {', '.join(unknown)}.")
        made = cls(**given)
        if made.update not in UPDATES:
            raise Refused(f"An update is of {' or '.join(UPDATES[1:])}; not {made.update!r}.", status=422)
        return made

    def shaping(self) -> dict[str, Any]:
        """Those that decide what is staged: a resumed import must have the same."""
        return {
            "taxa_from_folders": self.taxa_from_folders,
            "samples_from_folders": self.samples_from_folders,
            "skip_bad_images": self.skip_bad_images,
            "chunk_rows": self.chunk_rows,
        } | ({"under": self.under, "flat": self.flat} if self.watched else {})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a source. Line 0: the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        return f"{where}: {self.message}" if where else self.message


@dataclass
class ImportReport:
    """What became of an import. Status: done, nothing (all was there before), checked (dry run), asking, failed."""

    status: str
    import_id: int | None = None
    source: str = ""
    n_rows: int = 0
    n_objects: int = 0
    n_images: int = 0
    n_labels: int = 0
    n_predictions: int = 0
    n_skipped: int = 0
    n_faults: int = 0
    faults: list[Fault] = field(default_factory=list)
    missing_taxa: list[str] = field(default_factory=list)
    missing_users: list[str] = field(default_factory=list)
    created_taxa: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    contents: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    # Of an update: its mode, and rows of which nothing was taken, as no object is meant, or more than one.
    update: str = ""
    n_values: int = 0
    n_left_out: int = 0
    n_lost: int = 0  # labels of people that go, and nobody's come instead
    left_out: list[Fault] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "ImportReport":
        told = {name: [Fault(**fault) for fault in stored.get(name, [])] for name in ("faults", "left_out")}
        return cls(**stored | told)

    def lines(self) -> list[str]:
        """The whole report as text, most important last."""
        lines = [f"note: {note}" for note in self.notes]
        lines += [str(fault) for fault in self.faults]
        if self.n_faults > len(self.faults):
            lines.append(f"... and {counted(self.n_faults - len(self.faults), 'more fault', 'more faults')}")
        lines += [f"left out: {row}" for row in self.left_out]
        if self.n_left_out > len(self.left_out):
            lines.append(f"... and {counted(self.n_left_out - len(self.left_out), 'more row', 'more rows')}")
        if self.status in ("checked", "asking"):
            lines += self._differences()
        lines += [f"unknown taxon: {text}" for text in self.missing_taxa]
        lines += [f"unknown person: {text}" for text in self.missing_users]
        return [*lines, *self.example(), self.summary()]

    def example(self) -> list[str]:
        """A mapping file to fill in, where there is something to ask."""
        if not self.missing_taxa and not self.missing_users:
            return []
        mapping = {"taxa": self.missing_taxa[:MOST_IN_EXAMPLE], "users": self.missing_users[:MOST_IN_EXAMPLE]}
        text = json.dumps({part: dict.fromkeys(names, "") for part, names in mapping.items() if names}, indent=2,
                          ensure_ascii=False)  # fmt: skip
        return [
            "A mapping to copy into a file and fill in: for a taxon the name or number of one that is there, for a"
            " person an account's e-mail address. What stays empty is asked again.",
            *text.splitlines(),
        ]

    def summary(self) -> str:
        """One sentence: what happened, to what, and what to do next."""
        objects, images = counted(self.n_objects, "object"), counted(self.n_images, "image")
        counts = f"{objects} with {images} from {counted(self.n_rows, 'row')}"
        if self.status == "failed":
            faults = counted(self.n_faults, "fault")
            it = "it" if self.n_faults == 1 else "them"
            return f"Refused: {faults}. Nothing was added. Correct {it} and import again."
        if self.status == "asking" and (self.missing_taxa or self.missing_users):
            return (
                "Waiting for answers: name these taxa and people in a mapping file and run the same import with"
                " --mapping FILE, or let the taxa be made with --create-taxa. The images are not read again."
            )
        if self.update:
            return self._updated()
        if self.status == "nothing":
            return "All of this was imported before. Nothing was added."
        verb = "Added" if self.status == "done" else "Would add"
        extra = [counted(n, *forms) for n, *forms in self._extras() if n]
        return f"{verb} {counts}{' (' + ', '.join(extra) + ')' if extra else ''}."

    def _updated(self) -> str:
        """The same of an update."""
        told = [
            (self.n_values, "value", "values"),
            (self.n_labels, "classification", "classifications"),
            (self.n_predictions, "prediction", "predictions"),
        ]
        said = [counted(n, *forms) for n, *forms in told if n]
        left = counted(self.n_left_out, "row is", "rows are")
        rest = f" {left} left out." if self.n_left_out else ""
        if self.status == "nothing" or (not said and self.status != "done"):
            return f"Nothing differs from the project.{rest}"
        if not said:
            return f"Nothing was changed: what differed when it was looked at was labelled by somebody since.{rest}"
        if self.n_lost:
            gone = "were" if self.status == "done" else "would be"
            rest = f" {counted(self.n_lost, 'label')} of people {gone} taken away.{rest}"
        verb = "Changed" if self.status == "done" else "Would change"
        return f"{verb} {', '.join(said)} from {counted(self.n_rows, 'row')}.{rest}"

    def _differences(self) -> list[str]:
        """What an update would change, column by column, with the first values."""
        if not self.update:
            return []
        lines = []
        for key, n, is_new in self.contents["columns"]:
            new = " (a new column; it stays, empty, when the update is taken back)" if is_new else ""
            lines.append(f"{key}: {counted(n, 'value differs', 'values differ')}{new}")
            lines += [_change(one) for one in self.contents["examples"] if one["column"] == key]
        told = self.contents.get("label_examples", [])
        return [*lines, *(["classifications:"] if told else []), *(_change(one) for one in told)]

    def _extras(self) -> list[tuple[int, str, str]]:
        return [
            (self.n_labels, "labelled", "labelled"),
            (self.n_predictions, "predicted", "predicted"),
            (self.n_skipped, "row skipped, as it was there before", "rows skipped, as they were there before"),
            (len(self.created_taxa), "taxon made", "taxa made"),
        ]


def _change(one: dict[str, Any]) -> str:
    """A value as it is, and as an update would have it."""
    old, new = ("(empty)" if one[side] is None else one[side] for side in ("old", "new"))
    again = " (by another person or at another time)" if old == new else ""
    return f"  {one['name']}: {old} → {new}{again} ({one['file']}, line {one['line']})"
