"""What is promised of predictions: by their scores, as far as people bore these out, without what was refused."""

from uuid import uuid4

import pytest

from app.batches import page_marks, work
from app.batches.make import make_batch
from app.batches.page import next_page
from app.batches.sources import Source
from app.database import Db
from app.labels.runs import publish
from app.start.predicted import borne_out
from app.start.way import Way
from tests.small_projects import SmallProject, make_project, predict
from tests.start.conftest import Person, account_of, project_of, way, ways_of


@pytest.fixture
def project(db: Db) -> SmallProject:
    """Forty of sixty are predicted as Oithona, ten more as a species of it."""
    made = make_project(db, 60)
    taxa = dict.fromkeys(made.ids[:40], "Oithona") | dict.fromkeys(made.ids[40:50], "Oithona similis")
    publish(db, made, predict(made, taxa, score=0.8))
    db.commit()
    return made


def of(project: SmallProject, who: Person, taxon: str = "Oithona") -> Way:
    found = ways_of(project.db, project.id, who)
    return next(one for one in found if one.kind == "predicted" and one.taxon == taxon)


def work_one(project: SmallProject, who: Person, n: int, n_right: int, *, refuse: bool = False) -> None:
    """Look at the first `n` of a batch of predicted Oithona, and label some of them so."""
    db, seen, account = project.db, project_of(project.db, project.id, who), account_of(who)
    batch = make_batch(db, seen, account, Source("predicted", {"taxon_id": project.taxa["Oithona"]}))
    page = next_page(db, seen, account, batch.id, n)
    ids, states = [tile["id"] for tile in page.tiles], [tile["state"] for tile in page.tiles]
    page_marks.note_seen(db, seen, account, batch.id, page.number, ids)
    refused = ids[n_right:] if refuse else []
    act = work.PageAct(uuid4(), ids[:n_right], states[:n_right], refused, project.taxa["Oithona"])
    work.apply_page(db, seen, account, batch.id, page.number, act)


def test_the_batch_of_a_predicted_taxon_holds_what_was_counted(db: Db, project: SmallProject, ada: Person) -> None:
    one = of(project, ada)
    assert one.n == 50 and one.purity == pytest.approx(0.8) and one.says == "80 % right by their scores"
    source = Source("predicted", {"taxon_id": one.taxon_id})
    assert make_batch(db, project_of(db, project.id, ada), account_of(ada), source).n == 50
    assert of(project, ada, "Oithona similis").n == 10


def test_nothing_is_offered_as_a_taxon_that_is_deprecated(db: Db, project: SmallProject, ada: Person) -> None:
    db.execute("update taxon set status = 'D' where id = %s", [project.taxa["Oithona"]])
    offered = [one.taxon for one in ways_of(db, project.id, ada) if one.taxon]
    assert offered == ["Oithona similis"]


def test_of_what_an_import_predicted_without_a_score_nothing_is_promised(
    db: Db, project: SmallProject, ada: Person
) -> None:
    db.execute("update run set kind = 'import'")
    db.execute("update prediction set score = 1")
    db.commit()
    one = of(project, ada)
    assert (one.says, one.purity) == ("imported, without a score", 0.5)
    work_one(project, ada, 20, 20)
    assert of(project, ada).says == "imported, without a score; 20 of 20 looked at so far were it"
    source = Source("predicted", {"taxon_id": one.taxon_id})
    batch = make_batch(db, project_of(db, project.id, ada), account_of(ada), source)
    page = next_page(db, project_of(db, project.id, ada), account_of(ada), batch.id, 10)
    assert (page.line_basis or {}).get("kind") != "score"


def test_what_was_refused_is_not_counted_again(project: SmallProject, ada: Person) -> None:
    work_one(project, ada, 20, 12, refuse=True)
    one = of(project, ada)
    assert one.n == 30 and "12 of 20 looked at so far were it" in one.says
    seen = project_of(project.db, project.id, ada)
    assert make_batch(project.db, seen, account_of(ada), Source("predicted", {"taxon_id": one.taxon_id})).n == 30


def test_scores_that_do_not_come_true_promise_less(project: SmallProject, ada: Person) -> None:
    before = of(project, ada)
    work_one(project, ada, 20, 2)
    after = of(project, ada)
    assert after.n == 48 and after.purity and before.purity and after.purity < 0.5 * before.purity
    assert after.per_hour and before.per_hour and after.per_hour < before.per_hour


def test_what_a_former_run_said_is_not_held_against_the_present_one(project: SmallProject, ada: Person) -> None:
    work_one(project, ada, 20, 2)
    project.db.commit()
    publish(project.db, project, predict(project, dict.fromkeys(project.ids[:40], "Oithona"), score=0.8))
    one = of(project, ada)
    assert one.says == "80 % right by their scores"


def test_a_score_is_borne_out_by_as_many_as_it_expected() -> None:
    assert borne_out(0.6, 0, 0) == pytest.approx(0.6)
    assert borne_out(0.6, 90, 90) == pytest.approx(0.6)
    assert borne_out(0.6, 10, 90) < 0.15
    assert borne_out(0.9, 100, 80) == 0.95
    assert borne_out(0.0, 5, 5) == 0


def test_a_check_that_is_begun_makes_labels_better_not_more(db: Db, project: SmallProject, ada: Person) -> None:
    project.do(ada, project.ids[:30], taxon="Oithona")
    seen = project_of(db, project.id, ada)
    make_batch(db, seen, account_of(ada), Source("filter", {"query": "status=V"}))
    one = way(ways_of(db, project.id, ada), "go_on")
    assert one.n == 30 and one.per_hour is None and one.purity is None
    make_batch(db, seen, account_of(ada), Source("filter", {"query": "status=P"}))
    found = ways_of(db, project.id, ada)
    one = way(found, "go_on")
    assert one.n == 20 and one.per_hour == way(found, "filter").per_hour
    make_batch(db, seen, account_of(ada), Source("predicted", {"taxon_id": project.taxa["Oithona"]}))
    assert way(ways_of(db, project.id, ada), "go_on").purity == 0.5
