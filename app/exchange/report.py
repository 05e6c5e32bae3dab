"""What an import was asked to do, and what it tells."""

from dataclasses import asdict, dataclass, field
from typing import Any

from app.errors import Refused

SHOWN_FAULTS = 1000


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
    from_scratch: bool = False
    chunk_rows: int = 500
    processes: int = 2

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "ImportOptions":
        """Options from an API's or a job's JSON; a name that is none is told."""
        unknown = sorted(set(given) - set(cls.__dataclass_fields__))
        if unknown:
            raise Refused(f"An import has no option {', '.join(unknown)}.")
        return cls(**given)

    def shaping(self) -> dict[str, Any]:
        """Those that decide what is staged: a resumed import must have the same."""
        return {
            "taxa_from_folders": self.taxa_from_folders,
            "samples_from_folders": self.samples_from_folders,
            "skip_bad_images": self.skip_bad_images,
            "chunk_rows": self.chunk_rows,
        }

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
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "ImportReport":
        faults = [Fault(**fault) for fault in stored.get("faults", [])]
        return cls(**{**stored, "faults": faults})

    def lines(self) -> list[str]:
        """The whole report as text, most important last."""
        lines = [f"note: {note}" for note in self.notes]
        lines += [str(fault) for fault in self.faults]
        if self.n_faults > len(self.faults):
            lines.append(f"... and {self.n_faults - len(self.faults):,} more faults")
        lines += [f"unknown taxon: {text}" for text in self.missing_taxa]
        lines += [f"unknown person: {text}" for text in self.missing_users]
        return [*lines, self.summary()]

    def summary(self) -> str:
        """One sentence: what happened, to what, and what to do next."""
        counts = f"{self.n_objects:,} objects with {self.n_images:,} images from {self.n_rows:,} rows"
        if self.status == "failed":
            return f"Refused: {self.n_faults:,} faults. Nothing was added. Correct them and import again."
        if self.status == "asking":
            return (
                "Waiting for answers: name these taxa and people in a mapping file and run the same import with"
                " --mapping FILE, or let the taxa be made with --create-taxa. The images are not read again."
            )
        if self.status == "nothing":
            return "All of this was imported before. Nothing was added."
        verb = "Would add" if self.status == "checked" else "Added"
        extra = [f"{n:,} {what}" for n, what in self._extras() if n]
        return f"{verb} {counts}{' (' + ', '.join(extra) + ')' if extra else ''}."

    def _extras(self) -> list[tuple[int, str]]:
        return [
            (self.n_labels, "labelled"),
            (self.n_predictions, "predicted"),
            (self.n_skipped, "rows skipped, as they were there before"),
            (len(self.created_taxa), "taxa made"),
        ]
