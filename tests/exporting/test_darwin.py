"""Darwin Core Archives: read by a reader of others, held against the rules of the standard, and what they refuse."""

import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from dwca.read import DwCAReader
from psycopg.types.json import Jsonb

from app.errors import Refused
from app.exporting.darwin_events import event_ids
from app.exporting.darwin_taxa import resolve
from tests.exporting.conftest import Bundle, Exporter

DWC, OBIS = "http://rs.tdwg.org/dwc/terms/", "http://rs.iobis.org/obis/terms/"
EVENTS, OCCURRENCES, MEASURES = "event.txt", "occurrence.txt", "extendedmeasurementorfact.txt"
HEADER = (
    "object_id img_file_name object_lat object_lon object_date object_time object_depth_min object_depth_max"
    " object_annotation_status object_annotation_category sample_id sample_net_type sample_net_mesh sample_net_surf"
    " acq_id acq_instrument"
)
TYPES = "ttfftt" + "ff" + "t" * 8
ROWS = [
    "o1|a.png|43.5|7.25|20200621|120000|1|2.5|validated|Copepoda|S1|wp2|200|0.25|A1|zooscan",
    "o2|a.png|43.5|7.25|20200621|121500|0|3|validated|Copepoda|S1|wp2|200|0.25|A1|zooscan",
    "o3|a.png|43.5|7.25|20200621|121500|0|3|validated|part<Copepoda|S1|wp2|200|0.25|A1|zooscan",
    "o4|a.png|43.5|7.25|20200621|121500|0|3|predicted|Copepoda|S1|wp2|200|0.25|A1|zooscan",
    "o5|a.png|43.5|7.25|20200621|121500|0|3|dubious|Copepoda|S1|wp2|200|0.25|A1|zooscan",
    'o6|b.png|-12.25|-170.5|20200701||||validated|detritus|S "2"|||||',
    'o7|b.png|-12.25|-170.5|20200703||||validated|Oithona|S "2"|||||',
    'o8|b.png|-12.25|-170.5|20200703||||validated|old name|S "2"|||||',
    "o9|b.png|||||||||S3|||||",
]


@pytest.fixture
def seas(exporter: Exporter, bundle: Bundle) -> Exporter:
    """Three samples: one rich, one with an old name and a quotation mark, and one in which nothing was named."""
    exporter.place.add_taxa(
        (2, None, "Animalia", "Animalia"), (25828, 2, "Copepoda", "Copepoda"), (84963, None, "detritus", "detritus"),
        (11, 25828, "part", "part < Copepoda"), (12, 25828, "Oithona", "Oithona"), (13, 25828, "old name", "old name"),
    )  # fmt: skip
    exporter.db.execute("update taxon set aphia_id = 1080, rank = 'Class' where id = 25828")
    exporter.db.execute("update taxon set aphia_id = 106485, rank = 'Genus' where id = 12")
    exporter.db.execute("update taxon set type = 'M' where id in (11, 84963)")
    rows = [row if row.count("|") == 15 else row + "|" * (15 - row.count("|")) for row in ROWS]
    report = exporter.place.bring_in(bundle(HEADER, TYPES, *rows))
    assert report.status == "done", report.lines()
    exporter.db.execute("update taxon set status = 'D', rename_to = 12 where id = 13")
    describe(exporter)
    return exporter


def describe(exporter: Exporter, **said: Any) -> None:
    about = {
        "licence": "CC-BY-4.0",
        "citation": "Lovelace A. (2026) <Bay> & gulf",
        "contacts": [
            {"name": "Ada King Lovelace", "organisation": "Sea & Sons", "email": "ada@example.org",
             "orcid": "0000-0002-1825-0097", "role": "creator"},
            {"name": "", "organisation": "Data desk", "email": "desk@example.org", "orcid": "", "role": "contact"},
        ],
    }  # fmt: skip
    exporter.db.execute(
        "update project set title = 'The <bay> & more', description = 'One.\n\nTwo.', instrument = 'uvp6',"
        " settings = settings || %s where id = %s",
        [Jsonb(about | said), exporter.place.project_id],
    )
    exporter.db.commit()


