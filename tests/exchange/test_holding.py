"""A check that holds: everything is read, nothing is shown, and the import that follows reads nothing again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.exchange import chunks, survey
from tests.exchange.conftest import Workplace

HEADER = (
    "object_id img_file_name object_annotation_category object_annotation_status object_annotation_person_name"
    " object_area sample_id"
)
TYPES = "ttttt" + "ft"


def test_a_held_import_shows_nothing_and_tells_what_it_holds(workplace: Workplace, bundle: Callable[..., Path]) -> None:
    workplace.add_taxa((5, None, "Copepoda", "Copepoda"))
    source = bundle(HEADER, TYPES, "o1|a.png|Copepoda|validated|Bo|3|s1", "o2|b.png|Cope|validated|Bo|4|s1")
    report = workplace.bring_in(source, hold=True)
    assert report.status == "asking"
    assert (report.missing_taxa, report.missing_users) == (["Cope"], ["Bo"])
    assert (report.n_objects, report.n_labels) == (2, 2)
    contents = report.contents
    assert contents["counts"] == {
        "images": 2, "objects": 2, "samples": 1, "acquisitions": 0, "validated": 2, "dubious": 0, "predicted": 0,
    }  # fmt: skip
    assert contents["taxa"] == [["Cope", 1, ""], ["Copepoda", 1, ""]]
    assert contents["people"] == [["Bo", 2, ""]]
    assert {"header": "object_area", "level": "object", "type": "number"} in contents["columns"]
    assert contents["first"]["rows"][0][:3] == ["o1", "a.png", "Copepoda"]
    assert workplace.objects() == []


def test_of_many_taxa_the_most_frequent_are_told_and_the_unknown_ones_that_are_rarer(
    workplace: Workplace, bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MOST_NAMES", 2)
    workplace.add_taxa((5, None, "Copepoda", "Copepoda"), (6, None, "Fish", "Fish"))
    named = ["Copepoda"] * 4 + ["Fish"] * 3 + ["Zoea", "Zoea", "Abc", "Bcd"]
    rows = [f"o{n}|a.png|{name}|validated|||" for n, name in enumerate(named)]
    report = workplace.bring_in(bundle(HEADER, TYPES, *rows), hold=True)
    assert report.missing_taxa == ["Abc", "Bcd", "Zoea"]
    assert report.contents["n_taxa"] == 5
    assert [taxon[:2] for taxon in report.contents["taxa"]] == [["Copepoda", 4], ["Fish", 3], ["Zoea", 2], ["Abc", 1]]
    assert set(report.contents["near"]) <= {"Zoea", "Abc"}


def test_what_was_held_goes_on_without_reading_an_image_again(
    workplace: Workplace, bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = bundle(HEADER, TYPES, "o1|a.png|||||", "o2|b.png|||||")
    held = workplace.bring_in(source, hold=True)
    assert (held.status, held.missing_taxa) == ("asking", [])
    assert held.summary().startswith("Would add 2 objects")
    monkeypatch.setattr(chunks.ChunkReader, "read", None)
    report = workplace.bring_in(source)
    assert (report.status, report.import_id, report.n_objects) == ("done", held.import_id, 2)
    assert len(workplace.objects()) == 2


def test_faults_of_a_held_import_are_told_and_nothing_is_kept(
    workplace: Workplace, bundle: Callable[..., Path]
) -> None:
    report = workplace.bring_in(bundle(HEADER, TYPES, "o1|nowhere.png||||x|", "o2|b.png|||||"), hold=True)
    assert (report.status, report.n_faults) == ("failed", 2)
    assert report.contents["counts"]["objects"] == 1
    assert workplace.values("select count(*) from staged_row") == [0]
    assert workplace.stored_files() == []


def test_what_is_there_before_is_held_back_without_being_read_again(
    workplace: Workplace, bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.bring_in(bundle(HEADER, TYPES, "o1|a.png|||||"))
    source = bundle(HEADER, TYPES, "o1|a.png|||||", "o2|b.png|||||")
    held = workplace.bring_in(source, hold=True, skip_existing=True)
    assert (held.status, held.n_skipped) == ("asking", 1)
    monkeypatch.setattr(chunks.ChunkReader, "read", None)
    assert workplace.bring_in(source, skip_existing=True).n_objects == 1


def test_a_taxon_may_be_left_out_and_its_objects_come_in_without_a_label(
    workplace: Workplace, bundle: Callable[..., Path]
) -> None:
    workplace.add_taxa((5, None, "Copepoda", "Copepoda"))
    source = bundle(HEADER, TYPES, "o1|a.png|Copepoda|validated|||", "o2|b.png|Cope|validated|Bo||")
    report = workplace.bring_in(source, mapping={"taxa": {"Cope": "-"}})
    assert (report.status, report.n_objects, report.n_labels) == ("done", 2, 1)
    assert [(row.orig_id, row.status) for row in workplace.objects()] == [("o1", "V"), ("o2", None)]
