"""What every answer carries, what another site cannot make a browser do, and what is never written down."""

import json
import threading
from typing import Any

import psycopg
import pytest
from litestar import Litestar, Router, get, post
from litestar.di import NamedDependency
from litestar.testing import TestClient

from app.accounts.viewer import Viewer
from app.database import Db, open_pool
from app.errors import Conflict, Refused
from app.main import MOST_BYTES, connect_app, make_app
from app.projects.access import Project
from app.security import HEADERS
from app.settings import Settings
from tests.web_fixtures import Client, bearer, logged_in, rows

HOST = "testserver.local"


@get("/try/fail", opt={"public": True}, sync_to_thread=True)
def fail(db: NamedDependency[Db]) -> str:
    db.execute("insert into account (email, name) values ('half@done', 'half done')")
    raise ValueError("the secret inside")


@get("/try/refuse", opt={"public": True}, sync_to_thread=True)
def refuse(db: NamedDependency[Db]) -> str:
    db.execute("insert into account (email, name) values ('half@done', 'half done')")
    raise Conflict("Ada has changed it.", by="Ada")


@post("/try/write", sync_to_thread=True)
def write(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> str:
    db.execute("update account set organisation = 'written' where id = %s", [viewer.account_id])
    return "written"


@get("/try/late", opt={"public": True}, sync_to_thread=True)
def break_at_commit(db: NamedDependency[Db]) -> str:
    """Fails only when the transaction is committed."""
    db.execute("create temp table late (n int, unique (n) deferrable initially deferred)")
    db.execute("insert into late values (1), (1)")
    return "all is well"


@get("/try/slow", opt={"public": True}, sync_to_thread=True)
def sleep(db: NamedDependency[Db]) -> str:
    db.execute("set local statement_timeout = '50ms'")
    db.execute("select pg_sleep(5)")
    return "slept"


@get("/projects/{project_id:int}/try", opt={"role": "visitor"}, sync_to_thread=True)
def look(project: NamedDependency[Project]) -> str:
    return project.title


@pytest.fixture(scope="module")
def all_routes() -> Litestar:
    """The application with a few routes more, for this file."""
    app = make_app()
    app.register(Router("/", route_handlers=[fail, refuse, write, break_at_commit, sleep, look]))
    return app


@pytest.fixture
def client(app_client: Client) -> Client:
    """A browser on the application with a few routes more, that go wrong in every way."""
    app_client.raise_server_exceptions = False
    return app_client


# Transactions -----------------------------------------------------------------------------------------------------


def test_an_answer_is_sent_after_its_transaction_is_committed(
    client: Client, make_account: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen on the wire: when the first message of the answer leaves, another connection already sees the row."""
    account = make_account()
    logged_in(client, account)
    seen: list[Any] = []

    async def look_from_outside(message: Any, scope: Any) -> None:
        if message["type"] == "http.response.start":
            seen.extend(rows(database_url, "select organisation from account where id = %s", account.id))

    monkeypatch.setattr(client.app, "before_send", [*client.app.before_send, look_from_outside])
    assert client.post("/try/write").status_code == 201
    assert [row.organisation for row in seen] == ["written"]


def test_nothing_stays_half_done_when_a_handler_raises(client: Client, database_url: str) -> None:
    assert client.get("/try/fail").status_code == 500
    assert client.get("/try/refuse").status_code == 409
    assert rows(database_url, "select 1 from account where email = 'half@done'") == []


def test_a_commit_that_fails_is_not_answered_as_success(client: Client) -> None:
    answer = client.get("/try/late")
    assert answer.status_code == 500
    assert "all is well" not in answer.text


def test_a_refused_project_gives_its_connection_back(client: Client, make_account: Any) -> None:
    """Litestar leaves the transaction's generator open there: without our hook the pool of four would be dry."""
    logged_in(client, make_account())
    assert {client.get("/projects/77/try").status_code for _ in range(20)} == {404}
    assert client.get("/me").status_code == 200


def test_more_requests_than_connections_and_threads_all_get_through(
    all_routes: Litestar, settings: Settings, database_url: str, make_project: Any
) -> None:
    project_id = make_project(visibility="everyone")
    statuses: list[int] = []
    with (
        open_pool(database_url, max_size=2) as pool,
        TestClient(connect_app(all_routes, settings, pool, database_url)) as client,
    ):
        ask = lambda: statuses.append(client.get(f"/projects/{project_id}/try").status_code)  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(80)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [200] * 80


def test_a_web_connection_stops_a_statement_after_fifteen_seconds(database_url: str) -> None:
    with open_pool(database_url, max_size=1) as pool, pool.connection() as db:
        assert db.execute("show statement_timeout").fetchone()[0] == "15s"


# Headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/login", "/me", "/health", "/api", "/api/v1/projects", "/no/such/page", "/try/fail", "/static/nix"]
)
def test_every_answer_says_what_a_page_may_load(client: Client, path: str) -> None:
    answer = client.get(path)
    for name in HEADERS.keys() - {"Cache-Control"}:
        assert answer.headers[name] == HEADERS[name]
    assert "no-cache" in answer.headers["cache-control"] or "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-request-id"]


