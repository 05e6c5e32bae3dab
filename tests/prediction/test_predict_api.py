"""Predicting by programs and from the command line."""

from typing import Any

import pytest
from click.testing import CliRunner

from app.accounts.tokens import make_token
from app.accounts.viewer import Account
from app.cli import main
from app.jobs import foreground
from app.projects.queries import set_member
from tests.prediction.reef import DIMENSION, N_LABELLED, N, Reef, ada, ben, own_home, reef
from tests.search.conftest import add_vectors, unit_vectors
from tests.small_projects import Person, make_project
from tests.web_fixtures import Client, logged_in

__all__ = ["ada", "ben", "own_home", "reef"]
N_FREE = N - N_LABELLED


@pytest.fixture
def ask(reef: Reef, ben: Person, app_client: Client) -> Any:
    """Calls of the manager Ada, or of the annotator Ben."""
    set_member(reef.db, reef.id, ben.id, "annotator")
    tokens = {who.name: make_token(reef.db, who.id, "test", "full", 1)[1] for who in (reef.ada, ben)}
    reef.db.commit()

    def call(method: str, path: str, who: str = "Ada", **body: Any) -> Any:
        headers = {"authorization": f"Bearer {tokens[who]}", "accept": "application/json"}
        return app_client.request(
            method, f"/api/v1/projects/{reef.id}{path}", headers=headers, **({"json": body} if body else {})
        )

    return call


def test_a_program_predicts_and_reads_what_was_said(reef: Reef, ask: Any) -> None:
    started = ask("POST", "/predict", classifier_id=reef.classifier_id)
    assert started.status_code == 202, started.text
    run_id, job_id = started.json()["run_id"], started.json()["job_id"]
    assert ask("GET", f"/predictions/{run_id}/objects").status_code == 404
    foreground.run_waiting(reef.settings, reef.settings.database_url, job_id)
    told = ask("GET", f"/predictions/{run_id}", "Ben").json()
    assert told["run"]["is_shown"] and told["run"]["classifier_id"] == reef.classifier_id
    assert told["summary"]["n"] == N_FREE == sum(one["n"] for one in told["summary"]["taxa"])
    one = ask("GET", f"/predictions/{run_id}/objects?limit=50", "Ben").json()
    two = ask("GET", f"/predictions/{run_id}/objects?limit=50&after={one['next']}", "Ben").json()
    assert one["objects"] + two["objects"] == reef.ids[N_LABELLED:] and two["next"] is None
    assert all(len(taxa) == len(scores) == 3 for taxa, scores in zip(one["taxa"], one["scores"], strict=True))
    again = ask("POST", "/predict", publish=False).json()
    assert again["run_id"] != run_id
    assert ask("POST", "/predictions/undo").json() == {"shown_run_id": None}


def test_what_is_not_shown_is_for_who_may_predict(reef: Reef, ask: Any, ben: Person, app_client: Client) -> None:
    started = ask("POST", "/predict", classifier_id=reef.classifier_id, publish=False).json()
    foreground.run_waiting(reef.settings, reef.settings.database_url, started["job_id"])
    run_id = started["run_id"]
    for path in (f"/predictions/{run_id}", f"/predictions/{run_id}/objects"):
        assert ask("GET", path).status_code == 200 and ask("GET", path, "Ben").status_code == 404
    assert ask("GET", "/predictions", "Ben").status_code == 403
    client = logged_in(app_client, Account(ben.id, ben.email, ben.name, False))
    page = f"/projects/{reef.id}/predictions"
    assert client.get(f"{page}?run={run_id}").status_code == 404 and 'id="runs-title"' not in client.get(page).text
    ask("POST", f"/predictions/{run_id}/show")
    assert ask("GET", f"/predictions/{run_id}/objects", "Ben").json()["objects"] == reef.ids[N_LABELLED:]
    assert client.get(f"{page}?run={run_id}").status_code == 200
    assert 'id="runs-title"' in logged_in(app_client, reef.ada).get(page).text


def test_only_managers_predict_and_what_cannot_be_is_said(reef: Reef, ask: Any) -> None:
    assert ask("POST", "/predict", "Ben", classifier_id=reef.classifier_id).status_code == 403
    assert "which classifier" in ask("POST", "/predict", publish=True).json()["detail"]
    assert ask("POST", "/predict", classifier_id=10**6).status_code == 404
    assert ask("POST", "/predict", classifier_id=2**40).status_code == 404
    assert ask("GET", "/predictions/999").status_code == 404
    assert ask("GET", f"/predictions/{2**40}").status_code == 404
    assert "no vectors" in _without_vectors(reef, ask).json()["detail"]


def _without_vectors(reef: Reef, ask: Any) -> Any:
    reef.db.execute("delete from object_vector")
    reef.db.commit()
    return ask("POST", "/predict", classifier_id=reef.classifier_id)


def test_a_classifier_that_one_may_not_read_predicts_nothing_elsewhere(
    reef: Reef, ben: Person, app_client: Client
) -> None:
    db = reef.db
    lagoon = make_project(db, 10, "Lagoon", embedder_id=reef.embedder_id)
    add_vectors(db, reef.embedder_id, lagoon.id, lagoon.ids, unit_vectors(10, DIMENSION, seed=5))
    set_member(db, lagoon.id, ben.id, "manager")
    db.commit()
    client = logged_in(app_client, Account(ben.id, ben.email, ben.name, False))
    there = f"/projects/{lagoon.id}/classifiers/{reef.classifier_id}/predict"
    assert client.post(there, data={"publish": "yes"}).status_code == 404
    assert db.execute("select count(*) as n from run").fetchone().n == 0
    set_member(db, reef.id, ben.id, "visitor")
    db.commit()
    assert client.post(there, data={"publish": "yes"}).status_code == 303
    assert db.execute("select count(*) as n from run where project_id = %s", [lagoon.id]).fetchone().n == 1


def test_the_command_predicts_and_takes_back(reef: Reef, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOAL_HOME", str(reef.settings.home))
    monkeypatch.setenv("DATABASE_URL", reef.settings.database_url)

    def shoal(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["predict", *words])
        return answer.exit_code, answer.output

    code, said = shoal("Reef", "--look-first")
    assert code == 0 and f"{N_FREE} objects predicted" in said and "Not shown" in said
    code, said = shoal("Reef", "--classifier", "forest of the reef", "--filter", "status=U")
    assert code == 0 and "Calanoida" in said and "--undo takes it back" in said
    assert reef.shown() is not None
    code, said = shoal("Reef", "--undo", "--classifier", "1")
    assert code != 0 and "--undo takes back the run that is shown" in said and reef.shown() is not None
    assert shoal("Reef", "--undo")[0] == 0 and reef.shown() is None
    code, said = shoal("Reef", "--classifier", "nobody")
    assert code != 0 and "no trained classifier 'nobody'" in said
    reef.db.execute("delete from classifier")
    reef.db.commit()
    code, said = shoal("Reef")
    assert code != 0 and "no classifier yet" in said
