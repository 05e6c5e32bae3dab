"""Conditions on other tables than labels and objects: comments, objects of an act or a pile, who ever labelled."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from app.database.connections import Db
from app.search.arrays import fetch_arrays

if TYPE_CHECKING:
    from app.search.mirror import Mirror


def mask(db: Db, mirror: Mirror, key: str, values: tuple[Any, ...]) -> np.ndarray:
    """Which objects a condition keeps, as the caller's transaction sees it."""
    if key == "ever":
        return reduce(np.logical_or, [_ever(db, mirror, account_id) for account_id in values])
    if key == "act":
        return _of(mirror, _touched(db, mirror.project_id, *values))
    if key == "pile":
        return _of(mirror, _set_aside(db, *values))
    operator, text = values
    commented = _of(mirror, _commented(db, mirror.project_id, text if operator == "~" else ""))
    return ~commented if operator == "none" else commented


def _of(mirror: Mirror, ids: np.ndarray | None) -> np.ndarray:
    kept = np.zeros(len(mirror), bool)
    if ids is not None:
        kept[mirror.ordinals(ids)] = True
    return kept


def _commented(db: Db, project_id: int, text: str) -> np.ndarray | None:
    """Objects with a comment that contains a text, without regard to case."""
    row = fetch_arrays(
        db,
        """
        select array_agg(object_id)
        from comment
        where project_id = %(project_id)s
          and (%(text)s = '' or strpos(lower(text), lower(%(text)s)) > 0)
        """,
        {"project_id": project_id, "text": text},
    )
    return row[0]


def _touched(db: Db, project_id: int, act_id: int) -> np.ndarray | None:
    row = fetch_arrays(
        db,
        """
        select array_agg(object_id)
        from history
        where project_id = %s
          and act_id = %s
        """,
        [project_id, act_id],
    )
    return row[0]


def _set_aside(db: Db, pile_id: int) -> np.ndarray | None:
    """Members of a pile, whose project was looked at when the address was read."""
    row = fetch_arrays(db, "select array_agg(object_id) from pile_object where pile_id = %s", [pile_id])
    return row[0]


def _ever(db: Db, mirror: Mirror, account_id: int) -> np.ndarray:
    """Whom an act of labelling, a former or the present label names: read whole once, then only what came since.

    Who undid an act of somebody else has labelled nothing by that.
    """
    kept = mirror.columns.masks.ever
    found = kept.get(account_id)
    ids, snapshot, is_own = _labelled_by(db, mirror.project_id, account_id, found[0] if found else None)
    labelled = _of(mirror, ids)
    bits = np.packbits(labelled) if found is None else np.packbits(labelled) | found[1]
    if not is_own:
        kept.put(account_id, (snapshot, bits))
    return np.unpackbits(bits, count=len(mirror)).view(bool)


def _labelled_by(db: Db, project_id: int, account_id: int, snapshot: str | None) -> tuple[np.ndarray | None, str, bool]:
    """Ids of what a person labelled at any time, or since a snapshot; the new snapshot; whether the caller's own
    transaction, which may yet be rolled back, may have added to them."""
    ids, now, is_own = fetch_arrays(
        db,
        """
        with logged as (
            select history.object_id, history.old_account_id,
                   case when act.kind in ('label', 'confirm', 'doubt') then act.account_id end as account_id
            from history
            join act on act.id = history.act_id
            where history.project_id = %(project_id)s
              and (%(snapshot)s::text is null
                   or (history.tx >= pg_snapshot_xmin(%(snapshot)s::pg_snapshot)
                       and not pg_visible_in_snapshot(history.tx, %(snapshot)s::pg_snapshot)))
        ), named as (
            select object_id
            from logged
            where %(account_id)s in (old_account_id, account_id)
            union all
            select object_id
            from label
            where project_id = %(project_id)s
              and account_id = %(account_id)s
              and %(snapshot)s::text is null
        )
        select array_agg(object_id), pg_current_snapshot()::text, pg_current_xact_id_if_assigned() is not null
        from named
        """,
        {"project_id": project_id, "account_id": account_id, "snapshot": snapshot},
    )
    return ids, now, is_own
