"""How far a project is: how much is labelled, by which means, by whom and when, as the labels stand now."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from app.database import Db
from app.search.codes import DUBIOUS, PREDICTED, PROVENANCES, UNCLASSIFIED, VALIDATED
from app.search.mirror import Mirror, open_mirror

HOUR_S, DAY_S = 3600, 86_400
STEPS = ((HOUR_S, "hour"), (DAY_S, "day"), (7 * DAY_S, "week"), (91 * DAY_S, "quarter"))
FEWEST_BARS, MOST_BARS = 12, 48
MOST_PEOPLE = 8
BY_HAND = {"batch": "many at once", "single": "one by one", "audit": "unseen, under an audit", "api": "by programs"}
MEANS = {**BY_HAND, "imported": "imported"}


@dataclass(frozen=True)
class Share:
    """So many labelled objects: by one means, or by one person (`account_id`; null: who left, or nobody known)."""

    what: str
    words: str
    n: int
    account_id: int | None = None


@dataclass(frozen=True)
class Bar:
    """What was labelled here, and still stands, in one step of time, by means."""

    at: datetime
    batch: int
    single: int
    audit: int
    api: int = 0

    @property
    def n(self) -> int:
        return self.batch + self.single + self.audit + self.api


@dataclass(frozen=True)
class Standing:
    """Counts are of objects; labelled are the validated and the dubious. `bars` are as long as one `step` each."""

    n: int
    n_validated: int
    n_dubious: int
    n_predicted: int
    n_unclassified: int
    means: list[Share] = field(default_factory=list)
    people: list[Share] = field(default_factory=list)
    last_hour: int = 0
    step: str = "hour"
    bars: list[Bar] = field(default_factory=list)

    @property
    def n_labelled(self) -> int:
        return self.n_validated + self.n_dubious

    @property
    def n_left(self) -> int:
        return self.n_predicted + self.n_unclassified

    @property
    def percent(self) -> int:
        """Never 100 while something is left."""
        return 0 if not self.n else min(100 * self.n_labelled // self.n, 100)

    @property
    def most_a_bar(self) -> int:
        return max((bar.n for bar in self.bars), default=0)


def standing(db: Db, project_id: int, now: float | None = None) -> Standing:
    """How far the project is at this moment."""
    mirror, now = open_mirror(db, project_id), time.time() if now is None else now
    by_status = np.bincount(mirror.status, minlength=4)
    labelled = np.flatnonzero((mirror.status == VALIDATED) | (mirror.status == DUBIOUS))
    by_means = np.bincount(mirror.provenance[labelled], minlength=len(PROVENANCES))
    made_here = np.isin(mirror.provenance[labelled], [PROVENANCES.index(name) for name in BY_HAND])
    times = mirror.at[labelled].astype(np.int64)
    step_s, step = _step(times[made_here], now)
    return Standing(
        n=len(mirror),
        n_validated=int(by_status[VALIDATED]),
        n_dubious=int(by_status[DUBIOUS]),
        n_predicted=int(by_status[PREDICTED]),
        n_unclassified=int(by_status[UNCLASSIFIED]),
        means=_means(by_means),
        people=_people(db, mirror, labelled),
        last_hour=int(np.count_nonzero(times[made_here] > now - HOUR_S)),
        step=step,
        bars=_bars(times[made_here], mirror.provenance[labelled][made_here], step_s, now),
    )


def _means(by_means: np.ndarray) -> list[Share]:
    shares = [Share(name, words, int(by_means[PROVENANCES.index(name)])) for name, words in MEANS.items()]
    return sorted((share for share in shares if share.n), key=lambda share: -share.n)


def _people(db: Db, mirror: Mirror, labelled: np.ndarray) -> list[Share]:
    """Who labelled most; the last is everybody else together, where there are more."""
    accounts, counts = np.unique(mirror.account[labelled], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    first, rest = order[:MOST_PEOPLE], order[MOST_PEOPLE:]
    rows = db.execute("select id, name from account where id = any(%s)", [accounts[first].tolist()])
    names = {row.id: row.name for row in rows}
    shares = [
        Share("person", names.get(account, "someone who left"), n, account if account in names else None)
        for account, n in zip(accounts[first].tolist(), counts[first].tolist(), strict=True)
    ]
    return [*shares, Share("others", f"{len(rest)} others", int(counts[rest].sum()))] if len(rest) else shares


def _step(times: np.ndarray, now: float) -> tuple[int, str]:
    """The finest step of time with which all that was labelled here fits into the chart."""
    span = now - times.min() if len(times) else 0
    return next(((length, name) for length, name in STEPS if span <= (MOST_BARS - 1) * length), STEPS[-1])


def _bars(times: np.ndarray, provenance: np.ndarray, step_s: int, now: float) -> list[Bar]:
    """Up to the present step: FEWEST_BARS, or from the first label's on, at most MOST_BARS; none without labels."""
    if not len(times):
        return []
    last = int(now) // step_s
    first = max(min(int(times.min()) // step_s, last - FEWEST_BARS + 1), last - MOST_BARS + 1)
    place = np.minimum(times // step_s, last) - first
    inside = place >= 0
    counts = {
        name: np.bincount(place[inside & (provenance == PROVENANCES.index(name))], minlength=last - first + 1).tolist()
        for name in BY_HAND
    }
    begins = [datetime.fromtimestamp(number * step_s, UTC) for number in range(first, last + 1)]
    return [Bar(at, *(counts[name][k] for name in BY_HAND)) for k, at in enumerate(begins)]