def test_pages_hold_no_inline_script_and_no_style_attribute(client: Client, make_account: Any) -> None:
    logged_in(client, make_account(is_application_manager=True))
    for path in ["/", "/me", "/projects/new", "/api", "/no/such/page"]:
        page = client.get(path).text
        assert "<html" in page
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<script>" not in page


def test_files_with_their_version_are_kept_for_ever_and_others_asked_for_again(client: Client) -> None:
    page = client.get("/login").text
    url = page.split('href="/static/css/base.css')[1].split('"')[0]
    kept = client.get(f"/static/css/base.css{url}")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-encoding"] == "gzip"
    plain = client.get("/static/css/base.css", headers={"accept-encoding": "identity"})
    assert plain.headers["cache-control"] == "no-cache"
    assert "content-encoding" not in plain.headers
    assert plain.text == kept.text
    again = client.get("/static/css/base.css", headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["../pyproject.toml", "%2e%2e/pyproject.toml", "css/../../README.md", "..%2fapp/main.py"]
)
def test_nothing_outside_the_static_folder_is_sent(client: Client, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_pages_are_compressed(client: Client) -> None:
    assert client.get("/api", headers={"accept-encoding": "gzip"}).headers["content-encoding"] == "gzip"


# Another site -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": f"http://{HOST}"}, False),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": f"http://{HOST}:81"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({}, True),
    ],
)
def test_another_site_cannot_change_anything(
    client: Client, make_account: Any, database_url: str, headers: dict[str, str], allowed: bool
) -> None:
    account = make_account()
    logged_in(client, account)
    answer = client.post("/try/write", headers=headers)
    assert answer.status_code == (201 if allowed else 403)
    written = rows(database_url, "select 1 from account where organisation = 'written'")
    assert len(written) == (1 if allowed else 0)


