"""What a load balancer hears."""

from typing import Any

from app.database import connect
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
