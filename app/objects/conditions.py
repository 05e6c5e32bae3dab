"""Every kind of condition that a filter can hold: the one list behind the address, the sheet of filters and the help.

A condition is said in the address as key=value; those that may be repeated keep what meets any of their values, and
different kinds narrow each other.
"""

from dataclasses import dataclass

STATUS_WORDS = {"U": "unclassified", "P": "predicted", "D": "dubious", "V": "validated"}
PROVENANCE_WORDS = {
    "single": "one by one",
    "batch": "in a batch",
    "audit": "unseen, under an audit",
    "api": "by a program",
    "imported": "imported",
    "predicted": "predicted",
}
SUN_WORDS = {"D": "day", "N": "night", "A": "dawn", "U": "dusk", "?": "unknown"}
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
MONTH_WORDS = {str(number): name for number, name in enumerate(MONTHS, 1)}
COMMENT_WORDS = {"any": "has comments", "none": "has none"}
PEOPLE_WORDS = {"me": "me", "others": "others than me"}

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Condition:
    """One kind of condition.

    `kind` says which control asks for it: choices, months, taxon, sample, acquisition, instrument, import, person
    (each of these may be chosen several times where `repeat`), range (two numbers in `unit`), dates, times, box
    (degrees), text, field (a free column, then a range or a text) or act (of an act or
    a pile; never asked for: links lead there).
    """

    key: str
    label: str
    help: str
    kind: str
    example: str
    choices: Choices = ()
    repeat: bool = False
    unit: str = ""
    for_anonymous: bool = True

    @property
    def is_share(self) -> bool:
        """Whether it asks for a range of numbers from 0 to 1."""
        return self.kind == "range" and not self.unit


def _choices(words: dict[str, str]) -> Choices:
    return tuple(words.items())


CONDITIONS: dict[str, Condition] = {
    condition.key: condition
    for condition in (
        Condition(
            "taxon", "taxon", "Objects of this taxon, with or without the taxa below it; or those without any taxon.",
            "taxon", "taxon=45072", repeat=True,
        ),
        Condition(
            "status", "status", "What is known of the label: nothing, a prediction, a doubt or a validated label.",
            "choices", "status=P", _choices(STATUS_WORDS), repeat=True,
        ),
        Condition(
            "provenance", "provenance",
            "How the label came: given one by one, in a batch, unseen under an audit, by a program outside of batches, "
            "imported or predicted.",
            "choices", "provenance=batch", _choices(PROVENANCE_WORDS), repeat=True,
        ),
        Condition("sample", "sample", "Objects of this sample.", "sample", "sample=12", repeat=True),
        Condition(
            "acquisition", "acquisition", "Objects of this acquisition.", "acquisition", "acquisition=12", repeat=True
        ),
        Condition(
            "instrument", "instrument", "Objects whose acquisition names exactly this instrument.",
            "instrument", "instrument=zooscan", repeat=True,
        ),
        Condition("import", "import", "Objects that came with this import.", "import", "import=3", repeat=True),
        Condition(
            "who", "labelled by", "Who gave the present label: you, others or one person.",
            "person", "who=me", _choices(PEOPLE_WORDS), repeat=True, for_anonymous=False,
        ),
        Condition(
            "ever", "ever labelled by", "Who labelled the object at any time, even where others did since.",
            "person", "ever=me", (("me", "me"),), repeat=True, for_anonymous=False,
        ),
        Condition(
            "when", "labelled", "When the present label was given (UTC), from and to included; either may be left out.",
            "dates", "when=2026-05-01..2026-05-31T12:00", for_anonymous=False,
        ),
        Condition(
            "depth", "depth", "The object's shallowest and deepest depth both lie between these.",
            "range", "depth=20..60", unit="m",
        ),
        Condition(
            "date", "date", "The day on which the object was taken, from and to included.",
            "dates", "date=2024-05-01..2024-05-31",
        ),
        Condition(
            "month", "month", "The month in which the object was taken, of any year.",
            "months", "month=6", _choices(MONTH_WORDS), repeat=True,
        ),
        Condition(
            "time", "time of day", "The time (UTC) at which the object was taken; it may go past midnight.",
            "times", "time=22:00..04:00",
        ),
        Condition(
            "sun", "sun", "Day, night, dawn or dusk (nautical twilight), computed from position, date and time.",
            "choices", "sun=N", _choices(SUN_WORDS), repeat=True,
        ),
        Condition(
            "place", "place",
            "A box in degrees: south, west, north, east. West beyond east crosses the date line. The object's own "
            "position counts, else its sample's.",
            "box", "place=43,5,44.5,9", unit="°",
        ),
        Condition(
            "comment", "comment", "Objects with comments, without any, or with a comment that contains a text.",
            "text", "comment=~fragment", _choices(COMMENT_WORDS), for_anonymous=False,
        ),
        Condition(
            "predicted", "predicted as",
            "What the shown run of predictions says it is, or is below: also where a person has labelled it since.",
            "taxon", "predicted=45072", repeat=True, for_anonymous=False,
        ),
        Condition(
            "score", "score", "The score of the prediction, from 0 to 1.", "range", "score=0.5..0.9",
        ),
        Condition(
            "margin", "margin", "How far the prediction's score is above that of its second choice, from 0 to 1.",
            "range", "margin=..0.1",
        ),
        Condition(
            "novelty", "novelty",
            "How strange the object is to what the classifier learned from: the share of objects held out of its "
            "learning that are less strange, from 0 to 1.",
            "range", "novelty=0.99..",
        ),
        Condition(
            "act", "act", "Objects that one act changed, as links in the list of acts and after an undo show them.",
            "act", "act=1205", for_anonymous=False,
        ),
        Condition(
            "pile", "pile", "Objects that were set aside on a pile, as links in the list of piles show them.",
            "act", "pile=7", for_anonymous=False,
        ),
        Condition(
            "f.", "column",
            "A column of the object, or of its sample, acquisition or process: a range of numbers, or what its text "
            "contains (~) or is (=).",
            "field", "f.area=100..500",
        ),
    )
}  # fmt: skip


def find_condition(key: str) -> Condition | None:
    """The condition that a key of the address means; all free columns share one."""
    return CONDITIONS.get("f." if key.startswith("f.") else key)
