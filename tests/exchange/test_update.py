"""Updates from tables: what differs is told before, written as acts, and taken back; what fits nothing is told."""

import threading
from pathlib import Path
from typing import Any

import pytest

from app.database import connect
from app.edits import acts
from app.errors import Refused
from app.exchange import update_undo
from app.exchange.report import ImportReport
from app.jobs.run import run_queued
from app.labels.counts import project_counts
from app.projects.access import find_project
from app.projects.queries import set_member
from app.reshaping import removing
from app.reshaping.choosing import Wish
from tests.exchange.conftest import Workplace
from tests.exporting.conftest import CARRIED, Exporter

HEADER = (
    "object_id img_file_name object_lat object_lon object_date object_time object_link object_area object_note"
    " object_annotation_status object_annotation_category object_annotation_person_name object_annotation_date"
    " object_annotation_time sample_id sample_ship acq_id acq_instrument"
)
TYPES = "ttffttt" + "f" + "t" * 10
FIRST = {
    "object_id": "o1", "img_file_name": "a.png", "object_lat": "43.5", "object_lon": "7", "object_date": "20200621",
    "object_time": "120000", "object_link": "http://x.org", "object_area": "1.5", "object_note": "one",
    "object_annotation_status": "validated", "object_annotation_category": "Copepoda",
    "object_annotation_person_name": "Ada Lovelace", "object_annotation_date": "20210101",
    "object_annotation_time": "101112", "sample_id": "S1", "sample_ship": "Tara", "acq_id": "A1",
    "acq_instrument": "uvp6",
}  # fmt: skip
SECOND = {"sample_id": "S2", "sample_ship": "Sea", "acq_id": "A2", "acq_instrument": "ifcb"}
ROWS = [
    FIRST,
    {name: FIRST[name] for name in ("object_date", "sample_id", "sample_ship", "acq_id", "acq_instrument")} | {
        "object_id": "o2", "img_file_name": "b.png", "object_lat": "44", "object_lon": "7", "object_time": "000000",
        "object_area": "2.5", "object_note": "two", "object_annotation_status": "predicted",
        "object_annotation_category": "Copepoda",
    },
    FIRST | SECOND | {
        "object_id": "o3", "object_lat": "45", "object_area": "3.5", "object_annotation_status": "dubious",
        "object_annotation_category": "detritus",
    },
    SECOND | {"object_id": "o4", "img_file_name": "b.png", "object_lat": "46", "object_area": "4.5"},
]  # fmt: skip


@pytest.fixture
def filled(workplace: Workplace, bundle: Any) -> Workplace:
    workplace.add_taxa((25828, None, "Copepoda", "Copepoda"), (84963, None, "detritus", "detritus"))
    rows = ["|".join(row.get(name, "") for name in HEADER.split()) for row in ROWS]
    report = workplace.bring_in(bundle(HEADER, TYPES, *rows))
    assert report.status == "done", report.lines()
    set_member(workplace.db, workplace.project_id, workplace.account_id, "manager")
    workplace.db.commit()
    return workplace


@pytest.fixture
def table(tmp_path: Path) -> Any:
    """Writes a table alone: no image stands beside it."""

    def write(header: str, types: str, *rows: str) -> Path:
        path = tmp_path / "ecotaxa_update.tsv"
        kinds = [f"[{kind}]" for kind in types]
        lines = [header.split(), kinds, *(row.split("|") for row in rows)]
        path.write_text("\n".join("\t".join(line) for line in lines) + "\n")
        return path

    return write


def take_back(workplace: Workplace, report: ImportReport) -> None:
    workplace.db.commit()
    with connect(workplace.settings.database_url) as db:
        project = find_project(db, Exporter.viewer(Place(workplace)), workplace.project_id)
        job_id = update_undo.ask(db, project, workplace.account_id, report.import_id or 0)
    run_queued(job_id, workplace.settings, workplace.settings.database_url, threading.Event())
    # As the queue does once a job is over.
    workplace.db.execute(
        "delete from procrastinate_jobs where id = (select procrastinate_id from job where id = %s)", [job_id]
    )
    workplace.db.commit()
    assert workplace.values("select error from job where id = %s", job_id) == [""]


