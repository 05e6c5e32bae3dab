"""What a run offers as a whole: what is sure, what would teach most, what is unlike the learning set."""

import pytest

from app.batches.make import make_batch
from app.batches.sources import Source
from app.database import Db
from app.projects.queries import set_member
from tests.prediction.runs import Said, classify, falling, show_run
from tests.small_projects import Person, SmallProject, make_project
from tests.start.conftest import Heaps, account_of, project_of, way, ways_of


@pytest.fixture
def project(db: Db, ada: Person) -> SmallProject:
    """Of 400 predicted as Oithona 300 are sure, of 60 as fibers none is; thirty are strange."""
    made = make_project(db, 500)
    set_member(db, made.id, ada.id, "annotator")
    said = [Said("Oithona", 0.95 if k < 300 else 0.3, novelty=0.95 if k >= 370 else 0.1) for k in range(400)]
    classifier_id = classify(made, falling("Oithona", 60, wrong=range(40, 60)) + falling("fiber", 60, wrong=range(60)))
    show_run(made, said + [Said("fiber", 0.95)] * 60, classifier_id)
    db.commit()
    return made


def test_what_is_sure_enough_for_an_audit_is_told_with_what_is_looked_at(
    db: Db, project: SmallProject, ada: Person
) -> None:
    one = way(ways_of(db, project.id, ada), "accept")
    assert one.n == 300 and one.purity and one.purity >= 0.95 and "in 1 taxon" in one.says
    assert one.url == f"/projects/{project.id}/predictions/work?precision=95"
    assert set(one.ids) <= set(project.ids[:300])
    batch = next(w for w in ways_of(db, project.id, ada) if w.kind == "predicted" and w.taxon == "Oithona")
    assert one.per_hour and batch.per_hour and one.per_hour > batch.per_hour


def test_what_was_held_out_of_what_one_may_not_read_makes_nothing_sure(
    db: Db, project: SmallProject, ada: Person
) -> None:
    hidden = make_project(db, 1, "Hidden")
    db.execute("update classifier set report = report || jsonb_build_object('sources', %s::int[])", [[hidden.id]])
    assert not [one for one in ways_of(db, project.id, ada) if one.kind == "accept"]


def test_nothing_is_sure_of_a_deprecated_taxon(db: Db, project: SmallProject, ada: Person) -> None:
    db.execute("update taxon set status = 'D' where id = %s", [project.taxa["Oithona"]])
    assert not [one for one in ways_of(db, project.id, ada) if one.kind == "accept"]


def test_few_that_are_sure_are_worked_as_a_batch(db: Db, ada: Person) -> None:
    made = make_project(db, 80)
    show_run(made, [Said("Oithona", 0.95)] * 70, classify(made, falling("Oithona", 40)))
    assert not [one for one in ways_of(db, made.id, ada) if one.kind == "accept"]


def test_what_is_strange_is_offered_as_the_batch_that_it_is(db: Db, project: SmallProject, ada: Person) -> None:
    one = way(ways_of(db, project.id, ada), "unlike")
    assert one.n == 30 and one.per_hour is None and set(one.ids) <= set(project.ids[370:400])
    batch = make_batch(db, project_of(db, project.id, ada), account_of(ada), Source("unlike", {}))
    assert (batch.n, batch.opens_marked) == (30, False)


def test_what_would_teach_most_is_offered_where_there_is_a_run(db: Db, heaps: Heaps, ada: Person) -> None:
    small = heaps.project
    assert not [one for one in ways_of(db, small.id, ada) if one.kind == "useful"]
    show_run(small, [Said("Oithona", 0.9 - 0.004 * k) for k in range(150)], classify(small, falling("Oithona", 40)))
    one = way(ways_of(db, small.id, ada), "useful")
    assert one.n == 150 and one.source == {"kind": "useful"}
    batch = make_batch(db, project_of(db, small.id, ada), account_of(ada), Source("useful", {}), limit=30)
    assert batch.n == 30 and not batch.opens_marked


def test_a_batch_of_the_surest_promises_what_these_promise(db: Db, ada: Person) -> None:
    made = make_project(db, 1300)
    show_run(made, [Said("Oithona", 0.9 if k < 1000 else 0.1) for k in range(1300)])
    one = way(ways_of(db, made.id, ada), "predicted")
    assert one.says.startswith("of the 1,000 surest 90 % right") and one.purity == pytest.approx(0.9)
