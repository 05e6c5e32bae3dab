"""Getting in by password or link, and what a session lives through."""

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts import links
from app.accounts.pages import safe_next
from app.accounts.sessions import digest
from app.accounts.throttle import MOST_FOR_ACCOUNT, MOST_FROM_ADDRESS
from app.database import connect
from tests.web_fixtures import Client, logged_in, rows

PASSWORD = "seven quiet copepods"


@pytest.fixture
def ada(make_account: Any) -> Any:
    return make_account("Ada@example.org", password=PASSWORD)


def log_in(client: Client, password: str = PASSWORD, email: str = "ada@example.org", **more: Any) -> Any:
    return client.post("/login", data={"email": email, "password": password, **more})


def change(database_url: str, statement: str, *values: object) -> None:
    with connect(database_url) as db:
        db.execute(statement, list(values))


def test_the_right_password_leads_to_the_page_asked_for(app_client: Client, ada: Any) -> None:
    asked = app_client.get("/me?tab=tokens")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/me%3Ftab%3Dtokens")
    form = app_client.get(asked.headers["location"])
    assert 'name="next" value="/me?tab=tokens"' in form.text
    answer = log_in(app_client, next="/me?tab=tokens")
    assert (answer.status_code, answer.headers["location"]) == (303, "/me?tab=tokens")
    assert app_client.get("/me").status_code == 200


def test_the_email_address_is_the_same_in_any_case(app_client: Client, ada: Any) -> None:
    assert log_in(app_client, email=" ADA@Example.ORG ").status_code == 303


