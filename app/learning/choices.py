"""What a learning set is asked to be: its sources, what each taxon is to teach, how many of each, and how chosen."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from app.errors import Refused

USUAL_PER_TAXON = 5000
MOST_PER_TAXON, MOST_SOURCES = 1_000_000, 1000
LARGEST_ID = 2**31
Pick = Literal["varied", "random"]


@dataclass(frozen=True)
class Choices:
    """`sources`: ids of projects. `taxa`: what an own taxon is to teach, itself where it is not named, null where it is
    left out; with `only_listed`, what is not named is left out too. `per_taxon`: at most so many objects of each taxon
    that is taught, null for all, chosen so that they cover its variety, or at random. `with_unseen`: also what was
    accepted unseen under an audit. `filters`: an address's conditions that objects must meet, in every source.
    `embed_missing`: vectors by the project's embedder are made where sources have others. `versions`: of sources that
    teach what one of their frozen versions says, its number; others teach what they say now.
    """

    sources: tuple[int, ...] = ()
    taxa: dict[int, int | None] = field(default_factory=dict)
    per_taxon: int | None = USUAL_PER_TAXON
    pick: Pick = "varied"
    seed: int = 1
    with_unseen: bool = False
    filters: str = ""
    only_listed: bool = False
    embed_missing: bool = False
    versions: dict[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"sources": list(self.sources)}


def read_choices(stored: dict[str, Any]) -> Choices:
    """Choices as the database keeps them."""
    taxa = {int(own): taught for own, taught in stored.get("taxa", {}).items()}
    known = {key: value for key, value in stored.items() if key in Choices.__dataclass_fields__}
    frozen = {int(source): number for source, number in stored.get("versions", {}).items()}
    return Choices(**known | {"taxa": taxa, "versions": frozen, "sources": tuple(stored.get("sources", ()))})


def check(choices: Choices) -> None:
    """Refuse what no set can be."""
    if not choices.sources:
        raise Refused("Choose at least one project whose validated objects are to teach.", status=422)
    if len(choices.sources) > MOST_SOURCES:
        raise Refused(
            f"A learning set takes {MOST_SOURCES:,} projects at most, not {len(choices.sources):,}.", status=422
        )
    if strangers := set(choices.versions) - set(choices.sources):
        raise Refused(f"Project {min(strangers)} is no source, so no version of it can teach.", status=422)
    taught = [taxon for taxon in choices.taxa.values() if taxon is not None]
    ids = [*choices.sources, *choices.versions.values(), *choices.taxa, *taught]
    wrong = next((one for one in ids if not 0 < one < LARGEST_ID), None)
    if wrong is not None:
        raise Refused(f"There is no project or taxon {wrong}: ids are whole numbers from 1 to {LARGEST_ID - 1:,}.")
    if choices.per_taxon is not None and not 1 <= choices.per_taxon <= MOST_PER_TAXON:
        raise Refused(
            f"Between 1 and {MOST_PER_TAXON:,} objects of each taxon can be taken, not {choices.per_taxon:,}.",
            status=422,
        )
    if choices.pick not in ("varied", "random"):
        raise Refused(f"Objects are chosen “varied” or at “random”, not {choices.pick!r}.", status=422)
    if not 0 <= choices.seed < 2**31:
        raise Refused("The seed is a whole number from 0 to 2,147,483,647.", status=422)


def check_title(title: str) -> str:
    """The title without blanks around it."""
    title = title.replace("\0", " ").strip()
    if not 1 <= len(title) <= 200:
        raise Refused("Give the learning set a title of 1 to 200 letters.", status=422)
    return title
