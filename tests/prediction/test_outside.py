"""Predictions from outside: nobody sees a run before it is complete, and taking it back leaves no trace."""

from collections.abc import Callable
from functools import partial

import pytest
from psycopg.errors import LockNotAvailable

from app.database import Db, connect
from app.jobs import foreground
from app.labels.changes import SEEN_STATE_LOCK
from app.labels.counts import project_counts
from app.prediction import clearing, outside
from app.search.mirror import open_mirror
from app.settings import Settings
from tests.labels.test_concurrency import at_once
from tests.prediction.conftest import Bay
from tests.small_projects import Person, predict, true_counts


def counts(bay: Bay) -> dict[tuple[int, str], int]:
    bay.project.db.rollback()
    told = project_counts(bay.project.db, bay.project.id)
    assert told == true_counts(bay.project)
    return told


def test_a_run_is_seen_once_it_is_complete(bay: Bay) -> None:
    first = bay.write(title="forest 1", **bay.piece(4, "Oithona", "Calanoida", "fiber")).json()["run"]
    assert (first["is_complete"], first["is_shown"], first["n_predictions"]) == (False, False, 4)
    assert counts(bay) == {(0, "U"): 10}
    last = bay.write(run_id=first["id"], complete=True, **bay.piece(3, "detritus", first=4)).json()["run"]
    assert (last["id"], last["is_complete"], last["is_shown"], last["n_predictions"]) == (first["id"], True, True, 7)
    taxa = bay.project.taxa
    assert counts(bay) == {(0, "U"): 3, (taxa["Oithona"], "P"): 4, (taxa["detritus"], "P"): 3}


def test_the_first_three_choices_are_kept(bay: Bay) -> None:
    bay.write(title="forest", complete=True, **bay.piece(1, "Oithona", "Calanoida", "fiber"))
    row = bay.project.db.execute("select * from prediction").fetchone()
    taxa = bay.project.taxa
    assert [row.taxon_id, row.taxon_2_id, row.taxon_3_id] == [taxa["Oithona"], taxa["Calanoida"], taxa["fiber"]]
    assert [row.score, row.score_2, row.score_3] == [0.75, 0.25, 0.125]
    assert bay.get("/objects?order=score&dir=desc").json()["objects"][0]["taxon"] == "Oithona"


def test_a_score_next_to_nothing_is_nothing(bay: Bay) -> None:
    piece = bay.piece(1, "Oithona", "Calanoida", "fiber") | {"scores": [[0.75, 1e-9, 1e-60]]}
    assert bay.write(title="forest", complete=True, **piece).status_code == 200
    row = bay.project.db.execute("select score, score_2, score_3 from prediction").fetchone()
    assert (row.score, row.score_2, row.score_3) == (0.75, pytest.approx(1e-9), 0.0)


def test_a_piece_sent_twice_counts_once_and_the_last_word_stays(bay: Bay) -> None:
    run_id = bay.write(title="forest", **bay.piece(4, "Oithona")).json()["run"]["id"]
    again = bay.write(run_id=run_id, **bay.piece(4, "Calanoida")).json()
    assert again["run"]["n_predictions"] == 4
    bay.write(run_id=run_id, complete=True)
    assert counts(bay) == {(0, "U"): 6, (bay.project.taxa["Calanoida"], "P"): 4}


def test_what_people_said_stays_whatever_a_run_says(bay: Bay, ben: Person) -> None:
    bay.project.do(ben, bay.project.ids[:2], taxon="fiber")
    bay.project.db.commit()
    bay.write(title="forest", complete=True, **bay.piece(3, "Oithona"))
    taxa = bay.project.taxa
    assert counts(bay) == {(0, "U"): 7, (taxa["fiber"], "V"): 2, (taxa["Oithona"], "P"): 1}


