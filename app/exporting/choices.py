"""What an export is asked to be: which kinds there are, what each lets one choose, and who may ask for it."""

from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from app.errors import Refused

Images = Literal["none", "first", "all"]
SplitBy = Literal["none", "sample", "acquisition", "taxon"]
By = Literal["none", "sample", "acquisition"]
Quantity = Literal["abundance", "concentration", "biovolume"]
Extra = Literal["score", "choices", "provenance", "batch", "history"]
Status = Literal["U", "P", "D", "V"]
EXTRAS: tuple[str, ...] = get_args(Extra)
LONGEST_TEXT = 500
OWN = "own"  # the project's embedder, among the vectors that are wanted


@dataclass(frozen=True)
class Kind:
    """A kind of export. `takes`: the choices that it knows; `images`: what it brings of them unless asked otherwise.
    `for_annotators`: without images, whoever may label may have it."""

    label: str
    says: str
    takes: frozenset[str]
    images: Images = "none"
    for_annotators: bool = False
    statuses: tuple[str, ...] = ()  # of objects, unless asked otherwise; none is named: any
    needs_images: bool = False
    page: str = ""  # of the project, where it is asked for
    suffix: str = "zip"
    allows: tuple[str, ...] = ("U", "P", "D", "V")  # statuses that it has a place for; some must be named if not all


LEARNING = frozenset({"images", "filters", "statuses", "with_unseen", "validation", "test", "seed", "licence"})
KINDS = {
    "ecotaxa_backup": Kind(
        "EcoTaxa backup",
        "The whole project as EcoTaxa and Shoal import it: a folder for each sample, with its table and its images.",
        frozenset({"images", "convert"}),
        images="all",
    ),
    "ecotaxa_general": Kind(
        "EcoTaxa tables",
        "Tables to read and to work with: all columns or chosen ones, in one file or one for each sample, acquisition"
        " or taxon.",
        frozenset({"images", "filters", "split_by", "columns", "internal_ids", "types_row", "extras"}),
        for_annotators=True,
    ),
    "annotations": Kind(
        "Annotations",
        "Who called each object what, and when: what a later update restores, except that an object was unclassified.",
        frozenset({"filters"}),
        for_annotators=True,
    ),
    "folders": Kind(
        "A folder for each class",
        "Images in train, validation and test, and there in a folder for each taxon: what torchvision, Keras and"
        " Hugging Face's datasets load as it is.",
        LEARNING,
        images="first",
        statuses=("V",),
        needs_images=True,
    ),
    "coco": Kind(
        "COCO",
        "Images, and for each split a file of annotations as COCO has them, with the whole image as the box.",
        LEARNING,
        images="first",
        statuses=("V",),
        needs_images=True,
    ),
    "csv": Kind(
        "CSV",
        "One table of objects with all their columns, labels and predictions, and one of taxa.",
        LEARNING,
    ),
    "parquet": Kind(
        "Parquet",
        "The same as typed columns, with the vectors of any embedder: read at once, whatever their number.",
        LEARNING | {"vectors"},
    ),
    "summary": Kind(
        "Summary",
        "How much there is of each taxon, by sample or acquisition: numbers, concentrations and volumes, as tables and"
        " as a plot.",
        frozenset({"filters", "statuses", "by", "with_status", "quantities", "formulas", "regroup", "zero_rows"}),
        for_annotators=True,
        page="summaries",
    ),
    "darwin_core": Kind(
        "Darwin Core Archive",
        "For OBIS and GBIF: samples as events, their taxa by WoRMS ids as occurrences with counts, and the metadata of"
        " the project.",
        frozenset({"filters", "statuses", "through_ancestors", "with_absent"}),
        statuses=("V",),
        allows=("V", "P"),
    ),
    "archive": Kind(
        "Whole project",
        "Everything in one file: images, fields, labels with their history, predictions, vectors, classifiers, members."
        " Whoever runs a Shoal makes a project of it with the command: shoal archive --restore FILE.",
        frozenset(),
        images="all",
        suffix="shoal",
    ),
}


