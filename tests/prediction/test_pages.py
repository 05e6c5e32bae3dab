"""The page of predictions: what is shown, what was made by others, and how managers show, take back and remove runs."""

import pytest

from app.accounts.viewer import Account
from app.classifiers.confusion import held_out_of
from app.database import Db
from app.prediction import summaries
from app.projects.queries import set_member
from tests.classifiers.written import Said, write_classifier
from tests.prediction.conftest import Bay
from tests.small_projects import Person, SmallProject, make_project, predict
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def reader(app_client: Client, bay: Bay, ada: Person) -> Client:
    return logged_in(app_client, Account(ada.id, ada.email, ada.name, False))


def show(bay: Bay, taxon: str = "Oithona", n: int = 4) -> int:
    """A shown run of a classifier."""
    project: SmallProject = bay.project
    run_id = predict(project, dict.fromkeys(project.ids[:n], taxon), title="Bay, version 1")
    project.db.commit()
    bay.post(f"/{run_id}/show")
    return run_id


def page_of(reader: Client, bay: Bay, query: str = "") -> str:
    return reader.get(f"/projects/{bay.project.id}/predictions{query}").text


def test_a_run_without_a_summary_is_told_by_what_is_left_of_it(reader: Client, bay: Bay) -> None:
    show(bay)
    page = page_of(reader, bay)
    assert "Shown now: Bay, version 1" in page
    assert "<b>4</b> predicted images are left to look at" in page
    assert "Open as a batch: predicted Oithona" in page


def test_a_runs_classifier_says_what_to_expect_of_it(reader: Client, bay: Bay) -> None:
    project, run_id = bay.project, show(bay)
    said = [Said(project.ids[k], "Oithona", "Oithona" if k else "fiber") for k in range(4)]
    classifier_id = write_classifier(project, said)
    project.db.execute("update run set classifier_id = %s where id = %s", [classifier_id, run_id])
    project.db.commit()
    assert "About 75 of 100 should be right" in page_of(reader, bay)
    assert held_out_of(project.db, project.id, classifier_id, project.taxa["Oithona"], project.taxa["fiber"])[0] == [
        project.ids[0]
    ]

    hidden = make_project(project.db, title="Hidden leg")
    sources = "update classifier set report = report || jsonb_build_object('sources', %s::int[]) where id = %s"
    project.db.execute(sources, [[hidden.id], classifier_id])
    project.db.commit()
    assert "should be right" not in page_of(reader, bay)


def carry(bay: Bay, n: int = 3) -> int:
    """A shown run of which some is as an import said, with what it says in short."""
    project, run_id = bay.project, show(bay)
    project.db.execute(
        "update prediction set said_by = 0 where run_id = %s and object_id = any(%s)", [run_id, project.ids[:n]]
    )
    summaries.write(project.db, project.id, run_id)
    project.db.commit()
    return run_id


def test_only_what_nobody_has_labelled_is_told_as_carried_over(reader: Client, bay: Bay, ada: Person) -> None:
    carry(bay)
    assert "3 are as the run before it said" in page_of(reader, bay)
    bay.project.do(ada, bay.project.ids[:2], taxon="fiber")
    bay.project.db.commit()
    assert "1 is as the run before it said" in page_of(reader, bay)
    bay.project.do(ada, bay.project.ids[2:3], taxon="fiber")
    bay.project.db.commit()
    assert "as the run before it said" not in page_of(reader, bay)


def test_a_run_was_made_when_it_was_made_and_not_when_it_was_shown_again(reader: Client, bay: Bay) -> None:
    run_id = show(bay)
    bay.project.db.execute("update run set completed_at = now() - interval '23 minutes' where id = %s", [run_id])
    bay.project.db.commit()
    there = f"/projects/{bay.project.id}/predictions"
    reader.post(f"{there}/undo")
    reader.post(f"{there}/{run_id}/show")
    assert "Made 23 min ago" in page_of(reader, bay)


