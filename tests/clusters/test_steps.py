"""What people do to cards: every object stays in exactly one, and each step can be turned back and forth."""

from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clusters import runs, steps
from app.clusters.runs import Run
from app.clusters.steps import Outcome, Step
from app.errors import Conflict, NotFound, Refused
from tests.clusters.conftest import Heaps
from tests.small_projects import Person


def take(
    heaps: Heaps, run: Run, who: Person, kind: str, cards: list[int], client: UUID | None = None, **more
) -> Outcome:
    run = runs.find(heaps.project.db, heaps.project.id, run.id)
    return steps.take(heaps.project.db, run, who, Step(client or uuid4(), kind, cards, **more))


def turn(heaps: Heaps, run: Run, who: Person, *, redo: bool = False) -> Outcome:
    run = runs.find(heaps.project.db, heaps.project.id, run.id)
    return steps.turn(heaps.project.db, run, who, uuid4(), redo=redo)


def whole(heaps: Heaps, run: Run) -> bool:
    found = sorted(object_id for ids in heaps.members(run).values() for object_id in ids)
    return found == sorted(heaps.project.ids)


def test_a_card_of_two_kinds_is_split_into_them(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=1)
    (card,) = heaps.members(run)
    outcome = take(heaps, run, ada, "split", [card], parts=5)
    members = heaps.members(run)
    assert outcome.removed == [card] and set(outcome.added) == set(members) and len(members) == 5
    assert whole(heaps, run)
    assert all(len({heaps.heap_of[object_id] for object_id in ids}) == 1 for ids in members.values())


def test_cards_are_merged_to_one_with_the_cores_of_all_first(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    one, other, *_ = heaps.members(run)
    before = heaps.members(run)
    (merged,) = take(heaps, run, ada, "merge", [one, other]).added
    assert sorted(heaps.members(run)[merged]) == sorted(before[one] + before[other])
    assert {heaps.heap_of[object_id] for object_id in heaps.members(run)[merged][:10]} == {
        heaps.heap_of[before[one][0]],
        heaps.heap_of[before[other][0]],
    }
    row = heaps.project.db.execute("select * from cluster where id = %s", [merged]).fetchone()
    assert row.distances == sorted(row.distances) and row.spread > 0.1


def test_objects_are_sent_out_into_a_card_of_their_own(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    card, ids = next(iter(heaps.members(run).items()))
    stays, out = take(heaps, run, ada, "send_out", [card], objects=ids[-3:]).added
    assert sorted(heaps.members(run)[out]) == sorted(ids[-3:])
    assert sorted(heaps.members(run)[stays]) == sorted(ids[:-3])


def test_another_number_of_cards_leaves_what_people_made(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    one, other, *_ = heaps.members(run)
    (merged,) = take(heaps, run, ada, "merge", [one, other]).added
    take(heaps, run, ada, "join", [], n_cards=2)
    assert merged in heaps.members(run) and len(heaps.members(run)) <= 3 and whole(heaps, run)
    assert runs.find(heaps.project.db, heaps.project.id, run.id).n_wanted == 2
    turn(heaps, run, ada)
    assert len(heaps.members(run)) == 4
    assert runs.find(heaps.project.db, heaps.project.id, run.id).n_wanted == 5


def test_a_step_sent_twice_happens_once(heaps: Heaps, ada: Person) -> None:
    run = heaps.cut(n_wanted=5)
    one, other, *_ = heaps.members(run)
    client = uuid4()
    first = take(heaps, run, ada, "merge", [one, other], client)
    assert take(heaps, run, ada, "merge", [one, other], client) == first
    assert len(heaps.members(run)) == 4


def test_who_comes_late_is_told(heaps: Heaps, ada: Person, ben: Person) -> None:
    run = heaps.cut(n_wanted=5)
    one, other, third, *_ = heaps.members(run)
    (merged,) = take(heaps, run, ada, "merge", [one, other]).added
    with pytest.raises(NotFound, match="split or joined it"):
        take(heaps, run, ben, "merge", [one, third])
    take(heaps, run, ben, "split", [merged])
    with pytest.raises(Conflict, match="Somebody has changed these cards"):
        turn(heaps, run, ada)
    turn(heaps, run, ben)
    turn(heaps, run, ada)
    assert {one, other, third} <= set(heaps.members(run))


@pytest.mark.parametrize(
    ("kind", "n", "more", "words"),
    [
        ("split", 2, {}, "one card at a time"),
        ("split", 1, {"parts": 50}, "2 to 20"),
        ("merge", 1, {}, "two cards or more"),
        ("send_out", 1, {"objects": []}, "Select the objects"),
        ("send_out", 1, {"objects": [1]}, "not in this card"),
        ("join", 0, {"n_cards": 0}, "Ask for 1 to"),
    ],
)
def test_senseless_steps_are_refused_with_the_reason(
    heaps: Heaps, ada: Person, kind: str, n: int, more: dict, words: str
) -> None:
    run = heaps.cut(n_wanted=5)
    with pytest.raises(Refused, match=words):
        take(heaps, run, ada, kind, list(heaps.members(run))[:n], **more)


def test_a_card_whose_objects_all_look_the_same_cannot_be_split(heaps: Heaps, ada: Person) -> None:
    heaps.project.db.execute(
        "update object_vector set v = (select v from object_vector where object_id = %s)", [heaps.project.ids[0]]
    )
    run = heaps.cut()
    with pytest.raises(Refused, match="nothing to split by"):
        take(heaps, run, ada, "split", list(heaps.members(run)))


@given(
    st.lists(
        st.tuples(st.sampled_from(["split", "merge", "send_out", "join", "undo", "redo"]), st.integers(0, 99)),
        max_size=8,
    )
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_done_every_object_stays_in_exactly_one_card_and_undo_brings_all_back(
    heaps: Heaps, ada: Person, gestures: list[tuple[str, int]]
) -> None:
    db = heaps.project.db
    run = heaps.cut(n_wanted=6)
    before = {card: sorted(ids) for card, ids in heaps.members(run).items()}
    for gesture, number in gestures:
        members = heaps.members(run)
        cards = list(members)
        card = cards[number % len(cards)]
        try:
            with db.transaction():
                if gesture in ("undo", "redo"):
                    turn(heaps, run, ada, redo=gesture == "redo")
                elif gesture == "merge":
                    take(heaps, run, ada, gesture, [card, cards[(number + 1) % len(cards)]])
                elif gesture == "join":
                    take(heaps, run, ada, gesture, [], n_cards=1 + number % 8)
                else:
                    take(heaps, run, ada, gesture, [card], parts=2 + number % 3, objects=members[card][:1])
        except Refused:
            pass
        assert whole(heaps, run)
    while steps.last(db, run.id, ada.id) is not None:
        turn(heaps, run, ada)
    assert {card: sorted(ids) for card, ids in heaps.members(run).items()} == before
