"""Shoal as a skilled person uses it, with what the server learns meanwhile; tuning finds which of two ways pays.

"cards": rounds of cards, cut again from what is left: first the groups of a page that are cheap to name, in the end
everything; they are cut anew, too, when a learned space or a trained embedder has come. "predicted": cards until a
classifier has learned from them (where a reference project teaches one, from the beginning), then what it predicts, the
largest taxon first: in a first pass what it is sure of, where that is cheap to name, in the last one everything; so
many more labels, and a classifier is trained again in the background, and an embedder. A class that has grown enough is
searched by likeness, with counter-examples, where tuning finds that this pays. The rest comes on pages where like
things stand together.
"""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.effort.background import Background
from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.strategies.cards import ALL, MOST_CARDS, work_card, work_groups, work_in_neighbourhoods
from tests.benchmarks.effort.strategies.ecotaxa import predicted
from tests.benchmarks.effort.strategies.similar import grow

NEVER = 1_000_000
MOST_OF_TAXON = 10_000
CARDS: dict[str, list[Any]] = {
    "rounds": [[2.0, ALL], [1.5, ALL], [1.2, 2.0]],  # what is named in each round: at most so many seconds an image
    "page": [100, 60],
    "size": [60, 0],  # objects of a card, about; 0: as they are proposed
    "enough": [NEVER, 100, 40],  # examples of a class before it is searched for
    "stop": [0.5, 0.7],  # less of a page of a search is right: it ends
}
LEARNED: dict[str, list[Any]] = {
    # Passes through what is predicted: what is named takes at most so many seconds an image, and is scored so high.
    "passes": [[[2.0, 0.7], [ALL, 0.0]], [[1.6, 0.5], [ALL, 0.0]], [[ALL, 0.7], [ALL, 0.0]]],
    "first": [0.1, 0.05],  # of the objects are labelled before a classifier is trained of them
    "again": [1.5, 2.0],  # so many times as many labels: it is trained again
    "embedder_at": [0.15, 0.3],  # of the objects are labelled when an embedder is trained
}
WAYS: dict[str, list[Any]] = {"way": ["cards", "predicted"]}
# Where a reference project teaches from the beginning: what else there is to choose has no part in this way.
WITH_REFERENCE: dict[str, list[Any]] = {
    "way": ["predicted"], "passes": LEARNED["passes"], "again": LEARNED["again"], "page": CARDS["page"],
    "first": LEARNED["first"][:1], "embedder_at": LEARNED["embedder_at"][:1],
}  # fmt: skip
FIRST, AGAIN, LEAST_GROUP = 25, 2.0, 3
FEWEST_TO_TRAIN = 1_000  # labels: of fewer, a trained embedder is none
TRAINED_UNTIL = 0.6  # of the objects: with more labelled, the next trained embedder would have little left to serve
CHEAP_S = 1.5  # an image, on the cards before anything is predicted


def with_help(*helps: str, prepared: bool = False) -> Callable[[Person, dict[str, Any]], None]:
    """The way of sorting where the server learns these: "space", "classifier", "embedder". `prepared`: nobody begins
    before what a reference teaches is there, which is waited for."""

    def work(person: Person, settings: dict[str, Any]) -> None:
        n = person.shoal.n_objects()
        first, again = round(settings.get("first", 1) * n), settings.get("again", 2.0)
        embedder_at = max(FEWEST_TO_TRAIN, round(settings.get("embedder_at", 1) * n))
        background = Background(person, list(helps), first, again, embedder_at, round(TRAINED_UNTIL * n))
        if prepared:
            background.wait_for("embedder")
        if settings.get("way") == "predicted":
            work_what_is_predicted(person, settings, background, 0 if person.n_reference else first)
        else:
            work_cards(person, settings, background)
        work_in_neighbourhoods(person, settings["page"])

    return work


def work_what_is_predicted(person: Person, settings: dict[str, Any], background: Background, first: int) -> None:
    """Each predicted taxon once a pass, the largest first. A taxon's batch is made of the run that is shown by then."""
    for worth_s in (CHEAP_S, ALL):
        if len(person.done) < first:
            work_round(person, settings, background, worth_s, {}, first)
    background.wait_for("classifier")
    for worth_s, sure in settings["passes"]:
        for taxon_id, _ in predicted(person):
            work_taxon(person, settings["page"], background, {"taxon_id": taxon_id, "min_score": sure}, worth_s)


def work_taxon(person: Person, page_size: int, background: Background, which: dict[str, Any], worth_s: float) -> None:
    """From sure to unsure: on each page is named what takes at most so many seconds an image."""
    source = {"kind": "predicted", "alone": True} | which
    batch = person.shoal.make_batch(source, "neighbours", MOST_OF_TAXON, which["taxon_id"])
    while (page := person.shoal.batch_page(batch["id"], page_size))["tiles"]:
        work_groups(person, page, worth_s)
        background.turn()
    person.shoal.close_batch(batch["id"])


def work_cards(person: Person, settings: dict[str, Any], background: Background) -> None:
    """A round for each price, and one more where a space or an embedder was learned meanwhile: its cards are better."""
    searched: dict[str, int] = {}
    for worth_s in settings["rounds"]:
        while work_round(person, settings, background, worth_s, searched):
            pass


def work_round(
    person: Person, settings: dict[str, Any], background: Background, worth_s: float, searched: dict[str, int],
    enough: int = NEVER,
) -> bool:  # fmt: skip
    """The cards of what is left; ends early, and returns true, where likeness is another's by then, and where `enough`
    is labelled and a classifier has learned from that."""
    n_left, size = person.shoal.n_unlabelled(), settings["size"]
    if not n_left:
        return False
    person.shoal.cut_cards(max(2, n_left // size) if size else None)
    for card in person.shoal.cards(MOST_CARDS):
        work_card(person, card, settings["page"], worth_s)
        look_for_more(person, settings, searched)
        if background.turn() & {"embedder", "space"}:
            return True
        if len(person.done) >= enough and not background.is_coming("classifier"):
            return True
    return False


def look_for_more(person: Person, settings: dict[str, Any], searched: dict[str, int]) -> None:
    """Search for each class that has grown enough since it was searched for last."""
    for name, known in sorted(person.examples.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(known) >= max(settings["enough"], AGAIN * searched.get(name, 0)):
            grow(person, name, FIRST, LEAST_GROUP, settings["stop"], negatives=True)
            searched[name] = len(person.examples[name])
