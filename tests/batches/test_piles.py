"""Piles: set aside, shared, looked through, named in one act, taken back."""

from uuid import uuid4

import pytest

from app.accounts.viewer import Account, Viewer
from app.batches import piles
from app.batches.make import make_batch
from app.batches.piles import PileAct
from app.batches.sources import Source
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.labels.undo import redo, undo
from app.objects.filters import read_filter
from app.projects.access import find_project
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def project(db: Db) -> SmallProject:
    return make_project(db)


@pytest.fixture
def pile_id(db: Db, project: SmallProject, ada: Person) -> int:
    """Ada's pile of four objects."""
    return piles.make_pile(db, project, ada, uuid4(), "  worm-like,  to be asked ", project.ids[:4])


def named(project: SmallProject, taxon: str = "Oithona") -> PileAct:
    return PileAct(uuid4(), project.taxa[taxon])


def test_a_pile_is_shared_under_its_provisional_name(db: Db, project: SmallProject, pile_id: int) -> None:
    (pile,) = piles.list_piles(db, project.id)
    assert (pile.id, pile.name, pile.n, pile.n_open, pile.account, len(pile.hashes)) == (
        pile_id, "worm-like, to be asked", 4, 4, "Ada", 4,
    )  # fmt: skip
    assert piles.list_piles(db, make_project(db, 2, "Other").id) == []
    with pytest.raises(NotFound):
        piles.find_pile(db, project.id, 999_999)


def test_sent_twice_it_is_made_once(db: Db, project: SmallProject, ada: Person) -> None:
    client_id = uuid4()
    first = piles.make_pile(db, project, ada, client_id, "worms", project.ids[:2])
    assert piles.make_pile(db, project, ada, client_id, "worms", project.ids[:2]) == first
    assert len(piles.list_piles(db, project.id)) == 1


def test_objects_are_put_on_once_and_taken_off_and_only_those_of_the_project(
    db: Db, project: SmallProject, ben: Person, pile_id: int
) -> None:
    other = make_project(db, 2, "Other")
    assert piles.put_on(db, project, ben, pile_id, [*project.ids[3:6], *other.ids]) == 2
    assert piles.take_off(db, project, pile_id, project.ids[:2]) == 2
    assert piles.open_members(db, project.id, pile_id) == project.ids[2:6]


def test_one_act_names_all_and_its_undo_opens_the_pile_again(
    db: Db, project: SmallProject, ada: Person, pile_id: int
) -> None:
    db.commit()
    outcome = piles.name_pile(db, project, ada, pile_id, named(project))
    db.commit()
    assert [now.id for now in outcome.changed] == project.ids[:4]
    assert {project.label(i).provenance for i in project.ids[:4]} == {"batch"}
    pile = piles.find_pile(db, project.id, pile_id)
    assert (pile.taxon, pile.act_id, pile.closed_at is not None) == ("Oithona", outcome.act_id, True)
    with pytest.raises(Conflict, match="closed"):
        piles.put_on(db, project, ada, pile_id, project.ids[5:6])
    undo(db, project, ada, uuid4())
    db.commit()
    pile = piles.find_pile(db, project.id, pile_id)
    assert (pile.taxon, pile.closed_at, pile.n_open) == (None, None, 4)
    redo(db, project, ada, uuid4())
    assert piles.find_pile(db, project.id, pile_id).taxon == "Oithona"


def test_the_naming_sent_twice_happens_once(db: Db, project: SmallProject, ada: Person, pile_id: int) -> None:
    db.commit()
    said = named(project)
    first = piles.name_pile(db, project, ada, pile_id, said)
    assert piles.name_pile(db, project, ada, pile_id, said).act_id == first.act_id


def test_who_did_not_set_them_aside_looks_them_through_first(
    db: Db, project: SmallProject, ben: Person, pile_id: int
) -> None:
    db.commit()
    piles.note_seen(db, project.id, ben, pile_id, [*project.ids[:3], project.ids[8]])
    assert piles.unseen(db, project.id, ben, pile_id) == project.ids[3:4]
    with pytest.raises(Conflict, match="1 of the 4 objects") as refused:
        piles.name_pile(db, project, ben, pile_id, named(project))
    assert refused.value.detail == {"n_unseen": 1}
    assert project.seen(project.ids[0])[0] == "U"
    piles.note_seen(db, project.id, ben, pile_id, project.ids[3:4])
    assert len(piles.name_pile(db, project, ben, pile_id, named(project)).changed) == 4


