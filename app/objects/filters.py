"""What a filter keeps of a project's objects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Filter:
    """Conditions that an object must all meet; empty ones keep everything."""

    taxa: frozenset[int] | None = None  # with their children already; 0: no taxon; None: any
    statuses: frozenset[str] = frozenset()
    samples: frozenset[int] = frozenset()
    accounts: frozenset[int] = frozenset()  # who labelled last
    ranges: tuple[tuple[str, str, float | None, float | None], ...] = ()  # level, name, from, to
    texts: tuple[tuple[str, str, str, str], ...] = ()  # level, name, '~' contains or '=' equals, text
    validated_only: bool = False
