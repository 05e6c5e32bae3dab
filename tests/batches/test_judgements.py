"""What all reviews together tell of a person: of a taxon, and of all labels where all were drawn from."""

import pytest

from app.batches import judgements
from app.batches.judgements import ErrorRate
from app.database import Db
from tests.batches.conftest import Worker
from tests.small_projects import Person


@pytest.fixture
def manager(db: Db, mine: Worker, ben: Person) -> Worker:
    """Ada, who manages the project, in which Ben has validated 10 fibers and 81 of Oithona, the fibers all wrongly."""
    db.execute("insert into member values (%s, %s, 'manager')", [mine.small.id, mine.person.id])
    mine.small.do(ben, mine.small.ids[:10], taxon="fiber")
    mine.small.do(ben, mine.small.ids[10:91], taxon="Oithona")
    db.commit()
    return mine


def look_again(manager: Worker) -> None:
    """Ada finds every fiber wrong, and all else right, of what was drawn."""
    small = manager.small
    drawn = [row[0] for row in small.db.execute("select distinct object_id from review_object order by 1")]
    fibers = [id for id in drawn if id in small.ids[:10]]
    if fibers:
        small.do(manager.person, fibers, taxon="Oithona")
    if others := [id for id in drawn if id not in fibers]:
        small.do(manager.person, others, "confirm")
    small.db.commit()


def rates(manager: Worker) -> dict[str | None, ErrorRate]:
    return {one.taxon: one for one in judgements.error_rates(manager.db, manager.small.id)}


def test_a_review_of_one_taxon_says_nothing_of_all_labels(manager: Worker, ben: Person) -> None:
    manager.make("review", args={"who": ben.id, "taxon_id": manager.small.taxa["fiber"]})
    look_again(manager)
    told = rates(manager)
    assert list(told) == ["fiber < detritus"]
    assert told["fiber < detritus"].share == 1.0


def test_all_labels_are_told_of_by_what_was_drawn_from_all_of_them(manager: Worker, ben: Person) -> None:
    manager.make("review", who=ben.id, limit=40)
    manager.make("review", args={"who": ben.id, "taxon_id": manager.small.taxa["fiber"]})
    n_fibers = manager.db.execute(
        """
        select count(*)
          from review_object
          join review on review.id = review_id
         where review.taxon_id is null
           and review_object.taxon_id = %s
        """,
        [manager.small.taxa["fiber"]],
    ).fetchone()[0]
    look_again(manager)
    told = rates(manager)
    assert (told[None].n, told[None].n_wrong) == (40, n_fibers)
    assert (told["fiber < detritus"].n, told["fiber < detritus"].n_wrong) == (10, 10)
    assert told["Oithona"].n_wrong == 0


def test_a_review_of_everybody_tells_of_each_person(manager: Worker) -> None:
    manager.make("review", limit=91)
    look_again(manager)
    assert (rates(manager)[None].n, rates(manager)[None].n_wrong) == (91, 10)
