"""Labels made here go to EcoTaxa once somebody has seen what would change there, and nobody's are overwritten."""

import pytest

from app.ecotaxa import differences, taxa, visits
from app.errors import Conflict
from tests.ecotaxa.conftest import Traveller
from tests.ecotaxa.server import READER

ADA = "Ada Lovelace"


def test_what_changed_here_is_shown_and_then_sent(traveller: Traveller) -> None:
    traveller.good("pull")
    for orig_id in ("o1", "o5", "o7"):
        traveller.label(orig_id, "Copepoda")
    traveller.label("o6", "fiber", "D")
    report = traveller.good("compare")
    assert (report.n_send, report.n_conflict, report.n_unmapped) == (4, 0, 0)
    shown = differences.groups(traveller.db, traveller.place.project_id, "send")
    assert [(one.their_status, one.theirs, one.our_status, one.ours, one.n) for one in shown] == [
        ("", "", "V", "Copepoda", 2), ("", "", "D", "fiber", 1), ("V", "Oithona", "V", "Copepoda", 1)
    ]  # fmt: skip
    assert traveller.sea.classified == []

    sent = traveller.good("push")

    assert (sent.n_sent, sent.n_send) == (4, 0)
    assert [len(one["target_ids"]) for one in traveller.sea.classified] == [2, 1, 1]
    assert [traveller.sea.find(name).taxon for name in ("o1", "o5", "o7", "o6")] == [45072, 45072, 45072, 99001]
    assert traveller.sea.find("o6").status == "D"
    again = traveller.good("pull")
    assert (again.n_taken, again.n_send, again.n_conflict) == (0, 0, 0)


def test_nothing_is_sent_that_was_not_shown(traveller: Traveller) -> None:
    with pytest.raises(Conflict, match="Compare with EcoTaxa first"):
        traveller.ask("push")
    traveller.db.rollback()
    traveller.good("pull")
    traveller.label("o1", "Copepoda")
    traveller.good("compare")
    traveller.label("o2", "Copepoda")
    traveller.label("o1", "fiber")
    sent = traveller.good("push")
    assert (sent.n_sent, sent.n_send) == (0, 2)
    assert traveller.sea.classified == []


def test_what_changed_there_since_it_was_shown_is_a_conflict(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.label("o1", "Copepoda")
    traveller.label("o2", "Copepoda")
    traveller.good("compare")
    traveller.sea.label("o1", 99001, by="Grace Hopper")
    sent = traveller.good("push")
    assert (sent.n_sent, sent.n_conflict) == (1, 1)
    assert traveller.sea.find("o1").taxon == 99001
    told = differences.page(traveller.db, traveller.place.project_id, "conflict")
    assert [(one.orig_id, one.theirs, one.their_by, one.ours, one.our_by) for one in told] == [
        ("o1", "fiber", "Grace Hopper", "Copepoda", ADA)
    ]


@pytest.mark.parametrize(("keep", "theirs", "ours"), [("ours", 45072, "45072"), ("theirs", 99001, "99001")])
def test_a_conflict_is_decided(traveller: Traveller, keep: differences.Keep, theirs: int, ours: str) -> None:
    traveller.good("pull")
    traveller.label("o1", "Copepoda")
    traveller.sea.label("o1", 99001)
    assert traveller.good("pull").n_conflict == 1
    assert differences.decide(traveller.db, traveller.place.project_id, keep) == 1
    traveller.db.commit()
    traveller.good("pull")
    traveller.good("push")
    assert traveller.sea.find("o1").taxon == theirs
    assert traveller.labels()["o1"] == ("V", ours, ADA)


def test_taxa_that_ecotaxa_does_not_know_are_listed_and_mapped_before(traveller: Traveller) -> None:
    traveller.good("pull")
    place = traveller.place
    mine = place.db.execute(
        "insert into taxon (name, display_name, type) values ('rolled fiber', 'rolled fiber', 'M') returning id"
    ).fetchone()[0]
    traveller.label("o1", "rolled fiber")
    assert (traveller.good("compare").n_unmapped, traveller.good("push").n_sent) == (1, 0)
    waiting = differences.unmapped(place.db, place.project_id)
    assert [(one.taxon, one.remote_id, one.n) for one in waiting] == [("rolled fiber", None, 1)]

    taxa.say(place.db, place.project_id, {mine: 99009})  # deprecated there
    assert traveller.good("compare").n_unmapped == 1
    assert [one.remote_name for one in differences.unmapped(place.db, place.project_id)] == ["old fiber"]
    place.db.commit()

    taxa.say(place.db, place.project_id, {mine: 99001})
    assert traveller.good("compare").n_send == 1
    assert traveller.good("push").n_sent == 1
    assert traveller.sea.find("o1").taxon == 99001
    assert traveller.good("pull").n_taken == 0
    assert traveller.labels()["o1"] == ("V", "rolled fiber", ADA)


def test_a_deprecated_category_there_holds_back_its_own_labels_alone(traveller: Traveller) -> None:
    traveller.sea.label("o1", 99009)
    traveller.good("pull")
    traveller.label("o1", "Copepoda")
    traveller.label("o2", "Copepoda")
    report = traveller.good("compare")
    assert (report.n_send, report.n_blocked) == (1, 1)
    assert traveller.good("push").n_sent == 1


def test_what_was_sent_before_trouble_came_is_agreed_on(traveller: Traveller) -> None:
    traveller.good("pull")
    for orig_id in ("o1", "o2", "o3"):
        traveller.label(orig_id, "Copepoda")
    traveller.good("compare")
    traveller.sea.trouble.append(("object_set/classify", 503))
    sent = traveller.good("push")
    assert sent.n_sent == 3
    for orig_id in ("o1", "o2", "o3"):
        traveller.label(orig_id, "fiber")
    traveller.good("compare")
    traveller.sea.trouble.append(("object_set/classify", 500))
    failed = traveller.visit("push")
    assert failed.status == "failed"
    assert "0 labels were sent" in failed.error
    assert "AssertionError: no" in failed.error
    assert traveller.good("compare").n_send == 3


def test_who_may_not_annotate_there_is_told_so(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.label("o1", "Copepoda")
    traveller.good("compare")
    failed = traveller.visit("push", READER)
    assert failed.status == "failed"
    assert "too little right to the project" in failed.error
    assert traveller.sea.find("o1").taxon == 45100


def test_a_link_is_to_one_project_and_is_ended_first(traveller: Traveller) -> None:
    db, project_id = traveller.db, traveller.place.project_id
    with pytest.raises(Conflict, match="end that link first"):
        visits.set_link(db, project_id, f"{traveller.remote.address}/prj/43", None)
    visits.end_link(db, project_id)
    assert visits.set_link(db, project_id, f"{traveller.remote.address}/prj/43", None).remote_id == 43
