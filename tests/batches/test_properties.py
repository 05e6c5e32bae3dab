"""Whatever two people do with their batches, in whatever order: nothing comes twice, nothing is lost, undo is exact."""

import random
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from app.batches import page_marks, turning, work
from app.batches.batch import Batch, find_batch
from app.batches.page import PageInHand
from app.batches.refusals import refused_ids
from app.batches.work import SingleAct
from app.database import Db
from app.errors import Conflict, Refused
from app.labels.undo import redo, undo
from app.search.mirror import open_mirror
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import Person, SmallProject

STEPS = 60


def everything(db: Db, small: SmallProject, batch: Batch) -> dict[str, Any]:
    """All that a batch keeps, what one sees of the objects, and the refusals in force."""
    parts = db.execute(
        "select part, object_ids, places, turns, distances::text from batch_part where batch_id = %s order by part",
        [batch.id],
    ).fetchall()
    pages = db.execute(
        """
        select number, object_ids, marks, seen, places, line, act_id, done_at is null as is_open
          from batch_page
         where batch_id = %s
         order by number
        """,
        [batch.id],
    ).fetchall()
    labels = db.execute(
        """
        select object_id, status, taxon_id, account_id, provenance
          from label
         where project_id = %s
           and status <> 'U'
         order by object_id
        """,
        [small.id],
    ).fetchall()
    refused = refused_ids(db, open_mirror(db, small.id), small.taxa["Oithona"]).tolist()
    told = find_batch(db, small.id, batch.id)
    counts = (told.n_waiting, told.n_tray, told.n_labelled, told.n_gone, told.n_moved)
    return {"parts": parts, "pages": pages, "labels": labels, "refused": refused, "counts": counts}


def random_marks(choice: random.Random, page: PageInHand) -> tuple[list[int], list[int]]:
    ids = ids_of(page)
    marked = choice.sample(ids, choice.randint(0, len(ids)))
    rest = [id for id in ids if id not in marked]
    not_this = choice.sample(rest, choice.randint(0, min(3, len(rest))))
    return (marked, not_this) if marked or not_this else (ids[:1], [])


@pytest.mark.parametrize("seed", range(6))
def test_undo_restores_everything_and_redo_too(mine: Worker, small: SmallProject, seed: int) -> None:
    choice = random.Random(seed)
    kind = choice.choice(["examples", "filter"])
    source: dict[str, Any] = {"ids": small.ids[:2]} if kind == "examples" else {"query": "status=U"}
    batch = mine.make(kind, taxon_id=small.taxa["Oithona"], limit=90, **source)
    before: list[dict[str, Any]] = []
    for _ in range(5):
        page = mine.page(batch, choice.randint(3, 20))
        marked, not_this = random_marks(choice, page)
        mine.look(batch, page)
        marks = dict.fromkeys(ids_of(page), 0) | dict.fromkeys(marked, 1) | dict.fromkeys(not_this, 2)
        page_marks.keep_marks(mine.db, mine.project, mine.person, batch.id, page.number, marks, None)
        before.append(everything(mine.db, small, batch))
        mine.apply(batch, page, marked, choice.choice(["Oithona", "Oithona similis", "fiber"]), not_this=not_this)
    after = everything(mine.db, small, batch)
    for state in reversed(before):
        undo(mine.db, mine.project, mine.person, uuid4())
        now = everything(mine.db, small, batch)
        # Pages that were made since wait behind the one that came back.
        now["pages"] = now["pages"][: len(state["pages"])]
        assert now == state
    for _ in before:
        redo(mine.db, mine.project, mine.person, uuid4())
    assert everything(mine.db, small, batch) == after


