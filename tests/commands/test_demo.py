"""`shoal demo` makes what it promises, through the real import, embedding and index, and finds it the second time."""

import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.demo import counted, write_digits, write_phytoplankton
from tests.commands.conftest import Shoal


def held(db: Db) -> dict[str, tuple[int, int, int]]:
    ids = [row.id for row in db.execute("select id from project order by id")]
    found = [counted(db, project_id) for project_id in ids]
    return {row.title: (row.objects, row.labels, row.vectors) for row in found}


@pytest.mark.timeout(600)
def test_the_demo_from_nothing_and_again(shoal_alone: Shoal) -> None:
    first = shoal_alone.start("demo", "--port", "0")
    link = shoal_alone.wait_for(first, r"http://\S+/login/link/\S+", seconds=400)[0]
    with database.connect(Cluster(shoal_alone.home).url) as db:
        assert held(db) == {
            "Phytoplankton (demo)": (105, 54, 105),
            "Handwritten digits (demo)": (1797, 180, 1797),
        }
        names = [row.name for row in db.execute("select name from embedder order by name")]
        assert names == ["lite0-128", "lite0-128-rot4"]
        told = "select 1 from object o where orig_id ilike '%%ciliophora%%' and not exists "
        told += "(select 1 from label where project_id = o.project_id and object_id = o.id)"
        assert not db.execute(told).fetchone(), "the name of an image says what it is"
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert page.status_code == 200
        assert "Phytoplankton (demo)" in page.text
    assert not list((shoal_alone.home / "demo").iterdir())
    first.terminate()
    assert first.wait(30) == 0
    began = time.monotonic()
    second = shoal_alone("demo", "--no-serve")
    assert second.returncode == 0, second.stderr
    assert time.monotonic() - began < 15
    assert "1,797 embedded" in second.stderr


def test_a_demo_that_was_killed_is_finished_by_the_next(shoal_alone: Shoal) -> None:
    first = shoal_alone.start("demo", "--no-serve")
    time.sleep(6)
    first.kill()
    first.wait()
    second = shoal_alone("demo", "--no-serve")
    assert second.returncode == 0, second.stderr
    cluster = Cluster(shoal_alone.home)
    with database.connect(cluster.open()) as db:
        assert held(db) == {
            "Phytoplankton (demo)": (105, 54, 105),
            "Handwritten digits (demo)": (1797, 180, 1797),
        }
    cluster.close()


def test_a_demo_of_ones_own_images(shoal_alone: Shoal, tmp_path: Path) -> None:
    folder = tmp_path / "My images"
    folder.mkdir()
    for number in range(12):
        Image.new("L", (40, 30), 20 * number).save(folder / f"{number}.png")
    done = shoal_alone("demo", "--images", str(folder), "--no-serve")
    assert done.returncode == 0, done.stderr
    assert "My images: 12 images, 0 labelled, 12 embedded." in done.stderr


def test_the_images_of_the_demo_are_all_written(tmp_path: Path) -> None:
    write_phytoplankton(tmp_path / "phytoplankton")
    write_digits(tmp_path / "digits")
    assert len(list((tmp_path / "phytoplankton").rglob("*.jpg"))) == 105
    assert len(list((tmp_path / "phytoplankton" / "labelled").iterdir())) == 6
    assert len(list((tmp_path / "digits").rglob("*.png"))) == 1797
    assert len(list((tmp_path / "digits" / "labelled").iterdir())) == 10
