"""What is left follows what was labelled and refused, and a line says where the chance falls under one half."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest

from app.batches import turning, work
from app.database import Db
from app.labels import runs
from app.labels.undo import undo
from app.objects import preferences
from app.objects.preferences import PreferenceChange
from tests.batches.conftest import N_GROUPS, N_WITHOUT, N, Worker, ids_of
from tests.search.conftest import add_vectors, make_embedder
from tests.small_projects import SmallProject, predict

TAXA = ["Oithona", "Calanoida", "fiber", "detritus"]


def group_of(small: SmallProject, object_id: int) -> int:
    return small.ids.index(object_id) % N_GROUPS


@pytest.fixture
def validated(mine: Worker, small: SmallProject) -> list[int]:
    """Half of the objects, each group validated as another taxon."""
    half = small.ids[:60]
    for group, taxon in enumerate(TAXA):
        small.do(mine.person, half[group::N_GROUPS], taxon=taxon)
    mine.db.execute("update label set at = at - interval '1 hour'")
    return half


def test_what_stands_before_the_line_is_marked_and_is_of_the_kind(
    mine: Worker, small: SmallProject, validated: list[int]
) -> None:
    batch = mine.make("examples", ids=[validated[0]], limit=40)
    page = mine.page(batch, 40)
    kin = [id for id in ids_of(page) if group_of(small, id) == 0]
    assert batch.taxon == "Oithona"
    assert page.line is not None
    assert set(ids_of(page)[: page.line]) == set(kin)
    assert [tile["mark"] for tile in page.tiles] == [1] * page.line + [0] * (40 - page.line)
    assert page.line_basis == {"kind": "pairs", "n": page.line_basis["n"]}
    assert page.line_basis["n"] > 100
    assert all(tile["chance"] > 0.5 for tile in page.tiles[: page.line])


def test_chances_that_were_not_borne_out_mark_nothing_more(
    mine: Worker, small: SmallProject, validated: list[int]
) -> None:
    batch = mine.make("examples", ids=[validated[0]], limit=40)
    page = mine.page(batch, 8)
    assert page.line == 8
    mine.apply(batch, page, ids_of(page)[:1], "Oithona")

    page = mine.page(batch, 8)

    assert not page.line and {tile["mark"] for tile in page.tiles} == {0}
    assert all(tile["chance"] < 0.5 for tile in page.tiles)


def test_where_nothing_is_validated_there_is_no_line_and_nothing_is_marked(mine: Worker, small: SmallProject) -> None:
    page = mine.page(mine.make("examples", ids=small.ids[:1], limit=40), 40)
    assert (page.line, page.line_basis, page.proposals) == (None, None, [])
    assert {(tile["mark"], tile["chance"]) for tile in page.tiles} == {(0, None)}


def test_predictions_are_marked_where_their_score_is_above_one_half(mine: Worker, small: SmallProject) -> None:
    run_id = predict(small, dict.fromkeys(small.ids[:12], "Oithona"))
    low = small.ids[3:7]
    mine.db.execute("update prediction set score = 0.3 where object_id = any(%s)", [low])
    runs.publish(mine.db, small, run_id)
    batch = mine.make("predicted", args={"taxon_id": small.taxa["Oithona"], "min_score": 0.2})
    page = mine.page(batch, 20)
    assert batch.title == "Predicted Oithona"
    assert page.line == 8
    assert set(ids_of(page)[8:]) == set(low)


def test_predictions_follow_their_score_and_what_was_refused(mine: Worker, small: SmallProject) -> None:
    """All scores are the same, and two groups are predicted; one of them is refused."""
    both = [id for k, id in enumerate(small.ids[:100]) if k % N_GROUPS < 2]
    runs.publish(mine.db, small, predict(small, dict.fromkeys(both, "Oithona")))
    batch = mine.make("predicted", args={"taxon_id": small.taxa["Oithona"]})
    page = mine.page(batch, 20)
    kin = [id for id in ids_of(page) if group_of(small, id) == 0]
    mine.apply(batch, page, kin, "Oithona", not_this=[id for id in ids_of(page) if id not in kin])
    groups = Counter(group_of(small, id) for id in ids_of(mine.page(batch, 10)))
    assert groups[0] > 2 * groups[1]


def test_the_least_alike_are_asked_for_too_and_are_not_marked(
    mine: Worker, small: SmallProject, vectors: np.ndarray, validated: list[int]
) -> None:
    batch = mine.make("examples", ids=validated[:1], limit=10, far=True)
    page = mine.page(batch, 10)
    true = vectors[60:] @ vectors[0]
    assert set(ids_of(page)) == {small.ids[60 + k] for k in np.argsort(true)[:10]}
    assert batch.title == "Unlike 1 example of Oithona"
    assert (page.line, {tile["mark"] for tile in page.tiles}) == (None, {0})


def test_the_nearest_validated_objects_propose_with_their_agreement(
    mine: Worker, small: SmallProject, validated: list[int]
) -> None:
    page = mine.page(mine.make("examples", ids=[validated[1]], limit=15), 15)
    first = page.proposals[0]
    assert first["taxon"] == "Calanoida"
    assert (first["votes"], first["of"]) == (12, 12)
    assert len(page.proposals) <= 3


def test_siblings_that_split_the_votes_propose_what_stands_above_both(mine: Worker, small: SmallProject) -> None:
    kin = small.ids[0:60:N_GROUPS]
    for taxon, start in (("Oithona similis", 0), ("Calanoida", 1), ("Copepoda", 2)):
        small.do(mine.person, kin[start::3], taxon=taxon)
    page = mine.page(mine.make("examples", ids=[small.ids[64]], limit=10), 10)
    assert (page.proposals[0]["taxon"], page.proposals[0]["votes"], page.proposals[0]["of"]) == ("Copepoda", 5, 5)


def test_what_is_left_is_ranked_by_examples_and_counter_examples_at_once(
    mine: Worker, small: SmallProject, vectors: np.ndarray
) -> None:
    """Two groups are equally like the examples, of which one stands for each; one of them is refused."""
    batch = mine.make("examples", ids=small.ids[:2], limit=N - N_WITHOUT, taxon_id=small.taxa["Oithona"])
    page = mine.page(batch, 20)
    before = Counter(group_of(small, id) for id in ids_of(page))
    assert min(before[0], before[1]) > 1
    wanted = [id for id in ids_of(page) if group_of(small, id) == 0]
    mine.apply(batch, page, wanted, "Oithona", not_this=[id for id in ids_of(page) if group_of(small, id) == 1])
    after = mine.page(batch, 15)
    assert {group_of(small, id) for id in ids_of(after)} == {0}
    undo(mine.db, mine.project, mine.person, uuid4())
    again = mine.page(batch, 20)
    assert ids_of(again) == ids_of(page)


def test_passing_over_says_nothing(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("examples", ids=small.ids[:2], limit=80)
    mine.page(batch, 10)
    turning.pass_page(mine.db, mine.project, mine.person, batch.id, 1)
    turns = mine.db.execute("select turns from batch_part where batch_id = %s", [batch.id]).fetchone().turns
    assert turns == list(range(80))


def test_tiles_of_a_page_stand_beside_what_is_like_them(mine: Worker, small: SmallProject) -> None:
    page = mine.page(mine.make("filter", query="", limit=80), 80)
    groups = [group_of(small, id) for id in ids_of(page) if id in small.ids[: N - N_WITHOUT]]
    changes = sum(one != other for one, other in pairwise(groups))
    assert changes <= 2 * N_GROUPS


@pytest.mark.parametrize("n", [1, 10])
def test_a_project_of_few_objects_has_batches_too(db: Db, mine: Worker, small: SmallProject, n: int) -> None:
    db.execute("delete from object where project_id = %s and not (id = any(%s))", [small.id, small.ids[:n]])
    db.execute("update project set data_version = data_version + 1 where id = %s", [small.id])
    batch = mine.make("filter", query="")
    assert sorted(ids_of(mine.page(batch))) == small.ids[:n]
    like = mine.make("examples", ids=small.ids[:1])
    assert len(mine.page(like).tiles) == n - 1


def test_equal_vectors_are_no_trouble(db: Db, mine: Worker, small: SmallProject, validated: list[int]) -> None:
    db.execute("update object_vector set v = (select v from object_vector limit 1) where project_id = %s", [small.id])
    for order in ("neighbours", "alike", "least", "extremes"):
        batch = mine.make("examples", order=order, ids=validated[:1])
        page = mine.page(batch, 12)
        assert len(set(ids_of(page))) == 12
        mine.apply(batch, page, ids_of(page)[:5], "Oithona", not_this=ids_of(page)[5:7])
        assert len(set(ids_of(mine.page(batch, 12)))) == 12
        db.execute("delete from reservation")


def test_without_vectors_a_filter_still_makes_a_batch(db: Db, mine: Worker, small: SmallProject) -> None:
    db.execute("delete from object_vector where project_id = %s", [small.id])
    batch = mine.make("filter", query="")
    assert (batch.n, batch.n_without_vector) == (N, N)
    assert ids_of(mine.page(batch, 10)) == small.ids[:10]


def test_a_batch_of_examples_is_put_in_order_anew_when_sizes_count_otherwise(mine: Worker, small: SmallProject) -> None:
    """Every other object of a group is a thousand times as large; likeness alone does not tell them apart."""
    mine.db.execute("update object_field set numbers = array[case when object_id / 4 % 2 = 0 then 9.0 else 9000.0 end]")
    example = small.ids[0]
    batch = mine.make("examples", "alike", ids=[example], limit=40)
    before = ids_of(mine.page(batch, 20))
    sized = replace(mine.project, size_weight=0.6)
    preferences.write(mine.db, small.id, mine.person.id, PreferenceChange(size_weight=0.6))
    turning.set_order(mine.db, sized, mine.person, batch.id, "alike", measure_again=True)
    by_size = replace(mine, project=sized)
    page = by_size.page(batch, 20)
    assert {id // 4 % 2 for id in ids_of(page)} == {example // 4 % 2}
    assert {id // 4 % 2 for id in before} == {0, 1}
    distances = [tile["distance"] for tile in page.tiles]
    assert distances == sorted(distances)

    done = by_size.apply(batch, page, ids_of(page)[:5], "Oithona")
    undo(mine.db, sized, mine.person, uuid4(), done.outcome.act_id)
    assert set(ids_of(by_size.page(batch, 20))) == set(ids_of(page))


def test_sizes_count_in_the_order_between_neighbours(mine: Worker, small: SmallProject) -> None:
    mine.db.execute("update object_field set numbers = array[case when object_id / 4 % 2 = 0 then 9.0 else 9000.0 end]")
    plain = ids_of(mine.page(mine.make("filter", query="", limit=100), 100))
    by_size = replace(mine, project=replace(mine.project, size_weight=0.6))
    mine.db.execute("delete from reservation")
    sized = ids_of(by_size.page(by_size.make("filter", query="", limit=100), 100))

    def n_turns(ids: list[int]) -> int:
        return sum(a // 4 % 2 != b // 4 % 2 for a, b in pairwise(ids))

    assert set(sized) == set(plain) and n_turns(sized) < n_turns(plain) / 2


def test_what_a_later_run_calls_otherwise_is_not_marked(mine: Worker, small: SmallProject) -> None:
    runs.publish(mine.db, small, predict(small, dict.fromkeys(small.ids[:12], "Oithona")))
    batch = mine.make("predicted", args={"taxon_id": small.taxa["Oithona"]})
    later = dict.fromkeys(small.ids[:4], "fiber") | dict.fromkeys(small.ids[4:12], "Oithona similis")
    runs.publish(mine.db, small, predict(small, later, score=0.9))
    page = mine.page(batch, 20)
    assert page.line == 8
    assert set(ids_of(page)[:8]) == set(small.ids[4:12])
    assert {tile["chance"] for tile in page.tiles[8:]} == {0.0}


def test_what_was_learned_stays_where_another_order_was_looked_at_in_between(mine: Worker, small: SmallProject) -> None:
    batch = mine.make("examples", "alike", ids=small.ids[:2], limit=90, taxon_id=small.taxa["Oithona"])
    page = mine.page(batch, 20)
    wanted = [id for id in ids_of(page) if group_of(small, id) == 0]
    mine.apply(batch, page, wanted, "Oithona", not_this=[id for id in ids_of(page) if group_of(small, id) == 1])
    before = ids_of(mine.page(batch, 15))
    for order in ("least", "alike"):
        turning.set_order(mine.db, mine.project, mine.person, batch.id, order)
    assert ids_of(mine.page(batch, 15)) == before


@pytest.mark.parametrize("how", ["expired", "another embedder"])
def test_a_batch_of_an_image_that_is_kept_no_more_is_worked_on_by_what_was_labelled(
    mine: Worker, small: SmallProject, vectors: np.ndarray, how: str
) -> None:
    mine.db.execute(
        "insert into query_image (key, project_id, embedder_id, v) values ('cell', %s, %s, %s::halfvec)",
        [small.id, mine.project.embedder_id, (vectors[0] + vectors[1]).tolist()],
    )
    batch = mine.make("examples", "alike", image="cell", taxon_id=small.taxa["Oithona"])
    page = mine.page(batch, 10)
    mine.look(batch, page)
    act = mine.act(page, [id for id in ids_of(page) if group_of(small, id) == 0], "Oithona")
    if how == "expired":
        mine.db.execute("delete from query_image")
    else:
        other_id = make_embedder(mine.db, 16, "other")
        add_vectors(mine.db, other_id, small.id, small.ids[: len(vectors)], vectors)
        mine.db.execute("update project set embedder_id = %s where id = %s", [other_id, small.id])
        mine = replace(mine, project=replace(mine.project, embedder_id=other_id))
    work.apply_page(mine.db, mine.project, mine.person, batch.id, 1, act)
    assert {group_of(small, id) for id in ids_of(mine.page(batch, 15))} == {0}
