"""EcoTaxa's general export and its annotations: columns, splits, images, and what is read back."""

import zipfile

import pytest

from app.errors import Refused
from tests.exchange.conftest import picture
from tests.exporting.conftest import Bundle, Exporter, tables

# As EcoTaxa orders them, with the free columns of each level where it puts them.
HEADERS = [
    "object_id", "object_lat", "object_lon", "object_date", "object_time", "object_link", "object_depth_min",
    "object_depth_max", "object_annotation_status", "object_annotation_person_name", "object_annotation_person_email",
    "object_annotation_date", "object_annotation_time", "object_annotation_category", "object_annotation_hierarchy",
    "complement_info", "object_area", "sample_id", "sample_dataportal_descriptor", "sample_ship", "process_id",
    "acq_id", "acq_instrument",
]  # fmt: skip
INTERNAL = [
    "objid", "processid_internal", "acq_id_internal", "sample_id_internal", "classif_id", "classif_who",
    "classif_auto_id", "classif_auto_name", "classif_auto_score", "classif_auto_when", "object_random_value",
    "object_sunpos", "sample_lat", "sample_long",
]  # fmt: skip


@pytest.fixture
def cruise(exporter: Exporter, bundle: Bundle) -> Exporter:
    """Three objects in two samples, one with two images; two samples have an image of the same name."""
    exporter.place.add_taxa(
        (10, None, "living", "living"), (1, 10, "Copepoda", "Copepoda"),
        (2, None, "detritus", "detritus"), (3, 2, "fiber", "fiber < detritus"),
    )  # fmt: skip
    header = "object_id img_file_name img_rank object_date object_annotation_status object_annotation_category"
    header += " object_annotation_date object_area sample_id sample_ship acq_id"
    first = bundle(
        header,
        "ttfttttftt" + "t",
        "o1|a.png|0|20200131|validated|Copepoda|20210101|1.5|S1|Tara|A1",
        "o1|b.png|1|20200131|validated|Copepoda|20210101|1.5|S1|Tara|A1",
        "o2|b.png|0||predicted|fiber < detritus|||S1|Tara|A1",
        name="first",
    )
    second = bundle(header, "ttfttttftt" + "t", "o3|a.png|0||||||S2|Tara|A2", name="second")
    (second / "a.png").write_bytes(picture(9))
    for folder in (first, second):
        report = exporter.place.bring_in(folder)
        assert report.status == "done", report.lines()
    return exporter


def test_its_columns_are_ecotaxas_in_their_order(cruise: Exporter) -> None:
    (rows,) = tables(cruise.export("ecotaxa_general")).values()
    assert list(rows[0]) == HEADERS
    assert [row["object_id"] for row in rows] == ["o1", "o2", "o3"]
    assert (rows[0]["object_date"], rows[0]["object_annotation_date"]) == ("2020-01-31", "2021-01-01")
    assert rows[0]["object_annotation_hierarchy"] == "living>Copepoda"
    assert (rows[1]["object_annotation_status"], rows[1]["object_annotation_category"]) == (
        "predicted",
        "fiber<detritus",
    )

    (rows,) = tables(cruise.export("ecotaxa_general", internal_ids=True, images="all")).values()
    assert list(rows[0]) == ["img_file_name", "img_rank", *HEADERS, *INTERNAL]
    assert [row["objid"] for row in rows] == [str(row.id) for row in cruise.place.objects() for _ in row.images]
    assert rows[2]["classif_auto_name"] == "fiber < detritus"