ROW_TYPES = {OCCURRENCES: DWC + "Occurrence", MEASURES: OBIS + "ExtendedMeasurementOrFact"}


def rows_of(path: Path, file: str) -> list[dict[str, str]]:
    """A table as the reader gives it, by the last word of each term; a row that no event has would be missing."""
    with DwCAReader(str(path)) as archive:
        rows = list(archive)
        if file != EVENTS:
            rows = [one for row in rows for one in row.extensions if one.rowtype == ROW_TYPES[file]]
    with zipfile.ZipFile(path) as archive:
        assert len(rows) == archive.read(file).count(b"\n") - 1
    return [{term.rpartition("/")[2]: cell for term, cell in row.data.items()} for row in rows]


def test_another_reader_finds_events_occurrences_and_measurements(seas: Exporter) -> None:
    path = seas.export("darwin_core", through_ancestors=True)
    with DwCAReader(str(path)) as archive:
        assert archive.descriptor.core.type == DWC + "Event"
        assert archive.descriptor.extensions_type == [DWC + "Occurrence", OBIS + "ExtendedMeasurementOrFact"]
        rows = archive.rows
        assert [len(row.extensions) for row in rows] == [3, 6, 1]
    events = {row["eventID"]: row for row in rows_of(path, EVENTS)}
    assert list(events) == ['S "2"', "S1", "S3"]
    assert events["S1"]["eventDate"] == "2020-06-21T12:00:00Z/2020-06-21T12:15:00Z"
    assert (events["S1"]["decimalLatitude"], events["S1"]["decimalLongitude"]) == ("43.500000", "7.250000")
    assert (events["S1"]["minimumDepthInMeters"], events["S1"]["maximumDepthInMeters"]) == ("0", "3")
    assert events['S "2"']["eventDate"] == "2020-07-01/2020-07-03"
    assert (events["S3"]["eventDate"], events["S3"]["decimalLatitude"], events["S3"]["geodeticDatum"]) == ("", "", "")
    found = [
        (row["eventID"], row["scientificName"], row["individualCount"], row["verbatimIdentification"], row["kingdom"])
        for row in rows_of(path, OCCURRENCES)
    ]
    assert found == [
        ('S "2"', "Oithona", "2", "Oithona | old name", "Animalia"),
        ("S1", "Copepoda", "3", "Copepoda | part < Copepoda", "Animalia"),
    ]


def test_ids_are_unique_references_resolve_and_dates_are_iso(seas: Exporter) -> None:
    path = seas.export("darwin_core", through_ancestors=True, statuses=["V", "P"], with_absent=True)
    events, occurrences, measures = (rows_of(path, file) for file in (EVENTS, OCCURRENCES, MEASURES))
    event_ids = [row["eventID"] for row in events]
    ids = [row["occurrenceID"] for row in occurrences]
    assert len(set(event_ids)) == len(event_ids)
    assert len(set(ids)) == len(ids) == 4
    assert {row["eventID"] for row in occurrences + measures} <= set(event_ids)
    event_of = {row["occurrenceID"]: row["eventID"] for row in occurrences}
    assert all(event_of[row["occurrenceID"]] == row["eventID"] for row in measures if row["occurrenceID"])
    for row in events:
        ends = [end for end in row["eventDate"].split("/") if end]
        assert ends == sorted(ends)
        assert all(datetime.fromisoformat(end) for end in ends)
    for row in occurrences:
        assert re.fullmatch(r"urn:lsid:marinespecies\.org:taxname:[1-9]\d*", row["scientificNameID"])
        assert row["basisOfRecord"] == "MachineObservation"
        assert row["occurrenceStatus"] == ("present" if int(row["individualCount"]) else "absent")
        verified = {"present": {"ValidatedByHuman", "PredictedByMachine"}, "absent": {""}}
        assert row["identificationVerificationStatus"] in verified[row["occurrenceStatus"]]
    assert sorted(id for id in ids if id.startswith("S1")) == ["S1_106485", "S1_1080", "S1_P_1080"]
    for row in measures:
        assert row["measurementTypeID"].startswith("http://vocab.nerc.ac.uk/collection/P01/current/")
        assert (row["measurementUnit"] == "") == (row["measurementUnitID"] == "")


