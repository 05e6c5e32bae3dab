"""What a load balancer hears."""

import threading
import time
from typing import Any

import pytest

from app import health
from app.database import Db, connect
from tests.web_fixtures import Client


def test_a_server_with_its_database_is_well_even_while_the_worker_is_away(app_client: Client) -> None:
    answer = app_client.get("/health")
    told = answer.json()
    assert (answer.status_code, told["status"], told["database"], told["worker"]) == (200, "ok", "ok", "away")
    assert answer.headers["cache-control"] == "no-store"
    assert app_client.head("/health").status_code == 200


def test_a_worker_is_known_by_its_heartbeat(app_client: Client, database_url: str) -> None:
    def beat(seconds_ago: int) -> Any:
        with connect(database_url) as db:
            db.execute("delete from procrastinate_workers")
            db.execute(
                "insert into procrastinate_workers (last_heartbeat) values (now() - make_interval(secs => %s))",
                [seconds_ago],
            )
        return app_client.get("/health").json()

    fresh, stale = beat(5), beat(120)
    assert (fresh["worker"], stale["worker"]) == ("ok", "away")
    assert 5 <= fresh["worker_seen_s"] < 20


def test_a_database_that_hangs_is_told_of_in_time_and_held_up_by_one_look_only(
    app_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, looks = threading.Event(), []
    measure = health.measure_health

    def hang(db: Db) -> dict[str, object]:
        looks.append(db)
        goes_on.wait(30)
        return measure(db)

    monkeypatch.setattr(health, "measure_health", hang)
    monkeypatch.setattr(health, "LONGEST_WAIT_S", 0.2)
    began = time.monotonic()
    told = [app_client.get("/health") for _ in range(3)]
    goes_on.set()
    assert [answer.status_code for answer in told] == [503, 503, 503]
    assert time.monotonic() - began < 10
    assert len(looks) == 1
    monkeypatch.setattr(health, "LONGEST_WAIT_S", 10)
    assert app_client.get("/health").status_code == 200
