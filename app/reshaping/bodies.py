"""What programs and pages send to reshape a project, and what they are told."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.errors import Refused
from app.reshaping.asked import Reshaping
from app.reshaping.choosing import Chosen, Per, Wish
from app.reshaping.merging import Answers, ColumnsChoice, ObjectsChoice, Samples
from app.reshaping.subset import What


@dataclass(frozen=True)
class WhichObjects:
    """`filters`: what stands in a board's address after the ?; empty: all. `ids`: only these. `share`: percent of each
    group, or `number` of objects at most of each group, drawn by `seed`; groups are by `per`."""

    filters: str = ""
    ids: list[int] = field(default_factory=list)
    share: float | None = None
    number: int | None = None
    per: Per = "project"
    seed: int = 1

    def wish(self) -> Wish:
        return Wish(self.filters, tuple(self.ids), self.share, self.number, self.per, self.seed)


@dataclass(frozen=True)
class SubsetRequest(WhichObjects):
    """A subset under its own `title`, with or without labels, their history (which only comes with the labels), what is
    predicted now, and comments."""

    title: str = ""
    labels: bool = True
    history: bool = True
    predictions: bool = True
    comments: bool = True

    def what(self) -> What:
        return What(self.labels, self.history, self.predictions, self.comments)


@dataclass(frozen=True)
class MergeRequest:
    """`source_id`: the project that comes, and is then deleted. `samples` that both have under one name, `columns`
    of one name and two types, and `objects` of one original id: what is to be done with them."""

    source_id: int
    samples: Samples = "refuse"
    columns: ColumnsChoice = "refuse"
    objects: ObjectsChoice = "refuse"

    def answers(self) -> Answers:
        return Answers(self.samples, self.columns, self.objects)


@dataclass(frozen=True)
class DeleteObjects(WhichObjects):
    """`n`: how many objects it was when you looked; where it is another number now, nothing is deleted. Without filters
    and ids it has to be said."""

    n: int | None = None


@dataclass(frozen=True)
class Typed:
    """`title`: the project's, as a confirmation."""

    title: str = ""


@dataclass(frozen=True)
class TaxonNumber:
    """How many of the objects are of a taxon."""

    taxon: str
    n: int


@dataclass(frozen=True)
class Objects:
    """What would be taken: nothing was done. `taxa`: the 20 most frequent of `n_taxa`."""

    n_objects: int
    n_samples: int
    statuses: dict[str, int]
    taxa: list[TaxonNumber]
    n_taxa: int


@dataclass(frozen=True)
class Reshaped:
    """A subset, a merge or a deletion. `kind`: subset, merge, objects or project. `status`: of its job, queued,
    running, done, failed (then `error` says why) or cancelled. `state`: done, or back where it was taken back.
    `to_id`: the project that was made, or merged into. What was deleted is kept until `expires_at`."""

    id: int
    kind: str
    project_id: int
    title: str
    to_id: int | None
    by: str | None
    job_id: int | None
    status: str
    error: str
    state: str
    n_objects: int
    created_at: datetime
    expires_at: datetime | None


def objects_of(chosen: Chosen) -> Objects:
    taxa = [TaxonNumber(name, n) for name, n in chosen.taxa]
    return Objects(len(chosen), chosen.n_samples, chosen.statuses, taxa, chosen.n_taxa)


def answer(made: Reshaping) -> Reshaped:
    told = {name: getattr(made, name) for name in Reshaped.__dataclass_fields__}
    return Reshaped(**told | ({"to_id": None} if made.kind == "objects" else {}))


@dataclass
class WhichForm:
    """As the pages send it: an empty field is none."""

    filters: str = ""
    share: str = ""
    number: str = ""
    per: str = "project"
    seed: str = "1"

    def wish(self) -> Wish:
        return Wish(
            self.filters.strip(), (), _number(self.share, float, "The share"), _number(self.number, int, "The number"),
            self.per, _number(self.seed, int, "The seed") or 0,
        )  # fmt: skip


@dataclass
class SubsetForm(WhichForm):
    title: str = ""
    labels: str = ""
    history: str = ""
    predictions: str = ""
    comments: str = ""

    def what(self) -> What:
        return What(bool(self.labels), bool(self.history), bool(self.predictions), bool(self.comments))


@dataclass
class DeleteForm(WhichForm):
    n: str = ""
    ids: str = ""

    def number_told(self) -> int | None:
        return _number(self.n, int, "The number of objects")

    def wish(self) -> Wish:
        ids = tuple(_number(one, int, "An object's number") or 0 for one in self.ids.replace(",", " ").split())
        return Wish(self.filters.strip(), ids)


@dataclass
class MergeForm:
    source: str = ""
    samples: str = "refuse"
    columns: str = "refuse"
    objects: str = "refuse"

    def source_id(self) -> int:
        return _number(self.source, int, "The project") or 0

    def answers(self) -> Answers:
        return Answers(self.samples, self.columns, self.objects)


@dataclass
class TypedForm:
    title: str = ""


def _number(text: str, kind: Any, name: str) -> Any:
    """A number as people type it; none where nothing is typed."""
    said = text.strip().rstrip("%").strip()
    if not said:
        return None
    try:
        return kind(said.replace(",", ".") if kind is float else said.replace(",", "").replace(" ", ""))
    except ValueError:
        whole = "" if kind is float else "whole "
        raise Refused(f"{name} is a {whole}number, not {text[:40]!r}.", status=422) from None
