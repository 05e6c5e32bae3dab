"""Archives and folders as sources: no bomb, no path that leads out, no damage unnoticed."""

import struct
import zipfile
from pathlib import Path

import pytest

from app.errors import Refused
from app.exchange import sources
from app.exchange.sources import FolderSource, Unreadable, ZipSource, fingerprint, inside, read_file


def archive(place: Path, *files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(place, "w", method) as made:
        for name, data in files:
            made.writestr(name, data)
    return place


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_is_read_however_it_is_packed(tmp_path: Path, method: int) -> None:
    source = ZipSource(archive(tmp_path / "a.zip", ("x/é.txt", b"hello" * 100), ("b", b""), method=method))

    assert read_file(source.locate("x/é.txt")) == b"hello" * 100
    assert read_file(source.locate("b")) == b""


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = archive(tmp_path / "bomb.zip", *((f"{i}.png", bytes(40_000_000)) for i in range(8)))

    with pytest.raises(Refused, match="as a zip bomb does"):
        ZipSource(bomb)


def test_overlapping_files_are_refused(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", ("a.png", bytes(range(256)) * 4), method=zipfile.ZIP_STORED)
    data = place.read_bytes()
    at = data.index(b"PK\1\2")
    end = data.index(b"PK\5\6")
    entry, tail = data[at:end], bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, 50, 50, 50 * len(entry))
    place.write_bytes(data[:at] + entry * 50 + tail)

    with pytest.raises(Refused, match="overlap"):
        ZipSource(place)


@pytest.mark.parametrize("name", ["../evil.png", "/etc/evil.png", "a/../../evil.png"])
def test_an_archive_with_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="leaves the archive"):
        ZipSource(archive(tmp_path / "a.zip", (name, b"x")))


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_FILES", 3)

    with pytest.raises(Refused, match="holds 4 files"):
        ZipSource(archive(tmp_path / "a.zip", *((str(i), b"") for i in range(4))))


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_a_truncated_archive_is_told(tmp_path: Path, keep: int) -> None:
    place = archive(tmp_path / "a.zip", ("a.png", bytes(range(256)) * 4), method=zipfile.ZIP_STORED)
    place.write_bytes(place.read_bytes()[:keep])

    with pytest.raises(Refused, match="damaged or was cut short"):
        ZipSource(place)


def test_damage_inside_an_archive_is_told(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", ("a.png", bytes(range(256)) * 4), method=zipfile.ZIP_STORED)
    data = bytearray(place.read_bytes())
    data[100] ^= 255
    place.write_bytes(data)

    with pytest.raises(Unreadable, match="damaged in the archive"):
        read_file(ZipSource(place).locate("a.png"))


def test_an_encrypted_file_is_told(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", ("a.png", b"x" * 50))
    data = bytearray(place.read_bytes())
    for head, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(head) + at] |= 1
    place.write_bytes(data)

    with pytest.raises(Unreadable, match="encrypted"):
        read_file(ZipSource(place).locate("a.png"))


def test_a_file_that_unpacks_to_more_than_it_says_is_cut_off(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", ("a.png", bytes(5_000_000)))
    data = bytearray(place.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, 1000)
    place.write_bytes(data)

    with pytest.raises(Unreadable, match="damaged"):
        read_file(ZipSource(place).locate("a.png"))


def test_names_in_utf8_that_do_not_say_so_are_understood(tmp_path: Path) -> None:
    place = archive(tmp_path / "a.zip", ("é.png", b"x"))
    data = bytearray(place.read_bytes())
    for head, at in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        data[data.index(head) + at] &= ~8
    place.write_bytes(data)

    assert read_file(ZipSource(place).locate("é.png")) == b"x"


@pytest.mark.parametrize("path", ["../a", "/a", "x/../../a", "a\0b", ".."])
def test_a_path_that_leads_out_is_told(path: str) -> None:
    with pytest.raises(Unreadable, match="leaves the bundle"):
        inside("", path)


def test_a_path_may_go_up_as_long_as_it_stays_inside() -> None:
    assert inside("tables/a", "../../images/x.png") == "images/x.png"


def test_a_linked_folder_that_leads_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"x")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")

    with pytest.raises(Unreadable, match="leads outside"):
        FolderSource(tmp_path / "in").locate("link/a.png")


def test_names_are_found_however_their_accents_are_written(tmp_path: Path) -> None:
    (tmp_path / "e\u0301.png").write_bytes(b"x")

    assert read_file(FolderSource(tmp_path).locate("\u00e9.png")) == b"x"


def test_a_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    before = fingerprint([FolderSource(tmp_path)], [])
    same = fingerprint([FolderSource(tmp_path)], [])
    (tmp_path / "b").write_bytes(b"1")

    assert before == same != fingerprint([FolderSource(tmp_path)], [])


def test_a_single_picture_is_told_to_come_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    with pytest.raises(Refused, match="neither a folder nor a zip archive"):
        ZipSource(tmp_path / "photo.jpg")