def absent(path: Path) -> set[str]:
    return {row["occurrenceID"] for row in rows_of(path, OCCURRENCES) if row["occurrenceStatus"] == "absent"}


def test_a_taxon_is_absent_only_where_everything_was_judged_and_nothing_may_be_of_it(seas: Exporter) -> None:
    path = seas.export("darwin_core", with_absent=True)
    assert absent(path) == {"S1_106485"}  # Oithona lies below Copepoda in S "2", and S3 has an unclassified object
    with zipfile.ZipFile(path) as archive:
        readme = archive.read("README.md").decode()
    assert "in 1 of 3 samples nothing is called absent" in readme
    assert "in 1 sample not every taxon" in readme

    seas.db.execute("update label set taxon_id = 12 where status = 'D'")
    seas.db.commit()
    assert absent(seas.export("darwin_core", with_absent=True)) == set()
    seas.db.execute("update label set taxon_id = 25828 where status = 'D'")
    seas.db.execute("update prediction set taxon_id = 13")
    seas.db.commit()
    assert absent(seas.export("darwin_core", with_absent=True)) == set()


def test_what_a_filter_hides_is_not_absent(seas: Exporter) -> None:
    seas.db.execute("update label set taxon_id = 12 where taxon_id = 11")
    seas.db.execute("update object set depth_min_m = 0, depth_max_m = 2 where orig_id = 'o7'")
    seas.db.commit()
    path = seas.export("darwin_core", with_absent=True, filters="depth=..2.7")
    assert {row["occurrenceID"] for row in rows_of(path, OCCURRENCES)} == {"S1_1080", 'S "2"_106485'}


def test_what_a_sample_was_taken_with_and_every_count_are_measurements(seas: Exporter) -> None:
    measures = rows_of(seas.export("darwin_core"), MEASURES)
    told = [
        (row["occurrenceID"], row["measurementTypeID"].split("/")[-2], row["measurementValue"],
         row["measurementUnitID"].split("/")[-2] if row["measurementUnitID"] else "")
        for row in measures
    ]  # fmt: skip
    assert told == [
        ("", "NMANINST", "uvp6", ""), ('S "2"_106485', "OCOUNT01", "2", "UUUU"), ("", "NMANINST", "zooscan", ""),
        ("", "NMSPINST", "WP2 net", ""), ("", "MSHSIZE1", "200", "UMIC"), ("", "MTHAREA1", "0.25", "UMSQ"),
        ("S1_1080", "OCOUNT01", "2", "UUUU"), ("", "NMANINST", "uvp6", ""),
    ]  # fmt: skip


def test_taxa_without_an_id_are_listed_and_left_out_unless_ancestors_are_asked_for(seas: Exporter) -> None:
    for through, said in ((False, "2 objects of 2 taxa left out"), (True, "1 object of 1 taxon left out")):
        with zipfile.ZipFile(seas.export("darwin_core", through_ancestors=through)) as archive:
            readme = archive.read("README.md").decode()
        assert said in readme
        assert "- detritus: 1 object" in readme
        assert ("- part < Copepoda: as Copepoda (1080)" in readme) == through
        assert "- old name: as Oithona (106485)" in readme


def test_the_metadata_say_who_where_when_and_under_which_licence(seas: Exporter) -> None:
    path = seas.export("darwin_core")
    with DwCAReader(str(path)) as archive:
        assert archive.metadata is not None
        root = ElementTree.fromstring(ElementTree.tostring(archive.metadata))
    dataset = root.find("dataset")
    assert dataset is not None
    order = [child.tag for child in dataset]
    assert order == [
        "title", "creator", "metadataProvider", "pubDate", "language", "abstract", "intellectualRights", "coverage",
        "contact", "methods",
    ]  # fmt: skip
    assert dataset.findtext("title") == "The <bay> & more"
    assert dataset.findtext("creator/individualName/givenName") == "Ada King"
    assert dataset.findtext("creator/individualName/surName") == "Lovelace"
    assert dataset.findtext("contact/organizationName") == "Data desk"
    assert [para.text for para in dataset.findall("abstract/para")] == ["One.", "Two."]
    link = dataset.find("intellectualRights/para/ulink")
    assert link is not None and link.get("url") == "http://creativecommons.org/licenses/by/4.0/legalcode"
    assert dataset.findtext("coverage/geographicCoverage/boundingCoordinates/westBoundingCoordinate") == "-170.500000"
    days = dataset.find("coverage/temporalCoverage/rangeOfDates")
    assert days is not None
    assert [date.fromisoformat(day.text or "") for day in days.iter("calendarDate")] == [
        date(2020, 6, 21), date(2020, 7, 3),
    ]  # fmt: skip
    assert root.findtext("additionalMetadata/metadata/gbif/citation") == "Lovelace A. (2026) <Bay> & gulf"


