"""Projects are found by instrument, taxon, place, time and member, by those who may know it."""

from typing import Any

import pytest

from app.database import Db, connect
from app.jobs.upkeep import do
from app.projects import reach
from app.settings import Settings
from tests.projects.test_list import titles
from tests.small_projects import SmallProject, make_person, make_project
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def seas(db: Db, settings: Settings, database_url: str) -> tuple[SmallProject, SmallProject]:
    """Bay: copepods at 48.5 N 4 W in June 2024. Gulf: fibers about the date line in 2020, half at no known day."""
    bay = make_project(db, 10, "Bay", visibility="everyone", instrument="ZooScan")
    gulf = make_project(db, 10, "Gulf", visibility="accounts", instrument="UVP5")
    bay.do(make_person(db, "Ada"), bay.ids[:3], taxon="Oithona")
    gulf.do(make_person(db, "Ben"), gulf.ids[:3], taxon="fiber")
    db.execute("update object set date = '2024-06-05' where project_id = %s", [bay.id])
    db.execute("update sample set latitude = 48.5, longitude = -4 where project_id = %s", [bay.id])
    db.execute(
        """
        update object
        set latitude = -17.2, longitude = case when id %% 2 = 0 then 179.6 else -179.6 end,
            date = case when id %% 2 = 0 then date '2020-01-31' end
        where project_id = %s
        """,
        [gulf.id],
    )
    db.commit()
    do("follow_reach", settings, database_url)
    return bay, gulf


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"instrument": "zoo"}, ["Bay"]),
        ({"taxon": "Copepoda"}, ["Bay"]),
        ({"taxon": "oithona"}, ["Bay"]),
        ({"taxon": "Oithona similis"}, []),
        ({"taxon": "fiber < detritus", "instrument": "uvp"}, ["Gulf"]),
        ({"place": "48,-5,49,-3"}, ["Bay"]),
        ({"place": "-18,179,-17,-179"}, ["Gulf"]),
        ({"place": "-18,-179,-17,179"}, []),
        ({"since": "2024-06-01"}, ["Bay"]),
        ({"until": "2020-12-31"}, ["Gulf"]),
        ({"since": "2019-01-01", "until": "2024-12-31"}, ["Bay", "Gulf"]),
        ({"place": "48,-5,49,-3", "until": "2020-12-31"}, []),
        ({"q": "bay", "taxon": "Copepoda", "since": "2024-06-30"}, ["Bay"]),
    ],
)
def test_every_wish_narrows_the_list(
    app_client: Client,
    seas: tuple[SmallProject, SmallProject],
    make_account: Any,
    wish: dict[str, str],
    found: list[str],
) -> None:
    logged_in(app_client, make_account())
    assert titles(app_client, wish.pop("q", ""), **wish) == found


def test_members_are_found_by_name_and_by_application_managers_by_address_too(
    app_client: Client, make_account: Any, make_project: Any, make_member: Any
) -> None:
    ada, ben = make_account("ada.l@example.org"), make_account()
    project_id = make_project("Open", visibility="accounts")
    make_member(project_id, ada, "annotator")
    make_member(make_project("Private"), ada, "annotator")
    name = ada.name.lower()
    logged_in(app_client, ben)
    assert titles(app_client, member=name) == [], "who only looks in does not learn who works there"
    make_member(project_id, ben, "visitor")
    assert titles(app_client, member=name) == ["Open"]
    assert titles(app_client, member="l@example") == ([] if "@" not in name else ["Open"])
    logged_in(app_client, make_account(is_application_manager=True))
    assert titles(app_client, member="l@example") == ["Open", "Private"]


def test_the_anonymous_find_validated_taxa_and_neither_places_nor_people(
    app_client: Client, seas: tuple[SmallProject, SmallProject], db: Db
) -> None:
    bay = seas[0]
    bay.do(make_person(db, "Cleo"), bay.ids[4:6], taxon="detritus", status="D")
    db.commit()
    assert titles(app_client, taxon="Copepoda") == ["Bay"]
    assert titles(app_client, taxon="detritus") == []
    for wish in ("place=48,-5,49,-3", "since=2024-01-01", "member=a"):
        answer = app_client.get(f"/api/v1/projects?{wish}", headers={"accept": "application/json"})
        assert (answer.status_code, "Log in" in answer.json()["detail"]) == (401, True)
        assert app_client.get(f"/?{wish}").status_code in (200, 303)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("place=north", "four degrees"),
        ("place=50,0,40,9", "exchange"),
        ("since=summer", "is no day"),
        ("since=2024-06-01&until=2020-01-01", "exchange them"),
        ("taxon=Nessie", "No taxon is called"),
    ],
)
def test_what_cannot_be_meant_is_said(
    app_client: Client, make_account: Any, make_project: Any, database_url: str, wish: str, why: str
) -> None:
    ada = make_account()
    make_project("Sea", manager=ada)
    answer = app_client.get(f"/api/v1/projects?{wish}", headers=bearer(database_url, ada))
    assert (answer.status_code, why in answer.json()["detail"]) == (422, True)
    logged_in(app_client, ada)
    page = app_client.get(f"/?{wish}")
    assert why in page.text and f'value="{wish.split("&")[0].partition("=")[2]}"' in page.text


def test_what_changes_is_followed_and_what_does_not_is_left(
    seas: tuple[SmallProject, SmallProject], db: Db, database_url: str
) -> None:
    bay = seas[0]
    with connect(database_url) as other:
        assert reach.follow(other) == 0
        other.execute("update object set date = '1999-12-31' where project_id = %s", [bay.id])
        other.execute("update project set data_version = data_version + 1 where id = %s", [bay.id])
        assert reach.follow(other) == 1
        rows = other.execute("select * from project_reach where project_id = %s", [bay.id]).fetchall()
    assert [(row.latitude_deg, row.longitude_deg, str(row.month)) for row in rows] == [(48, -4, "1999-12-01")]
