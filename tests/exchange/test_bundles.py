"""EcoTaxa bundles: what comes in, what is told, what is asked, and what a second import does."""

import errno
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import Conflict, Refused
from app.exchange import staging
from app.exchange.report import ImportReport
from app.objects.store import StoreFull
from tests.exchange.conftest import Workplace, picture

Bundle = Callable[..., Path]
LABELLED = "object_id img_file_name object_annotation_category object_annotation_status"


def messages(report: ImportReport) -> list[str]:
    return [str(fault) for fault in report.faults]


def zipped(folder: Path) -> Path:
    place = folder.with_suffix(".zip")
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return place


def test_all_levels_come_in_with_their_values(workplace: Workplace, bundle: Bundle) -> None:
    header = "object_id img_file_name object_lat object_lon object_date object_time object_depth_min object_area"
    header += " object_note sample_id sample_ship sample_dataportal_descriptor acq_id acq_instrument acq_gain"
    header += " process_id process_tool"
    row = "o1|a.png|43.5|7|20200621|120000|10|1.5|calm|S1|Tara|{}|A1|uvp6|3|P1|zooprocess"
    report = workplace.bring_in(bundle(header, "ttfftt" + "fft" + "ttttttttt", row))

    assert (report.status, report.n_objects, report.n_images) == ("done", 1, 1)
    (found,) = workplace.objects()
    assert (found.latitude, found.longitude, found.depth_min_m, found.sun_position) == (43.5, 7.0, 10.0, "D")
    assert found.fields == {"area": 1.5, "note": "calm"}
    sample = workplace.rows("select orig_id, latitude, longitude, dataportal_descriptor, fields from sample")
    assert sample == [("S1", 43.5, 7.0, "{}", {"ship": "Tara"})]
    assert workplace.rows("select orig_id, instrument, fields from acquisition") == [("A1", "uvp6", {"gain": "3"})]
    assert workplace.rows("select orig_id, fields from process") == [("P1", {"tool": "zooprocess"})]
    levels = workplace.rows("select level, name, type, position from field order by level, type, position")
    assert levels == [
        ("acquisition", "gain", "text", 1),
        ("object", "area", "number", 1),
        ("object", "note", "text", 1),
        ("process", "tool", "text", 1),
        ("sample", "ship", "text", 1),
    ]


