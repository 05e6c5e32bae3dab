"""People as lists and one by one: found, paged, corrected, removed."""

from pathlib import Path
from typing import Any

import pytest

from app.accounts import people
from app.accounts.orcid import check_digit, read_orcid
from app.accounts.people import find_people, list_people
from app.database import Db, connect
from app.errors import Refused
from app.exchange.importing import run_import
from app.exchange.report import ImportOptions
from app.settings import Settings
from tests.exchange.conftest import picture
from tests.small_projects import make_project as make_small_project
from tests.web_fixtures import Client, bearer, logged_in, rows


@pytest.fixture
def chief(app_client: Client, make_account: Any) -> Any:
    account = make_account("chief@example.org", is_application_manager=True)
    logged_in(app_client, account)
    return account


def named(db: Db, *names: str) -> None:
    for k, name in enumerate(names):
        db.execute("insert into account (email, name) values (%s, %s)", [f"p{k}@sea.example", name])


@pytest.mark.parametrize(
    "typed",
    [
        "0000-0002-1825-0097",
        "https://orcid.org/0000-0002-1825-0097",
        "0000000218250097",
        " orcid.org/0000-0002-1825-0097/",
    ],
)
def test_an_orcid_is_read_as_people_paste_it(typed: str) -> None:
    assert read_orcid(typed) == "0000-0002-1825-0097"


def test_an_orcid_may_end_in_x_and_may_be_empty() -> None:
    assert read_orcid("0000-0002-1694-233x") == "0000-0002-1694-233X"
    assert check_digit("000000021694233") == "X"
    assert read_orcid(" ") == ""


@pytest.mark.parametrize("typed", ["0000-0002-1825-0098", "1234", "0000-0002-1825-00971", "٠٠٠٠-0002-1825-0097", "\0"])
def test_an_orcid_with_a_slip_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="ORCID"):
        read_orcid(typed)


