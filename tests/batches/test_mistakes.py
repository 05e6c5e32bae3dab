"""Likely mistakes: pairs of taxa, good examples of both, and decisions that hold."""

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import mistakes
from app.batches.mistakes import Decision
from app.errors import Conflict, Refused
from app.labels.acts import Outcome
from app.labels.undo import undo
from app.search import graph
from app.search.mirror import open_mirror
from tests.batches.conftest import N_GROUPS, Worker
from tests.batches.test_graph_sources import labelled
from tests.small_projects import Person, SmallProject
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["labelled"]


def suspected(worker: Worker, kind: str = "mistakes") -> list[int]:
    told = mistakes.find(worker.db, worker.project, open_mirror(worker.db, worker.small.id), kind)
    return sorted(told.ids.tolist())


def decision(worker: Worker, id: int, other: str, taxon: str, kind: str = "mistakes") -> Decision:
    taxa = worker.small.taxa
    return Decision(uuid4(), kind, id, worker.small.states([id])[0], taxa[other], taxa[taxon])


def decide(worker: Worker, *said: object, **more: str) -> Outcome:
    return mistakes.decide(worker.db, worker.project, worker.person, decision(worker, *said, **more))


def test_suspects_come_by_pair_of_taxa_with_good_examples_of_both(mine: Worker, labelled: list[int]) -> None:
    mirror, taxa = open_mirror(mine.db, mine.small.id), mine.small.taxa
    told = mistakes.find(mine.db, mine.project, mirror, "mistakes")
    pairs = [(pair.taxon, pair.other, pair.n) for pair in mistakes.pairs(mine.db, told)]
    assert sorted(pairs) == [("detritus", "Calanoida", 1), ("detritus", "Oithona", 1)]
    assert mistakes.of_pair(told, taxa["detritus"], taxa["Oithona"]).tolist() == [labelled[8]]
    good = mistakes.examples(mine.db, mine.project, mirror, taxa["Oithona"], False, 6)
    assert set(good) <= set(labelled[0::N_GROUPS]) and len(good) == 6


def test_what_was_said_to_stay_does_not_come_back_even_with_a_new_graph(mine: Worker, labelled: list[int]) -> None:
    outcome = decide(mine, labelled[8], "Oithona", "detritus")
    assert mine.small.seen(labelled[8]) == ("V", "detritus", "Ada")
    assert outcome.undo.undo and outcome.undo.undo.label == "not Oithona"
    graph._kept = type(graph._kept)(graph.MOST_KEPT)
    assert suspected(mine) == [labelled[9]]
    undo(mine.db, mine.project, mine.person, uuid4())
    assert suspected(mine) == labelled[8:10]


def test_what_is_moved_has_the_other_label_and_is_not_offered_for_the_former(mine: Worker, labelled: list[int]) -> None:
    decide(mine, labelled[8], "Oithona", "Oithona")
    assert mine.small.seen(labelled[8])[:2] == ("V", "Oithona")
    assert suspected(mine) == [labelled[9]]
    refused = mine.db.execute("select object_id, taxon_id from refusal").fetchall()
    assert [tuple(row) for row in refused] == [(labelled[8], mine.small.taxa["detritus"])]


def test_another_person_s_word_that_it_stays_is_a_validation(mine: Worker, theirs: Worker, labelled: list[int]) -> None:
    decide(theirs, labelled[8], "Oithona", "detritus")
    assert theirs.small.seen(labelled[8]) == ("V", "detritus", "Ben")
    assert suspected(mine) == [labelled[9]]


def test_a_decided_one_comes_again_once_it_carries_another_label(mine: Worker, labelled: list[int]) -> None:
    decide(mine, labelled[8], "Oithona", "detritus")
    mine.small.do(mine.person, [labelled[8]], taxon="fiber")
    assert labelled[8] in suspected(mine)


