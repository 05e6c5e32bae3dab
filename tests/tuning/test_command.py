"""`shoal train-embedder` learns from a folder of images per class, and says plainly why it cannot."""

import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from sklearn.datasets import load_digits

from app.cli import main
from app.database import Db
from app.search import embedders
from app.settings import Settings
from indexer.tuning import TuningError
from indexer.tuning.run import estimate_seconds


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHOAL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    return lambda *words: CliRunner().invoke(main, ["train-embedder", *map(str, words)])


def folders(place: Path, n: int) -> Path:
    """Handwritten digits, a folder for each of three."""
    known = load_digits()
    for number in np.flatnonzero(known.target < 3)[:n]:
        own = place / f"digit {known.target[number]}"
        own.mkdir(parents=True, exist_ok=True)
        Image.fromarray((known.images[number] * 15.9).astype(np.uint8)).resize((24, 24)).save(own / f"{number}.png")
    return place


def test_a_folder_becomes_a_registered_embedder(run, db: Db, settings: Settings, tmp_path: Path) -> None:
    said = run(folders(tmp_path / "digits", 120), "--epochs", 1, "--name", "My digits")
    assert said.exit_code == 0, said.output
    assert "120 images of 3 classes." in said.output
    assert "the nearest other one is of the same taxon for" in said.output and "kept as tuned:" in said.output
    row = db.execute("select * from embedder where name = 'My digits'").fetchone()
    assert embedders.load(settings, row).dimension == row.dimension
    assert not list((settings.home / "trainings").glob("*"))


@pytest.mark.parametrize(
    ("n", "words", "sentence"),
    [
        (50, (), "50 labelled images are too few to train an embedder"),
        (120, ("--network", "resnet"), "There is no network 'resnet' to train"),
    ],
)
def test_what_cannot_be_trained_is_told_in_a_sentence(run, tmp_path: Path, n: int, words: tuple, sentence: str) -> None:
    said = run(folders(tmp_path / "digits", n), *words)
    assert said.exit_code != 0 and sentence in said.output and "Traceback" not in said.output


def test_an_unknown_folder_and_an_empty_one_are_told(run, tmp_path: Path) -> None:
    assert f"There is no folder {tmp_path / 'nowhere'}." in run(tmp_path / "nowhere").output
    (tmp_path / "empty").mkdir()
    assert "holds no folders with images" in run(tmp_path / "empty").output


def test_there_is_nothing_to_resume_where_nothing_was_stopped(run, db: Db) -> None:
    db.execute("insert into project (title) values ('Bay')")
    db.commit()
    said = run("Bay", "--resume")
    assert said.exit_code != 0 and "nothing to go on with" in said.output


@pytest.mark.parametrize("words", [(), ("--estimate",)])
@pytest.mark.parametrize("of", ["Bay", "folder"])
def test_without_torch_one_sentence_says_what_to_install(
    run, db: Db, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: str, words: tuple
) -> None:
    db.execute("insert into project (title) values ('Bay')")
    db.commit()
    monkeypatch.setitem(sys.modules, "torch", None)
    said = run(folders(tmp_path / "digits", 120) if of == "folder" else of, *words)
    assert said.exit_code != 0 and "Traceback" not in said.output
    assert "run pip install -e '.[clip]' in Shoal's folder" in said.output
    assert db.execute("select count(*) as n from job").fetchone().n == 0


def test_the_speed_is_not_measured_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TuningError, match="needs torch"):
        estimate_seconds(1000)
