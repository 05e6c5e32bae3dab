"""EcoTaxa is busy, slow, strange or says no: a sentence each, nothing half-done, and no token left behind."""

import threading

import pytest

from app.database import connect
from app.ecotaxa import tokens, visits
from app.ecotaxa.client import read_address
from app.errors import Conflict, Refused
from app.jobs.queue import cancel
from app.jobs.run import run_queued
from tests.ecotaxa.conftest import Traveller
from tests.ecotaxa.server import STRANGER


@pytest.mark.parametrize("code", [429, 502, 503])
def test_a_busy_server_is_waited_for(traveller: Traveller, code: int) -> None:
    traveller.sea.trouble += [("projects/", code), ("object_set/42/query", code), ("jobs/", code)]
    assert traveller.good("pull").n_new == 7


def test_a_server_that_stays_busy_is_left_with_a_sentence(traveller: Traveller) -> None:
    traveller.sea.trouble += [("projects/", 429)] * 6
    failed = traveller.visit("pull")
    assert failed.status == "failed"
    assert "is busy and takes no more questions now (429): try again later" in failed.error


@pytest.mark.parametrize("token", [STRANGER, "nobody"])
def test_a_token_that_is_refused_is_told_and_forgotten(traveller: Traveller, token: str) -> None:
    failed = traveller.visit("pull", token)
    assert failed.status == "failed"
    assert "does not let this token do that" in failed.error
    assert traveller.place.values("select token from ecotaxa_visit") == [None]


def test_a_job_that_fails_there_is_told_with_its_reason(traveller: Traveller) -> None:
    traveller.sea.job_fails = "No space left for exports"
    failed = traveller.visit("pull")
    assert "did not end well: No space left for exports" in failed.error
    assert traveller.labels() == {}
    traveller.sea.job_fails = ""
    assert traveller.good("pull").n_new == 7


def test_a_download_that_breaks_goes_on_where_it_was(traveller: Traveller) -> None:
    traveller.sea.cut_download_at = 700
    assert traveller.good("pull").n_new == 7
    assert traveller.sea.asked.count("GET jobs/1/file") == 2


def test_something_else_than_ecotaxa_is_noticed(traveller: Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.ecotaxa.server import Handler

    monkeypatch.setattr(Handler, "_do", lambda *given: ["hello"])
    assert "answers otherwise than EcoTaxa does" in traveller.visit("pull").error


def test_no_server_at_all(traveller: Traveller) -> None:
    traveller.remote.close()
    assert "does not answer" in traveller.visit("pull").error


def test_a_project_that_is_not_there(traveller: Traveller) -> None:
    traveller.sea.project = 77
    assert "has no such project" in traveller.visit("pull").error


def test_one_visit_at_a_time_and_a_cancelled_one_leaves_no_token(traveller: Traveller) -> None:
    asked = traveller.ask("pull")
    with pytest.raises(Conflict, match="Another visit to EcoTaxa is under way"):
        traveller.ask("compare")
    traveller.db.rollback()
    cancel(traveller.db, asked.job_id or 0)
    traveller.db.commit()
    assert traveller.good("pull").n_new == 7
    assert set(traveller.place.values("select token from ecotaxa_visit")) == {None}


def test_a_token_never_stands_in_clear(traveller: Traveller) -> None:
    traveller.ask("pull", "very-secret-token")
    place = traveller.place
    sealed = bytes(place.values("select token from ecotaxa_visit")[0])
    assert b"very-secret" not in sealed
    assert tokens.unseal(place.settings, sealed) == "very-secret-token"
    assert "very-secret" not in str(place.rows("select * from job"))
    assert (place.settings.home / "ecotaxa.key").stat().st_mode & 0o777 == 0o600


def test_a_worker_without_the_key_says_what_to_do(traveller: Traveller) -> None:
    asked = traveller.ask("pull")
    settings = traveller.place.settings
    (settings.home / "ecotaxa.key").unlink()
    run_queued(asked.job_id or 0, settings, settings.database_url, threading.Event())
    with connect(settings.database_url) as db:
        done = visits.find_visit(db, traveller.place.project_id, asked.id)
    assert "the same SHOAL_HOME" in done.error


@pytest.mark.parametrize(
    ("text", "server", "number"),
    [
        ("https://ecotaxa.obs-vlfr.fr/prj/1234", "https://ecotaxa.obs-vlfr.fr", 1234),
        ("https://ecotaxa.obs-vlfr.fr/gui/prj/1234/", "https://ecotaxa.obs-vlfr.fr", 1234),
        ("http://127.0.0.1:5001/api", "http://127.0.0.1:5001", None),
    ],
)
def test_addresses_are_read(text: str, server: str, number: int | None) -> None:
    assert read_address(text) == (server, number)


@pytest.mark.parametrize("text", ["", "ecotaxa", "ftp://x/prj/1", "https://me:secret@x/prj/1", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is no address of an EcoTaxa"):
        read_address(text)
