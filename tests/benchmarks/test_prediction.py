"""The benchmark of predictions holds out what it says, measures what is there, and runs on real plankton."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.benchmarks.effort.runs import ROOT
from tests.benchmarks.prediction.__main__ import KEYS
from tests.benchmarks.prediction.folder import read_folder, split
from tests.benchmarks.prediction.measured import N_FEATURES, features
from tests.benchmarks.prediction.measures import agreement, calibration_error, row


def folder_of(root: Path, paths: list[str]) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 200).save(root / path)
    return root


def test_sub_folders_of_classes_are_held_out_whole(tmp_path: Path) -> None:
    paths = [f"class{c}/cruise{g}/{c}{g}{n}.png" for c in range(2) for g in range(6) for n in range(4)]
    folder = read_folder(folder_of(tmp_path, paths))
    parts = split(folder, 20, 16, seed=1)
    assert len(np.unique(folder.groups)) == 6
    assert len(parts.held) == 16
    assert len(parts.known) == 20
    assert not set(folder.groups[parts.known]) & set(folder.groups[parts.held])


def test_groups_may_come_from_a_file_and_must_name_every_image(tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", [f"class{c}/{n}.png" for c in range(2) for n in range(3)])
    (tmp_path / "groups.csv").write_text("".join(f"class{c}/{n}.png,haul{n}\n" for c in range(2) for n in range(3)))
    assert read_folder(images, tmp_path / "groups.csv").groups.tolist() == [0, 1, 2, 0, 1, 2]
    (tmp_path / "groups.csv").write_text("class0/0.png,haul0\n")
    with pytest.raises(SystemExit, match="no group for 5 images"):
        read_folder(images, tmp_path / "groups.csv")


def test_a_folder_of_one_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="one class only"):
        read_folder(folder_of(tmp_path, ["only/1.png", "only/2.png"]))


def ellipse(box: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("L", (120, 120), 230)
    ImageDraw.Draw(image).ellipse(box, fill=60)
    return image


def test_measured_features_tell_size_and_shape() -> None:
    round_one, long_one = features(ellipse((30, 30, 90, 90))), features(ellipse((10, 50, 110, 70)))
    assert len(round_one) == N_FEATURES
    assert np.isfinite(round_one).all()
    area, _, major, minor = round_one[:4]
    assert area == pytest.approx(np.pi * 30.5**2, rel=0.03)
    assert major == pytest.approx(minor, rel=0.02)
    assert long_one[2] / long_one[3] == pytest.approx(5, rel=0.1)
    assert np.isnan(features(Image.new("L", (20, 20), 7))).all()


def test_figures_are_those_of_small_cases_counted_by_hand() -> None:
    vectors = np.array([[1, 0], [0.99, 0.1], [0, 1], [0.1, 0.99]], np.float32)
    assert agreement(vectors, np.array([1, 1, 2, 3])) == 0.5
    assert agreement(vectors, np.array([1, 1, 2, 3]), np.array([True, False, True, False])) == 0.5
    line = row("x", 0, np.array([1, 1, 2, 2]), np.array([1, 2, 2, 2]))
    assert (line.accuracy, line.average_precision, line.average_recall) == (0.75, pytest.approx(5 / 6), 0.75)
    assert calibration_error(np.full(4, 0.75), np.array([1, 1, 1, 0])) == 0
    assert calibration_error(np.array([0.9, 0.1]), np.array([False, False])) == pytest.approx(0.5)


def test_it_runs_on_the_phytoplankton_of_the_demonstration(shared_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(shared_data / "data" / "phytoplankton_demo.zip") as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-m", "tests.benchmarks.prediction", "--images", str(tmp_path / "phytoplankton")]
    told = subprocess.run(
        [*command, "--no-tuning", "--threads", "1"],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr[-2000:]
    figures = json.loads(told.stdout.splitlines()[-1])
    assert set(KEYS) <= set(figures)
    assert figures["nn_tuned"] is None
    assert all(
        0 < figures[name] <= 1 for name in ("nn_plain", "nn_space", "nn_unseen_space", "accuracy", "accuracy_ecotaxa")
    )
    for model in ("measured features + forest", "frozen network + ", "frozen + PCA 50 + forest"):
        assert model in told.stdout
