"""Taxa counted as others: line by line, “Oithona similis = Oithona”, “detritus =” left out, “Copepoda” all below it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.database import Db
from app.errors import Refused
from app.taxonomy.changing import named

MOST_LINES = 1_000
LEFT_OUT = -1


@dataclass
class Regrouping:
    """`exact`: taxa by their own id; LEFT_OUT: not counted. `above`: taxa as which all that lies below them is counted,
    the nearest of them."""

    db: Db
    exact: dict[int, int] = field(default_factory=dict)
    above: set[int] = field(default_factory=set)
    _known: dict[int, int] = field(default_factory=dict)

    def regrouped(self, taxa: np.ndarray) -> np.ndarray:
        """The ids as which these are counted; 0, no taxon, stays."""
        if not self.exact and not self.above:
            return taxa
        found, places = np.unique(taxa, return_inverse=True)
        new = [one for one in found.tolist() if one and one not in self._known]
        if new:
            nearest = self._nearest([one for one in new if one not in self.exact]) if self.above else {}
            self._known |= {one: self.exact.get(one, nearest.get(one, one)) for one in new}
        return np.array([self._known.get(one, one) for one in found.tolist()], np.int64)[places]

    def _nearest(self, taxa: list[int]) -> dict[int, int]:
        rows = self.db.execute(
            """
            with recursive up as (
                select id as taxon, id, parent_id, 0 as depth
                from taxon
                where id = any(%(taxa)s)
                union all
                select up.taxon, above.id, above.parent_id, depth + 1
                from up
                join taxon as above on above.id = up.parent_id
                where depth < 100
            )
            select distinct on (taxon) taxon, id
            from up
            where id = any(%(above)s)
            order by taxon, depth
            """,
            {"taxa": taxa, "above": list(self.above)},
        )
        return {row.taxon: row.id for row in rows}


def read_lines(text: str) -> list[str]:
    """A text area's lines, without those that say nothing."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def regrouping(db: Db, lines: Iterable[str]) -> Regrouping:
    """The lines understood, or Refused with the first that is not."""
    lines = list(lines)
    if len(lines) > MOST_LINES:
        raise Refused(f"Taxa are regrouped by at most {MOST_LINES:,} lines, these are {len(lines):,}.", status=422)
    found = Regrouping(db)
    for number, line in enumerate(lines, 1):
        taxon, sign, target = line.rpartition("=") if "=" in line else (line, "", "")
        if not sign:
            found.above.add(_named(db, line, number).id)
            continue
        taxon_id = _named(db, taxon, number).id
        if taxon_id in found.exact:
            raise Refused(f"Line {number}: “{taxon.strip()[:80]}” is regrouped twice: leave one of the lines out.", 422)
        found.exact[taxon_id] = _named(db, target, number).id if target.strip() else LEFT_OUT
    return found


def _named(db: Db, text: str, number: int) -> Any:
    try:
        return named(db, text)
    except Refused as refused:
        raise Refused(f"Line {number} of the regrouping: {refused.sentence}", refused.status) from refused
