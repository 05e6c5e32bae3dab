"""Summaries: the numbers of the tables, zero rows, units, what has no value, taxa counted as others, and the page."""

import csv
import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.accounts.viewer import Account
from app.database import Db, connect
from app.exporting import files
from app.jobs.run import run_queued
from app.settings import Settings
from tests.small_projects import Person, SmallProject, make_project, predict
from tests.web_fixtures import Client, logged_in

FORMULAS = {
    "subsample_coef": "1 / acq.sub_part",
    "total_water_volume": "sam.tot_vol",
    "individual_volume": "obj.area * 2",
}


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    """Thirty objects in three samples of 40, 0 and an unknown volume, each a quarter: subsample coefficient 4.

    In sample0 four Oithona similis, two fibers and a dubious Copepoda, and three predicted Calanoida; in sample1 one
    Oithona similis; the rest has no label.
    """
    made = make_project(db, 30, "Bay of Villefranche")
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        values (%(p)s, 'sample', 'tot_vol', 'number', 1), (%(p)s, 'acquisition', 'sub_part', 'number', 1)
        """,
        {"p": made.id},
    )
    db.execute("update sample set fields = fields || '{\"tot_vol\": \"40\"}' where orig_id = 'sample0'")
    db.execute("update sample set fields = fields || '{\"tot_vol\": \"0\"}' where orig_id = 'sample1'")
    db.execute('update acquisition set fields = \'{"sub_part": "0.25"}\'')
    made.do(ada, made.ids[:4], taxon="Oithona similis")
    made.do(ada, made.ids[4:6], taxon="fiber")
    made.do(ada, made.ids[6:7], taxon="Copepoda", status="D")
    made.do(ada, made.ids[10:11], taxon="Oithona similis")
    run_id = predict(made, dict.fromkeys(made.ids[7:10], "Calanoida"))
    db.execute("update project set current_run_id = %s where id = %s", [run_id, made.id])
    db.commit()
    return made


@pytest.fixture
def manager(make_account: Any, make_member: Any, app_client: Client, bay: SmallProject) -> Account:
    account: Account = make_account()
    make_member(bay.id, account, "manager")
    logged_in(app_client, account)
    return account


class Summary:
    """A finished summary and its file."""

    def __init__(self, db: Db, settings: Settings, project_id: int, export_id: int) -> None:
        self.export = files.find(db, project_id, export_id)
        run_queued(self.export.job_id or 0, settings, settings.database_url, threading.Event())
        with connect(settings.database_url) as fresh:
            self.export = files.find(fresh, project_id, export_id)
        assert self.export.status == "done", self.export.error
        with zipfile.ZipFile(files.whole_file(settings, self.export)) as archive:
            self.texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
        self.rows = list(csv.DictReader(io.StringIO(self.texts["summary.csv"])))

    def column(self, value: str, *keys: str) -> dict[tuple[str, ...], str]:
        return {tuple(row[key] for key in keys): row[value] for row in self.rows}


@pytest.fixture
def made(app_client: Client, manager: Account, bay: SmallProject, db: Db, settings: Settings) -> Any:
    def make(**choices: Any) -> Summary:
        answer = app_client.post(f"/api/v1/projects/{bay.id}/exports", json={"kind": "summary", **choices})
        assert answer.status_code == 202, answer.text
        return Summary(db, settings, bay.id, answer.json()["id"])

    return make


def test_abundances_are_the_objects_as_one_sees_them(made: Any) -> None:
    found = made()
    assert found.column("abundance", "taxon", "status") == {
        ("Calanoida", "predicted"): "3",
        ("Copepoda", "dubious"): "1",
        ("fiber < detritus", "validated"): "2",
        ("Oithona similis", "validated"): "5",
        ("unclassified", "unclassified"): "19",
    }
    without = made(with_status=False, statuses=["V"])
    assert without.column("abundance", "taxon") == {("fiber < detritus",): "2", ("Oithona similis",): "5"}


def test_both_tables_say_the_same(made: Any) -> None:
    found = made(by="sample")
    assert list(csv.DictReader(io.StringIO(found.texts["summary.tsv"]), delimiter="\t")) == found.rows


def test_each_sample_has_a_row_for_every_taxon_unless_asked_otherwise(made: Any) -> None:
    found = made(by="sample", statuses=["V"], with_status=False)
    assert found.column("abundance", "sample", "taxon") == {
        ("sample0", "fiber < detritus"): "2", ("sample0", "Oithona similis"): "4",
        ("sample1", "fiber < detritus"): "0", ("sample1", "Oithona similis"): "1",
        ("sample2", "fiber < detritus"): "0", ("sample2", "Oithona similis"): "0",
    }  # fmt: skip
    assert len(made(by="acquisition", statuses=["V"], zero_rows=False).rows) == 3


def test_concentrations_and_biovolumes_are_reckoned_with_their_units(made: Any) -> None:
    found = made(by="sample", statuses=["V"], quantities=["abundance", "concentration", "biovolume"], formulas=FORMULAS)
    similis = next(row for row in found.rows if (row["sample"], row["taxon"]) == ("sample0", "Oithona similis"))
    # areas of the first four objects: 7, 1, 8 and none
    assert float(similis["concentration_per_m3"]) == pytest.approx(4 / 4 / 40)
    assert float(similis["biovolume_mm3_per_m3"]) == pytest.approx((7 + 1 + 8) * 2 / 4 / 40)
    assert (similis["without_concentration"], similis["without_biovolume"]) == ("0", "1")
    litres = made(quantities=["concentration"], formulas=FORMULAS | {"water_unit": "L"}, statuses=["V"])
    assert "concentration_per_L" in litres.rows[0]
    assert "individuals per L" in litres.texts["README.md"]


def test_what_has_no_value_is_reported_row_by_row_and_never_stops_a_summary(made: Any, bay: SmallProject) -> None:
    found = made(by="sample", quantities=["abundance", "concentration"], formulas=FORMULAS)
    rows = list(csv.DictReader(io.StringIO(found.texts["without_value.csv"])))
    assert len(rows) == 20
    assert rows[0] == {
        "quantity": "concentration",
        "reason": "1 / subsample coefficient / total water volume divides by zero",
        "sample": "sample1",
        "acquisition": "acq1",
        "object": "object11",
        "object_id": str(bay.ids[10]),
    }
    assert rows[-1]["reason"] == "sample.tot_vol is missing"
    similis = found.column("concentration_per_m3", "sample", "taxon", "status")
    assert similis["sample1", "Oithona similis", "validated"] == ""
    assert similis["sample2", "Oithona similis", "validated"] == "0"
    assert "sample.tot_vol is missing: 10 objects, the first “object21”" in found.texts["README.md"]


def test_a_text_where_a_number_is_due_is_told_with_the_sample(made: Any, db: Db) -> None:
    db.execute("update sample set fields = fields || '{\"tot_vol\": \"about 40\"}' where orig_id = 'sample0'")
    db.commit()
    found = made(quantities=["concentration"], formulas=FORMULAS, statuses=["V"])
    assert (
        "sam.tot_vol is “about 40”, which is no number: 6 objects, the first “object1” of the sample “sample0”"
        in (found.texts["README.md"])
    )


def test_taxa_are_counted_as_others(made: Any) -> None:
    found = made(regroup=["Copepoda", "fiber < detritus = detritus"], with_status=False)
    assert found.column("abundance", "taxon") == {("Copepoda",): "9", ("detritus",): "2", ("unclassified",): "19"}
    found = made(regroup=["Copepoda", "Oithona similis = Oithona", "fiber ="], with_status=False, statuses=["V", "D"])
    assert found.column("abundance", "taxon") == {("Copepoda",): "1", ("Oithona",): "5"}


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"quantities": ["concentration"]}, "There is no formula for the subsample coefficient"),
        ({"quantities": ["concentration"], "formulas": FORMULAS | {"total_water_volume": "sam.vol"}},
         "There is no column sam.vol"),
        ({"quantities": ["concentration"], "formulas": FORMULAS | {"total_water_volume": "sam.tot_vol +"}},
         "it ends where a number"),
        ({"formulas": {"eval": "1"}}, "There is no formula 'eval'"),
        ({"formulas": {"water_unit": "gallon"}}, "The unit 'gallon' is none of m3, L, mL"),
        ({"regroup": ["Copepoda", "Nothing = Copepoda"]}, "Line 2 of the regrouping: No taxon is called “Nothing”"),
        ({"quantities": []}, "Choose what to sum up"),
        ({"by": "day"}, "day"),
        ({"images": "all"}, "has no choice 'images'"),
    ],
)  # fmt: skip
def test_what_no_job_could_do_is_refused_at_once(
    app_client: Client, manager: Account, bay: SmallProject, choices: dict[str, Any], says: str
) -> None:
    answer = app_client.post(f"/api/v1/projects/{bay.id}/exports", json={"kind": "summary", **choices})
    assert answer.status_code in (400, 422)
    assert says in answer.text


def test_a_name_that_a_spreadsheet_would_reckon_is_a_text(made: Any, db: Db) -> None:
    db.execute("update sample set orig_id = '=1+1' where orig_id = 'sample0'")
    db.execute("update sample set orig_id = E'tab\\there \"and\"\\nline' where orig_id = 'sample1'")
    db.commit()
    found = made(by="sample", statuses=["V"], zero_rows=False)
    assert {row["sample"] for row in found.rows} == {"'=1+1", 'tab\there "and"\nline'}


def test_two_samples_of_one_name_stay_two(made: Any, db: Db) -> None:
    db.execute("alter table sample drop constraint if exists sample_project_id_orig_id_key")
    db.execute("update sample set orig_id = '__DUMMY_ID__' || id where orig_id in ('sample0', 'sample1')")
    db.commit()
    found = made(by="sample", statuses=["V"], with_status=False, zero_rows=False)
    assert sorted((row["sample"], row["taxon"], row["abundance"]) for row in found.rows) == [
        ("", "Oithona similis", "1"), ("", "Oithona similis", "4"), ("", "fiber < detritus", "2"),
    ]  # fmt: skip
    assert len({row["sample_id"] for row in found.rows}) == 2


def test_the_page_has_the_numbers_of_the_file(made: Any, app_client: Client, bay: SmallProject) -> None:
    found = made(by="sample", quantities=["abundance", "concentration"], formulas=FORMULAS)
    told = app_client.get(f"/api/v1/projects/{bay.id}/exports/{found.export.id}/summary").json()
    for quantity in told["quantities"]:
        of_taxa: dict[str, float] = {}
        of_units: dict[int, float] = {}
        for row in found.rows:
            value = float(row[quantity["header"]] or 0)
            of_taxa[row["taxon"]] = of_taxa.get(row["taxon"], 0) + value
            of_units[int(row["sample_id"])] = of_units.get(int(row["sample_id"]), 0) + value
        assert {one["name"]: sum(one["values"][quantity["name"]]) for one in told["taxa"]} == pytest.approx(of_taxa)
        assert {one["id"]: sum(one["values"][quantity["name"]]) for one in told["units"]} == pytest.approx(of_units)
        assert quantity["total"] == pytest.approx(sum(of_taxa.values()))
    page = app_client.get(f"/projects/{bay.id}/summaries/{found.export.id}?quantity=concentration").text
    assert [one["unknown"] for one in told["units"]] == [[], ["concentration"], ["concentration"]]
    assert "sample0" in page and "individuals per m³" in page and "sample.tot_vol is missing" in page


def test_formulas_are_remembered_for_the_project(made: Any, app_client: Client, bay: SmallProject) -> None:
    url = f"/api/v1/projects/{bay.id}/formulas"
    assert app_client.get(url).json()["subsample_coef"] == ""
    assert app_client.put(url, json=FORMULAS | {"water_unit": "L"}).status_code == 200
    assert app_client.get(url).json() == {"water_unit": "L", "volume_unit": "mm3", **FORMULAS}
    assert "concentration_per_L" in made(quantities=["concentration"], statuses=["V"]).rows[0]
    refused = app_client.put(url, json=FORMULAS | {"subsample_coef": "acq.part"})
    assert refused.status_code == 422 and "There is no column acq.part" in refused.text


def test_formulas_are_tried_on_the_first_objects(app_client: Client, manager: Account, bay: SmallProject) -> None:
    told = app_client.post(
        f"/api/v1/projects/{bay.id}/formulas/trial", json=FORMULAS | {"individual_volume": "obj.aera"}
    ).json()
    assert [(one["n_values"], one["low"], one["high"]) for one in told] == [(30, 4, 4), (20, 0, 40), (0, None, None)]
    assert told[1]["missing"] == ["sample.tot_vol is missing: 10 objects"]
    assert "Did you mean object.area?" in told[2]["error"]


def test_an_annotator_sums_up_and_a_manager_remembers(
    app_client: Client, make_account: Any, make_member: Any, bay: SmallProject, db: Db, settings: Settings
) -> None:
    account = make_account()
    make_member(bay.id, account, "annotator")
    logged_in(app_client, account)
    form = {"quantities": ["abundance", "concentration"], "by": "sample", "remember": "yes", **FORMULAS}
    answer = app_client.post(f"/projects/{bay.id}/summaries", data=form, follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert "waits for its turn" in app_client.get(place).text
    Summary(db, settings, bay.id, int(Path(place).name))
    assert "Oithona similis" in app_client.get(place).text
    assert app_client.get(f"/api/v1/projects/{bay.id}/formulas").json()["subsample_coef"] == ""


def test_a_wrong_formula_keeps_what_was_written(app_client: Client, manager: Account, bay: SmallProject) -> None:
    form = {"quantities": "concentration", "by": "sample", **FORMULAS, "total_water_volume": "sam.tot_vol /"}
    answer = app_client.post(f"/projects/{bay.id}/summaries", data=form)
    assert answer.status_code == 422
    assert "sam.tot_vol /" in answer.text and "it ends where" in answer.text