@pytest.mark.parametrize(
    ("said", "needs"),
    [
        ({"licence": ""}, "a licence that archives"),
        ({"licence": "copyright"}, "a licence that archives"),
        ({"contacts": []}, "a contact who made the data, and a contact with an email"),
    ],
)
def test_a_licence_and_contacts_are_needed(seas: Exporter, said: dict[str, Any], needs: str) -> None:
    describe(seas, **said)
    with pytest.raises(Refused, match=needs):
        seas.ask("darwin_core")


def test_concentrations_and_biovolumes_come_from_the_formulas_in_the_units_of_the_archive(seas: Exporter) -> None:
    formulas = {
        "subsample_coef": "0.5", "total_water_volume": "sample.net_surf * 8", "individual_volume": "2",
        "water_unit": "L", "volume_unit": "um3",
    }  # fmt: skip
    describe(seas, formulas=formulas)
    path = seas.export("darwin_core", through_ancestors=True)
    told = {
        (row["occurrenceID"], row["measurementTypeID"].split("/")[-2]): (
            float(row["measurementValue"]), row["measurementUnitID"].split("/")[-2])
        for row in rows_of(path, MEASURES) if row["occurrenceID"]
    }  # fmt: skip
    assert told["S1_1080", "SDBIOL01"] == (3 / 0.5 / 2 * 1000, "UPMM")
    assert told["S1_1080", "CVOLUKNB"] == (2 * 3 / 0.5 / 2 * 1000 * 1e-9, "CMCM")
    assert ('S "2"_106485', "SDBIOL01") not in told
    with zipfile.ZipFile(path) as archive:
        assert "taxa in samples have no concentration" in archive.read("README.md").decode()


def test_a_formula_that_cannot_be_followed_is_told_and_the_counts_go_out(seas: Exporter) -> None:
    describe(seas, formulas={"subsample_coef": "sample.nothing", "total_water_volume": "1"})
    with zipfile.ZipFile(seas.export("darwin_core")) as archive:
        readme, measures = archive.read("README.md").decode(), archive.read(MEASURES).decode()
    assert "Concentrations and biovolumes are left out" in readme
    assert "SDBIOL01" not in measures and "OCOUNT01" in measures


def test_only_validated_and_predicted_objects_go_out(seas: Exporter) -> None:
    for statuses in (["D"], ["V", "U"], []):
        with pytest.raises(Refused, match="of the statuses V, P"):
            seas.ask("darwin_core", statuses=statuses)


def test_where_no_taxon_has_an_id_the_job_says_so(seas: Exporter) -> None:
    seas.db.execute("update taxon set aphia_id = null")
    done = seas.work(seas.ask("darwin_core"))
    assert done.status == "failed"
    assert "No object has a taxon with a WoRMS id" in done.error


def test_samples_whose_names_would_be_the_same_are_numbered_by_their_own_names_whatever_their_ids_are() -> None:
    names = {7: "a b", 3: "a\tb", 5: "__DUMMY_ID__5__", 6: "c", 9: "__DUMMY_ID__6__"}
    assert event_ids(names) == {3: "a b", 5: "unnamed", 6: "c", 7: "a b_2", 9: "unnamed_2"}


def test_renamings_in_a_ring_end(seas: Exporter) -> None:
    seas.db.execute("update taxon set status = 'D', rename_to = 13 where id = 12")
    assert resolve(seas.db, [13], through_ancestors=True)[13].aphia_id in (1080, 106485)
