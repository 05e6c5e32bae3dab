"""What an edit of labels would do, before it is done."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from app.database import Db
from app.edits.label_statements import TURNED, parameters
from app.edits.label_wishes import LabelsWish, check, meant
from app.labels.acts import Labelled

PIECE = 20_000
MOST_LOOKED_AT = 100_000  # labels of which a page is told what stood before
MOST_TOLD, MOST_EXAMPLES = 50, 12


@dataclass(frozen=True)
class Turned:
    """So many objects would go from one label to another; P and U are what one sees without a person's word."""

    status: str
    taxon: str | None
    to_status: str
    to_taxon: str | None
    n: int


@dataclass(frozen=True)
class LabelExample:
    """An object whose label would change."""

    id: int
    name: str
    hash: str | None
    status: str
    taxon: str | None
    by: str | None


@dataclass(frozen=True)
class LabelsPreview:
    """What an edit of labels would do: `n_labels` labels are meant, of `n_objects` that meet the filter; `turned` tells
    of the first `n_looked_at`."""

    words: str
    n_objects: int
    n_labels: int
    n_looked_at: int
    turned: list[Turned] = field(default_factory=list)
    examples: list[LabelExample] = field(default_factory=list)


def preview(db: Db, project: Labelled, account_id: int | None, wish: LabelsWish) -> LabelsPreview:
    """Nothing is written; of very many labels the first are told of."""
    words = check(db, project, wish)
    found = meant(db, project.id, account_id, wish)
    looked_at = found.ids[:MOST_LOOKED_AT]
    row: Any = db.execute("select now() as now").fetchone()
    return LabelsPreview(
        words, found.n_objects, len(found.places), len(looked_at),
        _turned(db, project.id, wish, row.now, looked_at), _examples(db, project.id, looked_at),
    )  # fmt: skip


def _turned(db: Db, project_id: int, wish: LabelsWish, now: datetime, ids: np.ndarray) -> list[Turned]:
    """Counts of each change, the largest first."""
    statement = TURNED["reset" if wish.way == "reset" else "erase"].replace("for no key update", "")
    n_of: dict[tuple[Any, ...], int] = {}
    for first in range(0, len(ids), PIECE):
        values = parameters(project_id, 0, wish, now, ids[first : first + PIECE])
        for row in db.execute(statement, values):
            key = (row.status, row.taxon_id, *_to(wish, row))
            n_of[key] = n_of.get(key, 0) + row.n
    largest = sorted(n_of.items(), key=lambda one: -one[1])[:MOST_TOLD]
    taxa = list({taxon for key, _ in largest for taxon in (key[1], key[3]) if taxon})
    names = {
        row.id: row.display_name for row in db.execute("select id, display_name from taxon where id = any(%s)", [taxa])
    }
    return [Turned(key[0], names.get(key[1]), key[2], names.get(key[3]), n) for key, n in largest]


def _to(wish: LabelsWish, row: Any) -> tuple[str, int | None]:
    """What one would see."""
    if wish.way == "reclassify":
        return row.status, wish.taxon_id
    if wish.way == "predicted":
        return "P", row.taxon_id
    if row.to_status in ("D", "V"):
        return row.to_status, row.old_taxon_id
    return ("P", row.predicted_taxon_id) if row.predicted_taxon_id else ("U", None)


def _examples(db: Db, project_id: int, ids: np.ndarray) -> list[LabelExample]:
    """Some from all over what is meant."""
    step = max(1, len(ids) // MOST_EXAMPLES)
    rows = db.execute(
        """
        select object.id, object.orig_id as name, encode(first.hash, 'hex') as hash, label.status,
               taxon.display_name as taxon, account.name as by
          from object
          join label on label.project_id = object.project_id and label.object_id = object.id
          left join taxon on taxon.id = label.taxon_id
          left join account on account.id = label.account_id
          left join lateral (select hash
                               from image
                              where image.project_id = object.project_id and image.object_id = object.id
                              order by rank
                              limit 1) as first on true
         where object.project_id = %s
           and object.id = any(%s)
         order by object.id
        """,
        [project_id, ids[::step][:MOST_EXAMPLES].tolist()],
    )
    return [LabelExample(*row) for row in rows]
