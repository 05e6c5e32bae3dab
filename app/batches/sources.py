"""The one registry of where batches come from: a kind, its words for people, and the function that finds objects.

Another room adds its kind from a module of its own: @source("pile", "a pile").
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from app.database import Db
from app.errors import Refused
from app.labels.acts import Labeller

MOST_IDS = 10_000
LARGEST_ID = 2**63


class Batched(Protocol):
    """The project that batches are made in."""

    @property
    def id(self) -> int: ...

    @property
    def status(self) -> str: ...

    @property
    def embedder_id(self) -> int | None: ...

    @property
    def validated_only(self) -> bool: ...


@dataclass(frozen=True)
class Found:
    """What a source found: objects, the most likely first, with their distances to what was asked for."""

    ids: np.ndarray  # int64
    distances: np.ndarray | None = None  # float32, cosine; None where there is nothing to be distant from
    n_without_vector: int = 0
    title: str = ""
    taxon_id: int | None = None  # what they are expected to be
    opens_marked: bool = True  # False: marking is left to the person whatever the chance, as for outliers
    ranked: bool | None = (
        None  # whether their order is to be kept; None: where there are distances, or it opens unmarked
    )
    stacks: np.ndarray | None = None  # int64: the first of the near-duplicates that each stands with, 0: alone

    @property
    def is_ranked(self) -> bool:
        return self.ranked if self.ranked is not None else self.distances is not None or not self.opens_marked


@dataclass(frozen=True)
class Source:
    """What was asked for: a kind, and what that kind wants to know."""

    kind: str
    args: dict[str, Any] = field(default_factory=dict)


Finder = Callable[[Db, Batched, Labeller, dict[str, Any], int], Found]


@dataclass(frozen=True)
class Kind:
    """A way of finding objects."""

    name: str
    words: str
    find: Finder


SOURCES: dict[str, Kind] = {}


def source(name: str, words: str) -> Callable[[Finder], Finder]:
    """Registers a function as the finder of a kind."""

    def register(find: Finder) -> Finder:
        SOURCES[name] = Kind(name, words, find)
        return find

    return register


def find_kind(name: str) -> Kind:
    if name not in SOURCES:
        raise Refused(f"There are no batches of “{name[:40]}”. A batch is made of {', '.join(sorted(SOURCES))}.")
    return SOURCES[name]


def known_args(args: dict[str, Any], *names: str) -> None:
    """Refuse what a kind does not know: a mistyped name would be passed over."""
    unknown = [name for name in args if name not in names]
    if unknown:
        raise Refused(
            f"The source has the unknown field {unknown[0][:40]!r}. It may have {', '.join(names) or 'none'}."
        )


def ids_in(args: dict[str, Any], name: str, needed: bool = False) -> list[int]:
    """A list of ids among the arguments, each once and in its order."""
    values = args.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, int) and 0 <= value < LARGEST_ID for value in values):
        raise Refused(f"The source's {name} must be a list of numbers.")
    if needed and not values:
        raise Refused(f"The source's {name} are missing: name at least one.")
    if len(values) > MOST_IDS:
        raise Refused(f"The source's {name} are {len(values):,}, more than the {MOST_IDS:,} that it may have.")
    return list(dict.fromkeys(values))


def number_in(args: dict[str, Any], name: str, default: float | None = None) -> Any:
    """A number among the arguments; refused where there is none and no default."""
    value = args.get(name, default)
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"The source's {name} must be a number.")
    return value
