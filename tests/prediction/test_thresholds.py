"""What a threshold on a predicted taxon buys, as the page, the programs and the audit have it."""

from uuid import uuid4

import pytest

from app.accounts.viewer import Account
from app.batches import audits
from app.batches.audit_state import Wish
from app.prediction.thresholds import Curve, TaxonAtWork, Working, curve_of, taxa_at_work, working
from app.projects.queries import set_member
from tests.batches.conftest import Worker, mine, own_home, seen, small, vectors, worker
from tests.prediction.conftest import Bay
from tests.prediction.runs import Said, classify, falling, show_run
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, logged_in

__all__ = ["mine", "own_home", "seen", "small", "vectors", "worker"]


def look(project: SmallProject) -> Working:
    found = working(project.db, project.id)
    assert found is not None
    return found


def line(project: SmallProject, taxon: str, precision: float = 0.9) -> TaxonAtWork:
    lines = taxa_at_work(project.db, look(project), precision)
    return next(one for one in lines if one.taxon_id == project.taxa[taxon])


def curve(project: SmallProject, taxon: str) -> Curve:
    found = curve_of(look(project), project.taxa[taxon])
    assert found is not None
    return found


def test_a_threshold_takes_what_has_its_score_and_buys_what_was_held_out(small: SmallProject) -> None:
    classifier_id = classify(small, falling("Oithona", 60, wrong=range(40, 60)))
    show_run(small, [Said("Oithona", round(0.01 * k, 2)) for k in range(100)], classifier_id)
    told = line(small, "Oithona")
    assert told.threshold is not None and (told.n, told.n_held_out) == (100, 60)
    assert told.n_taken == 100 - round(100 * told.threshold)
    assert told.precision is not None and told.precision_at_least is not None
    assert told.precision >= 0.9 > told.precision_at_least
    assert told.expected_right == pytest.approx(sum(0.01 * k for k in range(100)), abs=1e-3)
    steps = curve(small, "Oithona")
    assert (steps.taken[90], steps.held_out[90], steps.precision[90]) == (10, 10, 100)
    assert steps.precision[40] == pytest.approx(100 * 40 / 60, abs=0.05)
    assert steps.precision[100] is None and steps.at_least[0] == pytest.approx(55.5, abs=1)


def test_nothing_can_be_accepted_as_a_deprecated_taxon_and_the_page_says_of_how_many(
    app_client: Client, mine: Worker, small: SmallProject
) -> None:
    show_run(small, [Said("Oithona", 0.95)] * 40 + [Said("fiber", 0.9)] * 10)
    small.db.execute("update taxon set status = 'D' where id = %s", [small.taxa["Oithona"]])
    set_member(small.db, small.id, mine.person.id, "annotator")
    small.db.commit()
    assert [one.taxon_id for one in taxa_at_work(small.db, look(small), 0.9)] == [small.taxa["fiber"]]
    person = mine.person
    seen = logged_in(app_client, Account(person.id, person.email, person.name, False))
    page = seen.get(f"/projects/{small.id}/predictions/work").text
    assert "40 of them are predicted as a deprecated taxon" in page
    assert seen.get(page.split("replace the taxon")[0].rsplit('href="', 1)[1].split('"')[0]).status_code == 200
    told = seen.get(f"/api/v1/projects/{small.id}/predictions/thresholds").json()
    assert (told["n"], told["n_deprecated"]) == (50, 40)


def test_what_is_novel_is_not_taken_and_does_not_count(small: SmallProject) -> None:
    strangers = falling("Oithona", 30, wrong=range(30), novelty=0.95)
    classifier_id = classify(small, falling("Oithona", 60) + strangers)
    show_run(small, [Said("Oithona", 0.95, novelty=0.95 if k < 30 else 0.2) for k in range(100)], classifier_id)
    told = line(small, "Oithona")
    assert (told.n, told.n_novel, told.n_taken, told.precision) == (100, 30, 70, 1)
    assert curve(small, "Oithona").novel[90] == 30
    assert not told.is_strange and not look(small).is_strange  # a third of the held-out ones were as strange


def test_much_that_is_strange_is_told(small: SmallProject) -> None:
    classifier_id = classify(small, falling("Oithona", 60))
    show_run(small, [Said("Oithona", 0.95, novelty=0.95 if k < 30 else 0.2) for k in range(100)], classifier_id)
    assert line(small, "Oithona").is_strange and look(small).is_strange


