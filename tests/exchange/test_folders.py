"""Folders and archives of images: labels and samples from folders, measurements, formats, and what is no image."""

import io
import math
import os
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from app.errors import Refused
from app.objects.store import open_store
from tests.exchange.conftest import Workplace, picture


def disc(radius: int = 10, side: int = 64) -> Image.Image:
    image = Image.new("L", (side, side), 240)
    ImageDraw.Draw(image).ellipse([side // 2 - radius, side // 2 - radius, side // 2 + radius, side // 2 + radius], 40)
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "pictures"
    for number, name in enumerate(("fish/a.png", "fish/b.png", "egg/a.png", "loose.png")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(picture(number))
    return place


def test_every_image_becomes_an_object(workplace: Workplace, folder: Path) -> None:
    report = workplace.bring_in(folder)

    assert (report.status, report.n_objects) == ("done", 4)
    found = workplace.objects()
    assert [row.orig_id for row in found] == ["egg/a.png", "fish/a.png", "fish/b.png", "loose.png"]
    assert {row.status for row in found} == {None}
    assert workplace.rows("select taxon_id, status, n from count_delta") == [(0, "U", 4)]


def test_folders_become_validated_labels(workplace: Workplace, folder: Path) -> None:
    asked = workplace.bring_in(folder, taxa_from_folders=True)
    report = workplace.bring_in(folder, taxa_from_folders=True, create_taxa=True)

    assert asked.missing_taxa == ["egg", "fish"]
    assert (report.status, report.n_labels, report.created_taxa) == ("done", 3, ["egg", "fish"])
    names = dict(workplace.rows("select id, display_name from taxon"))
    found = [(row.orig_id, row.status, names.get(row.taxon_id)) for row in workplace.objects()]
    assert found == [
        ("egg/a.png", "V", "egg"),
        ("fish/a.png", "V", "fish"),
        ("fish/b.png", "V", "fish"),
        ("loose.png", None, None),
    ]


def test_folders_become_samples(workplace: Workplace, folder: Path) -> None:
    workplace.bring_in(folder, samples_from_folders=True)

    stand_in = f"__DUMMY_ID__{workplace.project_id}__"
    assert [row.sample for row in workplace.objects()] == ["egg", "fish", "fish", stand_in]


def test_outer_folders_are_samples_and_inner_ones_taxa_where_both_are_asked_for(
    workplace: Workplace, tmp_path: Path
) -> None:
    (tmp_path / "all" / "net1" / "fish").mkdir(parents=True)
    (tmp_path / "all" / "net1" / "fish" / "a.png").write_bytes(picture())

    workplace.bring_in(tmp_path / "all", taxa_from_folders=True, samples_from_folders=True, create_taxa=True)

    (row,) = workplace.objects()
    assert (row.sample, row.status) == ("net1", "V")


def test_images_that_get_no_sample_are_noted(workplace: Workplace, folder: Path) -> None:
    both = workplace.bring_in(folder, taxa_from_folders=True, samples_from_folders=True, dry_run=True)
    samples = workplace.bring_in(folder, samples_from_folders=True, dry_run=True)
    taxa = workplace.bring_in(folder, taxa_from_folders=True, dry_run=True)

    assert both.notes == ["4 files get no sample: the innermost folder names the taxon, and none is around it"]
    assert samples.notes == ["1 file gets no sample: no folder is around"]
    assert taxa.notes == []


def test_images_are_measured(workplace: Workplace, tmp_path: Path) -> None:
    place = tmp_path / "discs"
    place.mkdir()
    disc(10).save(place / "a.png")
    Image.new("L", (20, 20), 100).save(place / "even.png")

    workplace.bring_in(place)

    round_one, even = (row.fields for row in workplace.objects())
    assert math.isclose(round_one["area"], math.pi * 10.5**2, rel_tol=0.05)
    assert math.isclose(round_one["esd"], 21, rel_tol=0.05)
    assert math.isclose(round_one["major"], round_one["minor"], rel_tol=0.05)
    assert round_one["mean"] == 40
    assert even == {"area": 0, "esd": None, "major": None, "minor": None, "mean": None, "std": None}


def test_every_format_and_mode_is_read(workplace: Workplace, tmp_path: Path) -> None:
    place = tmp_path / "formats"
    place.mkdir()
    kinds = [(form, "L") for form in ("png", "jpeg", "gif", "tiff", "webp", "bmp")]
    kinds += [("png", mode) for mode in ("1", "P", "RGB", "RGBA", "LA", "I;16")]
    kinds += [("tiff", "I;16"), ("tiff", "F"), ("jpeg", "CMYK"), ("webp", "RGBA"), ("gif", "P")]
    for form, mode in kinds:
        image = disc().convert("I;16" if mode == "I;16" else mode)
        image.save(place / f"{mode.replace(';', '')}.{form}", form)

    report = workplace.bring_in(place)

    assert (report.status, report.faults, report.n_images) == ("done", [], len(kinds))
    formats = set(workplace.values("select format from content"))
    assert formats == {"PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"}
    thumbnails = workplace.values("select thumbnail from content")
    store = open_store(workplace.settings)
    assert {Image.open(io.BytesIO(store.read(ref))).size for ref in thumbnails} == {(64, 64)}


def test_exif_orientation_is_obeyed(workplace: Workplace, tmp_path: Path) -> None:
    place = tmp_path / "turned"
    place.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (30, 20)).save(place / "a.jpg", exif=exif)

    workplace.bring_in(place)

    assert workplace.rows("select width_px, height_px from content") == [(20, 30)]


def test_the_same_content_is_stored_once(workplace: Workplace, tmp_path: Path) -> None:
    place = tmp_path / "twins"
    place.mkdir()
    for name in ("a.png", "b.png"):
        (place / name).write_bytes(picture(7))
    workplace.bring_in(place)
    before = workplace.stored_files()

    workplace.project_id = workplace.new_project()
    workplace.bring_in(place)

    assert workplace.values("select count(*) from content") == [1]
    assert workplace.stored_files() == before
    assert len({row.fields["area"] for row in workplace.objects()}) == 1


def test_large_images_stand_alone_in_the_store(workplace: Workplace, tmp_path: Path) -> None:
    place = tmp_path / "large"
    place.mkdir()
    Image.frombytes("L", (700, 600), random.Random(1).randbytes(420_000)).save(place / "a.png")

    workplace.bring_in(place)

    (blob,) = workplace.values("select blob from content")
    assert blob.startswith("images/")


def test_files_that_are_no_images_are_left_out_and_counted(workplace: Workplace, folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    (folder / ".DS_Store").write_bytes(b"\0\0")
    (folder / "fish" / "Thumbs.db").write_bytes(b"\0")

    report = workplace.bring_in(folder)

    assert (report.status, report.n_objects) == ("done", 4)
    assert report.notes == ["1 file left out, as it is no image"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"no image at all", "not an image"),
        (picture(3, (200, 100))[:-40], "cut short"),
    ],
)
def test_a_bad_image_is_told_and_refused_or_left_out(
    workplace: Workplace, folder: Path, data: bytes, said: str
) -> None:
    (folder / "bad.png").write_bytes(data)

    refused = workplace.bring_in(folder)
    done = workplace.bring_in(folder, skip_bad_images=True)

    assert refused.status == "failed"
    assert [("bad.png" in fault.message, said in fault.message) for fault in refused.faults] == [(True, True)]
    assert (done.status, done.n_objects, done.notes) == ("done", 4, ["1 bad image left out"])


def test_a_decompression_bomb_is_refused_unread(workplace: Workplace, folder: Path) -> None:
    head = struct.pack(">LLBBBBB", 30_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(75_020_000))), (b"IEND", b"")]
    parts = [struct.pack(">L", len(d)) + n + d + struct.pack(">L", zlib.crc32(n + d)) for n, d in chunks]
    (folder / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))

    report = workplace.bring_in(folder)

    assert "30,000 x 20,000 pixels are more than the 400,000,000 allowed" in report.faults[0].message
    assert workplace.objects() == []


