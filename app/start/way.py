"""One way to go on in a project: what it is, how much of it there is, and what it would bring."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from app.accounts.viewer import Account
from app.database import Db
from app.projects.access import Project
from app.search.mirror import Mirror
from app.start.tempo import Tempo
from indexer.clusters import expected_gain

Kind = Literal[
    "go_on", "cards", "predicted", "matches", "novelties", "filter", "doubts", "mistakes", "returned", "asked",
    "accept", "useful", "unlike",
]  # fmt: skip
N_PICTURES = 7
HOUR_S = 3600
OPEN_S = 5.0  # until a batch is open and the eye has found its way
MOST_AT_ONCE = 1000  # objects of one batch


@dataclass(frozen=True)
class Way:
    """`per_hour`: images rightly labelled an hour, as far as can be expected; null for what makes labels better, not
    more. A way has the address where it is (`url`), or the batch to be made for it (`source`, `taxon_id`), or, as cards
    that nobody has asked for yet, neither. `about`: `n` was found from a sample. `ids`: some of its objects.
    """

    kind: Kind
    title: str
    says: str
    n: int
    per_hour: float | None = None
    purity: float | None = None
    about: bool = False
    url: str | None = None
    source: dict[str, Any] | None = None
    taxon_id: int | None = None
    taxon: str | None = None
    ids: list[int] = field(default_factory=list)

    @property
    def per_hour_rounded(self) -> int:
        return rounded(self.per_hour or 0)


@dataclass(frozen=True)
class Look:
    """What every way is found from: the project as one person sees it now."""

    db: Db
    project: Project
    account: Account
    mirror: Mirror
    tempo: Tempo
    is_embedding: bool = False

    def per_hour(self, kind: str, n: float, purity: float) -> float:
        """Images rightly labelled an hour where `n` objects of one kind are looked through and named."""
        right = min(max(n, 1.0), MOST_AT_ONCE) * purity
        gain = float(expected_gain(np.array([right / purity]), np.array([purity]))[0])
        return HOUR_S * right / (OPEN_S + right / gain * self.tempo.of(kind))


def spread(ids: np.ndarray) -> list[int]:
    """Some of these, from the first to the last."""
    if len(ids) <= N_PICTURES:
        return ids.tolist()
    places = np.linspace(0, len(ids) - 1, N_PICTURES).round().astype(int)
    return ids[places].tolist()


def rounded(n: float) -> int:
    """An estimate with two figures that count."""
    whole = round(n)
    return whole if whole < 100 else int(round(whole, 2 - len(str(whole))))
