"""One's own account: password, sessions, tokens."""

from collections.abc import Callable
from typing import Any

import pytest

from app.accounts.sessions import browser_name
from app.database import connect
from tests.web_fixtures import Client, bearer, logged_in, rows

PASSWORD = "seven quiet copepods"
NEW = "eight loud medusae"


@pytest.fixture
def ada(make_account: Any) -> Any:
    return make_account("ada@example.org", password=PASSWORD)


def change_password(client: Client, present: str = PASSWORD, new: str = NEW, again: str | None = None) -> Any:
    form = {"present": present, "password": new, "again": new if again is None else again}
    return client.post("/me/password", data=form)


def test_a_new_password_ends_all_other_sessions(
    app_client: Client, another_client: Callable[[], Client], ada: Any
) -> None:
    here, elsewhere = logged_in(app_client, ada), logged_in(another_client(), ada)
    assert elsewhere.get("/me").status_code == 200
    assert change_password(here).status_code == 200
    assert here.get("/me").status_code == 200
    assert elsewhere.get("/me").status_code == 303
    assert here.post("/login", data={"email": ada.email, "password": PASSWORD}).status_code == 422
    assert here.post("/login", data={"email": ada.email, "password": NEW}).status_code == 303


def test_the_present_password_is_asked_for_and_guessing_it_is_throttled(app_client: Client, ada: Any) -> None:
    logged_in(app_client, ada)
    for i in range(10):
        wrong = change_password(app_client, present=f"wrong guess {i}")
        assert (wrong.status_code, "not right" in wrong.text) == (422, True)
    assert change_password(app_client).status_code == 429


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("qwertyuiop123", "first that anybody"),
        ("aaaaaaaaaaaaaaaa", "first that anybody"),
        ("ada@example.org", "first that anybody"),
        ("x" * 300, "longer than"),
    ],
)
def test_a_password_that_is_soon_guessed_is_refused(app_client: Client, ada: Any, password: str, why: str) -> None:
    logged_in(app_client, ada)
    answer = change_password(app_client, new=password)
    assert answer.status_code == 422
    assert why in answer.text


def test_a_password_needs_no_special_characters(app_client: Client, ada: Any) -> None:
    logged_in(app_client, ada)
    assert change_password(app_client, new="only plain small words").status_code == 200


def test_passwords_are_stored_as_argon2(ada: Any, database_url: str) -> None:
    stored = rows(database_url, "select password_hash from account where id = %s", ada.id)[0]
    assert stored.password_hash.startswith("$argon2id$")


def test_sessions_are_listed_and_one_can_be_ended(
    app_client: Client, another_client: Callable[[], Client], ada: Any, database_url: str
) -> None:
    here, elsewhere = logged_in(app_client, ada), logged_in(another_client(), ada)
    page = here.get("/me").text
    assert page.count("test browser") == 4
    other = page.split('action="/me/sessions/')[2].split('"')[0]
    assert here.post(f"/me/sessions/{other}").status_code == 303
    assert elsewhere.get("/me").status_code == 303
    assert here.get("/me").status_code == 200


def test_nobody_ends_the_session_of_another(
    app_client: Client, another_client: Callable[[], Client], ada: Any, make_account: Any, database_url: str
) -> None:
    mine, theirs = logged_in(app_client, make_account()), logged_in(another_client(), ada)
    row = rows(database_url, "select encode(token_hash, 'hex') as id from session where account_id = %s", ada.id)[0]
    mine.post(f"/me/sessions/{row.id}/end")
    assert theirs.get("/me").status_code == 200


def test_a_profile_is_changed_and_a_wrong_orcid_said(app_client: Client, ada: Any, database_url: str) -> None:
    logged_in(app_client, ada)
    form = {"name": "Ada L.", "organisation": "Analytical", "orcid": "https://orcid.org/0000-0002-1825-0097"}
    assert app_client.post("/me/profile", data=form).status_code == 303
    row = rows(database_url, "select name, organisation, orcid from account where id = %s", ada.id)[0]
    assert tuple(row) == ("Ada L.", "Analytical", "0000-0002-1825-0097")
    wrong = app_client.post("/me/profile", data=form | {"orcid": "12"})
    assert (wrong.status_code, "An ORCID has 16 digits" in wrong.text) == (422, True)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "{{ 7 * 7 }}"])
