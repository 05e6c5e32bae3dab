"""What a person keeps of a board stays theirs, from one browser to the next."""

from collections.abc import Callable

import pytest

from app.accounts.viewer import Account
from app.database import connect
from app.objects.preferences import Preferences, read
from tests.small_projects import SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account()


@pytest.fixture
def small(database_url: str, account: Account, make_member: Callable[[int, Account, str], None]) -> SmallProject:
    with connect(database_url) as db:
        small = make_project(db, 3)
    make_member(small.id, account, "visitor")
    return small


def kept(database_url: str, small: SmallProject, account: Account | None) -> Preferences:
    with connect(database_url) as db:
        return read(db, small.id, account.id if account else None)


def test_a_change_leaves_what_it_does_not_name(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    client, url = logged_in(app_client, account), f"/projects/{small.id}/preferences"
    taxa = small.taxa
    client.put(url, json={"slots": {"1": taxa["Oithona"], "9": taxa["fiber"]}, "size": 150, "contrast": True})
    answer = client.put(url, json={"slots": {"1": taxa["Copepoda"], "9": None}, "show": ["area", "depth"]})

    assert answer.status_code == 200
    assert answer.json()["slots"] == {"1": {"id": taxa["Copepoda"], "display_name": "Copepoda", "italic": False}}
    now = kept(database_url, small, account)
    assert (list(now.slots), now.size, now.show, now.contrast, now.invert) == (
        ["1"],
        150,
        ["area", "depth"],
        True,
        False,
    )


def test_a_first_change_may_be_of_slots_alone_and_names_follow_the_taxon(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    headers = bearer(database_url, account)
    url = f"/api/v1/projects/{small.id}/preferences"
    assert app_client.put(url, json={"slots": {"3": small.taxa["Oithona"]}}, headers=headers).status_code == 200
    with connect(database_url) as db:
        db.execute("update taxon set display_name = 'Oithona (renamed)' where id = %s", [small.taxa["Oithona"]])
    slot = kept(database_url, small, account).slots["3"]
    assert (slot.display_name, slot.italic) == ("Oithona (renamed)", True)


def test_preferences_are_one_persons_own(
    app_client: Client, database_url: str, account: Account, small: SmallProject, make_account: Callable[..., Account]
) -> None:
    logged_in(app_client, account).put(f"/projects/{small.id}/preferences", json={"invert": True})
    assert kept(database_url, small, make_account()) == Preferences()
    assert kept(database_url, small, None) == Preferences()
    assert kept(database_url, small, account).invert


@pytest.mark.parametrize(
    "change",
    [
        {"slots": {"0": 1}}, {"slots": {"12": 1}}, {"slots": {"": 1}}, {"slots": {"1": 2**31 - 1}},
        {"slots": {"1": 2**40}}, {"slots": {"1": -1}}, {"slots": [1]}, {"size": 59}, {"size": 401}, {"size": "big"},
        {"show": ["a"] * 7}, {"show": ["\0"]}, {"show": ["x" * 301]}, {"contrast": 2},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_nothing_is_kept(
    app_client: Client, database_url: str, account: Account, small: SmallProject, change: dict[str, object]
) -> None:
    answer = logged_in(app_client, account).put(f"/projects/{small.id}/preferences", json=change)
    assert answer.status_code == 400
    assert kept(database_url, small, account) == Preferences()


def test_a_column_of_the_longest_name_is_shown_under_tiles(
    app_client: Client, database_url: str, account: Account, small: SmallProject
) -> None:
    key = "f.acquisition." + "x" * 250
    answer = logged_in(app_client, account).put(f"/projects/{small.id}/preferences", json={"show": [key]})
    assert answer.status_code == 200
    assert kept(database_url, small, account).show == [key]


def test_who_is_not_logged_in_keeps_nothing(app_client: Client, database_url: str, small: SmallProject) -> None:
    with connect(database_url) as db:
        db.execute("update project set visibility = 'everyone' where id = %s", [small.id])
    answer = app_client.put(
        f"/projects/{small.id}/preferences", json={"invert": True}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 401
