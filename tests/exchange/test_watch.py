"""A watched folder is taken in as an instrument writes it: each thing once, whatever is half written or killed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.exchange import checks, plan
from app.exchange.report import ImportOptions
from app.exchange.watch import Watch, Watched, things
from tests.exchange.conftest import Workplace, picture
from tests.waiting import wait_until

SETTLE_S = 0.15
HEADER = "object_id\timg_file_name\n[t]\t[t]\n"
LABELLED = (
    "object_id\timg_file_name\tobject_annotation_category\tobject_annotation_status\n[t]\t[t]\t[t]\t[t]\n"
    "o1\ta.png\tFish\tvalidated\n"
)


class Instrument:
    """A folder that is written to, and a watch that looks at it when a test says so."""

    def __init__(self, folder: Path, workplace: Workplace) -> None:
        self.folder, self.workplace = folder, workplace
        self.said: list[str] = []
        folder.mkdir()
        self.restart()

    def restart(self, **options: Any) -> None:
        """A new watch on the same folder, as after a power cut."""
        mapping = options.pop("mapping", None)
        place = self.workplace
        place.db.commit()
        watched = Watched(
            self.folder, place.project_id, "Test", place.account_id, ImportOptions(processes=1, **options), mapping
        )
        self.watch = Watch(
            place.settings,
            place.settings.database_url,
            watched,
            SETTLE_S,
            lambda name, words: self.said.append(f"{name}: {words}"),
            threading.Event(),
        )

    def look(self) -> list[str]:
        """What two looks tell, between which everything stood still."""
        before = len(self.said)
        self.watch.look()
        time.sleep(SETTLE_S + 0.05)
        self.watch.look()
        return self.said[before:]

    def write(self, path: str, data: bytes | str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def zip(self, name: str, **images: bytes) -> None:
        with zipfile.ZipFile(self.folder / name, "w") as archive:
            for inner, data in images.items():
                archive.writestr(f"{inner}.png", data)

    def names(self) -> list[str]:
        return sorted(row.orig_id for row in self.workplace.objects())

    def jobs(self) -> int:
        return int(self.workplace.values("select count(*) from job where kind = 'import'")[0])


@pytest.fixture
def instrument(tmp_path: Path, workplace: Workplace) -> Instrument:
    return Instrument(tmp_path / "instrument", workplace)


def test_a_day_folder_is_taken_in_once_it_stands_still(instrument: Instrument) -> None:
    instrument.write("day1/a.png", picture(1))
    instrument.watch.look()
    time.sleep(SETTLE_S + 0.05)
    instrument.write("day1/b.png", picture(2))
    instrument.watch.look()
    too_early = instrument.jobs()

    said = instrument.look()

    assert too_early == 0
    assert said == ["day1: Added 2 objects with 2 images from 2 rows."]
    assert instrument.names() == ["day1/a.png", "day1/b.png"]
    assert instrument.look() == []
    assert instrument.jobs() == 1


def test_on_the_second_day_only_the_new_images_are_read(instrument: Instrument) -> None:
    instrument.write("a.png", picture(1))
    instrument.write("day1/a.png", picture(2))
    instrument.look()

    instrument.write("day1/c.png", picture(3))
    instrument.write("day2/a.png", picture(4))
    said = instrument.look()

    assert said == [
        "day1: has changed: what is new in it is taken in",
        "day1: Added 1 object with 1 image from 1 row.",
        "day2: Added 1 object with 1 image from 1 row.",
    ]
    assert instrument.names() == ["a.png", "day1/a.png", "day1/c.png", "day2/a.png"]


def test_loose_images_in_the_folder_itself_are_taken_in_as_they_come(instrument: Instrument) -> None:
    instrument.write("a.png", picture(1))
    instrument.zip("day1.zip", x=picture(7))
    instrument.look()
    instrument.write("b.png", picture(2))
    instrument.look()

    assert instrument.names() == ["a.png", "b.png", "day1/x.png"]


def test_loose_images_are_taken_in_while_the_instrument_goes_on_writing(instrument: Instrument) -> None:
    """A file comes at every look, sooner than the folder would have settled; one of them never ends, and its clock is
    wrong by a day."""
    ahead = time.time() + 86_400
    os.utime(instrument.write("ahead.png", picture(99)), (ahead, ahead))
    for number in range(6):
        instrument.write(f"{number}.png", picture(number))
        instrument.write("endless.png", b"x" * (number + 1))
        instrument.watch.look()
        time.sleep(SETTLE_S * 0.6)

    assert {"0.png", "1.png", "ahead.png"} <= set(instrument.names()) < {f"{n}.png" for n in range(6)} | {"ahead.png"}
    assert not [said for said in instrument.said if "fault" in said]


def test_a_file_half_written_is_waited_for(instrument: Instrument) -> None:
    """Written in pieces, each sooner than the folder would have settled."""
    whole = picture(5, (60, 40))
    target = instrument.write("day1/slow.png", whole[:100])
    for end in range(100, len(whole), 400):
        instrument.watch.look()
        time.sleep(SETTLE_S * 0.6)
        target.write_bytes(whole[:end])
    target.write_bytes(whole)
    waiting = instrument.jobs()

    said = instrument.look()

    assert waiting == 0
    assert said == ["day1: Added 1 object with 1 image from 1 row."]


def test_a_file_that_comes_by_renaming_is_taken_in_under_its_last_name(instrument: Instrument) -> None:
    unfinished = instrument.write("day1.zip.part", b"")
    instrument.zip("day1.zip.part", x=picture(1))
    hidden = instrument.write(".day2.tmp", picture(2))
    waiting = instrument.look()

    unfinished.rename(instrument.folder / "day1.zip")
    hidden.rename(instrument.folder / "day2.png")
    instrument.look()

    assert waiting == []
    assert instrument.names() == ["day1/x.png", "day2.png"]


def test_a_zip_replaced_by_a_newer_one_is_told_and_adds_what_is_new(instrument: Instrument) -> None:
    instrument.zip("scan.zip", a=picture(1))
    instrument.look()

    instrument.zip("scan.zip", a=picture(1), b=picture(2))
    said = instrument.look()

    assert said == [
        "scan.zip: was replaced by a newer one of the same name: what is new in it is taken in",
        "scan.zip: Added 1 object with 1 image from 1 row.",
    ]
    assert instrument.names() == ["scan/a.png", "scan/b.png"]


def test_two_zips_with_the_same_names_inside_keep_all_their_images(instrument: Instrument) -> None:
    instrument.zip("day1.zip", img1=picture(1))
    instrument.zip("day2.zip", img1=picture(2))
    instrument.look()

    assert instrument.names() == ["day1/img1.png", "day2/img1.png"]


def test_an_image_that_was_replaced_is_told_and_kept_as_it_was(instrument: Instrument) -> None:
    instrument.write("day1/a.png", picture(1))
    instrument.look()

    instrument.write("day1/a.png", picture(9, (50, 50)))
    instrument.look()

    logged = instrument.workplace.values("select line from job_log order by id")
    assert (
        "note: a.png is no longer the file that was imported under this name: the project keeps the former one"
        in logged
    )
    assert len(instrument.names()) == 1


def test_of_a_large_project_only_the_images_of_the_source_are_asked_for(
    instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    instrument.write("a.png", picture(1))
    instrument.write("day1/b.png", picture(2))
    instrument.look()
    answers: list[dict[str, int]] = []
    ask = checks.known_images
    monkeypatch.setattr(checks, "known_images", lambda *given: answers.append(ask(*given)) or answers[-1])
    monkeypatch.setattr(plan, "ASKED_AT_ONCE", 2)
    for seed in (3, 4, 5):
        instrument.write(f"{seed}.png", picture(seed))

    instrument.look()

    assert sorted(len(answer) for answer in answers) == [0, 1]
    assert instrument.names() == ["3.png", "4.png", "5.png", "a.png", "day1/b.png"]


def test_a_faulty_bundle_is_told_once_with_file_and_line_and_again_when_it_changed(instrument: Instrument) -> None:
    instrument.write("good/a.png", picture(1))
    instrument.write("bad/ecotaxa_x.tsv", HEADER + "o1\tgone.png\n")
    said = instrument.look()

    instrument.restart()
    after_restart = instrument.look()
    instrument.write("bad/gone.png", picture(2))
    mended = instrument.look()

    assert said[0].startswith("bad: ecotaxa_x.tsv, line 3: Image 'gone.png' cannot be read")
    assert "refused: 1 fault" in said[1]
    assert said[2] == "good: Added 1 object with 1 image from 1 row."
    assert after_restart == []
    assert mended[-1] == "bad: Added 1 object with 1 image from 1 row."
    assert instrument.names() == ["good/a.png", "o1"]


def test_a_damaged_archive_is_told_once_and_stops_nothing(instrument: Instrument) -> None:
    instrument.write("a.zip", b"PK\3\4 and then nothing")
    instrument.zip("b.zip", x=picture(1))

    said = instrument.look()

    assert said[0].startswith("a.zip: refused: ")
    assert "damaged or was cut short" in said[0]
    assert said[1] == "b.zip: Added 1 object with 1 image from 1 row."
    assert instrument.look() == []


def test_unknown_taxa_wait_for_their_answer_while_the_others_go_on(instrument: Instrument, tmp_path: Path) -> None:
    answers = tmp_path / "answers.tsv"
    answers.write_text("")
    instrument.workplace.add_taxa((10, None, "Pisces", "Pisces"))
    instrument.restart(mapping=answers)
    instrument.write("asks/ecotaxa_x.tsv", LABELLED)
    instrument.write("asks/a.png", picture(1))
    instrument.write("goes/b.png", picture(2))
    said = instrument.look()
    quiet = instrument.look()

    os.utime(answers, (1, 1))
    answers.write_text("taxon\tFish\tPisces\n")
    answered = instrument.look()

    assert said[0] == "asks: unknown taxon: Fish"
    assert "waits for answers" in said[1]
    assert said[2] == "goes: Added 1 object with 1 image from 1 row."
    assert quiet == []
    assert answered[-1] == "asks: Added 1 object with 1 image from 1 row (1 labelled)."


def test_a_bundle_that_grows_adds_its_new_rows(instrument: Instrument) -> None:
    instrument.write("a.png", picture(1))
    instrument.write("ecotaxa_x.tsv", HEADER + "o1\ta.png\n")
    instrument.look()

    instrument.write("b.png", picture(2))
    instrument.write("ecotaxa_x.tsv", HEADER + "o1\ta.png\no2\tb.png\n")
    instrument.look()

    assert instrument.names() == ["o1", "o2"]


def test_what_was_copied_anew_adds_nothing(instrument: Instrument) -> None:
    """Other times, the same content: a backup that was put back."""
    instrument.write("day1/a.png", picture(1))
    instrument.zip("scan.zip", a=picture(2))
    instrument.look()
    os.utime(instrument.folder / "day1/a.png", (1, 1))
    shutil.copy(instrument.folder / "scan.zip", instrument.folder / "new.zip")
    (instrument.folder / "new.zip").replace(instrument.folder / "scan.zip")

    said = instrument.look()

    assert [line for line in said if "Added" in line] == []
    assert instrument.names() == ["day1/a.png", "scan/a.png"]


def test_a_name_that_is_no_text_is_told_once_and_stops_nothing(instrument: Instrument) -> None:
    folder = Path(os.fsdecode(os.fsencode(instrument.folder) + b"/a\xff"))
    folder.mkdir()
    (folder / "x.png").write_bytes(picture(1))
    instrument.write("b/y.png", picture(2))

    said = instrument.look()

    assert [line for line in said if "no UTF-8" in line] == said[:1]
    assert instrument.names() == ["b/y.png"]


def test_an_empty_folder_is_nothing_yet(instrument: Instrument) -> None:
    (instrument.folder / "day1").mkdir()

    assert instrument.look() == []
    assert [found.name for found in things(instrument.folder)] == ["day1"]


def test_a_folder_that_is_away_for_a_while_ends_nothing(instrument: Instrument) -> None:
    away = instrument.folder.with_name("unmounted")
    instrument.folder.rename(away)
    runner = threading.Thread(target=instrument.watch.run, args=[0.05])
    runner.start()
    wait_until(lambda: bool(instrument.said))
    away.rename(instrument.folder)
    instrument.write("a.png", picture(1))
    wait_until(lambda: any("Added" in line for line in instrument.said))
    instrument.watch.stopping.set()
    runner.join(20)

    assert "cannot be read" in instrument.said[0]
    assert len([line for line in instrument.said if "cannot be read" in line]) == 1


@pytest.fixture
def command(instrument: Instrument, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Starts `shoal import --watch DIR`, as a person does; what it says goes to a file."""
    started: list[subprocess.Popen[str]] = []
    settings = instrument.workplace.settings
    env = os.environ | {"DATABASE_URL": settings.database_url, "SHOAL_HOME": str(settings.home)}

    def start() -> subprocess.Popen[str]:
        options = ["--project", "Test", "--every", "0.2", "--settle", "0.4"]
        arguments = [sys.executable, "-m", "app.cli", "import", "--watch", str(instrument.folder), *options]
        with (tmp_path / "said.txt").open("a") as said:
            process = subprocess.Popen(arguments, env=env, stdout=said, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_killed_and_started_again_it_takes_each_file_once_and_ctrl_c_ends_it(
    instrument: Instrument, command: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    for n in range(400):
        instrument.write(f"day1/{n:03}.png", picture(n, (90, 70)))
    first = command()
    wait_until(lambda: instrument.workplace.values("select count(*) from import where status = 'running'")[0] > 0)
    first.send_signal(signal.SIGKILL)
    first.wait()
    instrument.write("day2/a.png", picture(1000))
    second = command()
    wait_until(lambda: len(instrument.names()) == 401)
    wait_until(lambda: "day2: Added" in (tmp_path / "said.txt").read_text())
    second.send_signal(signal.SIGINT)

    assert second.wait(20) == 0
    said = (tmp_path / "said.txt").read_text()
    assert said.count("day1: Added 400 objects") == 1
    assert said.splitlines()[-1].endswith("ended; the same command goes on")
    assert "Traceback" not in said
    assert instrument.workplace.values("select count(*) from object") == [401]
