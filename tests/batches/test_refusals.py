"""What was said not to be this is not offered again for it, until that is undone, reset, or overtaken by a label."""

from uuid import uuid4

from app.accounts.viewer import Account
from app.batches import refusals
from app.batches.refusals import refused_ids
from app.database import Db
from app.labels.undo import redo, undo
from app.projects.queries import set_member
from app.search.mirror import open_mirror
from tests.batches.conftest import Worker, ids_of
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, logged_in


def refused_for(db: Db, small: SmallProject, taxon: str) -> set[int]:
    return set(refused_ids(db, open_mirror(db, small.id), small.taxa[taxon]).tolist())


def refuse(worker: Worker, small: SmallProject, taxon: str, n: int = 3) -> list[int]:
    """The first objects of a new batch, said not to be a taxon."""
    batch = worker.make("examples", ids=small.ids[:1], taxon_id=small.taxa[taxon], limit=20)
    page = worker.page(batch, 10)
    worker.apply(batch, page, [], taxon, not_this=ids_of(page)[:n])
    return ids_of(page)[:n]


def test_a_refusal_covers_the_children_and_says_nothing_of_the_parents(
    mine: Worker, small: SmallProject, db: Db
) -> None:
    refused = refuse(mine, small, "Oithona")
    assert refused_for(db, small, "Oithona") == refused_for(db, small, "Oithona similis") == set(refused)
    assert refused_for(db, small, "Copepoda") == refused_for(db, small, "fiber") == set()


def test_what_was_refused_does_not_come_again_for_that_label_and_does_for_others(
    mine: Worker, small: SmallProject
) -> None:
    refused = refuse(mine, small, "Oithona")
    for taxon, comes in (("Oithona", False), ("Oithona similis", False), ("Copepoda", True), (None, True)):
        taxon_id = small.taxa[taxon] if taxon else None
        batch = mine.make("examples", ids=small.ids[:1], taxon_id=taxon_id)
        assert (set(refused) <= set(ids_of(mine.page(batch, 200)))) is comes, taxon
        mine.db.execute("delete from reservation")


def test_a_batch_made_before_the_refusal_does_not_show_it_either(mine: Worker, small: SmallProject) -> None:
    earlier = mine.make("examples", ids=small.ids[:1], taxon_id=small.taxa["Oithona"])
    refused = refuse(mine, small, "Oithona")
    assert not set(refused) & set(ids_of(mine.page(earlier, 200)))


def test_it_is_undone_with_its_act_and_comes_back_with_it(mine: Worker, small: SmallProject, db: Db) -> None:
    refused = set(refuse(mine, small, "Oithona"))
    undo(db, mine.project, mine.person, uuid4())
    assert refused_for(db, small, "Oithona") == set()
    redo(db, mine.project, mine.person, uuid4())
    assert refused_for(db, small, "Oithona") == refused


def test_it_lapses_while_the_object_has_that_label(mine: Worker, small: SmallProject, db: Db) -> None:
    first, second, third = refuse(mine, small, "Oithona")
    small.do(mine.person, [first], taxon="Oithona")
    small.do(mine.person, [second], taxon="Oithona similis")
    assert refused_for(db, small, "Oithona") == {third}
    undo(db, mine.project, mine.person, uuid4())
    assert refused_for(db, small, "Oithona") == {second, third}


def test_it_is_forgotten_when_a_person_resets_it(mine: Worker, small: SmallProject, db: Db) -> None:
    refused = refuse(mine, small, "Oithona")
    assert refusals.reset(db, small.id, small.taxa["Oithona"], refused[:1]) == 1
    assert refused_for(db, small, "Oithona") == set(refused[1:])
    assert refusals.reset(db, small.id, small.taxa["Oithona"]) == 2
    assert refused_for(db, small, "Oithona") == set()


def test_a_label_outside_the_lineage_of_what_was_expected_refuses_too(
    mine: Worker, small: SmallProject, db: Db
) -> None:
    batch = mine.make("examples", ids=small.ids[:1], taxon_id=small.taxa["Oithona"], limit=30)
    for taxon, refuses in (("fiber", True), ("Oithona similis", False), ("Copepoda", False), ("Calanoida", True)):
        page = mine.page(batch, 5)
        mine.apply(batch, page, ids_of(page)[:2], taxon)
        assert (set(ids_of(page)[:2]) <= refused_for(db, small, "Oithona")) is refuses, taxon


def test_an_object_tells_what_it_was_said_not_to_be(mine: Worker, small: SmallProject, db: Db) -> None:
    refused = refuse(mine, small, "Oithona")
    (told,) = refusals.of_object(db, small.id, refused[0])
    assert (told.taxon, told.by, told.in_force) == ("Oithona", "Ada", True)
    small.do(mine.person, refused[:1], taxon="Oithona similis")
    assert [one.in_force for one in refusals.of_object(db, small.id, refused[0])] == [False]


def test_what_is_not_offered_for_a_taxon_is_listed_and_offered_again(
    mine: Worker, small: SmallProject, db: Db, app_client: Client
) -> None:
    ids = refuse(mine, small, "Oithona", 4)
    small.do(mine.person, ids[:1], taxon="Oithona similis")
    set_member(db, small.id, mine.person.id, "annotator")
    db.commit()
    page = logged_in(app_client, Account(mine.person.id, "", "", False))
    url, taxon_id = f"/projects/{small.id}/refusals", small.taxa["Oithona"]
    [listed] = page.get(f"/api/v1{url}").json()
    assert (listed["taxon"], listed["n"]) == ("Oithona", 3)
    assert [one["id"] for one in page.get(f"/api/v1{url}/{taxon_id}").json()] == sorted(ids[1:])
    assert [one["id"] for one in page.get(f"/api/v1{url}/{taxon_id}?after={min(ids[1:])}").json()] == sorted(ids[1:])[
        1:
    ]
    text = page.get(f"{url}?taxon={taxon_id}").text
    assert "3 said not to be" in text and f'value="{ids[1]}"' in text and f'value="{ids[0]}"' not in text
    assert page.post(url, data={"taxon_id": taxon_id}).status_code == 400
    again = page.post(url, data={"taxon_id": taxon_id, "ids": [ids[1], ids[2]]})
    assert "2 refusals were reset" in page.get(again.headers["location"]).text
    assert refused_for(db, small, "Oithona") == set(ids[3:])
    page.post(url, data={"taxon_id": taxon_id, "every": "yes"})
    assert refused_for(db, small, "Oithona") == set()
    assert "Nothing was refused" in page.get(url).text
