"""Where and when objects were taken: what the map, the time axis and the programs say of them."""

from typing import Any

import numpy as np
import pytest

from app.database import Db
from app.objects.filters import Filter, read_filter
from app.samples.map import CLOSE_DEGREES, draw
from app.samples.sheet import NO_DAY
from app.samples.when import by_season, by_time
from app.samples.where_when import where_when
from tests.samples.test_samples import as_seen, bay  # noqa: F401 (a fixture)
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, bearer, logged_in


def days(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[D]").astype(np.int32)


@pytest.mark.parametrize(
    ("first", "last", "unit", "n_places"),
    [
        ("2024-06-01", "2024-06-01", "day", 1),
        ("2024-06-01", "2024-08-31", "day", 92),
        ("2024-06-01", "2024-09-01", "month", 4),
        ("1990-01-01", "2024-01-01", "year", 35),
        ("1965-12-31", "1966-01-01", "day", 2),
    ],
)
def test_columns_stand_for_days_months_or_years_as_the_span_asks(
    first: str, last: str, unit: str, n_places: int
) -> None:
    chart = by_time(days(first, first, last))
    assert chart is not None
    assert (chart.unit, chart.n_places, sum(column.n for column in chart.columns)) == (unit, n_places, 3)
    assert chart.columns[0].first <= first <= chart.columns[0].last
    assert chart.columns[-1].first <= last <= chart.columns[-1].last


def test_what_has_no_day_is_counted_apart() -> None:
    chart = by_time(np.append(days("2024-06-01"), NO_DAY).astype(np.int32), np.array([5, 3]))
    assert chart is not None
    assert (chart.columns[0].n, chart.n_unknown) == (5, 3)
    assert by_time(np.array([NO_DAY], np.int32)) is None
    assert by_season(np.empty(0, np.int32)) is None


def test_seasons_are_over_all_years_also_before_1970() -> None:
    chart = by_season(days("1968-12-05", "2020-12-31", "2021-01-01"))
    assert chart is not None
    assert {column.at: column.n for column in chart.columns} == {0: 1, 11: 2}


def test_larger_dots_hold_more_objects_and_a_near_frame_has_finer_lines_without_land() -> None:
    drawn = draw(np.array([[43.68, 7.31], [43.69, 7.35]]), np.array([10, 1000]), CLOSE_DEGREES)
    assert drawn is not None
    assert [(dot.share, dot.words[:5]) for dot in drawn.dots] == [(1.0, "1\u202f000"), (0.01, "10 ob")]
    assert drawn.height < 1 and drawn.copies == ()
    assert len({line.words for line in drawn.meridians}) == len(drawn.meridians) >= 2


def test_a_filter_says_which_objects_are_on_the_map_and_in_time(db: Db, bay: SmallProject, make_account: Any) -> None:  # noqa: F811
    project = as_seen(db, bay, make_account())
    whole = where_when(db, project, Filter())
    assert (whole.n_objects, whole.n_samples, whole.n_without_place) == (35, 4, 25)
    assert whole.map and whole.map.n_positions == 1
    assert whole.time and sum(column.n for column in whole.time.columns) == 35
    copepods = where_when(db, project, read_filter(db, bay.id, [("taxon", str(bay.taxa["Copepoda"]))]))
    assert [(one.name, one.n_objects) for one in copepods.samples] == [("sample0", 5)]
    assert (copepods.map, copepods.n_without_place) == (None, 5)


def test_the_page_and_programs_obey_the_address(
    db: Db,
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    make_account: Any,
    database_url: str,
) -> None:
    account = make_account()
    headers = bearer(database_url, account)
    path = f"/api/v1/projects/{bay.id}/where-and-when"
    told = app_client.get(f"{path}?from=2024-06-02&to=2024-06-02", headers=headers).json()
    assert told["times"] == [{"first": "2024-06-02", "last": "2024-06-02", "n": told["n_objects"]}]
    assert (sum(told["months"]), told["months"][5]) == (told["n_objects"], told["n_objects"])
    assert app_client.get(f"{path}?limit=1", headers=headers).json()["samples"][0]["n_objects"] == 10
    logged_in(app_client, account)
    page = app_client.get(f"/projects/{bay.id}/map?taxon={bay.taxa['detritus']}&from=2024-06-01&f.area=1..9")
    assert page.status_code == 200
    assert 'value="2024-06-01"' in page.text and "Remove the filter area" in page.text
    assert "No object meets all this" in app_client.get(f"/projects/{bay.id}/map?from=2030-01-01").text
    assert "not obeyed" in app_client.get(f"/projects/{bay.id}/map?place=nowhere").text


@pytest.mark.parametrize(
    "wrong",
    ["place=abc", "foo=1", "copepods=", "taxon=abc", "depth=x", "status=Q", "date=2025-13-01", "from=2025-13-01"],
)
def test_programs_are_told_what_cannot_be_obeyed(
    bay: SmallProject,  # noqa: F811
    app_client: Client,
    make_account: Any,
    database_url: str,
    wrong: str,
) -> None:
    headers = bearer(database_url, make_account())
    answer = app_client.get(f"/api/v1/projects/{bay.id}/where-and-when?{wrong}", headers=headers)
    assert answer.status_code == 400
    condition = wrong.replace("from=2025-13-01", "date=2025-13-01..")
    assert answer.json()["detail"].startswith(f"The condition {condition} cannot be obeyed")


def test_the_anonymous_see_where_validated_objects_are(db: Db, bay: SmallProject, app_client: Client) -> None:  # noqa: F811
    answer = app_client.get(f"/api/v1/projects/{bay.id}/where-and-when", headers={"accept": "application/json"})
    assert (answer.json()["n_objects"], answer.json()["n_samples"]) == (5, 1)
    page = app_client.get(f"/projects/{bay.id}/map").text
    assert "sample0" in page and "sample1" not in page and "detritus" not in page