class Walk:
    """Two people at random work, with what goes wrong in between."""

    def __init__(self, workers: list[Worker], small: SmallProject, seed: int) -> None:
        self.choice = random.Random(seed)
        self.workers, self.small, self.db = workers, small, workers[0].db
        self.batches = {
            worker.person.id: worker.make("examples", ids=small.ids[:3], taxon_id=small.taxa["Oithona"], limit=80)
            for worker in workers
        }
        self.listed = {batch.id: self.list_of(batch) for batch in self.batches.values()}

    def list_of(self, batch: Batch) -> list[int]:
        rows = self.db.execute("select object_ids from batch_part where batch_id = %s order by part", [batch.id])
        return [id for row in rows for id in row.object_ids]

    def step(self) -> None:
        worker = self.choice.choice(self.workers)
        batch = self.batches[worker.person.id]
        kinds = [
            self.turn, self.turn, self.act, self.act, self.act, self.blind, self.single, self.undo, self.redo,
            self.meddle, self.mark, self.reorder,
        ]  # fmt: skip
        self.choice.choice(kinds)(worker, batch)
        self.check()

    def turn(self, worker: Worker, batch: Batch) -> None:
        page = self.page(worker, batch)
        if page.number is not None:
            turning.pass_page(worker.db, worker.project, worker.person, batch.id, page.number)

    def page(self, worker: Worker, batch: Batch) -> PageInHand:
        """A page that was not made before holds nothing that was refused."""
        known = {row.number for row in self.db.execute("select number from batch_page where batch_id = %s", [batch.id])}
        page = worker.page(batch, self.choice.randint(2, 9))
        if page.number not in known:
            refused = refused_ids(self.db, open_mirror(self.db, self.small.id), self.small.taxa["Oithona"]).tolist()
            assert not set(refused) & set(ids_of(page))
        return page

    def act(self, worker: Worker, batch: Batch) -> None:
        page = self.page(worker, batch)
        if not page.tiles:
            return
        marked, not_this = random_marks(self.choice, page)
        self.meddle(worker, batch) if self.choice.random() < 0.3 else None
        worker.look(batch, page)
        act = worker.act(page, marked, self.choice.choice(["Oithona", "fiber", "detritus"]), not_this=not_this)
        first, second = (
            work.apply_page(worker.db, worker.project, worker.person, batch.id, page.number, act) for _ in range(2)
        )
        assert (first.outcome.changed, first.outcome.refused) == (second.outcome.changed, second.outcome.refused)

    def blind(self, worker: Worker, batch: Batch) -> None:
        """Who looked at a part of the page labels none of the rest of it: such an act is refused whole."""
        page = self.page(worker, batch)
        unseen = [tile["id"] for tile in page.tiles if not tile["seen"]]
        if not unseen:
            return
        worker.look(batch, page, unseen[1:])
        before = self.n_labelled()
        with pytest.raises(Conflict, match="not seen"), self.db.transaction():
            act = worker.act(page, unseen, "Oithona")
            work.apply_page(worker.db, worker.project, worker.person, batch.id, page.number, act)
        assert self.n_labelled() == before

    def n_labelled(self) -> int:
        return self.db.execute("select count(*) from label where project_id = %s", [self.small.id]).fetchone()[0]

    def single(self, worker: Worker, batch: Batch) -> None:
        page = self.page(worker, batch)
        if not page.tiles:
            return
        tile = self.choice.choice(page.tiles)
        worker.look(batch, page, [tile["id"]])
        act = SingleAct(uuid4(), [tile["id"]], [tile["state"]], self.small.taxa["detritus"])
        work.apply_single(worker.db, worker.project, worker.person, batch.id, act)

    def mark(self, worker: Worker, batch: Batch) -> None:
        page = self.page(worker, batch)
        if page.number is not None:
            marks = {id: self.choice.randint(0, 2) for id in ids_of(page)}
            page_marks.keep_marks(worker.db, worker.project, worker.person, batch.id, page.number, marks, None)

    def reorder(self, worker: Worker, batch: Batch) -> None:
        """The page in hand goes back to what waits."""
        order = self.choice.choice(["neighbours", "alike", "least", "extremes"])
        turning.set_order(worker.db, worker.project, worker.person, batch.id, order)

    def undo(self, worker: Worker, batch: Batch) -> None:
        self.maybe(lambda: undo(worker.db, worker.project, worker.person, uuid4()))

    def redo(self, worker: Worker, batch: Batch) -> None:
        self.maybe(lambda: redo(worker.db, worker.project, worker.person, uuid4()))

    def maybe(self, do: Callable[[], object]) -> None:
        """What cannot be done is refused, and changes nothing."""
        try:
            with self.db.transaction():
                do()
        except Refused:
            pass

    def meddle(self, worker: Worker, batch: Batch) -> None:
        """Somebody labels, an object is deleted, or what was kept is kept no more."""
        one = self.choice.choice(self.small.ids)
        what = self.choice.randint(0, 2)
        if what == 0:
            self.small.do(self.choice.choice(self.workers).person, [one], taxon="detritus")
        elif what == 1:
            self.db.execute("delete from object where project_id = %s and id = %s", [self.small.id, one])
        else:
            self.db.execute("update reservation set until = now() - interval '1 second'")

    def check(self) -> None:
        self.check_seen()
        self.check_left()
        for batch in self.batches.values():
            assert self.list_of(batch) == self.listed[batch.id]
            assert len(set(self.listed[batch.id])) == len(self.listed[batch.id])
            pages = self.db.execute("select object_ids from batch_page where batch_id = %s", [batch.id]).fetchall()
            shown = [id for row in pages for id in row.object_ids]
            assert len(shown) == len(set(shown))
            told = find_batch(self.db, self.small.id, batch.id)
            counts = self.db.execute(
                """
                select count(*) filter (where place = 0) as waiting, count(*) filter (where place = 1) as tray,
                       count(*) filter (where place = 2) as labelled, count(*) filter (where place = 3) as gone
                  from batch_part, unnest(places) as place
                 where batch_id = %s
                """,
                [batch.id],
            ).fetchone()
            assert tuple(counts) == (told.n_waiting, told.n_tray, told.n_labelled, told.n_gone)

    def check_seen(self) -> None:
        """Whatever has its label from a batch was seen on a page of that batch."""
        unseen = self.db.execute(
            """
            select label.object_id
              from label
              join act on act.id = label.act_id
             where label.project_id = %s
               and act.batch_id is not null
               and not exists (select
                                 from batch_page, unnest(object_ids, seen) as tile (object_id, seen)
                                where batch_page.batch_id = act.batch_id
                                  and tile.object_id = label.object_id
                                  and tile.seen = 1)
            """,
            [self.small.id],
        ).fetchall()
        assert unseen == []

    def check_left(self) -> None:
        """Whatever has left a batch carries a label, or was said not to be something."""
        left = self.db.execute(
            """
            select one.id
              from batch_part, unnest(object_ids, places) as one (id, place)
             where place = 2
               and not exists (select
                                 from label
                                where label.project_id = %(project_id)s
                                  and label.object_id = one.id
                                  and label.status <> 'U')
               and not exists (select
                                 from refusal
                                 join act on act.id = refusal.act_id
                                where refusal.project_id = %(project_id)s
                                  and refusal.object_id = one.id
                                  and act.reversed_by is null)
            """,
            {"project_id": self.small.id},
        ).fetchall()
        assert left == []


@pytest.mark.parametrize("seed", range(8))
def test_two_people_at_random_work_never_meet_an_object_twice(
    worker: Callable[[Person], Worker], small: SmallProject, ada: Person, ben: Person, seed: int
) -> None:
    walk = Walk([worker(ada), worker(ben)], small, seed)
    for _ in range(STEPS):
        walk.step()
