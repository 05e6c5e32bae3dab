"""What is exported to learn from: folders, COCO, CSV and parquet, each read by programs that know nothing of Shoal."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from app.cli import main
from app.exporting.choices import Choices
from app.exporting.labelled import split_samples
from indexer.embedders.clip import import_torchvision
from tests.exchange.conftest import picture
from tests.exporting.conftest import Bundle, Exporter
from tests.search.conftest import add_vectors, make_embedder, unit_vectors

DIMENSION = 8
TAXA = ("Copepoda", "fiber < detritus")


@pytest.fixture
def sea(exporter: Exporter, bundle: Bundle) -> Exporter:
    """Forty objects in ten samples: 18 Copepoda, 18 fibers, two dubious, two unclassified; vectors of all but one."""
    exporter.place.add_taxa(
        (1, None, "Copepoda", "Copepoda"), (2, None, "detritus", "detritus"), (3, 2, "fiber", "fiber < detritus")
    )
    header = "object_id img_file_name object_annotation_category object_annotation_status object_area object_note"
    rows = []
    for n in range(40):
        status = "dubious" if n in (10, 11) else "" if n in (20, 21) else "validated"
        taxon = TAXA[n % 2] if status else ""
        area, note = n / 4 if n % 3 else "NA", "=2+5" if n == 3 else 'ü,"x"'
        rows.append(f"o{n}|{n}.png|{taxon}|{status}|{area}|{note}|S{n // 4}")
    folder = bundle(f"{header} sample_id", "ttttftt", *rows)
    for n in range(40):
        (folder / f"{n}.png").write_bytes(picture(n))
    report = exporter.place.bring_in(folder)
    assert report.status == "done", report.lines()
    ids = [row.id for row in exporter.place.objects()]
    embedder_id = make_embedder(exporter.db, DIMENSION)
    exporter.db.execute("update project set embedder_id = %s", [embedder_id])
    add_vectors(exporter.db, embedder_id, exporter.place.project_id, ids[1:], unit_vectors(39, DIMENSION))
    exporter.db.commit()
    return exporter


def test_folders_are_read_by_torchvision_and_datasets(sea: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = sea.unpacked(sea.export("folders", validation=20, test=20))
    import_torchvision()
    from torchvision.datasets import ImageFolder

    sets = {split: ImageFolder(str(folder / split)) for split in ("train", "validation", "test")}
    assert sets["train"].classes == ["Copepoda", "fiber__detritus"]
    assert sum(len(one) for one in sets.values()) == 36
    assert len(sets["validation"]) == len(sets["test"]) == 8 or len(sets["train"]) in range(18, 26)
    image, label = sets["train"][0]
    assert (image.size, label) == ((20, 10), 0)

    monkeypatch.setenv("HF_DATASETS_CACHE", str(sea.tmp / "cache"))
    datasets = pytest.importorskip("datasets")
    data = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(sea.tmp / "cache"))
    assert {split: len(rows) for split, rows in data.items()} == {split: len(one) for split, one in sets.items()}
    assert data["train"].features["label"].names == ["Copepoda", "fiber__detritus"]


def test_coco_is_read_by_its_own_library(sea: Exporter) -> None:
    folder = sea.unpacked(sea.export("coco", validation=0, test=30, licence="CC0-1.0"))
    pycocotools = pytest.importorskip("pycocotools.coco")
    names = sorted(path.name for path in (folder / "annotations").iterdir())
    assert names == ["test.json", "train.json"]
    n = 0
    for name in names:
        told = pycocotools.COCO(str(folder / "annotations" / name))
        n += len(told.getImgIds())
        for image in told.loadImgs(told.getImgIds()):
            assert (folder / "images" / image["file_name"]).is_file()
            (annotation,) = told.loadAnns(told.getAnnIds(imgIds=image["id"]))
            assert annotation["bbox"] == [0, 0, image["width"], image["height"]] == [0, 0, 20, 10]
        assert [one["name"] for one in told.loadCats(told.getCatIds())] == list(TAXA)
        assert told.dataset["licenses"][0]["name"] == "CC0-1.0"
    assert n == 36


def test_csv_is_read_by_pandas_and_holds_no_formula(sea: Exporter) -> None:
    pandas = pytest.importorskip("pandas")
    folder = sea.unpacked(sea.export("csv"))
    table = pandas.read_csv(folder / "objects.csv")
    assert len(table) == 40
    assert table["object_note"].tolist().count("'=2+5") == 1
    assert table["object_note"][0] == 'ü,"x"'
    assert table["object_area"].isna().sum() == 14
    assert table["status"].value_counts().to_dict() == {"validated": 36, "dubious": 2, "unclassified": 2}
    assert table.groupby("sample")["split"].nunique().max() == 1
    taxa = pandas.read_csv(folder / "taxa.csv")
    assert taxa.set_index("name").loc["fiber < detritus", "lineage"] == "detritus>fiber"
    card = (folder / "README.md").read_text()
    assert "have a ' before them here" in card
    assert "40 objects of 2 taxa" in card


def test_parquet_has_typed_columns_and_the_vectors(sea: Exporter) -> None:
    pandas = pytest.importorskip("pandas")
    folder = sea.unpacked(sea.export("parquet", images="first"))
    table = pandas.read_parquet(folder / "objects.parquet")
    before = {row.orig_id: row for row in sea.place.objects()}
    assert len(table) == len(before) == 40
    for row in table.itertuples():
        was = before[row.orig_id]
        assert row.object_id == was.id
        assert np.isnan(row.object_area) if was.fields["area"] is None else row.object_area == was.fields["area"]
        assert row.object_note == was.fields["note"]
        assert (folder / row.image).is_file()
        assert was.at is None or row.annotated_at == was.at
    assert table["vector"].isna().sum() == 1
    vectors = np.stack(table.dropna(subset=["vector"])["vector"])
    assert np.allclose(vectors, unit_vectors(39, DIMENSION), atol=1e-3)
    from pyarrow import parquet

    (told,) = json.loads(parquet.read_schema(folder / "objects.parquet").metadata[b"embedders"])
    assert (told["dimension"], told["column"]) == (DIMENSION, "vector")
    assert "numpy.stack" in (folder / "README.md").read_text()
    without = sea.unpacked(sea.export("parquet", vectors=[]))
    assert "numpy" not in (without / "README.md").read_text()


def test_an_embedder_that_is_not_there_is_refused(sea: Exporter) -> None:
    from app.errors import Refused

    with pytest.raises(Refused, match="There is no embedder 'nothing'"):
        sea.ask("parquet", vectors=["nothing"])


def test_lost_images_are_left_out_and_told(sea: Exporter) -> None:
    for path in Path(sea.settings.store_url).rglob("packs/*/*"):
        path.unlink()
    with zipfile.ZipFile(sea.export("folders")) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".png")]
        assert "36 images are missing from the store" in archive.read("README.md").decode()


def test_splits_are_the_same_for_the_same_samples_and_near_what_was_asked() -> None:
    names, sizes = [f"sample {k}" for k in range(200)], [k % 17 + 1 for k in range(200)]
    first = split_samples(names, sizes, Choices(validation=10, test=20))
    assert first == split_samples(names, sizes, Choices(validation=10, test=20))
    assert first != split_samples(names, sizes, Choices(validation=10, test=20, seed=2))
    shares = [sum(n for n, split in zip(sizes, first, strict=True) if split == k) / sum(sizes) for k in range(3)]
    assert np.allclose(shares, [0.7, 0.1, 0.2], atol=0.02)
    assert split_samples(["one"], [50], Choices()) == [0]


def test_the_command_says_that_images_were_lost_and_does_not_end_well(
    sea: Exporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in Path(sea.settings.store_url).rglob("packs/*/*"):
        path.unlink()
    monkeypatch.setenv("SHOAL_HOME", str(sea.settings.home))
    monkeypatch.setenv("SHOAL_STORE", sea.settings.store_url)
    monkeypatch.setenv("DATABASE_URL", sea.settings.database_url)
    done = CliRunner().invoke(main, ["export", str(sea.place.project_id), "ecotaxa_backup", str(tmp_path / "out.zip")])
    assert done.exit_code == 1 and "40 images are missing from the store" in done.output
    assert "images written" not in done.output
