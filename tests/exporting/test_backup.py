"""EcoTaxa's backup: what is written, and that all of it comes in again as it was."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.exchange.mapping import read_mapping
from tests.exchange.conftest import picture
from tests.exporting.conftest import Bundle, Exporter, tables

GOOD_CASES = [
    "blank_lines", "crlf", "dates_kept", "floats_kept", "lats_kept", "hdr_case", "hierarchy_col", "img_ok", "latin1",
    "multi_conflict", "quoted", "ranks", "short_row", "utf8_nobom",
]  # fmt: skip
HEADER = (
    "object_id img_file_name img_rank object_lat object_lon object_date object_time object_link object_depth_min"
    " object_depth_max object_annotation_status object_annotation_category object_annotation_person_name"
    " object_annotation_date object_annotation_time complement_info object_area object_note sample_id sample_ship"
    " sample_dataportal_descriptor acq_id acq_instrument acq_gain process_id process_tool"
)
FIRST = {
    "object_id": "o1", "object_lat": "43.5", "object_lon": "-7.25", "object_date": "20200621", "object_time": "120000",
    "object_link": "http://x.org", "object_depth_min": "1", "object_depth_max": "2.5", "complement_info": "seen",
    "object_annotation_status": "validated", "object_annotation_category": "Copepoda", "object_area": "1.5",
    "object_annotation_person_name": "Ada Lovelace", "object_annotation_date": "20210101", "object_note": "=1+1",
    "object_annotation_time": "101112", "sample_id": "S1", "sample_ship": "Tara", "sample_dataportal_descriptor": "{}",
    "acq_id": "A1", "acq_instrument": "uvp6", "acq_gain": "3", "process_id": "P1", "process_tool": "zooprocess",
}  # fmt: skip
ROWS = [
    FIRST | {"img_file_name": "a.png", "img_rank": "0"},
    FIRST | {"img_file_name": "b.png", "img_rank": "1"},
    {
        "object_id": "o2", "img_file_name": "b.png", "object_annotation_status": "predicted", "sample_id": "S1",
        "object_annotation_category": "part<Copepoda", "object_area": "-12.000000000000002", "acq_id": "A1",
        "object_note": '+a "quoted"\tline\nbreak', "process_id": "P1",
    },
    {
        "object_id": "o3", "img_file_name": "a.png", "object_area": "1e-300", "object_note": "@x", "sample_id": "S/2",
        "sample_dataportal_descriptor": "d", "acq_id": "A2", "acq_instrument": "flowcam", "process_id": "P2",
    },
    {
        "object_id": "o4", "img_file_name": "b.png", "object_lat": "0", "object_lon": "0", "object_date": "00010101",
        "object_time": "235959", "object_annotation_status": "dubious", "object_note": "-",
        "object_annotation_category": "fiber < detritus", "object_annotation_person_name": "Ada Lovelace",
    },
]  # fmt: skip


@pytest.fixture
def filled(exporter: Exporter, bundle: Bundle) -> Exporter:
    """Four objects that use every column, with what tables have to write carefully."""
    exporter.place.add_taxa(
        (25828, None, "Copepoda", "Copepoda"), (84963, None, "detritus", "detritus"),
        (11, 25828, "part", "part < Copepoda"), (92012, 84963, "fiber", "fiber < detritus"),
    )  # fmt: skip
    exporter.db.execute("update taxon set ecotaxa_id = null where id = 11")
    header = HEADER.split()
    numbers = {"img_rank", "object_lat", "object_lon", "object_depth_min", "object_depth_max", "object_area"}
    types = "".join("f" if name in numbers else "t" for name in header)
    report = exporter.place.bring_in(
        bundle(HEADER, types, *("|".join(row.get(name, "") for name in header) for row in ROWS))
    )
    assert report.status == "done", report.lines()
    return exporter


def test_a_backup_comes_in_again_equal_in_every_field(filled: Exporter) -> None:
    path = filled.export("ecotaxa_backup")
    again = filled.again(path)
    assert filled.carried(again) == filled.carried(filled.place.project_id)
    assert len(filled.carried(again)) == 4


def test_a_backup_has_a_folder_for_each_sample_with_its_table_and_images(filled: Exporter) -> None:
    with zipfile.ZipFile(filled.export("ecotaxa_backup")) as archive:
        names = sorted(archive.namelist())
    assert names == sorted([
        "README.md", "S1/ecotaxa_S1.tsv", "S1/a.png", "S1/b.png", "S_2/ecotaxa_S_2.tsv", "S_2/a.png",
        "without_a_name/ecotaxa_without_a_name.tsv", "without_a_name/b.png",
    ])  # fmt: skip


def test_its_cells_are_as_ecotaxa_writes_them(filled: Exporter) -> None:
    path = filled.export("ecotaxa_backup")
    with zipfile.ZipFile(path) as archive:
        raw = archive.read("S1/ecotaxa_S1.tsv")
    head, types, first = raw.split(b"\n")[:3]
    assert head.startswith(b'\xef\xbb\xbf"img_file_name"\t"img_rank"\t"object_id"\t"object_lat"')
    assert types.startswith(b'"[t]"\t"[f]"\t"[t]"\t"[f]"\t"[f]"\t"[t]"')
    assert first.startswith(b'"a.png"\t0\t"o1"\t43.5\t-7.25\t"20200621"\t"120000"\t"http://x.org"\t1\t2.5\t"validated"')
    assert b"\r" not in raw
    rows = tables(path)["S1/ecotaxa_S1.tsv"]
    assert [row["object_id"] for row in rows] == ["[t]", "o1", "o1", "o2"]
    one, two = rows[1], rows[3]
    assert (one["object_annotation_date"], one["object_annotation_time"]) == ("20210101", "101112")
    assert (one["object_annotation_category"], one["object_annotation_category_id"]) == ("Copepoda", "25828")
    assert (two["object_annotation_status"], two["object_annotation_person_name"]) == ("predicted", "")
    assert (two["object_annotation_category"], two["object_annotation_category_id"]) == ("part<Copepoda", "")
    assert (one["object_note"], two["object_note"]) == ("=1+1", '+a "quoted"\tline\nbreak')


@pytest.mark.parametrize("case", GOOD_CASES)
def test_the_cases_that_ecotaxa_takes_go_out_and_in_again(exporter: Exporter, shared_data: Path, case: str) -> None:
    cases = shared_data / "ecotaxa_cases"
    lines = (cases / "taxonomy.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    exporter.place.add_taxa(*((int(id), int(up) if up else None, name, show) for id, up, name, show, _ in rows))
    options: dict[str, Any] = {"mapping": read_mapping(cases / "answers.json"), "create_taxa": True}
    report = exporter.place.bring_in(cases / case, **options)
    assert report.status == "done", report.lines()

    again = exporter.again(exporter.export("ecotaxa_backup", convert=False))

    assert exporter.carried(again) == exporter.carried(exporter.place.project_id)


def test_people_of_one_name_keep_their_labels(filled: Exporter) -> None:
    row = filled.db.execute(
        "insert into account (email, name) values ('other@example.org', 'Ada Lovelace') returning id"
    ).fetchone()
    filled.db.execute("update label set account_id = %s where status = 'D'", [row.id])
    again = filled.again(filled.export("ecotaxa_backup"))
    people = filled.place.rows("select status, account_id from label where project_id = %s order by status", again)
    assert people == [("D", row.id), ("V", filled.place.account_id)]


def test_images_of_one_name_do_not_overwrite_each_other(exporter: Exporter, bundle: Bundle) -> None:
    head = "object_id img_file_name sample_id"
    first = bundle(head, "ttt", "o1|a.png|S", "o2|b.png|S", name="first")
    second = bundle(head, "ttt", "o3|a.png|S", "o4|b.png|S", name="second")
    (second / "a.png").write_bytes(picture(7))
    for folder in (first, second):
        assert exporter.place.bring_in(folder).status == "done"
    path = exporter.export("ecotaxa_backup")

    with zipfile.ZipFile(path) as archive:
        assert archive.read("S/same_name_2/a.png") == picture(7)
        assert archive.namelist().count("S/b.png") == 1
    again = exporter.again(path)
    before, after = (exporter.carried(id) for id in (exporter.place.project_id, again))
    assert [[image[2] for image in row[-1]] for row in after] == [[image[2] for image in row[-1]] for row in before]


def test_images_that_ecotaxa_does_not_read_become_png_under_their_names(exporter: Exporter, bundle: Bundle) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png", "o2|t.tif")
    (folder / "t.tif").write_bytes(picture(3, format="TIFF"))
    assert exporter.place.bring_in(folder).status == "done"
    for convert, magic in ((True, b"\x89PNG"), (False, b"II*\0")):
        with zipfile.ZipFile(exporter.export("ecotaxa_backup", convert=convert)) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("t.tif")]
            assert archive.read(name).startswith(magic)


def test_what_ecotaxa_would_refuse_is_told(exporter: Exporter, bundle: Bundle) -> None:
    names = [f"object_text{k}" for k in range(21)]
    header = " ".join(["object_id", "img_file_name", *names])
    folder = bundle(header, "t" * 23, "|".join(["o1", "a.png", "x" * 300, *["y"] * 20]))
    assert exporter.place.bring_in(folder).status == "done"
    with zipfile.ZipFile(exporter.export("ecotaxa_backup")) as archive:
        said = archive.read("README.md").decode()
    assert "EcoTaxa takes 20 text columns of objects, and this project has 21" in said
    assert "1 object has texts of over 250 characters" in said


def test_answers_of_the_cases_are_known(shared_data: Path) -> None:
    """The mapping that the cases above are brought in with."""
    assert json.loads((shared_data / "ecotaxa_cases" / "answers.json").read_text())["taxa"]