def test_columns_and_extras_can_be_chosen(cruise: Exporter) -> None:
    wanted = ["object_area", "object_id", "score", "history"]
    grace = cruise.place.values("insert into account (email, name) values ('g@x.org', 'Grace') returning id")[0]
    cruise.db.execute("update label set account_id = %s, at = '2021-01-02 03:04:05Z'", [grace])
    cruise.db.commit()
    path = cruise.export(
        "ecotaxa_general", columns=wanted, extras=["score", "choices", "provenance", "batch", "history"]
    )
    (rows,) = tables(path).values()
    with zipfile.ZipFile(path) as archive:
        readme = archive.read("README.md").decode()
    assert list(rows[0]) == ["object_id", "object_area", "score", "history"]
    assert rows[0]["history"] == "2021-01-02T03:04:05Z V Copepoda by Grace"
    assert rows[1]["score"] == "1"
    assert "- `score`: the probability" in readme and "- `history`: every label so far" in readme


@pytest.mark.parametrize(
    ("split_by", "names"),
    [
        ("none", ["ecotaxa_Test.tsv"]),
        ("sample", ["ecotaxa_S1.tsv", "ecotaxa_S2.tsv"]),
        ("acquisition", ["ecotaxa_A1.tsv", "ecotaxa_A2.tsv"]),
        ("taxon", ["ecotaxa_Copepoda.tsv", "ecotaxa_fiber__detritus.tsv", "ecotaxa_unclassified.tsv"]),
    ],
)
def test_it_is_split_as_asked(cruise: Exporter, split_by: str, names: list[str]) -> None:
    found = tables(cruise.export("ecotaxa_general", split_by=split_by))
    assert list(found) == names
    assert sorted(row["object_id"] for rows in found.values() for row in rows) == ["o1", "o2", "o3"]


@pytest.mark.parametrize(("images", "n"), [("first", 3), ("all", 4)])
def test_every_image_that_a_table_names_is_there(cruise: Exporter, images: str, n: int) -> None:
    path = cruise.export("ecotaxa_general", images=images)
    (rows,) = tables(path).values()
    assert len(rows) == n
    with zipfile.ZipFile(path) as archive:
        files = {row["img_file_name"]: archive.read(row["img_file_name"]) for row in rows}
    assert files["Test/a.png"] == picture(0)
    assert files["Test/same_name_2/a.png"] == picture(9)


def test_with_a_types_row_it_comes_in_again(cruise: Exporter) -> None:
    again = cruise.again(cruise.export("ecotaxa_general", images="all", types_row=True, split_by="taxon"))
    before, after = cruise.carried(cruise.place.project_id), cruise.carried(again)
    assert sorted(row[:-1] for row in after) == sorted(row[:-1] for row in before)
    assert sorted(image[2] for row in after for image in row[-1]) == sorted(i[2] for row in before for i in row[-1])


def test_only_what_meets_the_conditions_goes_out(cruise: Exporter) -> None:
    (rows,) = tables(cruise.export("ecotaxa_general", filters="status=V")).values()
    assert [row["object_id"] for row in rows] == ["o1"]
    made = cruise.work(cruise.ask("ecotaxa_general", filters="f.area=7..8"))
    assert (made.status, made.n_bytes) == ("failed", None)
    assert "no object meets the conditions" in made.error


def test_annotations_alone_name_person_time_and_taxon(cruise: Exporter) -> None:
    (rows,) = tables(cruise.export("annotations")).values()
    types, *rows = rows
    assert set(types.values()) == {"[t]", "[f]"}
    assert rows[0] == {
        "object_id": "o1", "object_annotation_status": "validated", "object_annotation_person_name": "Ada Lovelace",
        "object_annotation_person_email": "ada@example.org", "object_annotation_date": "20210101",
        "object_annotation_time": "000000", "object_annotation_category": "Copepoda",
        "object_annotation_category_id": "1",
    }  # fmt: skip
    assert [row["object_annotation_status"] for row in rows] == ["validated", "predicted", ""]


def test_internal_ids_do_not_go_with_a_types_row(cruise: Exporter) -> None:
    with pytest.raises(Refused, match="neither internal ids nor extra columns"):
        cruise.ask("ecotaxa_general", types_row=True, internal_ids=True)
