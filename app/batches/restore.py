"""What an undo or a redo means for the batch that its act was done in: the page is in hand again, or done again."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from app.batches import page_rows, places
from app.batches.page_rows import HAD_LEFT, MARKED, NOT_THIS, PageRow
from app.batches.places import LEFT, TRAY, WAITING, Places
from app.batches.ranking import rank_again
from app.database import Db
from app.labels.reversals import on_reversal


@on_reversal
def follow(db: Db, project_id: int, act_ids: list[int], undone: bool) -> None:
    """Bring the batches of these acts to where they stood before them, or after them again."""
    acts = db.execute(
        """
        select act.id, act.batch_id, act.kind, (act.detail ->> 'page')::int as page,
               array(select jsonb_array_elements_text(act.detail -> 'single')::bigint) as single
          from act
          join batch on batch.id = act.batch_id
         where act.id = any(%s)
           and act.project_id = %s
           and act.detail ? 'page'
         order by act.batch_id, act.id
           for no key update of batch
        """,
        [act_ids, project_id],
    ).fetchall()
    for batch_id in dict.fromkeys(act.batch_id for act in acts):
        listed = places.read(db, batch_id)
        for act in acts:
            if act.batch_id == batch_id:
                _reverse(db, listed, act, undone)
        rank_again(db, project_id, batch_id, listed)
        places.write(db, batch_id, listed)


def _reverse(db: Db, listed: Places, act: Any, undone: bool) -> None:
    page = page_rows.find_page(db, act.batch_id, act.page)
    if act.single:
        _reverse_single(db, listed, act, page, undone)
    elif undone and page.act_id == act.id and page.places is not None:
        listed.put(page.ids[page.places != HAD_LEFT], WAITING)
        page_rows.reopen(db, act.batch_id, page.number)
    elif not undone and not page.is_done:
        after = places_after(listed, page, _left_alone(db, act.id))
        listed.put(page.ids[after != HAD_LEFT], after[after != HAD_LEFT])
        page_rows.finish(db, act.batch_id, page, after, act.id)


def _reverse_single(db: Db, listed: Places, act: Any, page: PageRow, undone: bool) -> None:
    """Tiles that were labelled alone are on their page again, or in the tray where that page was done since."""
    ids = np.array(act.single, np.int64)
    ids = ids[~np.isin(ids, [left.id for left in _left_alone(db, act.id)])]
    if undone and page.is_done and page.places is not None and (page.places == HAD_LEFT).all():
        page_rows.reopen(db, act.batch_id, page.number)  # it was turned since nothing was left on it
        listed.put(ids, WAITING)
    else:
        listed.put(ids, LEFT if not undone else TRAY if page.is_done else WAITING)
    if not undone and not page.is_done:
        turn_if_empty(db, act.batch_id, page, listed)


def turn_if_empty(db: Db, batch_id: int, page: PageRow, listed: Places) -> bool:
    """A page from which everything was labelled alone is done without an act of its own."""
    if (listed.place_of(page.ids) == WAITING).any():
        return False
    page_rows.finish(db, batch_id, page, np.full(len(page.ids), HAD_LEFT), None)
    return True


def _left_alone(db: Db, act_id: int) -> list[Any]:
    """Objects that an act named and left as they were, and why."""
    return db.execute(
        """
        select (told ->> 'id')::bigint as id, told ->> 'why' as why
          from act, jsonb_array_elements(refused) as told
         where act.id = %s
        """,
        [act_id],
    ).fetchall()


def place_of_left(why: str) -> int:
    """Where an object belongs that an act left alone: gone where somebody changed it, else to be looked at again."""
    return places.GONE if why in ("changed", "unknown") else TRAY


def places_after(listed: Places, page: PageRow, left_alone: Iterable[Any]) -> np.ndarray:
    """Where a page's marks put its objects: the marked and refused ones leave, the rest goes to the tray."""
    after = np.where(np.isin(page.marks, (MARKED, NOT_THIS)), LEFT, TRAY).astype(np.int16)
    to = {left.id: place_of_left(left.why) for left in left_alone}
    for row in np.flatnonzero(np.isin(page.ids, list(to)) & (page.marks == MARKED)).tolist():
        after[row] = to[int(page.ids[row])]
    after[listed.place_of(page.ids) != WAITING] = HAD_LEFT
    return after
