"""What an undo or a redo means for the batch that its act was done in: the page is in hand again, or done again."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from app.batches import page_rows, places
from app.batches.page_rows import HAD_LEFT, MARKED, NOT_THIS, PASSED, PageRow
from app.batches.places import LEFT, TRAY, WAITING, Places
from app.batches.ranking import rank_again
from app.batches.reservations import release, reserve
from app.database import Db
from app.labels.changes import array
from app.labels.reversals import on_reversal


@on_reversal
def follow(db: Db, project_id: int, act_ids: list[int], undone: bool) -> None:
    """Bring the batches of these acts to where they stood before them, or after them again."""
    acts = db.execute(
        """
        select act.id, act.project_id, act.batch_id, (act.detail ->> 'page')::int as page,
               array(select jsonb_array_elements_text(act.detail -> 'single')::bigint) as single,
               batch.account_id, batch.closed_at is null as is_open
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
    if undone and len(acts) == 1:
        _keep_again(db, acts[0])


def _reverse(db: Db, listed: Places, act: Any, undone: bool) -> None:
    if act.single:
        _reverse_single(db, listed, act, undone)
    elif undone:
        _undo_page(db, listed, act)
    else:
        _redo_page(db, listed, act)


def _undo_page(db: Db, listed: Places, act: Any) -> None:
    page = page_rows.find_of_act(db, act.batch_id, act.id)
    if page is not None and page.places is not None:
        listed.put(page.ids[page.places != HAD_LEFT], WAITING)
        page_rows.reopen(db, act.batch_id, page.number)


def _redo_page(db: Db, listed: Places, act: Any) -> None:
    """The page is done as it was then, whatever was marked on it since, or though it was turned."""
    ids = np.array([one.id for one in _said(db, act)], np.int64)
    if not len(ids):
        return
    page = _page_with(db, listed, act, ids)
    said = _said(db, act, page)
    listed.put(page.ids[listed.place_of(page.ids) == TRAY], WAITING)
    mark_of = {one.id: one.mark for one in said}
    page.marks = np.array([mark_of.get(object_id, PASSED) for object_id in page.ids.tolist()], np.int16)
    after = places_after(listed, page, [one for one in said if one.why is not None])
    listed.put(page.ids[after != HAD_LEFT], after[after != HAD_LEFT])
    page_rows.finish(db, act.batch_id, page, after, act.id)
    release(db, act.batch_id, page.ids)


def _page_with(db: Db, listed: Places, act: Any, ids: np.ndarray) -> PageRow:
    """The page on which objects were seen: where that is gone, as when another order was asked for meanwhile, one of
    their own, and they leave those that they came to since."""
    others = page_rows.find_without_act(db, act.batch_id)
    for page in others:
        if np.isin(ids, page.ids[page.seen == 1]).all():
            return page
    for page in others:
        if np.isin(page.ids, ids).any():
            page_rows.keep_only(db, act.batch_id, page, ~np.isin(page.ids, ids))
    rows, _ = listed.rows_of(ids)
    number, seen = page_rows.last_number(db, act.batch_id) + 1, np.ones(len(ids), np.int16)
    page = PageRow(number, ids, listed.distances[rows], np.zeros(len(ids), np.int16), seen, None, None, None, None,
                   None, None, is_done=False)  # fmt: skip
    page_rows.insert(db, act.batch_id, page)
    return page


def _said(db: Db, act: Any, page: PageRow | None = None) -> list[Any]:
    """Each object that an act named, with the mark that it had, and why the act's word is not in force on it, if so.

    Of a page in hand also those marked now that needed no change: they carry the act's word already.
    """
    marked = page.ids[page.marks == MARKED].tolist() if page is not None else []
    return db.execute(
        """
        select distinct on (id) id, mark, why
          from (select history.object_id as id, %(marked)s as mark,
                       case when label.act_id is distinct from history.act_id then 'changed' end as why
                  from history
                  join label using (project_id, object_id)
                 where history.project_id = %(project_id)s
                   and history.act_id = %(act_id)s
                 union all
                select (told ->> 'id')::bigint, %(marked)s, told ->> 'why'
                  from act, jsonb_array_elements(refused) as told
                 where act.id = %(act_id)s
                 union all
                select object_id, %(not_this)s, null
                  from refusal
                 where act_id = %(act_id)s
                 union all
                select label.object_id, %(marked)s, null
                  from label
                  join act on act.id = %(act_id)s and act.status = label.status
                                                  and act.account_id = label.account_id
                                                  and coalesce(act.taxon_id, label.taxon_id) = label.taxon_id
                 where label.project_id = %(project_id)s
                   and label.object_id = any(%(ids)s::bigint[])) as named
         order by id, mark, why nulls first
        """,
        {
            "project_id": act.project_id, "act_id": act.id, "marked": MARKED, "not_this": NOT_THIS,
            "ids": array(marked),
        },
    ).fetchall()  # fmt: skip


def _reverse_single(db: Db, listed: Places, act: Any, undone: bool) -> None:
    """Tiles that were labelled alone are on their page again, or in the tray where that page was done since."""
    ids = np.array(act.single, np.int64)
    ids = ids[~np.isin(ids, [left.id for left in _left_alone(db, act.id)])]
    if not len(ids):
        return
    page = page_rows.look_for(db, act.batch_id, act.page)
    if page is None or not np.isin(ids, page.ids).all():
        page = _page_with(db, listed, act, ids)
    if undone and page.is_done and page.places is not None and (page.places == HAD_LEFT).all():
        page_rows.reopen(db, act.batch_id, page.number)  # it was turned since nothing was left on it
        listed.put(ids, WAITING)
    else:
        listed.put(ids, LEFT if not undone else TRAY if page.is_done else WAITING)
    if not undone and not page.is_done:
        turn_if_empty(db, act.batch_id, page, listed)


def _keep_again(db: Db, act: Any) -> None:
    """The page that came back is kept from other people, as any page in hand."""
    page = page_rows.find_open(db, act.batch_id)
    if act.is_open and act.account_id is not None and page is not None:
        reserve(db, act.project_id, act.batch_id, act.account_id, page.ids)


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
