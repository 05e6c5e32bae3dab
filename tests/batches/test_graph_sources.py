"""Batches of what the neighbours tell: outliers, mistakes, strangers, stragglers and duplicates."""

from uuid import uuid4

import numpy as np
import pytest

from app.batches import turning, work
from app.batches.work import PageAct
from app.database import Db
from app.errors import NotFound
from tests.batches.conftest import N_GROUPS, N_WITHOUT, N, Worker, ids_of
from tests.search.conftest import unit_vectors
from tests.small_projects import SmallProject

TAXA = ["Oithona", "Calanoida", "fiber", "detritus"]


@pytest.fixture
def labelled(mine: Worker, small: SmallProject) -> list[int]:
    """Two thirds of the objects, each group validated as its taxon, but for two that are told to be another's."""
    known = small.ids[:80]
    for group, taxon in enumerate(TAXA):
        small.do(mine.person, [id for id in known[group::N_GROUPS] if id not in known[8:10]], taxon=taxon)
    small.do(mine.person, known[8:10], taxon="detritus")
    mine.db.execute("update label set at = at - interval '1 hour'")
    return known


def test_likely_mistakes_come_first_and_unmarked_and_not_again_once_settled(
    mine: Worker, small: SmallProject, labelled: list[int]
) -> None:
    batch = mine.make("mistakes")
    page = mine.page(batch)
    assert sorted(ids_of(page)) == labelled[8:10]
    assert {tile["mark"] for tile in page.tiles} == {0}
    mine.look(batch, page)
    wrong, right = labelled[8], labelled[9]
    states = {tile["id"]: tile["state"] for tile in page.tiles}
    confirm = PageAct(uuid4(), [right], [states[right]], [], None, "V")
    work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, confirm)
    assert ids_of(mine.page(mine.make("mistakes"))) == [wrong]
    pair = [small.taxa["detritus"], small.taxa["Oithona"]]
    one = mine.make("mistakes", pair=pair)
    assert one.title == "Likely mistakes: detritus that may be Oithona"
    assert ids_of(mine.page(one)) == [wrong]


def test_outliers_of_a_taxon_are_the_strangers_among_it(mine: Worker, small: SmallProject, labelled: list[int]) -> None:
    batch = mine.make("outliers", args={"taxon_id": small.taxa["detritus"]})
    assert set(ids_of(mine.page(batch, 4))) >= set(labelled[8:10])
    assert batch.title == "Least like other detritus"
    assert batch.opens_marked is False
    with pytest.raises(NotFound):
        mine.make("outliers", args={"taxon_id": 2_000_000_000})


def test_stragglers_are_what_the_neighbours_say_and_nobody_was_shown(
    mine: Worker, small: SmallProject, labelled: list[int]
) -> None:
    batch = mine.make("stragglers", args={"taxon_id": small.taxa["Calanoida"]})
    page = mine.page(batch, 4)
    left = set(small.ids[81 : N - N_WITHOUT : N_GROUPS])
    assert set(ids_of(page)) <= left
    assert batch.n == len(left)
    mine.look(batch, page)
    again = mine.make("stragglers", args={"taxon_id": small.taxa["Calanoida"]})
    assert again.n == len(left) - 4


def test_novelties_are_what_no_label_is_near_to(db: Db, mine: Worker, small: SmallProject) -> None:
    known = [id for k, id in enumerate(small.ids[: N - N_WITHOUT]) if k % N_GROUPS]
    small.do(mine.person, known[:70], taxon="fiber")
    strange = set(small.ids[0 : N - N_WITHOUT : N_GROUPS])
    assert set(ids_of(mine.page(mine.make("novelties", limit=10), 10))) <= strange


def test_near_duplicates_stand_together(db: Db, mine: Worker, small: SmallProject, vectors: np.ndarray) -> None:
    apart = unit_vectors(len(vectors), 16, seed=9)
    apart[[21, 22, 40]] = apart[[20, 20, 41]]
    write_vectors(db, small, apart)
    page = mine.page(mine.make("duplicates"))
    assert sorted(ids_of(page)[:3]) == small.ids[20:23]
    assert sorted(ids_of(page)[3:]) == small.ids[40:42]


def test_a_stack_of_near_duplicates_is_one_on_a_page_and_stays_one_in_the_tray(
    db: Db, mine: Worker, small: SmallProject, vectors: np.ndarray
) -> None:
    apart = unit_vectors(len(vectors), 16, seed=9)
    apart[20:35] = apart[20]
    apart[[41, 42]] = apart[40]
    write_vectors(db, small, apart)
    batch = mine.make("duplicates")
    page = mine.page(batch, 2)
    assert [tile["stack"] for tile in page.tiles] == [1] * 12 + [2] * 3
    assert sorted(ids_of(page)) == small.ids[20:35]
    mine.apply(batch, page, ids_of(page)[:12], "fiber")
    assert sorted(ids_of(mine.page(batch, 2))) == small.ids[40:43]
    turning.pass_page(mine.db, mine.project, mine.person, batch.id, 2)
    tray = turning.open_tray(mine.db, mine.project, mine.person, batch.id)
    assert sorted(tile["stack"] for tile in mine.page(tray, 2).tiles) == [1, 1, 1, 2, 2, 2]
    again = turning.set_order(mine.db, mine.project, mine.person, tray.id, "extremes")
    assert sorted(tile["stack"] for tile in mine.page(again, 2).tiles) == [1, 1, 1, 2, 2, 2]


def write_vectors(db: Db, small: SmallProject, vectors: np.ndarray) -> None:
    db.execute(
        """
        update object_vector
           set v = given.v::halfvec
          from unnest(%s::bigint[], %s::text[]) as given (id, v)
         where object_id = given.id
        """,
        [small.ids[: len(vectors)], [str(vector.tolist()) for vector in vectors]],
    )