def test_a_taxon_that_is_much_rarer_here_is_told(small: SmallProject) -> None:
    classifier_id = classify(small, falling("Oithona", 50) + falling("fiber", 50))
    show_run(small, [Said("Oithona", 0.9)] * 10 + [Said("fiber", 0.9)] * 90, classifier_id)
    assert line(small, "Oithona").times_rarer == 5 and line(small, "fiber").times_rarer is None


def test_a_taxon_below_is_right_and_one_above_is_not(small: SmallProject) -> None:
    below = [Said("Oithona", 0.9, truth="Oithona similis")] * 30
    above = [Said("Calanoida", 0.9, truth="Copepoda")] * 30
    classifier_id = classify(small, below + above)
    show_run(small, [Said("Oithona", 0.9)] * 5 + [Said("Calanoida", 0.9)] * 5, classifier_id)
    assert curve(small, "Oithona").precision[90] == 100
    assert curve(small, "Calanoida").precision[90] == 0


def test_too_few_held_out_suggest_nothing(small: SmallProject) -> None:
    classifier_id = classify(small, falling("Oithona", 19))
    show_run(small, [Said("Oithona", 0.9)] * 5, classifier_id)
    assert line(small, "Oithona").threshold is None


def test_what_was_labelled_or_refused_is_not_left(mine: Worker) -> None:
    show_run(mine.small, [Said("Oithona similis", 0.9)] * 40)
    mine.small.do(mine.person, mine.small.ids[:10], taxon="fiber")
    assert line(mine.small, "Oithona similis").n == 30
    batch = mine.make("predicted", args={"taxon_id": mine.small.taxa["Oithona"]}, taxon_id=mine.small.taxa["Oithona"])
    page = mine.page(batch, 5)
    ids = [tile["id"] for tile in page.tiles]
    mine.apply(batch, page, [], "Oithona", not_this=ids)
    assert line(mine.small, "Oithona similis").n == 25  # what is no Oithona is no Oithona similis


def test_a_run_of_nobody_knows_which_classifier_has_scores_alone(small: SmallProject) -> None:
    show_run(small, [Said("Oithona", 0.9)] * 30)
    told = line(small, "Oithona")
    assert (told.threshold, told.n_held_out, told.n_above) == (None, 0, 0)
    assert curve(small, "Oithona").by_score[80] == pytest.approx(90)
    assert not look(small).is_strange


def test_the_audit_is_of_what_the_threshold_takes(mine: Worker) -> None:
    taxon_id = mine.small.taxa["Oithona"]
    said = [Said("Oithona", 0.95, novelty=0.95 if k < 10 else 0.2) for k in range(60)]
    show_run(mine.small, said + [Said("Oithona similis", 0.95)] * 10, classify(mine.small, falling("Oithona", 60)))
    query = {"kind": "predicted", "taxon_id": taxon_id, "alone": True, "known": True, "min_score": 0.9}
    audit = audits.draw(mine.db, mine.project, mine.person, Wish(uuid4(), "found", 0, taxon_id, query=query))
    assert audit.n == line(mine.small, "Oithona").n_taken == 50
    by_margin = {**query, "order": "margin", "unsure_first": True}
    again = audits.draw(mine.db, mine.project, mine.person, Wish(uuid4(), "found", 0, taxon_id, query=by_margin))
    assert again.id == audit.id


def test_what_was_carried_over_from_an_import_is_not_taken(mine: Worker) -> None:
    taxon_id = mine.small.taxa["Oithona"]
    said = [Said("Oithona", 0.95)] * 30 + [Said("Oithona", 1.0, novelty=None)] * 20
    show_run(mine.small, said, classify(mine.small, falling("Oithona", 60)))
    told = line(mine.small, "Oithona")
    assert (told.n, told.n_novel, told.n_taken) == (50, 0, 30) and curve(mine.small, "Oithona").novel[90] == 20
    query = {"kind": "predicted", "taxon_id": taxon_id, "alone": True, "known": True, "min_score": 0.9}
    assert audits.draw(mine.db, mine.project, mine.person, Wish(uuid4(), "found", 0, taxon_id, query=query)).n == 30