def test_an_archive_gives_the_same_as_its_folder(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle("object_id img_file_name object_area", "ttf", "o1|a.png|1", "o1|b.png|2", "o2|b.png|3")
    workplace.bring_in(folder)
    expected = [(row.orig_id, row.fields, row.images) for row in workplace.objects()]

    workplace.project_id = workplace.new_project()
    workplace.bring_in(zipped(folder))

    assert [(row.orig_id, row.fields, row.images) for row in workplace.objects()] == expected
    assert len(workplace.values("select hash from content")) == 2


def test_labels_carry_person_date_and_provenance(workplace: Workplace, bundle: Bundle) -> None:
    workplace.add_taxa((10, None, "Copepoda", "Copepoda"))
    bob = workplace.values("insert into account (email, name) values ('bob@x.org', 'Bob') returning id")[0]
    header = f"{LABELLED} object_annotation_date object_annotation_time object_annotation_person_name"
    header += " object_annotation_person_email"
    workplace.bring_in(
        bundle(
            header,
            "tttttttt",
            "o1|a.png|Copepoda|validated|20200131|101500|bob|",
            "o2|b.png|Copepoda|dubious|20200131||Robert|BOB@x.org",
            "o3|b.png|Copepoda|predicted|20200131||nobody known|",
            "o4|b.png||||||",
        )
    )

    found = [(row.status, row.taxon_id, row.account_id, row.at) for row in workplace.objects()]
    assert found == [
        ("V", 10, bob, datetime(2020, 1, 31, 10, 15, tzinfo=UTC)),
        ("D", 10, bob, datetime(2020, 1, 31, tzinfo=UTC)),
        (None, None, None, None),
        (None, None, None, None),
    ]
    assert workplace.rows("select provenance, version, act_id from label") == [("imported", 1, None)] * 2
    assert workplace.rows("select kind, provenance, n_objects, account_id from act") == [
        ("import", "imported", 2, workplace.account_id)
    ]
    assert workplace.rows("select old_status, new_status, new_taxon_id from history order by object_id") == [
        (None, "V", 10),
        (None, "D", 10),
    ]
    assert workplace.rows("select kind from run join project on current_run_id = run.id") == [("import",)]


def test_whoever_is_known_by_an_address_alone_is_asked_about_and_credited(workplace: Workplace, bundle: Bundle) -> None:
    workplace.add_taxa((10, None, "Copepoda", "Copepoda"))
    bob = workplace.values("insert into account (email, name) values ('bob@x.org', 'Bob') returning id")[0]
    header = f"{LABELLED} object_annotation_person_name object_annotation_person_email"
    source = bundle(
        header, "tttttt", "o1|a.png|Copepoda|validated||unknown@else.org", "o2|b.png|Copepoda|validated||Bob@x.org"
    )

    asked = workplace.bring_in(source)
    assert (asked.status, asked.missing_users) == ("asking", ["unknown@else.org"])
    cy = workplace.values("insert into account (email, name) values ('cy@x.org', 'Cy') returning id")[0]
    workplace.bring_in(source, mapping={"users": {"unknown@else.org": "cy@x.org"}})

    assert [row.account_id for row in workplace.objects()] == [cy, bob]


def test_a_row_with_more_cells_than_columns_is_noted(workplace: Workplace, bundle: Bundle) -> None:
    report = workplace.bring_in(bundle("object_id img_file_name", "tt", "o1|a.png|one too many", "o2|b.png||"))

    assert report.status == "done"
    assert [note for note in report.notes if "more cells" in note] == [
        "1 row has more cells than there are columns: look whether its values stand in the right ones"
    ]


def test_a_second_import_adds_nothing_and_says_so(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png", "o2|b.png")
    workplace.bring_in(folder)
    before = workplace.rows("select * from object order by id"), workplace.stored_files()

    again = workplace.bring_in(folder)
    os.utime(folder / "a.png")
    touched = workplace.bring_in(folder)
    packed = workplace.bring_in(zipped(folder))

    assert {again.status, touched.status, packed.status} == {"nothing"}
    assert "imported before" in again.summary()
    assert (workplace.rows("select * from object order by id"), workplace.stored_files()) == before


def test_objects_that_are_there_are_refused_or_skipped(workplace: Workplace, bundle: Bundle) -> None:
    workplace.bring_in(bundle("object_id img_file_name", "tt", "o1|a.png"))
    more = bundle("object_id img_file_name", "tt", "o1|a.png", "o2|b.png")

    refused = workplace.bring_in(more)
    skipped = workplace.bring_in(more, skip_existing=True)

    assert refused.status == "failed"
    assert [fault.line for fault in refused.faults] == [3]
    assert "--skip-existing" in refused.faults[0].message
    assert (skipped.status, skipped.n_skipped, skipped.n_objects) == ("done", 1, 1)
    assert [row.orig_id for row in workplace.objects()] == ["o1", "o2"]


def test_another_image_of_a_known_object_joins_it(workplace: Workplace, bundle: Bundle) -> None:
    workplace.bring_in(bundle("object_id img_file_name", "tt", "o1|a.png"))

    report = workplace.bring_in(bundle("object_id img_file_name", "tt", "o1|b.png"))

    assert (report.n_objects, report.n_images) == (0, 1)
    (row,) = workplace.objects()
    assert [(rank, name) for rank, name, *_ in row.images] == [(0, "a.png"), (1, "b.png")]


def test_new_columns_come_after_the_projects_own(workplace: Workplace, bundle: Bundle) -> None:
    workplace.bring_in(bundle("object_id img_file_name object_area object_note", "ttft", "o1|a.png|1|x"))

    workplace.bring_in(
        bundle("object_id img_file_name object_esd object_area object_kind", "ttfft", "o2|b.png|5|2|round")
    )

    first, second = workplace.objects()
    assert first.fields == {"area": 1.0, "note": "x", "esd": None, "kind": None}
    assert second.fields == {"area": 2.0, "note": None, "esd": 5.0, "kind": "round"}
    assert workplace.values("select data_version from project") == [3]


def test_every_fault_is_told_at_once_and_nothing_stays(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle(
        "object_id img_file_name object_area sample_id acq_id object_annotation_category",
        "ttfttt",
        "o1|a.png|1|S1|A1|",
        "o1|a.png|1|S1|A1|",
        "o2|gone.png|x|S2|A1|",
        "o3|broken.png|3|S1|A1|fish",
    )
    (folder / "broken.png").write_bytes(picture(5)[:50])
    bundle("object_id img_file_name object_area", "ttn", "o9|b.png|1", table="ecotaxa_u.tsv")

    report = workplace.bring_in(folder)

    assert report.status == "failed"
    told = messages(report)
    assert [told[0].startswith("ecotaxa_t.tsv, line 4: Object 'o1' has the image 'a.png' twice"), len(told)] == [
        True,
        6,
    ]
    assert "line 5: Invalid float value 'x' for field 'object_area'" in told[1]
    assert "line 5: Image 'gone.png' cannot be read: there is no such file" in told[2]
    assert "line 6: When a category (fish) is provided" in told[3]
    assert "line 6: Image 'broken.png' cannot be read" in told[4]
    assert "ecotaxa_u.tsv, line 2: Invalid Type '[n]' for field 'object_area'" in told[5]
    assert workplace.objects() == []
    assert workplace.stored_files() == []
    assert workplace.values("select count(*) from staged_row") == [0]
    assert workplace.values("select count(*) from import_chunk") == [0]
    assert workplace.values("select count(*) from content") == [0]
    assert workplace.values("select status from import") == ["failed"]


def test_an_acquisition_belongs_to_one_sample(workplace: Workplace, bundle: Bundle) -> None:
    header = "object_id img_file_name sample_id acq_id"
    inside = workplace.bring_in(bundle(header, "tttt", "o1|a.png|S1|A1", "o2|b.png|S2|A1"))
    workplace.bring_in(bundle(header, "tttt", "o1|a.png|S1|A1"))
    across = workplace.bring_in(bundle(header, "tttt", "o2|b.png|S2|A1"))

    for report, line in ((inside, 4), (across, 3)):
        assert [fault.line for fault in report.faults] == [line]
        assert "Acquisition 'A1' is already associated with sample 'S1'" in report.faults[0].message


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("object_id\timg_file_name\n[t]\t[t]\no1\ta.png\n".encode("utf-16"), 0, "tab-separated text in UTF-8"),
        (b"object_id\timg_file_name\n[t]\t[t]\no1\ta.png\no\x002\ta.png\n", 4, "NUL byte"),
        (b"", 0, "is empty"),
        (b"object_id\timg_file_name\no1\ta.png\n", 2, "second line"),
        (b"object_id\timg_file_name\tacq_gain\n[t]\t[t]\t[t]\no1\ta.png\t1\n", 1, "Field acq_id is mandatory"),
        (b'object_id\timg_file_name\n[t]\t[t]\no1\t"a.png\n' + b"x" * 2_000_000, 3, "never closed"),
        (b"object_id\timg_file_name\n[t]\t[t]\n" + b"o" * 3000 + b"\ta.png\n", 3, "more than 2,000"),
        (b"object_id\timg_file_name\n[t]\t[t]\n", 0, "nothing to import"),
    ],
)
def test_a_bad_table_is_told_with_its_line(
    workplace: Workplace, bundle: Bundle, content: bytes, line: int, said: str
) -> None:
    folder = bundle("object_id img_file_name", "tt")
    (folder / "ecotaxa_t.tsv").write_bytes(content)

    report = workplace.bring_in(folder)

    assert report.status == "failed"
    assert (report.faults[0].line, said in report.faults[0].message) == (line, True)
    assert workplace.stored_files() == []


def test_long_texts_are_taken(workplace: Workplace, bundle: Bundle) -> None:
    long = "plankton " * 1000
    workplace.bring_in(bundle("object_id img_file_name object_note", "ttt", f"o1|a.png|{long}"))

    assert workplace.objects()[0].fields == {"note": long.strip()}


def test_text_survives_every_sign(workplace: Workplace, bundle: Bundle) -> None:
    odd = 'back\\slash {brace} "quote" , comma\nline\ttab \\N µ'
    workplace.bring_in(bundle("object_id img_file_name object_note", "ttt", f"o\\1|a.png|{odd}"))

    (row,) = workplace.objects()
    assert (row.orig_id, row.fields) == ("o\\1", {"note": odd})


def test_a_dry_run_tells_all_and_leaves_nothing(workplace: Workplace, bundle: Bundle) -> None:
    good = bundle(LABELLED, "tttt", "o1|a.png|fish|validated", "o2|b.png||")
    bad = bundle("object_id img_file_name", "tt", "o1|gone.png", name="bad")

    report, refused = workplace.bring_in(good, dry_run=True), workplace.bring_in(bad, dry_run=True)

    assert (report.status, report.n_objects, report.n_images, report.n_labels) == ("checked", 2, 2, 1)
    assert report.missing_taxa == ["fish"]
    assert (refused.status, refused.faults[0].line) == ("failed", 3)
    for table in ("import", "import_chunk", "staged_row", "content", "object", "taxon"):
        assert workplace.values(f"select count(*) from {table}") == [0]
    assert workplace.stored_files() == []


def test_it_asks_about_taxa_and_people_before_anything_is_visible(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle(f"{LABELLED} object_annotation_person_name", "ttttt", "o1|a.png|Fish|validated|Grace")
    workplace.add_taxa((10, None, "Pisces", "Pisces"))

    asked = workplace.bring_in(folder)

    assert (asked.status, asked.missing_taxa, asked.missing_users) == ("asking", ["Fish"], ["Grace"])
    assert workplace.objects() == []
    assert workplace.values("select status from import") == ["asking"]

    done = workplace.bring_in(folder, mapping={"taxa": {"fish": "pisces"}, "users": {"Grace": "ada@example.org"}})

    (row,) = workplace.objects()
    assert (done.status, done.import_id) == ("done", asked.import_id)
    assert (row.taxon_id, row.account_id) == (10, workplace.account_id)


def test_a_resumed_import_does_not_read_images_again(
    workplace: Workplace, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")
    workplace.bring_in(folder)
    monkeypatch.setattr("app.exchange.chunks.read_file", None)

    report = workplace.bring_in(folder, create_taxa=True)

    assert (report.status, report.created_taxa) == ("done", ["Fish"])


def test_an_answer_that_names_nothing_is_refused(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")

    with pytest.raises(Refused, match="names taxa that do not exist, or mean several: pisces"):
        workplace.bring_in(folder, mapping={"taxa": {"fish": "pisces"}})
    assert workplace.objects() == []


def test_taxa_are_made_with_their_lineage_and_a_name_of_their_own(workplace: Workplace, bundle: Bundle) -> None:
    workplace.add_taxa((1, None, "living", "living"), (2, 1, "egg", "egg"))
    header = f"{LABELLED} object_annotation_hierarchy"
    rows = ["o1|a.png|egg<Pisces|validated|living>Pisces>egg", "o2|b.png|fiber < detritus|dubious|"]

    report = workplace.bring_in(bundle(header, "ttttt", *rows), create_taxa=True)

    assert report.created_taxa == ["detritus", "fiber", "Pisces", "egg < Pisces"]
    parents = dict(
        workplace.rows(
            "select taxon.display_name, parent.display_name as up from taxon left join taxon as parent"
            " on parent.id = taxon.parent_id"
        )
    )
    assert parents == {
        "living": None,
        "egg": "living",
        "Pisces": "living",
        "egg < Pisces": "Pisces",
        "detritus": None,
        "fiber": "detritus",
    }


def test_an_unknown_number_of_a_taxon_is_asked(workplace: Workplace, bundle: Bundle) -> None:
    header = "object_id img_file_name object_annotation_category_id object_annotation_status"
    folder = bundle(header, "ttft", "o1|a.png|777.0|validated")
    workplace.add_taxa((10, None, "Pisces", "Pisces"))

    assert workplace.bring_in(folder).missing_taxa == ["777"]
    workplace.bring_in(folder, mapping={"taxa": {"777": 10}})

    assert workplace.objects()[0].taxon_id == 10


def test_inner_archives_of_images_are_read(workplace: Workplace, bundle: Bundle, tmp_path: Path) -> None:
    inner = zipped(bundle("object_id img_file_name", "tt", "o1|a.png", "o2|b.png", name="in"))
    outer = tmp_path / "outer"
    outer.mkdir()
    inner.rename(outer / "cast1_Images.zip")

    from_folder = workplace.bring_in(outer)
    workplace.project_id = workplace.new_project()
    from_archive = workplace.bring_in(zipped(outer))

    assert [(report.status, report.n_objects) for report in (from_folder, from_archive)] == [("done", 2)] * 2


def test_an_import_is_not_run_twice_at_once(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")
    asked = workplace.bring_in(folder)
    workplace.db.execute("select pg_advisory_lock(%s, %s)", [staging.RUNNING_LOCK, asked.import_id])

    with pytest.raises(Conflict, match="running already"):
        workplace.bring_in(folder)


def test_a_dry_run_waits_for_no_import(workplace: Workplace, bundle: Bundle) -> None:
    folder = bundle(LABELLED, "tttt", "o1|a.png|Fish|validated")
    # Dry runs count from one, each for itself: here the first import of all is at work.
    workplace.db.execute("select pg_advisory_lock(%s, 1)", [staging.RUNNING_LOCK])

    assert workplace.bring_in(folder, dry_run=True).status == "checked"


def test_a_full_disk_keeps_what_was_read_and_shows_nothing(
    workplace: Workplace, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundle("object_id img_file_name", "tt", "o1|a.png", "o2|b.png")
    written: list[int] = []
    sync = os.fsync

    def fill_up(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fill_up)
    with pytest.raises(StoreFull, match="is full"):
        workplace.bring_in(folder, chunk_rows=1, processes=1)
    monkeypatch.undo()

    assert workplace.objects() == []
    assert workplace.bring_in(folder, chunk_rows=1, processes=1).status == "done"
    assert [row.orig_id for row in workplace.objects()] == ["o1", "o2"]


def test_the_embedding_is_queued_with_the_objects(workplace: Workplace, bundle: Bundle) -> None:
    workplace.bring_in(bundle("object_id img_file_name", "tt", "o1|a.png"))

    queued = workplace.rows("select kind, project_id, status from job order by id")
    assert queued == [(kind, workplace.project_id, "queued") for kind in ("strips", "embed")]
