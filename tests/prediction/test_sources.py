"""Batches of a run: from sure to unsure, of what is unlike the learning set, and of what would teach most."""

from dataclasses import replace

import numpy as np
import pytest

from app.errors import Refused
from app.prediction.useful import AT_A_TIME
from tests.batches.conftest import Worker, ids_of, mine, own_home, seen, small, vectors, worker
from tests.prediction.runs import NOVEL_FROM, Said, classify, show_run

__all__ = ["mine", "own_home", "seen", "small", "vectors", "worker"]


@pytest.fixture
def said(mine: Worker) -> dict[int, Said]:
    """Score, margin and novelty of 60 objects, each in an order of its own; the others are not predicted."""
    turns = [(k * 7 % 60, k * 11 % 60, k * 13 % 60) for k in range(60)]
    told = [Said("Oithona", round(0.5 + 0.008 * a, 3), round(0.008 * b, 3), round(c / 60, 3)) for a, b, c in turns]
    show_run(mine.small, told, classify(mine.small))
    return dict(zip(mine.small.ids, told, strict=False))


def found(worker: Worker, **args: object) -> list[int]:
    args = {"taxon_id": worker.small.taxa["Oithona"], **args}
    batch = worker.make("predicted", args=args, order="alike")
    rows = worker.db.execute("select object_ids, turns from batch_part where batch_id = %s", [batch.id]).fetchall()
    pairs = [pair for row in rows for pair in zip(row.turns, row.object_ids, strict=True)]
    return [id for _, id in sorted(pairs)]


def test_it_comes_from_sure_to_unsure_by_score_margin_or_novelty_and_back(mine: Worker, said: dict[int, Said]) -> None:
    values = {
        "score": lambda id: said[id].score,
        "margin": lambda id: said[id].score - said[id].second,
        "novelty": lambda id: -said[id].novelty,
    }
    for order, sure in values.items():
        falling = [sure(id) for id in found(mine, order=order)]
        assert len(falling) == 60 and falling == pytest.approx(sorted(falling, reverse=True))
        rising = [sure(id) for id in found(mine, order=order, unsure_first=True)]
        assert rising == pytest.approx(sorted(rising))


def test_bounds_hold_what_lies_within_them(mine: Worker, said: dict[int, Said]) -> None:
    within = found(mine, min_margin=0.3, max_margin=0.6, max_novelty=0.5)
    expected = {id for id, one in said.items() if 0.3 <= one.score - one.second <= 0.6 and one.novelty <= 0.5}
    assert within and set(within) == expected
    assert set(found(mine, known=True)) == {id for id, one in said.items() if one.novelty < NOVEL_FROM}
    with pytest.raises(Refused, match="exchange min_margin"):
        found(mine, min_margin=0.5, max_margin=0.1)
    with pytest.raises(Refused, match="score, margin, novelty"):
        found(mine, order="size")


def test_alone_leaves_out_what_is_predicted_as_a_taxon_below(mine: Worker) -> None:
    show_run(mine.small, [Said("Oithona", 0.9)] * 10 + [Said("Oithona similis", 0.8)] * 10)
    assert len(found(mine)) == 20
    assert set(found(mine, alone=True)) == set(mine.small.ids[:10])


def test_what_is_unlike_the_learning_set_comes_strangest_first_and_unmarked(
    mine: Worker, said: dict[int, Said]
) -> None:
    batch = mine.make("unlike")
    page = mine.page(batch)
    strange = [said[id].novelty for id in ids_of(page)]
    assert strange == sorted(strange, reverse=True) and min(strange) >= NOVEL_FROM
    assert batch.n == sum(one.novelty >= NOVEL_FROM for one in said.values())
    assert not batch.opens_marked and not any(tile["mark"] for tile in page.tiles)
    assert mine.make("unlike", args={"from": 0.5}).n > batch.n
    assert mine.make("unlike", args={"taxon_id": mine.small.taxa["fiber"]}).n == 0
    mine.db.commit()
    mine.small.do(mine.person, ids_of(page)[:2], taxon="fiber")
    assert mine.make("unlike").n == batch.n - 2


def test_what_no_object_can_be_is_refused(mine: Worker, said: dict[int, Said]) -> None:
    for kind, args in (("unlike", {"from": 3}), ("unlike", {"from": -1}), ("useful", {"n": 0}), ("useful", {"n": -5})):
        with pytest.raises(Refused, match=r"share from 0 to 1|at least one"):
            mine.make(kind, args=args)


def test_a_run_that_tells_no_novelty_says_what_to_do_instead(mine: Worker) -> None:
    with pytest.raises(Refused, match="Unlike anything known"):
        mine.make("unlike")


def test_what_would_teach_most_is_unsure_and_varied(mine: Worker, vectors: np.ndarray) -> None:
    """Objects stand in four groups; of each, a quarter is a close call."""
    said = [Said("Oithona", 0.9, 0.85 if k % 16 < 4 else 0.0) for k in range(len(vectors))]
    show_run(mine.small, said, classify(mine.small))
    batch = mine.make("useful", limit=12)
    ids = ids_of(mine.page(batch))
    places = [mine.small.ids.index(id) for id in ids]
    assert len(set(ids)) == 12 and not batch.opens_marked
    assert sum(said[place].second > 0 for place in places) >= 8  # by chance three would be
    assert {place % 4 for place in places} == {0, 1, 2, 3}
    assert mine.make("useful", args={"n": 5}).n == 5


def test_without_a_run_variety_alone_tells_and_the_title_says_so(mine: Worker, vectors: np.ndarray) -> None:
    batch = mine.make("useful", limit=8)
    places = [mine.small.ids.index(id) for id in ids_of(mine.page(batch))]
    assert "by variety alone" in batch.title and {place % 4 for place in places} == {0, 1, 2, 3}
    mine.small.do(mine.person, mine.small.ids, taxon="fiber")
    assert mine.make("useful").n == 0


def test_a_project_without_vectors_is_told_so(mine: Worker) -> None:
    blind = replace(mine, project=replace(mine.project, embedder_id=None))
    with pytest.raises(Refused, match="no vectors"):
        blind.make("useful")


def test_of_many_each_page_is_varied(mine: Worker, vectors: np.ndarray) -> None:
    assert AT_A_TIME > 60
    batch = mine.make("useful", limit=100)
    assert batch.n == 100 and len({*ids_of(mine.page(batch, 60))}) == 60