def test_the_list_is_paged_by_name_without_skipping_or_repeating(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAGE", 3)
    named(db, "bo", "Ada", "ada", "Çelik", "zoe: 7", "Bo", "carl")
    seen, after = [], ""
    while True:
        page, after = list_people(db, after=after)
        seen += [row.name for row in page]
        if not after:
            break
    assert sorted(seen) == sorted(["bo", "Ada", "ada", "Çelik", "zoe: 7", "Bo", "carl"])
    assert [name.lower() for name in seen[:4]] == ["ada", "ada", "bo", "bo"]


def test_the_list_is_searched_by_name_email_and_organisation(db: Db) -> None:
    named(db, "Ada Byron", "Ben_1")
    db.execute("update account set organisation = 'Station Zoologique' where name = 'Ben_1'")
    for search, found in [
        ("BYRON", ["Ada Byron"]),
        ("p1@sea", ["Ben_1"]),
        ("zoolog", ["Ben_1"]),
        ("_", ["Ben_1"]),
        ("%", []),
    ]:
        assert [row.name for row in list_people(db, search)[0]] == found, search


def test_a_field_finds_by_the_beginnings_of_words_and_of_the_address(db: Db) -> None:
    named(db, "Ada Byron", "Byblos", "Robyn")
    assert [person.name for person in find_people(db, "by")] == ["Ada Byron", "Byblos"]
    assert [person.name for person in find_people(db, "p2@")] == ["Robyn"]
    assert find_people(db, "  ") == []


def test_managers_correct_name_organisation_and_orcid(app_client: Client, chief: Any, make_account: Any) -> None:
    ada = make_account("ada@example.org")
    form = {"name": "Ada Byron", "organisation": "Sea Lab", "orcid": "0000-0002-1825-0097"}
    assert app_client.post(f"/accounts/{ada.id}/profile", data=form).status_code == 303
    page = app_client.get(f"/accounts/{ada.id}").text
    assert 'href="https://orcid.org/0000-0002-1825-0097"' in page
    refused = app_client.post(f"/accounts/{ada.id}/profile", data=form | {"orcid": "0000-0002-1825-0090", "name": "X"})
    assert (refused.status_code, "last digit" in refused.text, 'value="X"' in refused.text) == (422, True, True)
    assert "Ada Byron" in app_client.get("/accounts?q=byron").text


def test_a_link_for_a_blocked_person_is_refused(app_client: Client, chief: Any, make_account: Any) -> None:
    ada = make_account()
    app_client.post(f"/accounts/{ada.id}/block")
    assert app_client.post(f"/accounts/{ada.id}/link").status_code == 409


def test_who_did_nothing_is_deleted(app_client: Client, chief: Any, make_account: Any, database_url: str) -> None:
    ada = make_account("ada@example.org")
    wrong = app_client.post(f"/accounts/{ada.id}/remove", data={"typed": "bob@example.org"})
    assert (wrong.status_code, "Type ada@example.org" in wrong.text) == (422, True)
    gone = app_client.post(f"/accounts/{ada.id}/remove", data={"typed": "Ada@example.org "})
    assert gone.headers["location"] == "/accounts?said=deleted"
    assert rows(database_url, "select 1 from account where id = %s", ada.id) == []
    assert app_client.get(f"/accounts/{ada.id}").status_code == 404


def labels(database_url: str, account: Any) -> Any:
    """A project in which the account labelled one object."""
    with connect(database_url) as db:
        project = make_small_project(db)
        project.do(account, project.ids[:1], taxon="Oithona")
        db.execute("insert into member values (%s, %s, 'annotator')", [project.id, account.id])
    return project


@pytest.mark.parametrize(("form", "name"), [({}, "ada"), ({"forget_name": "true"}, "someone who left")])
def test_who_labelled_leaves_a_name_and_nothing_else(
    app_client: Client, chief: Any, make_account: Any, database_url: str, form: dict[str, str], name: str
) -> None:
    ada = make_account("ada@example.org", password="seven quiet copepods")
    headers, project = bearer(database_url, ada), labels(database_url, ada)
    app_client.post(f"/accounts/{ada.id}/remove", data={"typed": ada.email} | form)
    (row,) = rows(database_url, "select * from account where id = %s", ada.id)
    assert (row.name, row.email, row.password_hash, row.removed_at is not None) == (
        name,
        f"removed-{ada.id}",
        None,
        True,
    )
    assert rows(database_url, "select 1 from member where account_id = %s", ada.id) == []
    assert app_client.get("/api/v1/me", headers=headers).status_code == 401
    assert name in app_client.get(f"/projects/{project.id}/acts").text
    assert f"/accounts/{ada.id}" not in app_client.get("/accounts").text
    assert f"/accounts/{ada.id}" in app_client.get("/accounts?which=removed").text
    assert "removed" in app_client.get(f"/accounts/{ada.id}").text
    assert app_client.post(f"/accounts/{ada.id}/unblock").status_code == 409
    again = app_client.post("/accounts", data={"email": "ada@example.org"})
    assert "/login/link/" in again.text


def test_whom_an_import_named_leaves_a_name(
    app_client: Client, chief: Any, make_account: Any, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    ada, ben = make_account("ada@example.org"), make_account("ben@example.org")
    with connect(database_url) as db:
        project = make_small_project(db)
    (tmp_path / "ecotaxa.tsv").write_text(
        "object_id\timg_file_name\tobject_annotation_category\tobject_annotation_status"
        "\tobject_annotation_person_name\n[t]\t[t]\t[t]\t[t]\t[t]\no1\ta.png\tOithona\tvalidated\tDr. A.\n"
    )
    (tmp_path / "a.png").write_bytes(picture(1))
    options = ImportOptions(mapping={"users": {"Dr. A.": ada.id}}, processes=1)
    assert run_import(database_url, settings, project.id, chief.id, tmp_path, options).n_labels == 1
    app_client.post(f"/accounts/{ada.id}/remove", data={"typed": ada.email})
    app_client.post(f"/accounts/{ben.id}/remove", data={"typed": ben.email})
    named = "select name from account where id = any(%s)"
    assert rows(database_url, named, [ada.id, ben.id]) == [("ada",)]


def test_the_last_manager_of_a_project_goes_only_when_another_is_named(
    app_client: Client, chief: Any, make_account: Any, make_project: Any, database_url: str
) -> None:
    ada, ben = make_account("ada@example.org"), make_account("ben@example.org")
    project_id = make_project("Ligurian Sea", manager=ada)
    refused = app_client.post(f"/accounts/{ada.id}/remove", data={"typed": ada.email})
    assert (refused.status_code, "Nobody else manages “Ligurian Sea”" in refused.text) == (409, True)
    assert rows(database_url, "select account_id from member where project_id = %s", project_id) == [(ada.id,)]
    unknown = app_client.post(f"/accounts/{ada.id}/remove", data={"typed": ada.email, "successor": "x@example.org"})
    assert unknown.status_code == 404
    form = {"typed": ada.email, "successor": ben.email}
    assert app_client.post(f"/accounts/{ada.id}/remove", data=form).status_code == 303
    member = "select account_id, role from member where project_id = %s"
    assert rows(database_url, member, project_id) == [(ben.id, "manager")]


def test_nobody_removes_oneself_or_the_last_application_manager(
    app_client: Client, chief: Any, make_account: Any, database_url: str
) -> None:
    assert app_client.post(f"/accounts/{chief.id}/remove", data={"typed": chief.email}).status_code == 409
    assert rows(database_url, "select 1 from account where id = %s", chief.id) != []


def test_a_cursor_that_says_nothing_is_refused_in_words(app_client: Client, chief: Any) -> None:
    answer = app_client.get("/accounts?after=nothing")
    assert (answer.status_code, "Start from its beginning" in answer.text) == (400, True)


def test_programs_of_application_managers_list_the_people(
    app_client: Client, make_account: Any, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PAGE", 2)
    chief, ada = make_account("chief@example.org", is_application_manager=True), make_account("ada@example.org")
    make_account("ben@example.org")
    headers = bearer(database_url, chief, "read")
    first = app_client.get("/api/v1/accounts", headers=headers).json()
    rest = app_client.get("/api/v1/accounts", params={"after": first["next"]}, headers=headers).json()
    assert [one["name"] for one in first["accounts"] + rest["accounts"]] == ["ada", "ben", "chief"]
    assert rest["next"] == ""
    assert app_client.get("/api/v1/accounts?which=nobody", headers=headers).status_code == 400
    assert app_client.get("/api/v1/accounts", headers=bearer(database_url, ada)).status_code == 403
