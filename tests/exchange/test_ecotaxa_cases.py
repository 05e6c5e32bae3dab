"""Every case of the EcoTaxa verdicts: what it stored we store, what it refused we refuse with the line, and better."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from app.exchange.report import ImportReport
from tests.exchange.conftest import Workplace

STORED_AS_IS = ["blank_lines", "crlf", "img_ok", "latin1", "multi_conflict", "quoted", "ranks", "short_row"]


@pytest.fixture(scope="session")
def cases(shared_data: Path) -> Path:
    return shared_data / "ecotaxa_cases"


@pytest.fixture(scope="session")
def verdicts(cases: Path) -> dict[str, Any]:
    return json.loads((cases / "verdicts.json").read_text())


@pytest.fixture
def known(workplace: Workplace, cases: Path) -> Workplace:
    """A project in a Shoal that has EcoTaxa's taxa of the cases."""
    lines = (cases / "taxonomy.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    workplace.add_taxa(*((int(id), int(up) if up else None, name, show) for id, up, name, show, _ in rows))
    return workplace


def faulty_lines(report: ImportReport) -> list[int]:
    assert all(fault.file == "ecotaxa_e.tsv" for fault in report.faults)
    return [fault.line for fault in report.faults]


def told_lines(verdict: dict[str, Any]) -> list[int]:
    """The lines that EcoTaxa complained about."""
    errors = verdict["import_job"]["errors"]
    return [int(error.split("line ")[1].split(":")[0]) for error in errors if " - line " in error]


def assert_nothing_left(workplace: Workplace) -> None:
    assert workplace.objects() == []
    assert workplace.values("select orig_id from sample") == []
    assert workplace.values("select number from staged_row") == []
    assert workplace.values("select hash from content") == []
    assert workplace.stored_files() == []


@pytest.mark.parametrize(
    ("case", "column"), [("dates", "date"), ("lats", "latitude"), ("floats", "area"), ("status", None)]
)
def test_it_refuses_the_lines_that_ecotaxa_refuses(
    known: Workplace, cases: Path, verdicts: dict[str, Any], case: str, column: str
) -> None:
    report = known.bring_in(cases / case)

    # EcoTaxa takes `discarded` in, on line 7; Shoal has no such status.
    expected = told_lines(verdicts[case]) + ([7] if case == "status" else [])
    assert report.status == "failed"
    assert faulty_lines(report) == sorted(expected)
    assert_nothing_left(known)


@pytest.mark.parametrize(("case", "column"), [("dates", "date"), ("lats", "latitude"), ("floats", "area")])
def test_it_stores_the_values_that_ecotaxa_stores(
    known: Workplace, cases: Path, verdicts: dict[str, Any], case: str, column: str
) -> None:
    report = known.bring_in(cases / f"{case}_kept")

    assert report.status == "done"
    found = [row.fields["area"] if column == "area" else getattr(row, column) for row in known.objects()]
    for value, (given, stored) in zip(found, verdicts[case]["stored"], strict=True):
        if isinstance(stored, float):
            assert math.isclose(value, stored, rel_tol=1e-15), given
        else:
            assert (str(value) if value is not None else None) == stored, given


@pytest.mark.parametrize("case", STORED_AS_IS)
def test_it_stores_the_objects_that_ecotaxa_stores(
    known: Workplace, cases: Path, verdicts: dict[str, Any], case: str
) -> None:
    verdict = verdicts[case]

    report = known.bring_in(cases / case)

    assert (report.status, report.n_faults) == ("done", 0)
    assert report.n_rows == verdict["import_job"]["result"]["rowcount"]
    found = known.objects()
    assert [row.orig_id for row in found] == [item["orig_id"] for item in verdict["objects"]]
    for row, item in zip(found, verdict["objects"], strict=True):
        assert row.fields == item["free_columns"]
        expected = [[i["imgrank"], i["orig_file_name"], i["width"], i["height"]] for i in item["images"]]
        assert row.images == expected
        assert (row.status, row.predicted_taxon_id) == (None, None)


def test_it_makes_the_same_parents(known: Workplace, cases: Path, verdicts: dict[str, Any]) -> None:
    known.bring_in(cases / "multi_conflict")

    assert known.values("select orig_id from sample order by id") == verdicts["multi_conflict"]["samples"]
    found = known.values("select orig_id from acquisition order by id")
    assert found == [name for name, _ in verdicts["multi_conflict"]["acqs"]]
    processes = known.rows("select orig_id, acquisition_id from process order by acquisition_id")
    assert processes == [(f"__DUMMY_ID__{id}__", id) for _, id in processes]


def test_it_asks_for_unknown_taxa_and_stores_what_was_answered(
    known: Workplace, cases: Path, verdicts: dict[str, Any]
) -> None:
    asked = known.bring_in(cases / "categ")

    # Blanks around '<' mean nothing to Shoal, so that it asks for one taxon less; an answer still goes first.
    assert asked.status == "asking"
    assert asked.missing_taxa == ["nothing here"]
    assert known.objects() == []

    answers = json.loads((cases / "answers.json").read_text())
    report = known.bring_in(cases / "categ", mapping=answers)

    assert report.status == "done"
    expected = [(o["orig_id"], o["classif_qual"], o["classif_id"]) for o in verdicts["categ"]["objects"]]
    assert [(row.orig_id, row.status, row.taxon_id) for row in known.objects()] == expected
    assert {row.account_id for row in known.objects()} == {known.account_id}


def test_it_stores_every_status_but_discarded(known: Workplace, cases: Path, tmp_path: Path) -> None:
    lines = (cases / "status" / "ecotaxa_e.tsv").read_text().splitlines()
    kept = [line for number, line in enumerate(lines, 1) if number not in (7, 9, 10, 11)]
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "ecotaxa_e.tsv").write_text("\n".join(kept))
    (tmp_path / "kept" / "a.jpg").write_bytes((cases / "status" / "a.jpg").read_bytes())

    report = known.bring_in(tmp_path / "kept")

    assert report.status == "done"
    found = [(row.orig_id, row.status, row.taxon_id, row.predicted_taxon_id, row.score) for row in known.objects()]
    assert found == [
        ("o000", "V", 84963, None, None),
        ("o001", "V", 84963, None, None),
        ("o002", None, None, 84963, 1.0),
        ("o003", "D", 84963, None, None),
        ("o005", None, None, None, None),
    ]
    counts = known.rows("select taxon_id, status, sum(n)::int from count_delta group by 1, 2 order by 1, 2")
    assert counts == [(0, "U", 1), (84963, "D", 1), (84963, "P", 1), (84963, "V", 2)]