def test_programs_have_all_taxa_and_one_curve(bay: Bay) -> None:
    assert bay.get("/predictions/thresholds", "annotator").json()["taxa"] == []
    show_run(bay.project, [Said("Oithona", 0.9)] * 10, classify(bay.project, falling("Oithona", 60)))
    bay.project.db.commit()
    told = bay.get("/predictions/thresholds?precision=0.9", "annotator").json()
    assert (told["n"], told["precision"], told["classifier"]) == (10, 0.9, "Bay, version 1")
    assert told["taxa"][0]["threshold"] == 0.4 and told["taxa"][0]["n_taken"] == 10
    taxon_id = bay.project.taxa["Oithona"]
    assert len(bay.get(f"/predictions/thresholds/{taxon_id}", "annotator").json()["taken"]) == 101
    assert bay.get("/predictions/thresholds/1999999999", "annotator").status_code == 404
    assert bay.get("/predictions/thresholds?precision=95", "annotator").status_code == 400


def test_what_was_held_out_is_told_in_no_figure_to_who_may_not_read_what_taught(
    app_client: Client, bay: Bay, ada: Person, ben: Person
) -> None:
    db, hidden = bay.project.db, make_project(bay.project.db, 1, "Hidden leg")
    set_member(db, hidden.id, ada.id, "visitor")
    classifier_id = classify(bay.project, falling("Oithona", 60))
    report = "update classifier set report = report || jsonb_build_object('sources', %s::int[])"
    db.execute(report, [[bay.project.id, hidden.id]])
    run_id = show_run(
        bay.project, [Said("Oithona", 0.95)] * 6 + [Said("Oithona", 0.9, novelty=0.95)] * 2, classifier_id
    )
    db.execute("""update run set summary = '{"score_cap": 0.4}'""")
    db.commit()
    taxon_id = bay.project.taxa["Oithona"]
    for who, is_told in (("manager", True), ("annotator", False)):
        told = bay.get("/predictions/thresholds?precision=0.9", who).json()
        one, steps = told["taxa"][0], bay.get(f"/predictions/thresholds/{taxon_id}", who).json()
        assert told["is_closed"] is not is_told and (told["share_novel_held_out"] is not None) is is_told
        figures = [one["n_held_out"], one["n_above"], one["precision"], one["precision_at_least"], one["threshold"]]
        assert [bool(figure) for figure in figures] == [is_told] * 5
        assert (any(steps["held_out"]), any(steps["precision"]), any(steps["at_least"])) == (is_told,) * 3
        assert (one["n"], one["n_novel"], steps["taken"][90]) == (8, 2, 6), "what counts one's own is told"
        assert (bay.get(f"/predictions/{run_id}", who).json()["summary"]["score_cap"] == 0.4) is is_told
    reader = logged_in(app_client, Account(ben.id, ben.email, ben.name, False))
    page = reader.get(f"/projects/{bay.project.id}/predictions/work").text
    assert "learned from projects that you may not read" in page and "not told to you" in page
    assert "nothing was held out" not in page and 'data-held-out="0"' in page


def test_a_classifier_of_a_project_that_one_may_not_read_tells_nothing_either(bay: Bay) -> None:
    db, hidden = bay.project.db, make_project(bay.project.db, 1, "Hidden leg")
    classifier_id = classify(bay.project, falling("Oithona", 60))
    db.execute("update classifier set project_id = %s", [hidden.id])
    show_run(bay.project, [Said("Oithona", 0.95)] * 6, classifier_id)
    db.commit()
    assert bay.get("/predictions/thresholds", "manager").json()["taxa"][0]["n_held_out"] == 0


def test_the_page_says_how_much_was_carried_over(app_client: Client, bay: Bay, ada: Person) -> None:
    said = [Said("Oithona", 0.9)] * 6 + [Said("Oithona", 1.0, novelty=None)] * 3
    show_run(bay.project, said, classify(bay.project, falling("Oithona", 60)))
    bay.project.db.commit()
    told = bay.get("/predictions/thresholds", "annotator").json()
    assert (told["n"], told["n_carried"], told["taxa"][0]["n_carried"]) == (9, 3, 3)
    reader = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    page = reader.get(f"/projects/{bay.project.id}/predictions/work").text
    assert "3 of them are as another run said before" in page and "or was carried over" in page