def test_a_name_is_text_wherever_it_is_shown(app_client: Client, ada: Any, name: str) -> None:
    logged_in(app_client, ada)
    app_client.post("/me/profile", data={"name": name})
    page = app_client.get("/me").text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert ">49<" not in page


# Tokens -----------------------------------------------------------------------------------------------------------


def make_token(client: Client, **form: str) -> Any:
    return client.post("/me/tokens", data={"name": "notebook", "scope": "full", "days": "7"} | form)


def token_in(page: str) -> str:
    return "shoal_" + page.split(">shoal_")[1].split("<")[0]


def test_a_token_is_shown_once_and_stored_as_a_digest(app_client: Client, ada: Any, database_url: str) -> None:
    logged_in(app_client, ada)
    made = make_token(app_client)
    token = token_in(made.text)
    assert made.headers["cache-control"] == "no-store"
    assert token not in app_client.get("/me").text
    assert token.encode() not in rows(database_url, "select token_hash from api_token")[0].token_hash
    app_client.cookies.clear()
    me = app_client.get("/api/v1/me", headers={"authorization": f"Bearer {token}"}).json()
    assert (me["email"], me["read_only"]) == ("ada@example.org", False)


def test_a_revoked_or_expired_token_opens_nothing(app_client: Client, ada: Any, database_url: str) -> None:
    headers = bearer(database_url, ada)
    assert app_client.get("/api/v1/tokens", headers=headers).status_code == 200
    token_id = app_client.get("/api/v1/tokens", headers=headers).json()[0]["id"]
    assert app_client.delete(f"/api/v1/tokens/{token_id}", headers=headers).status_code == 204
    refused = app_client.get("/api/v1/me", headers=headers)
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["www-authenticate"]
    headers = bearer(database_url, ada)
    with connect(database_url) as db:
        db.execute("update api_token set expires_at = now() - interval '1 second'")
    assert app_client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_token_is_revoked_on_the_page(app_client: Client, ada: Any, database_url: str) -> None:
    headers = bearer(database_url, ada)
    logged_in(app_client, ada)
    page = app_client.get("/me").text
    action = page.split('action="/me/tokens/')[1].split('"')[0]
    assert app_client.post(f"/me/tokens/{action}").status_code == 303
    assert app_client.get("/api/v1/me", headers=headers).status_code == 401


def test_nobody_revokes_the_token_of_another(
    app_client: Client, ada: Any, make_account: Any, database_url: str
) -> None:
    headers = bearer(database_url, ada)
    row = rows(database_url, "select id from api_token")[0]
    logged_in(app_client, make_account())
    assert app_client.post(f"/me/tokens/{row.id}/revoke").status_code == 404
    assert app_client.get("/api/v1/me", headers=headers).status_code == 200


def test_a_token_cannot_make_tokens_or_change_its_account(app_client: Client, ada: Any, database_url: str) -> None:
    """Whoever finds a token must not turn it into a lasting way in."""
    headers = bearer(database_url, ada, "full")
    assert app_client.post("/api/v1/tokens", json={"name": "more"}, headers=headers).status_code == 403
    form = {"present": PASSWORD, "password": NEW, "again": NEW}
    assert app_client.post("/me/password", data=form, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": " "}, "name of 1 to 100"),
        ({"scope": "all"}, "read"),
        ({"days": "0"}, "1 to 3650"),
        ({"days": "soon"}, "no number of days"),
    ],
)
def test_an_impossible_token_is_refused_with_the_reason(
    app_client: Client, ada: Any, form: dict[str, str], why: str
) -> None:
    logged_in(app_client, ada)
    answer = make_token(app_client, **form)
    assert answer.status_code == 422
    assert why in answer.text


def test_a_token_without_days_lasts_until_it_is_revoked(app_client: Client, ada: Any, database_url: str) -> None:
    logged_in(app_client, ada)
    make_token(app_client, days="")
    assert rows(database_url, "select expires_at from api_token")[0].expires_at is None


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
    ],
)
def test_a_session_is_named_by_its_browser(said: str, shown: str) -> None:
    assert browser_name(said) == shown