def test_a_link_out_of_the_folder_is_not_followed(workplace: Workplace, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture(9))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "inner.png").symlink_to(folder / "loose.png")

    report = workplace.bring_in(folder)

    (fault,) = report.faults
    assert "'link.png' is a link that leads outside the bundle" in fault.message


def test_an_archive_of_images_is_taken_in(workplace: Workplace, folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, f"top/{path.relative_to(folder)}")

    report = workplace.bring_in(tmp_path / "images.zip", taxa_from_folders=True, create_taxa=True)

    assert (report.status, report.n_objects) == ("done", 4)
    assert workplace.objects()[0].orig_id == "top/egg/a.png"


def test_two_workers_give_what_one_gives(workplace: Workplace, folder: Path) -> None:
    for number in range(60):
        (folder / f"{number:02d}.png").write_bytes(picture(number, (30, 20 + number)))
    workplace.bring_in(folder, chunk_rows=7, processes=1)
    expected = [(row.orig_id, row.fields, row.images) for row in workplace.objects()]
    workplace.db.execute("delete from project")
    workplace.db.execute("delete from content")
    workplace.project_id = workplace.new_project()

    report = workplace.bring_in(folder, chunk_rows=7, processes=2)

    assert report.status == "done"
    assert [(row.orig_id, row.fields, row.images) for row in workplace.objects()] == expected


def test_a_folder_without_images_is_refused(workplace: Workplace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(Refused, match="neither images nor an EcoTaxa table"):
        workplace.bring_in(tmp_path / "empty")
    with pytest.raises(Refused, match="There is no"):
        workplace.bring_in(tmp_path / "absent")


def test_a_named_pipe_is_left_alone(workplace: Workplace, folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")

    assert workplace.bring_in(folder).n_objects == 4


def test_real_plankton_comes_in_with_its_classes(workplace: Workplace, shared_data: Path) -> None:
    report = workplace.bring_in(
        shared_data / "data" / "phytoplankton_demo.zip", taxa_from_folders=True, create_taxa=True
    )

    assert (report.status, report.n_objects, report.n_labels, len(report.created_taxa)) == ("done", 105, 105, 6)