@dataclass(frozen=True)
class Choices:
    """`images`: of each object none, the first or all. `convert`: images that EcoTaxa does not read (TIFF, WebP, BMP)
    are written as PNG under their names. `filters`: only objects that meet the conditions of a board's address.
    `split_by`: a table for each of what. `columns`: headers that are wanted, all where none is named. `internal_ids`:
    also Shoal's own numbers. `types_row`: with the second line and the columns that imports want. `extras`: columns
    that EcoTaxa has no place for. `statuses`: only objects of these. `with_unseen`: also labels that were accepted
    unseen under an audit. `validation`, `test`: percent of the objects that go there, whole samples at a time, drawn by
    `seed`. `licence`: under which the data is given. `vectors`: of which embedders, by name; own: the project's.
    `through_ancestors`: taxa without a WoRMS id go by the nearest ancestor's. `with_absent`: of each taxon also in
    which samples it was not. Of summaries: `by` what, `with_status` apart by status, of which `quantities`, by which
    `formulas`, with taxa counted as others by the lines of `regroup`; `zero_rows`: each unit has every taxon."""

    images: Images = "none"
    convert: bool = True
    filters: str = ""
    split_by: SplitBy = "none"
    columns: tuple[str, ...] = ()
    internal_ids: bool = False
    types_row: bool = False
    extras: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    with_unseen: bool = False
    validation: int = 10
    test: int = 10
    seed: int = 1
    licence: str = ""
    vectors: tuple[str, ...] = (OWN,)
    through_ancestors: bool = False
    with_absent: bool = False
    by: By = "none"
    with_status: bool = True
    quantities: tuple[str, ...] = ("abundance",)
    formulas: dict[str, str] = field(default_factory=dict)
    regroup: tuple[str, ...] = ()
    zero_rows: bool = True

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


LISTED = frozenset(one.name for one in fields(Choices) if "tuple" in str(one.type))
ALLOWED: dict[str, tuple[str, ...]] = {
    "images": get_args(Images),
    "split_by": get_args(SplitBy),
    "extras": EXTRAS,
    "statuses": get_args(Status),
    "by": get_args(By),
    "quantities": get_args(Quantity),
}


@dataclass(frozen=True)
class Wish:
    """An export as it is asked for: what is left open takes the kind's own choice."""

    kind: str
    given: dict[str, Any] = field(default_factory=dict)

    def choices(self) -> Choices:
        """The choices, or Refused where the kind knows no such thing."""
        kind = find_kind(self.kind)
        given = {name: value for name, value in self.given.items() if value is not None}
        for name, value in given.items():
            if name not in kind.takes and value != usual(name):
                known = ", ".join(sorted(kind.takes)) or "none"
                raise Refused(f"“{kind.label}” has no choice {name!r}. It has: {known}.", status=422)
        given = {name: tuple(value) if name in LISTED else value for name, value in given.items()}
        of_kind = {"images": kind.images, "statuses": kind.statuses}
        made = Choices(**of_kind | {name: given[name] for name in given if name in kind.takes})
        _check(made)
        wrong = set(made.statuses) - set(kind.allows)
        if wrong or (not made.statuses and len(kind.allows) < len(get_args(Status))):
            raise Refused(f"“{kind.label}” is of objects of the statuses {', '.join(kind.allows)}.", status=422)
        if kind.needs_images and made.images == "none":
            raise Refused(f"“{kind.label}” is made of images: choose the first of each object, or all.", status=422)
        return made


def usual(name: str) -> Any:
    """What a choice is where nobody chose; lists as JSON has them."""
    one = Choices.__dataclass_fields__[name]
    value = one.default if one.default is not MISSING else one.default_factory()  # type: ignore[misc]
    return list(value) if isinstance(value, tuple) else value


def find_kind(name: str) -> Kind:
    if name not in KINDS:
        raise Refused(f"There is no export of the kind {name!r}. There are: {', '.join(KINDS)}.", status=422)
    return KINDS[name]


def read_choices(stored: dict[str, Any]) -> Choices:
    """Choices as the database keeps them."""
    known = {name: value for name, value in stored.items() if name in Choices.__dataclass_fields__}
    return Choices(**{name: tuple(value) if name in LISTED else value for name, value in known.items()})


def needs_manager(kind: str, choices: Choices) -> bool:
    """Images leave in bulk, and everything at once, by a manager's hand only."""
    return not find_kind(kind).for_annotators or choices.images != "none"


def _check(choices: Choices) -> None:
    for name, allowed in ALLOWED.items():
        value = getattr(choices, name)
        wrong = [one for one in (value if name in LISTED else [value]) if one not in allowed]
        if wrong:
            raise Refused(f"{name}: {wrong[0]!r} is none of {', '.join(allowed)}.", status=422)
    if min(choices.validation, choices.test) < 0 or choices.validation + choices.test > 90:
        raise Refused(
            "Validation and test take 0 to 90 % of the objects together: the rest is to learn from.", status=422
        )
    if not 0 <= choices.seed < 2**31:
        raise Refused("The seed is a whole number from 0 to 2,147,483,647.", status=422)
    if len(choices.licence) > LONGEST_TEXT:
        raise Refused(f"The licence has over {LONGEST_TEXT} characters: name it, or give its address.", status=422)
    if choices.types_row and (choices.internal_ids or choices.extras):
        raise Refused(
            "A table with a types row is for imports, which know neither internal ids nor extra columns: leave these"
            " out, or the types row.",
            status=422,
        )