class Place:
    """What `Exporter.viewer` needs."""

    def __init__(self, place: Workplace) -> None:
        self.place = place


def carried(workplace: Workplace) -> list[Any]:
    return workplace.rows(CARRIED, workplace.project_id)


def test_fields_are_previewed_written_and_taken_back(filled: Workplace, table: Any) -> None:
    before = carried(filled)
    source = table(
        "object_id object_lat object_time object_area object_note object_link sample_id sample_ship acq_id"
        " acq_instrument",
        "tftftttttt",
        "o1|-10|000000|9.25||http://y.org|S1|Astra|A1|uvp5",
        "o2|44|000000|2.5|two||S1|Astra|A1|uvp5",
    )
    seen = filled.bring_in(source, update="fields", hold=True)
    assert (seen.status, seen.n_rows, seen.n_objects, seen.n_values) == ("asking", 2, 2, 7), seen.lines()
    assert carried(filled) == before
    told = {key: n for key, n, _ in seen.contents["columns"]}
    assert told == {
        "object.latitude": 1, "object.time": 1, "object.link": 1, "object.area": 1, "object.note": 1, "sample.ship": 1,
        "acquisition.instrument": 1,
    }  # fmt: skip
    example = next(one for one in seen.contents["examples"] if one["column"] == "object.area")
    assert (example["name"], example["line"], example["old"], example["new"]) == ("o1", 3, "1.5", "9.25")

    done = filled.bring_in(source, update="fields")
    assert done.status == "done"
    assert done.summary() == "Changed 8 values from 2 rows."  # with the latitude of the sample
    one, two, *_ = filled.objects()
    assert (one.latitude, str(one.time), one.link, one.fields["area"]) == (-10, "00:00:00", "http://y.org", 9.25)
    assert (one.fields["note"], one.sun_position) == (None, "N")
    assert (two.fields["area"], two.status) == (2.5, None)
    samples = filled.rows("select orig_id, latitude, fields ->> 'ship' from sample order by orig_id")
    assert samples == [("S1", -10, "Astra"), ("S2", 45, "Sea")]
    assert filled.values("select instrument from acquisition order by orig_id") == ["uvp5", "ifcb"]

    take_back(filled, done)
    assert carried(filled) == before


def test_classifications_are_previewed_written_and_taken_back(filled: Workplace, table: Any) -> None:
    before, counts = carried(filled), project_counts(filled.db, filled.project_id)
    source = table(
        "object_id object_annotation_status object_annotation_category",
        "ttt",
        "o1|dubious|detritus",
        "o2|validated|Copepoda",
        "o3|predicted|detritus",
        "o4|predicted|Copepoda",
    )
    assert filled.bring_in(source, update="fields", hold=True).status == "nothing"
    seen = filled.bring_in(source, update="all", hold=True)
    assert (seen.n_labels, seen.n_predictions, seen.n_lost) == (3, 2, 1), seen.lines()
    assert seen.contents["label_examples"][0]["old"] == "Copepoda, validated"
    assert seen.contents["label_examples"][0]["new"] == "detritus, dubious"
    assert carried(filled) == before

    done = filled.bring_in(source, update="all")
    assert done.status == "done", done.lines()
    found = [(row.orig_id, row.status, row.taxon_id, row.predicted_taxon_id) for row in filled.objects()]
    assert found == [
        ("o1", "D", 84963, None), ("o2", "V", 25828, 25828), ("o3", "U", None, 84963), ("o4", None, None, 25828),
    ]  # fmt: skip
    assert {key: n for key, n in project_counts(filled.db, filled.project_id).items() if n} == {
        (84963, "D"): 1, (25828, "V"): 1, (84963, "P"): 1, (25828, "P"): 1,
    }  # fmt: skip
    assert filled.values("select count(*) from history join act on act.id = act_id where kind = 'import'")[0] > 2

    take_back(filled, done)
    assert carried(filled) == before
    assert project_counts(filled.db, filled.project_id) == counts