def test_a_project_that_could_teach_is_offered_as_a_reference_until_one_is_named(
    reader: Client, bay: Bay, ada: Person
) -> None:
    db = bay.project.db
    other = make_project(db, title="Reference leg")
    set_member(db, other.id, ada.id, "visitor")
    db.execute("insert into count_delta (project_id, taxon_id, status, n) values (%s, 7, 'V', 99)", [other.id])
    db.commit()
    assert "Learn from Reference leg too" not in page_of(reader, bay)
    db.execute("insert into count_delta (project_id, taxon_id, status, n) values (%s, 7, 'V', 1)", [other.id])
    db.commit()
    page = page_of(reader, bay)
    assert "Learn from Reference leg too" in page and "100 validated" in page
    answer = reader.post(
        f"/projects/{bay.project.id}/references", data={"reference_id": other.id, "page": "predictions"}
    )
    assert answer.headers["location"] == f"/projects/{bay.project.id}/predictions"
    assert "Learn from Reference leg too" not in page_of(reader, bay)


def test_a_manager_takes_a_run_back_shows_it_again_and_removes_another(reader: Client, bay: Bay) -> None:
    first, second = show(bay), show(bay, "fiber")
    there = f"/projects/{bay.project.id}/predictions"
    assert "Predicted taxa" in page_of(reader, bay)
    assert reader.post(f"{there}/undo").status_code == 303
    assert bay.get("/predictions").json()[1]["is_shown"]
    assert "and nobody sees it yet" in page_of(reader, bay, f"?run={second}")
    assert reader.post(f"{there}/{second}/show").status_code == 303
    assert reader.post(f"{there}/{first}/remove").status_code == 303
    assert [run["id"] for run in bay.get("/predictions").json()] == [second]


def test_a_run_of_another_project_is_not_found_here(reader: Client, bay: Bay, ada: Person) -> None:
    other = make_project(bay.project.db, 3, title="Other")
    set_member(bay.project.db, other.id, ada.id, "manager")
    run_id = predict(other, {other.ids[0]: "fiber"})
    other.db.commit()
    answer = reader.get(f"/projects/{bay.project.id}/predictions?run={run_id}")
    assert answer.status_code == 404


def test_the_page_loads_anew_once_nothing_works_any_more(reader: Client, bay: Bay) -> None:
    project = bay.project
    project.db.execute("insert into job (kind, title, project_id) values ('predict', 'Predict', %s)", [project.id])
    project.db.commit()
    there = f"/projects/{project.id}/predictions/progress"
    answer = reader.get(there)
    assert "Predict waits for its turn" in answer.text
    assert "hx-refresh" not in answer.headers
    project.db.execute("update job set status = 'done'")
    project.db.commit()
    assert reader.get(there).headers["hx-refresh"] == "true"


def test_a_prediction_that_is_refused_says_why_above_the_form(reader: Client, bay: Bay) -> None:
    project = bay.project
    classifier_id = write_classifier(project, [Said(project.ids[0], "Oithona", "fiber")])
    project.db.commit()
    there = f"/projects/{project.id}/classifiers/{classifier_id}/predict"
    assert "Which images" in reader.get(there).text
    answer = reader.post(there, data={"filter": "status=U", "publish": ""})
    assert answer.status_code == 409
    assert 'value="status=U"' in answer.text
    assert 'role="alert"' in answer.text


def test_who_has_labelled_enough_is_told_that_it_can_be_learned_from(app_client: Client, db: Db, ada: Person) -> None:
    project = make_project(db, 130)
    set_member(db, project.id, ada.id, "manager")
    project.do(ada, project.ids[:60], taxon="Oithona")
    db.commit()
    reader = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    there = f"/projects/{project.id}/predictions/notice"
    assert "train and predict" not in reader.get(there).text
    project.do(ada, project.ids[60:110], taxon="fiber")
    db.commit()
    words = "110 validated images of 2 taxa can teach Shoal to predict the other 20"
    assert words in reader.get(there).text


def test_new_predictions_are_told_of_until_they_are_labelled(reader: Client, bay: Bay, ada: Person) -> None:
    show(bay)
    there = f"/projects/{bay.project.id}/predictions/notice"
    assert "has predicted 4 images that nobody has labelled yet" in reader.get(there).text
    bay.project.do(ada, bay.project.ids[:4], taxon="Oithona")
    bay.project.db.commit()
    assert "predicted" not in reader.get(there).text