def test_utf8_without_a_mark_is_utf8(known: Workplace, cases: Path) -> None:
    known.bring_in(cases / "utf8_nobom")

    (row,) = known.objects()
    assert (row.orig_id, row.fields) == ("oé", {"note": "é°µ"})


def test_the_hierarchy_column_is_taken(known: Workplace, cases: Path) -> None:
    known.bring_in(cases / "hierarchy_col")

    (row,) = known.objects()
    assert (row.status, row.taxon_id) == ("V", 84963)


def test_headers_are_known_whatever_their_case_and_blanks(known: Workplace, cases: Path) -> None:
    known.bring_in(cases / "hdr_case")

    (row,) = known.objects()
    assert (row.orig_id, row.fields, row.images) == ("o1", {"area": 3.0}, [[0, "a.jpg", 20, 10]])


def test_a_row_needs_an_object_and_an_image(known: Workplace, cases: Path, verdicts: dict[str, Any]) -> None:
    report = known.bring_in(cases / "empty_id")

    assert faulty_lines(report) == told_lines(verdicts["empty_id"])
    assert_nothing_left(known)


def test_a_table_needs_the_column_object_id(known: Workplace, cases: Path) -> None:
    report = known.bring_in(cases / "no_objid_col")

    assert [fault.message for fault in report.faults] == ["The column 'object_id' is missing: every row needs it."]
    assert_nothing_left(known)


def test_a_path_never_leaves_the_bundle(known: Workplace, cases: Path) -> None:
    report = known.bring_in(cases / "dotdot")

    assert faulty_lines(report) == [3, 4]
    assert all("leaves the bundle" in fault.message for fault in report.faults)
    assert_nothing_left(known)


def test_every_case_is_tested(verdicts: dict[str, Any]) -> None:
    here = Path(__file__).read_text()

    assert [case for case in verdicts if f'"{case}"' not in here] == []