def test_a_run_taken_back_gives_way_to_the_one_before_it(bay: Bay) -> None:
    taxa = bay.project.taxa
    one = bay.write(title="one", complete=True, **bay.piece(4, "Oithona")).json()["run"]["id"]
    two = bay.write(title="two", complete=True, **bay.piece(5, "fiber")).json()["run"]
    assert two["replaced_run_id"] == one
    assert bay.post("/undo").json() == {"shown_run_id": one}
    assert counts(bay) == {(0, "U"): 6, (taxa["Oithona"], "P"): 4}
    assert bay.post("/undo").json() == {"shown_run_id": None}
    assert counts(bay) == {(0, "U"): 10}
    assert bay.post("/undo").status_code == 409
    assert bay.post(f"/{two['id']}/show").json()["is_shown"]
    assert counts(bay) == {(0, "U"): 5, (taxa["fiber"], "P"): 5}


def test_showing_the_shown_run_again_does_not_make_it_its_own_predecessor(bay: Bay) -> None:
    one = bay.write(title="one", complete=True, **bay.piece(4, "Oithona")).json()["run"]["id"]
    assert bay.post(f"/{one}/show").json()["replaced_run_id"] is None
    assert counts(bay) == {(0, "U"): 6, (bay.project.taxa["Oithona"], "P"): 4}


def test_a_complete_run_takes_no_more(bay: Bay) -> None:
    run_id = bay.write(title="one", complete=True, **bay.piece(4, "Oithona")).json()["run"]["id"]
    answer = bay.write(run_id=run_id, **bay.piece(1, "fiber"))
    assert answer.status_code == 409
    assert "complete" in answer.json()["detail"]


def test_a_run_that_is_not_shown_can_be_removed(bay: Bay, settings: Settings) -> None:
    one = bay.write(title="one", complete=True, **bay.piece(4, "Oithona")).json()["run"]["id"]
    half = bay.write(title="half", **bay.piece(4, "fiber")).json()["run"]["id"]
    url, headers = bay.runs, bay.headers["manager"]
    assert bay.client.delete(f"{url}/{half}", headers=headers).status_code == 204
    assert bay.client.delete(f"{url}/{half}", headers=headers).status_code == 404
    assert bay.client.delete(f"{url}/{one}", headers=headers).status_code == 409
    assert [run["id"] for run in bay.get("/predictions").json()] == [one]
    assert bay.get(f"/predictions/{half}").status_code == 404 and bay.post(f"/{half}/show").status_code == 404
    job = bay.project.db.execute("select id, kind from job").fetchone()
    foreground.run_waiting(settings, settings.database_url, job.id)
    bay.project.db.rollback()
    assert bay.project.db.execute("select array_agg(id) from run").fetchone()[0] == [one]
    assert bay.project.db.execute("select count(*) from prediction").fetchone()[0] == 4


def test_of_showing_and_removing_a_run_at_once_one_happens(bay: Bay, database_url: str) -> None:
    for _ in range(4):
        run_id = predict(bay.project, {bay.project.ids[0]: "Oithona"})
        bay.project.db.commit()
        works: list[Callable[[Db], object]] = [
            partial(outside.show, project=bay.project, run_id=run_id),
            partial(clearing.remove, project=bay.project, account_id=None, run_id=run_id),
        ]
        told = sorted(type(answer).__name__ for answer in at_once(database_url, works))
        assert told in (["Conflict", "NoneType"], ["NoneType", "NotFound"])


def test_while_a_run_is_removed_people_label_and_who_would_show_it_waits(bay: Bay, database_url: str) -> None:
    db, project = bay.project.db, bay.project
    one, two = (predict(project, {project.ids[0]: taxon}) for taxon in ("Oithona", "fiber"))
    for run_id in (one, two):
        outside.show(db, project, run_id)
    db.commit()
    with connect(database_url) as other:
        clearing.remove(other, project, None, one)
        asked = "select pg_try_advisory_xact_lock_shared(%s, %s) as had"
        assert db.execute(asked, [SEEN_STATE_LOCK, project.id]).fetchone().had
        db.rollback()
        db.execute("set local lock_timeout = '200ms'")
        with pytest.raises(LockNotAvailable):
            outside.take_back(db, project)
        db.rollback()
    assert outside.take_back(db, project) is None
    db.commit()
    assert counts(bay) == {(0, "U"): 10}