def test_what_somebody_labelled_since_the_preview_stays(filled: Workplace, table: Any) -> None:
    source = table("object_id object_annotation_status object_annotation_category", "ttt", "o1|validated|detritus")
    assert filled.bring_in(source, update="all", hold=True).n_labels == 1
    act = filled.db.execute(
        "insert into act (project_id, client_id, account_id, kind, provenance, n_objects)"
        " values (%s, gen_random_uuid(), %s, 'label', 'single', 1) returning id",
        [filled.project_id, filled.account_id],
    ).fetchone()
    filled.db.execute(
        "insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)"
        " select project_id, object_id, %s, 'V', taxon_id, 2 from label where status = 'V'",
        [act.id],
    )
    done = filled.bring_in(source, update="all")
    assert filled.objects()[0].taxon_id == 25828
    assert "1 object was labelled since" in " ".join(done.notes)
    assert done.summary().startswith("Nothing was changed: what differed when it was looked at was labelled")


def test_what_was_changed_since_an_update_stays_when_it_is_taken_back(filled: Workplace, table: Any) -> None:
    done = filled.bring_in(table("object_id object_area", "tf", "o1|9", "o2|8"), update="fields")
    filled.db.execute(
        "update object_field set numbers[1] = 77 where object_id = (select id from object where orig_id = 'o1')"
    )
    take_back(filled, done)
    assert [row.fields["area"] for row in filled.objects()][:2] == [77, 2.5]
    with pytest.raises(Refused, match="nothing to take back"):
        take_back(filled, done)


def test_rows_that_fit_nothing_are_told_by_line(filled: Workplace, table: Any) -> None:
    filled.db.execute("update object set orig_id = 'twin' where orig_id in ('o3', 'o4')")
    source = table("object_id object_area sample_id sample_ship", "tftt",
                   "o9|1|S1|x", "twin|1|S2|y", "o1|9|S2|z", "o2|2.5|S1|Tara")  # fmt: skip
    seen = filled.bring_in(source, update="fields", hold=True)
    assert [(one.line, one.message) for one in seen.left_out] == [
        (3, "This project has no object “o9”."),
        (4, "2 objects are called “twin”: which is meant cannot be told."),
        (5, "Its sample is “S1” here, not “S2”: an update moves no object."),
    ]
    assert (seen.n_left_out, seen.n_values) == (3, 1)
    assert seen.summary() == "Would change 1 value from 4 rows. 3 rows are left out."


def test_faults_are_told_together_and_nothing_is_written(filled: Workplace, table: Any) -> None:
    before = carried(filled)
    source = table("object_id object_area object_date object_annotation_status object_annotation_category", "tfttt",
                   "o1|1,5|20200101||", "o2|7|2020-1-1||", "o3|8||validated|", "o4|9|||")  # fmt: skip
    report = filled.bring_in(source, update="all")
    assert report.status == "failed"
    assert [fault.line for fault in report.faults] == [3, 4, 5]
    assert carried(filled) == before


def test_a_source_that_names_nobody_here_is_refused(filled: Workplace, table: Any) -> None:
    report = filled.bring_in(table("object_id object_area", "tf", "x|1"), update="fields")
    assert report.status == "failed"
    assert "No row of this source names an object of this project" in report.faults[0].message


def test_unknown_taxa_are_asked_about(filled: Workplace, table: Any) -> None:
    source = table("object_id object_annotation_status object_annotation_category", "ttt", "o1|validated|Nobody")
    asked = filled.bring_in(source, update="all")
    assert (asked.status, asked.missing_taxa) == ("asking", ["Nobody"])
    done = filled.bring_in(source, update="all", mapping={"taxa": {"nobody": "detritus"}})
    assert (done.status, done.n_labels) == ("done", 1)


def test_a_new_column_comes_with_an_update(filled: Workplace, table: Any) -> None:
    source = table("object_id object_esd sample_depth sample_id object_void", "tfttf",
                   "o1|12.5|300|S1|", "o2||300|S1|")  # fmt: skip
    seen = filled.bring_in(source, update="fields", hold=True)
    assert seen.contents["columns"] == [["object.esd", 1, True], ["sample.depth", 1, True]]
    assert filled.bring_in(source, update="fields").status == "done"
    assert filled.values("select name from field where name = 'void'") == []
    assert [row.fields["esd"] for row in filled.objects()] == [12.5, None, None, None]
    assert filled.values("select fields ->> 'depth' from sample order by orig_id") == ["300", None]


