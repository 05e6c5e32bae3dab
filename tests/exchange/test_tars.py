"""Tar archives as sources, as the browser makes them of folders: read in place, and never trusted."""

import io
import tarfile
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import Refused
from app.exchange import sources
from app.exchange.sources import TarSource, Unreadable, fingerprint, read_file
from tests.exchange.conftest import Workplace, picture


def tar(place: Path, *files: tuple[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(place, "w", format=form) as made:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            made.addfile(info, io.BytesIO(data))
    return place


LONG = "/".join(["a folder with a long name, é ü 海"] * 12) + "/" + "ñ" * 120 + ".png"


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_files_with_long_names_in_utf8_are_read_in_place(tmp_path: Path, form: int) -> None:
    source = TarSource(tar(tmp_path / "a.tar", (LONG, b"hello" * 1000), ("b", b""), form=form))
    assert read_file(source.locate(LONG)) == b"hello" * 1000
    assert read_file(source.locate(unicodedata.normalize("NFD", LONG))) == b"hello" * 1000
    with source.open(LONG) as file:
        assert file.read(7) + file.read() == b"hello" * 1000
    assert [(entry.path, entry.n_bytes) for entry in source.entries()] == [(LONG, 5000), ("b", 0)]


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png"])
def test_a_tar_with_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="leaves it"):
        TarSource(tar(tmp_path / "a.tar", (name, b"x")))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_passed_over(tmp_path: Path, kind: bytes) -> None:
    place = tar(tmp_path / "a.tar", ("real.png", b"x"))
    with tarfile.open(place, "a") as made:
        info = tarfile.TarInfo("link.png")
        info.type, info.linkname = kind, "/etc/passwd"
        made.addfile(info)
    source = TarSource(place)
    assert [entry.path for entry in source.entries()] == ["real.png"]
    with pytest.raises(Unreadable):
        source.locate("link.png")


def test_a_file_with_holes_is_refused(tmp_path: Path) -> None:
    """GNU's sparse files: a kilobyte that unpacks to terabytes."""
    place = tmp_path / "a.tar"
    with tarfile.open(place, "w", format=tarfile.PAX_FORMAT) as made:
        info = tarfile.TarInfo("bomb.png")
        info.pax_headers = {
            "GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50),
            "GNU.sparse.numblocks": "1",
        }  # fmt: skip
        info.size = 1
        made.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(Refused, match="with holes"):
        TarSource(place)


def test_a_header_of_any_length_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 40_000_000_000
    place = tmp_path / "a.tar"
    place.write_bytes(info.tobuf() + bytes(2048))
    with pytest.raises(Refused, match="cannot be read as a tar"):
        TarSource(place)


@pytest.mark.parametrize("keep", [700, 1024 + 300])
def test_a_tar_that_was_cut_short_is_told(tmp_path: Path, keep: int) -> None:
    place = tar(tmp_path / "a.tar", ("a.png", b"x" * 3000), ("b.png", b"y" * 3000))
    place.write_bytes(place.read_bytes()[:keep])
    with pytest.raises(Refused, match="cut short"):
        TarSource(place)


def test_a_compressed_tar_is_told_what_to_do(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w:gz") as made:
        made.addfile(tarfile.TarInfo("a.png"))
    with pytest.raises(Refused, match="without compression"):
        TarSource(tmp_path / "a.tar")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_FILES", 3)
    with pytest.raises(Refused, match="more than 3 files"):
        TarSource(tar(tmp_path / "a.tar", *((str(i), b"") for i in range(4))))


def test_the_fingerprint_is_of_the_files_and_not_of_the_archive(tmp_path: Path) -> None:
    one, two = ("a.png", b"x" * 10), ("b.png", b"y")
    forward, backward = (
        fingerprint([TarSource(tar(tmp_path / f"{number}.tar", *files))], [])
        for number, files in enumerate([(one, two), (two, one)])
    )
    assert forward == backward


def test_a_tar_of_images_comes_in_with_its_folders_as_taxa(workplace: Workplace, tmp_path: Path) -> None:
    place = tar(tmp_path / "a.tar", *((f"Copepoda/{i}.png", picture(i)) for i in range(3)), ("rot/9.png", picture(9)))
    report = workplace.bring_in(place, taxa_from_folders=True, create_taxa=True)
    assert (report.status, report.n_objects, report.n_labels) == ("done", 4, 4)
    assert [row.orig_id for row in workplace.objects()] == [
        "Copepoda/0.png",
        "Copepoda/1.png",
        "Copepoda/2.png",
        "rot/9.png",
    ]


def test_a_tar_of_a_bundle_comes_in_with_its_table(
    workplace: Workplace, tmp_path: Path, bundle: Callable[..., Path]
) -> None:
    folder = bundle("object_id img_file_name object_area", "ttf", "o1|a.png|3.5", "o2|b.png|4")
    files = [(f"deep/{path.name}", path.read_bytes()) for path in sorted(folder.iterdir())]
    report = workplace.bring_in(tar(tmp_path / "a.tar", *files))
    assert (report.status, report.n_objects) == ("done", 2)
    assert [row.fields["area"] for row in workplace.objects()] == [3.5, 4]