def test_of_taking_back_and_removing_the_run_before_at_once_no_removed_run_is_shown(
    bay: Bay, database_url: str
) -> None:
    db, project = bay.project.db, bay.project
    for _ in range(4):
        one, two = (predict(project, {project.ids[0]: taxon}) for taxon in ("Oithona", "fiber"))
        for run_id in (one, two):
            outside.show(db, project, run_id)
        db.commit()
        works: list[Callable[[Db], object]] = [
            partial(outside.take_back, project=project),
            partial(clearing.remove, project=project, account_id=None, run_id=one),
        ]
        at_once(database_url, works)
        shown = "select removed_at from project join run on run.id = current_run_id where project.id = %s"
        assert all(row.removed_at is None for row in db.execute(shown, [project.id]))
        counts(bay)


def test_a_state_that_was_rolled_back_is_not_taken_for_the_next(bay: Bay, database_url: str) -> None:
    db, project = bay.project.db, bay.project
    one, two = (predict(project, {project.ids[0]: taxon}) for taxon in ("Oithona", "fiber"))
    db.commit()
    outside.show(db, project, one)
    assert open_mirror(db, project.id).predicted[0] == project.taxa["Oithona"]
    db.rollback()
    with connect(database_url) as other:
        outside.show(other, project, two)
    assert open_mirror(db, project.id).predicted[0] == project.taxa["fiber"]


def test_objects_of_other_projects_are_left_out_and_told(bay: Bay) -> None:
    piece = bay.piece(2, "Oithona")
    piece["objects"] = [bay.project.ids[0], 10**12]
    told = bay.write(title="forest", **piece).json()
    assert (told["n_unknown"], told["unknown"], told["run"]["n_predictions"]) == (1, [10**12], 1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scores": [[0.5]]}, "as many scores"),
        ({"scores": [[0.25, 0.75]]}, "none is above the one before"),
        ({"scores": [[1.5, 0.5]]}, "between 0 and 1"),
        ({"taxa": [[1, 1]]}, "different taxa"),
        ({"taxa": [[1, 999_999_999]]}, "not known here: 1, 999999999"),
        ({"taxa": [[1, 2**40]]}, "no taxon can have"),
        ({"taxa": [], "scores": []}, "one of each for every object"),
        ({"objects": [-4]}, "no object's id"),
        ({"title": " "}, "title of 1 to 200"),
        ({"run_id": 5}, "leave them out"),
        ({"run_id": 5, "title": ""}, "no run 5"),
        ({"objects": [], "taxa": [], "scores": [], "complete": True}, "holds no predictions"),
        ({"sores": []}, "unknown field sores"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason_and_leaves_nothing(
    bay: Bay, changed: dict[str, object], said: str
) -> None:
    taxon = bay.project.taxa["Oithona"]
    body = {"title": "forest", "objects": bay.project.ids[:1], "taxa": [[taxon, taxon + 1]], "scores": [[0.75, 0.25]]}
    answer = bay.write(**(body | changed))
    assert answer.status_code in (400, 404, 409)
    assert said in answer.json()["detail"]
    assert bay.project.db.execute("select count(*) from run").fetchone()[0] == 0


def test_an_object_twice_in_a_piece_is_refused(bay: Bay) -> None:
    piece = bay.piece(2, "Oithona")
    piece["objects"] = [bay.project.ids[0]] * 2
    assert "stands twice" in bay.write(title="forest", **piece).json()["detail"]


def test_deprecated_taxa_are_refused_by_name(bay: Bay) -> None:
    db = bay.project.db
    db.execute("update taxon set status = 'D' where name = 'Oithona'")
    db.commit()
    assert "deprecated: Oithona" in bay.write(title="forest", **bay.piece(1, "Oithona")).json()["detail"]


def test_only_managers_predict(bay: Bay) -> None:
    refused = bay.write("annotator", title="forest", **bay.piece(1, "Oithona"))
    assert refused.status_code == 403 and "write or choose predictions" in refused.json()["detail"]
    assert bay.post("/undo", "annotator").status_code == 403


def test_a_project_without_predictions_takes_none(bay: Bay) -> None:
    db = bay.project.db
    db.execute("update project set status = 'annotate_no_prediction' where id = %s", [bay.project.id])
    db.commit()
    answer = bay.write(title="forest", **bay.piece(1, "Oithona"))
    assert answer.status_code == 409
    assert "takes no predictions" in answer.json()["detail"]