def test_another_site_may_still_link_here(client: Client) -> None:
    assert client.get("/login", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_a_token_needs_no_origin_but_does_not_excuse_a_cookie(
    client: Client, make_account: Any, database_url: str
) -> None:
    account = make_account()
    headers = bearer(database_url, account) | {"origin": "http://evil.example"}
    assert client.post("/try/write", headers=headers).status_code == 201
    logged_in(client, account)
    assert client.post("/try/write", headers=headers).status_code == 403


# Errors -----------------------------------------------------------------------------------------------------------


def test_an_error_is_a_page_a_toast_or_a_problem_by_who_asks(client: Client) -> None:
    page = client.get("/try/refuse")
    assert page.status_code == 409
    assert "<html" in page.text
    assert "Ada has changed it." in page.text
    toast = client.get("/try/refuse", headers={"hx-request": "true"})
    assert (toast.status_code, toast.headers["hx-retarget"]) == (409, "#toasts")
    assert "<html" not in toast.text
    assert "Ada has changed it." in toast.text
    problem = client.get("/try/refuse", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    told = problem.json()
    assert (told["status"], told["detail"], told["by"]) == (409, "Ada has changed it.", "Ada")


def test_a_mistake_of_ours_tells_a_number_and_no_secret(client: Client, capsys: Any) -> None:
    answer = client.get("/try/fail", headers={"accept": "application/json"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    name = answer.headers["x-request-id"]
    assert name in answer.json()["detail"]
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines() if name in line]
    assert any("the secret inside" in line.get("exception", "") for line in logged)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/?q=%00", 200), ("/projects/{}/acts?who=5000000000", 200), ("/jobs?before=99999999999999999999", 400)],
)
def test_what_no_column_can_hold_is_no_mistake_of_ours(
    client: Client, make_account: Any, make_project: Any, path: str, status: int
) -> None:
    ada = make_account()
    answer = logged_in(client, ada).get(path.format(make_project(manager=ada)))
    assert answer.status_code == status
    assert status == 200 or "too large" in answer.text


def test_an_unknown_address_is_a_page_that_leads_on(client: Client) -> None:
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("path", ["/no/such/page", "/projects/abc/settings", "/me/nothing"])
def test_the_page_of_an_unknown_address_knows_who_asks(client: Client, make_account: Any, path: str) -> None:
    logged_in(client, make_account("ada@example.org"))
    answer = client.get(path)
    assert answer.status_code == 404
    assert "Your account" in answer.text


def test_a_wrong_method_says_which_are_right(client: Client) -> None:
    answer = client.delete("/login")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    answer = client.post("/login", content=b"x" * (MOST_BYTES + 1), headers={"content-type": "text/plain"})
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_a_statement_that_takes_too_long_is_stopped_and_said(client: Client) -> None:
    answer = client.get("/try/slow")
    assert answer.status_code == 503
    assert "longer than the server allows" in answer.text


def until_answered(client: TestClient, path: str) -> Any:
    """The pool knocks at the database every few seconds, and sooner when somebody asks."""
    for _ in range(30):
        answer = client.get(path)
        if answer.status_code != 503:
            break
    return answer


def test_without_the_database_every_page_says_so(all_routes: Litestar, settings: Settings, server: Any) -> None:
    """The database goes away under a running server, and comes back: so does the server, by itself."""
    name = "test_goes_away"
    url = server.url.replace("///shoal", f"///{name}")
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database {name} template template_shoal")
        with open_pool(url, max_size=2) as pool:
            pool.timeout = 1
            with TestClient(connect_app(all_routes, settings, pool, url)) as client:
                assert client.get("/health").json()["status"] == "ok"
                admin.execute(f"alter database {name} allow_connections false")
                admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
                health = client.get("/health")
                assert (health.status_code, health.json()["status"]) == (503, "down")
                page = client.get("/", headers={"accept": "text/html"})
                assert page.status_code == 503
                assert "The database cannot be reached" in page.text
                assert page.headers["retry-after"]
                admin.execute(f"alter database {name} allow_connections true")
                assert until_answered(client, "/api/v1/projects").json() == []
        admin.execute(f"drop database {name} with (force)")


def test_a_sentence_without_a_status_is_a_plain_refusal() -> None:
    assert (Refused("No.").status, Refused("No.", status=422).status) == (400, 422)


# The log ----------------------------------------------------------------------------------------------------------


def test_neither_password_nor_token_is_ever_in_the_log(
    client: Client, make_account: Any, database_url: str, capsys: Any
) -> None:
    account = make_account("ada@example.org", password="seven quiet copepods")
    login = client.post("/login", data={"email": "ada@example.org", "password": "seven quiet copepods"})
    session = login.cookies["shoal"]
    client.post("/login", data={"email": "ada@example.org", "password": "a wrong quiet guess"})
    headers = bearer(database_url, account)
    client.get("/api/v1/me", headers=headers)
    client.get("/login/link/a-secret-link-token")
    client.get("/no/such/page?token=a-secret-in-a-query")
    made = client.post("/me/tokens", data={"name": "x", "scope": "read", "days": "1"})
    token = made.text.split(">shoal_")[1].split("<")[0]
    logged = capsys.readouterr()
    log = logged.err + logged.out
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {"/login", "/api/v1/me", "/login/link/{token}"} <= {line.get("path") for line in lines}
    for secret in ("copepods", "quiet guess", session, headers["authorization"][7:], token, "a-secret"):
        assert secret not in log
    listed = {"request_id", "method", "path", "status", "ms", "account_id", "event", "level", "timestamp"}
    assert all(set(line) == listed for line in lines if line["event"] == "request")