def test_a_decision_sent_twice_happens_once_and_one_on_a_changed_object_not_at_all(
    mine: Worker, theirs: Worker, labelled: list[int]
) -> None:
    said = decision(mine, labelled[8], "Oithona", "detritus")
    first = mistakes.decide(mine.db, mine.project, mine.person, said)
    assert mistakes.decide(mine.db, mine.project, mine.person, said).act_id == first.act_id
    late = decision(mine, labelled[9], "Calanoida", "Calanoida")
    theirs.small.do(theirs.person, [labelled[9]], taxon="fiber")
    with pytest.raises(Conflict, match="meanwhile"):
        mistakes.decide(mine.db, mine.project, mine.person, late)


def test_what_a_batch_of_mistakes_confirms_is_decided_too(mine: Worker, labelled: list[int]) -> None:
    batch = mine.make("mistakes")
    page = mine.page(batch)
    mine.apply(batch, page, [labelled[9]], "Calanoida")
    assert suspected(mine) == [labelled[8]]


def test_objects_at_a_parent_are_proposed_its_child_until_they_stay(mine: Worker, small: SmallProject) -> None:
    known = small.ids[:80]
    for group, taxon in enumerate(["Oithona", "Calanoida", "fiber", "detritus"]):
        small.do(mine.person, known[group::N_GROUPS], taxon=taxon)
    at_parent = known[0:24:N_GROUPS][:2]
    small.do(mine.person, at_parent, taxon="Copepoda")
    assert suspected(mine, "refine") == at_parent
    decide(mine, at_parent[0], "Oithona", "Copepoda", kind="refine")
    assert suspected(mine, "refine") == at_parent[1:]
    decide(mine, at_parent[1], "Oithona", "Oithona", kind="refine")
    assert suspected(mine, "refine") == []
    assert (
        mine.db.execute("select count(*) from refusal where taxon_id = %s", [small.taxa["Copepoda"]]).fetchone()[0] == 0
    )


def test_the_page_shows_pair_and_examples_and_says_where_nothing_can_be_told(
    app_client: Client, database_url: str, mine: Worker, labelled: list[int],
    make_account: Callable[..., Account], make_member: Callable[..., None], make_project: Callable[..., int],
) -> None:  # fmt: skip
    mine.db.commit()
    account = make_account()
    make_member(mine.small.id, account, "annotator")
    empty = make_project()
    make_member(empty, account, "annotator")
    client = logged_in(app_client, account)
    page = client.get(f"/projects/{mine.small.id}/mistakes").text
    assert "It stays" in page and "Good examples of detritus" in page
    assert "detritus that may be fiber" in client.get(f"/projects/{mine.small.id}/mistakes?kind=refine").text
    assert "It stays" in client.get(f"/projects/{mine.small.id}/mistakes?pair=nonsense").text
    assert "Nothing can be told yet" in client.get(f"/projects/{empty}/mistakes").text
    told = client.get(f"/api/v1/projects/{mine.small.id}/suspects", headers=bearer(database_url, account)).json()
    assert [pair["n"] for pair in told] == [1, 1]
    url = f"/api/v1/projects/{mine.small.id}/suspects/{told[0]['taxon_id']}/{told[0]['other_id']}"
    assert len(client.get(url, headers=bearer(database_url, account)).json()["tiles"]) == 1


def test_an_unknown_taxon_is_no_decision(mine: Worker, labelled: list[int]) -> None:
    said = Decision(uuid4(), "mistakes", labelled[8], mine.small.states([labelled[8]])[0], 2_000_000_000, 1)
    with pytest.raises(Refused):
        mistakes.decide(mine.db, mine.project, mine.person, said)


def test_nothing_is_decided_where_nothing_may_be_labelled(theirs: Worker, ben: Person) -> None:
    project = replace(theirs.project, status="explore")
    with pytest.raises(Refused, match="explored"):
        mistakes.decide(theirs.db, project, ben, decision(theirs, theirs.small.ids[0], "Oithona", "Oithona"))