def test_the_same_again_changes_nothing(filled: Workplace, table: Any) -> None:
    source = table("object_id object_area", "tf", "o1|9")
    assert filled.bring_in(source, update="fields").status == "done"
    again = filled.bring_in(source, update="fields")
    assert (again.status, again.summary()) == ("nothing", "Nothing differs from the project.")
    assert len(filled.values("select id from act where kind = 'edit'")) == 1


def test_an_update_is_called_after_the_columns_in_which_something_differed(filled: Workplace, table: Any) -> None:
    source = table(
        "object_id object_lat object_link object_area object_note sample_id sample_ship",
        "tftfttt",
        "o1|43.5|http://x.org|9|one|S1|Tara",
        "o2|44||8|zwei|S1|Tara",
    )
    assert filled.bring_in(source, update="fields").n_values == 3
    assert [(one.words, one.n_changed) for one in acts.list_edits(filled.db, filled.project_id)] == [
        ("object.area, object.note from ecotaxa_update.tsv", 2)
    ]


def test_a_killed_update_goes_on_under_the_same_acts(
    filled: Workplace, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.exchange import update_rows, update_writing

    before = carried(filled)
    monkeypatch.setattr(update_rows, "PIECE", 1)
    source = table("object_id object_area", "tf", "o1|9", "o2|8", "o3|7")
    wrote, n = update_writing.writing.write, []

    def dies(*given: Any) -> list[int]:
        n.append(1)
        if len(n) == 2:
            raise KeyboardInterrupt
        return wrote(*given)

    monkeypatch.setattr(update_writing.writing, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        filled.bring_in(source, update="fields")
    done = filled.bring_in(source, update="fields")
    assert (done.status, done.n_values) == ("done", 3)
    assert [row.fields["area"] for row in filled.objects()] == [9, 8, 7, 4.5]
    assert [one.words for one in acts.list_edits(filled.db, filled.project_id)] == [
        "object.area from ecotaxa_update.tsv"
    ]
    take_back(filled, done)
    assert carried(filled) == before


def test_an_update_of_a_project_that_is_closed_is_refused(filled: Workplace, table: Any) -> None:
    filled.db.execute("update project set status = 'explore'")
    with pytest.raises(Refused, match="can only be explored"):
        filled.bring_in(table("object_id object_area", "tf", "o1|9"), update="fields")


def test_a_dry_run_keeps_nothing(filled: Workplace, table: Any) -> None:
    n = filled.values("select count(*) from import")
    told = filled.bring_in(table("object_id object_area", "tf", "o1|9"), update="fields", dry_run=True)
    assert (told.status, told.n_values) == ("checked", 1)
    assert filled.values("select count(*) from import") == n
    assert filled.objects()[0].fields["area"] == 1.5


def test_a_label_that_a_prediction_would_take_away_is_told_before(filled: Workplace, table: Any) -> None:
    source = table("object_id object_annotation_status object_annotation_category", "ttt", "o1|predicted|detritus")
    told = filled.bring_in(source, update="all", dry_run=True)
    said = "1 classification, 1 prediction from 1 row. 1 label of people"
    assert told.summary() == f"Would change {said} would be taken away."
    assert "  o1: Copepoda, validated → detritus, predicted (ecotaxa_update.tsv, line 3)" in told.lines()
    assert filled.bring_in(source, update="all").summary() == f"Changed {said} were taken away."


def test_the_word_unclassified_takes_label_and_prediction_away_and_silence_takes_nothing(
    filled: Workplace, table: Any
) -> None:
    before = carried(filled)
    header = "object_id object_annotation_status object_annotation_category"
    source = table(header, "ttt", "o1|Unclassified|", "o2|unclassified|", "o3||", "o4|unclassified|")
    told = filled.bring_in(source, update="all", dry_run=True)
    assert (told.n_labels, told.n_predictions, told.n_lost) == (1, 1, 1), told.lines()
    assert "  o2: Copepoda, predicted → unclassified (ecotaxa_update.tsv, line 4)" in told.lines()
    done = filled.bring_in(source, update="all")
    assert done.status == "done", done.lines()
    found = [(row.orig_id, row.taxon_id, row.predicted_taxon_id) for row in filled.objects()]
    assert found == [("o1", None, None), ("o2", None, None), ("o3", 84963, None), ("o4", None, None)]
    assert filled.bring_in(source, update="all", dry_run=True).n_labels == 0
    take_back(filled, done)
    assert carried(filled) == before

    wrong = filled.bring_in(table(header, "ttt", "o1|unclassified|Copepoda"), update="all")
    assert "An unclassified object has no category" in wrong.faults[0].message


def test_the_lines_of_a_dry_run_show_each_column_with_its_first_values(filled: Workplace, table: Any) -> None:
    told = filled.bring_in(table("object_id object_area object_esd", "tff", "o1|9|3", "o2||"), update="fields",
                           dry_run=True)  # fmt: skip
    assert told.lines() == [
        "object.area: 2 values differ",
        "  o1: 1.5 → 9 (ecotaxa_update.tsv, line 3)",
        "  o2: 2.5 → (empty) (ecotaxa_update.tsv, line 4)",
        "object.esd: 1 value differs (a new column; it stays, empty, when the update is taken back)",
        "  o1: (empty) → 3 (ecotaxa_update.tsv, line 3)",
        "Would change 3 values from 2 rows.",
    ]


def test_rows_that_contradict_each_other_are_a_fault_with_both_lines(filled: Workplace, table: Any) -> None:
    before = carried(filled)
    source = table("object_id object_area sample_id sample_ship", "tftt",
                   "o1|5|S1|Tara", "o1|6|S1|Tara", "o2|2.5|S1|Sea", "o2|2.50|S1|Sea")  # fmt: skip
    report = filled.bring_in(source, update="fields")
    assert [(one.line, one.message) for one in report.faults] == [
        (4, "It says something else of the object “o1” than line 3: leave one of them out."),
        (5, "It says something else of the sample “S1” than line 3: leave one of them out."),
    ]
    labels = table("object_id object_annotation_status object_annotation_category", "ttt",
                   "o1|validated|Copepoda", "o1|validated|detritus")  # fmt: skip
    assert filled.bring_in(labels, update="all").n_faults == 1
    assert carried(filled) == before


def test_a_table_without_a_line_of_types_is_told_so_once(filled: Workplace, tmp_path: Path) -> None:
    source = tmp_path / "ecotaxa_plain.tsv"
    source.write_text("object_id\tobject_area\tobject_esd\no1\t6230\t3\no2\t1\t2\n")
    report = filled.bring_in(source, update="fields")
    assert [(one.line, one.message) for one in report.faults] == [
        (2, "The second line should give each column's type, [f] for numbers or [t] for texts.")
    ]


def test_updates_taken_back_in_the_wrong_order_lose_nothing(filled: Workplace, table: Any) -> None:
    before = carried(filled)
    head = "object_id object_area object_annotation_status object_annotation_category"
    updates = []
    for area, taxon in (("8", "detritus"), ("9", "Copepoda")):
        source = table(head, "tftt", f"o1|{area}|dubious|{taxon}", f"o4|{area}|dubious|{taxon}")
        updates.append(filled.bring_in(source, update="all"))
        assert updates[-1].status == "done", updates[-1].lines()
    take_back(filled, updates[0])
    assert filled.objects()[0].fields["area"] == 9
    take_back(filled, updates[1])
    assert carried(filled) == before


def test_what_was_in_the_bin_is_taken_back_by_asking_again(filled: Workplace, table: Any) -> None:
    before = carried(filled)
    source = table(
        "object_id object_area object_annotation_status object_annotation_category", "tftt",
        "o1|8|dubious|detritus", "o3|8|validated|Copepoda",
    )  # fmt: skip
    done = filled.bring_in(source, update="all")
    project = find_project(filled.db, Exporter.viewer(Place(filled)), filled.project_id)
    first = filled.values("select id from object where orig_id = 'o1'")[0]
    deleted = removing.ask(filled.db, project, filled.account_id, Wish(ids=(first,)), 1)
    take_back(filled, done)
    take_back(filled, done)
    removing.bring_back(filled.db, project, filled.account_id, deleted.id)
    one = filled.objects()[0]
    assert (one.fields["area"], one.status) == (8, "D")
    take_back(filled, done)
    assert carried(filled) == before
    with pytest.raises(Refused, match="nothing to take back"):
        take_back(filled, done)