def test_what_a_program_sets_aside_nobody_has_seen(
    db: Db, app_client: Client, database_url: str, project: SmallProject, ada: Person
) -> None:
    db.execute("insert into member values (%s, %s, 'annotator')", [project.id, ada.id])
    db.commit()
    headers = bearer(database_url, Account(ada.id, ada.email, ada.name, False))
    api, aside = f"/api/v1/projects/{project.id}/piles", {"client_id": str(uuid4()), "name": "odd"}
    pile = app_client.post(api, json={**aside, "ids": project.ids[:2]}, headers=headers).json()["id"]
    assert app_client.post(api, json={**aside, "ids": project.ids[:2]}, headers=headers).json()["id"] == pile
    app_client.post(f"{api}/{pile}/objects", json={"ids": project.ids[2:4]}, headers=headers)
    name = {"client_id": str(uuid4()), "taxon_id": project.taxa["Oithona"]}
    refused = app_client.post(f"{api}/{pile}/name", json=name, headers=headers)
    assert (refused.status_code, refused.json()["n_unseen"]) == (409, 4)
    window = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    window.post(f"{api}/{pile}/objects", json={"ids": project.ids[:3]})
    assert window.get(f"{api}/{pile}/objects").json()["unseen"] == project.ids[3:4]
    app_client.post(f"{api}/{pile}/seen", json={"ids": project.ids[3:4]}, headers=headers)
    assert app_client.post(f"{api}/{pile}/name", json=name, headers=headers).status_code == 200


def test_what_somebody_labelled_since_is_settled_and_left_alone(
    db: Db, project: SmallProject, ada: Person, ben: Person, pile_id: int
) -> None:
    db.commit()
    project.do(ben, project.ids[:1], taxon="fiber")
    db.commit()
    assert piles.find_pile(db, project.id, pile_id).n_open == 3
    piles.name_pile(db, project, ada, pile_id, named(project))
    assert project.seen(project.ids[0]) == ("V", "fiber < detritus", "Ben")
    db.commit()
    with pytest.raises(Conflict, match="closed"):
        piles.name_pile(db, project, ada, pile_id, named(project))


def test_what_somebody_labels_while_a_pile_is_named_keeps_that_label(
    db: Db, project: SmallProject, ada: Person, ben: Person, pile_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.commit()
    find = piles.open_members

    def slow(*args: object) -> list[int]:
        ids = find(*args)
        project.do(ben, ids[:1], taxon="fiber")
        return ids

    monkeypatch.setattr(piles, "open_members", slow)
    outcome = piles.name_pile(db, project, ada, pile_id, named(project))
    assert [left.id for left in outcome.refused] == project.ids[:1] and len(outcome.changed) == 3
    assert project.seen(project.ids[0]) == ("V", "fiber < detritus", "Ben")


def test_what_is_deleted_does_not_keep_a_pile_from_being_named(
    db: Db, project: SmallProject, ben: Person, pile_id: int
) -> None:
    piles.note_seen(db, project.id, ben, pile_id, project.ids[:3])
    db.execute("delete from object where project_id = %s and id = %s", [project.id, project.ids[3]])
    db.commit()
    assert piles.unseen(db, project.id, ben, pile_id) == []
    assert len(piles.name_pile(db, project, ben, pile_id, named(project)).changed) == 3


def test_doubts_from_before_and_after_are_named_too(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:1], taxon="fiber", status="D")
    db.commit()
    pile_id = piles.make_pile(db, project, ada, uuid4(), "odd", project.ids[:3])
    db.commit()
    project.do(ada, project.ids[1:2], taxon="fiber", status="D")
    db.commit()
    assert piles.find_pile(db, project.id, pile_id).n_open == 3
    piles.name_pile(db, project, ada, pile_id, named(project))
    assert {project.seen(id)[:2] for id in project.ids[:3]} == {("V", "Oithona")}


def test_a_pile_is_a_filter_and_a_batch(db: Db, project: SmallProject, ada: Person, pile_id: int) -> None:
    filter = read_filter(db, project.id, [("pile", str(pile_id))])
    mirror = open_mirror(db, project.id)
    assert mirror.ids[mirror.mask(db, filter)].tolist() == project.ids[:4]
    assert filter.chips[0].value == "worm-like, to be asked"
    other, manager = make_project(db, 2, "Other"), Viewer(Account(ada.id, ada.email, ada.name, True))
    assert read_filter(db, other.id, [("pile", str(pile_id))]).chips[0].invalid
    batch = make_batch(db, find_project(db, manager, project.id), ada, Source("pile", {"pile_id": pile_id}))
    assert (batch.n, batch.title) == (4, "Pile: worm-like, to be asked")


def test_bad_names_and_closed_projects_are_refused(db: Db, project: SmallProject, ada: Person, pile_id: int) -> None:
    for name in (" ", "x" * 201):
        with pytest.raises(Refused, match="1 to 200 letters"):
            piles.make_pile(db, project, ada, uuid4(), name, [])
    piles.rename(db, project, pile_id, "worms")
    assert piles.find_pile(db, project.id, pile_id).name == "worms"
    piles.close(db, project, pile_id)
    with pytest.raises(Conflict, match="closed"):
        piles.rename(db, project, pile_id, "eels")
    piles.close(db, project, pile_id, closed=False)
    piles.take_off(db, project, pile_id, project.ids[:4])
    with pytest.raises(Conflict, match="left to be named"):
        piles.name_pile(db, project, ada, pile_id, named(project))
    with pytest.raises(Forbidden):
        piles.make_pile(db, make_project(db, 2, "Shut", status="explore"), ada, uuid4(), "x", [])