@pytest.mark.parametrize(
    ("address", "goes_to"),
    [
        ("/projects/7?status=P", "/projects/7?status=P"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("projects", "/"),
        ("/login?next=/login", "/"),
        ("", "/"),
    ],
)
def test_a_login_never_leads_to_another_site(address: str, goes_to: str) -> None:
    assert safe_next(address) == goes_to


def test_a_wrong_password_and_an_unknown_address_are_told_alike(app_client: Client, ada: Any) -> None:
    wrong = log_in(app_client, password="eight quiet copepods")
    unknown = log_in(app_client, email="nobody@example.org")
    assert wrong.status_code == unknown.status_code == 422
    assert "do not belong together" in wrong.text
    assert wrong.text.replace("ada@", "") == unknown.text.replace("nobody@", "")
    assert "set-cookie" not in wrong.headers


def test_an_unknown_address_costs_as_much_work_as_a_known_one(
    app_client: Client, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted rather than timed: one hash is verified for each."""
    from app.accounts import passwords

    verified: list[str] = []
    real = passwords.hasher

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            verified.append(password_hash)
            return real.verify(password_hash, password)

    monkeypatch.setattr(passwords, "hasher", Counting())
    log_in(app_client, email="nobody@example.org")
    log_in(app_client, password="eight quiet copepods")
    assert len(verified) == 2


def test_the_eleventh_failure_for_an_account_is_refused_even_with_the_right_password(
    app_client: Client, ada: Any, database_url: str
) -> None:
    statuses = [log_in(app_client, password=f"wrong guess number {i}").status_code for i in range(MOST_FOR_ACCOUNT)]
    assert set(statuses) == {422}
    refused = log_in(app_client)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert "Too many failed logins" in refused.text
    change(database_url, "update login_failure set at = at - interval '16 minutes'")
    assert log_in(app_client).status_code == 303


def test_failures_from_one_address_add_up_over_accounts(app_client: Client, ada: Any, database_url: str) -> None:
    change(
        database_url,
        "insert into login_failure (email, address) select n || '@x', 'testclient' from generate_series(1, %s) n",
        MOST_FROM_ADDRESS,
    )
    assert log_in(app_client).status_code == 429


def test_a_right_password_forgives_the_accounts_failures(app_client: Client, ada: Any) -> None:
    for _ in range(2):
        for i in range(MOST_FOR_ACCOUNT - 1):
            assert log_in(app_client, password=f"wrong guess number {i}").status_code == 422
        assert log_in(app_client).status_code == 303


def test_a_login_makes_a_new_session_and_ends_the_one_it_replaces(
    app_client: Client, ada: Any, database_url: str
) -> None:
    """A cookie that somebody planted before the login must not be logged in after it."""
    app_client.cookies.set("shoal", "planted", domain="testserver.local")
    first = log_in(app_client).cookies["shoal"]
    second = log_in(app_client).cookies["shoal"]
    assert len({"planted", first, second}) == 3
    stored = [row.token_hash for row in rows(database_url, "select token_hash from session")]
    assert stored == [digest(second)]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(app_client: Client, ada: Any) -> None:
    cookie = log_in(app_client).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_a_login_in_a_second_tab_lets_the_first_go_on(app_client: Client, ada: Any, database_url: str) -> None:
    log_in(app_client)
    change(database_url, "delete from session")
    sent = app_client.post("/me/tokens", json={}, headers={"accept": "application/json"})
    assert sent.status_code == 401
    assert sent.headers["content-type"] == "application/problem+json"
    log_in(app_client)
    assert app_client.post("/me/tokens", data={"name": "again"}).status_code == 200


@pytest.mark.parametrize(
    "fate",
    [
        "update session set expires_at = now() - interval '1 second'",
        "update session set seen_at = now() - interval '15 days'",
        "update account set blocked_at = now()",
        "delete from session",
    ],
)
def test_a_session_ends_by_age_by_idleness_by_blocking_and_by_revoking(
    app_client: Client, ada: Any, database_url: str, fate: str
) -> None:
    logged_in(app_client, ada)
    assert app_client.get("/me").status_code == 200
    change(database_url, fate)
    assert app_client.get("/me").status_code == 303


def test_logging_out_kills_the_session_on_the_server(app_client: Client, ada: Any, database_url: str) -> None:
    token = log_in(app_client).cookies["shoal"]
    assert app_client.post("/logout").headers["clear-site-data"] == '"cache"'
    app_client.cookies.set("shoal", token, domain="testserver.local")
    assert app_client.get("/me").status_code == 303
    assert rows(database_url, "select 1 from session") == []


def test_being_seen_is_written_at_most_once_a_minute(app_client: Client, ada: Any, database_url: str) -> None:
    logged_in(app_client, ada)

    def seen_at() -> Any:
        return rows(database_url, "select seen_at, xmin from session")[0]

    fresh = seen_at()
    app_client.get("/me")
    assert seen_at() == fresh
    change(database_url, "update session set seen_at = now() - interval '2 minutes'")
    app_client.get("/me")
    assert seen_at().seen_at > fresh.seen_at


# Links ------------------------------------------------------------------------------------------------------------


def link_for(database_url: str, account: Any, purpose: str = "login") -> str:
    with connect(database_url) as db:
        return links.make_link(db, account, purpose, "http://shoal.example/").removeprefix("http://shoal.example")


def test_a_login_link_works_once(app_client: Client, ada: Any, database_url: str) -> None:
    link = link_for(database_url, ada)
    assert app_client.get(link).headers["location"] == "/"
    assert app_client.get("/me").status_code == 200
    app_client.post("/logout")
    again = app_client.get(link)
    assert again.status_code == 404
    assert "used already" in again.text


def test_a_link_that_another_site_leads_to_asks_first(app_client: Client, ada: Any, database_url: str) -> None:
    link = link_for(database_url, ada)
    page = app_client.get(link, headers={"sec-fetch-site": "cross-site"})
    assert page.status_code == 200
    assert "Log in" in page.text
    assert app_client.get("/me").status_code == 303
    assert app_client.post(link, data={}).status_code == 303
    assert app_client.get("/me").status_code == 200


def test_a_link_is_stored_as_a_digest_and_ends(app_client: Client, ada: Any, database_url: str) -> None:
    link = link_for(database_url, ada)
    stored = rows(database_url, "select token_hash from login_link")[0]
    assert stored.token_hash == digest(link.rpartition("/")[2])
    change(database_url, "update login_link set expires_at = now() - interval '1 second'")
    assert app_client.get(link).status_code == 404


def test_a_new_link_ends_the_one_before(app_client: Client, ada: Any, database_url: str) -> None:
    old, new = link_for(database_url, ada), link_for(database_url, ada)
    assert app_client.get(old).status_code == 404
    assert app_client.get(new).status_code == 303


def test_who_is_invited_chooses_a_password_and_is_in(
    app_client: Client, make_account: Callable[..., Any], database_url: str
) -> None:
    new = make_account("new@example.org")
    link = link_for(database_url, new, "invitation")
    assert "Choose a password" in app_client.get(link).text
    short = app_client.post(link, data={"password": "short", "again": "short"})
    assert (short.status_code, "too short" in short.text) == (422, True)
    differs = app_client.post(link, data={"password": PASSWORD, "again": PASSWORD + "s"})
    assert (differs.status_code, "differ" in differs.text) == (422, True)
    assert app_client.post(link, data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert app_client.get("/me").status_code == 200
    app_client.post("/logout")
    assert log_in(app_client, email="new@example.org").status_code == 303


def test_a_blocked_account_gets_in_by_no_way(app_client: Client, ada: Any, database_url: str) -> None:
    link = link_for(database_url, ada)
    change(database_url, "update account set blocked_at = now()")
    assert log_in(app_client).status_code == 422
    assert app_client.get(link).status_code == 404
