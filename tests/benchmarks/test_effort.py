"""The simulated person counts honestly, sees no more than the screen, and comes to the same result twice."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.benchmarks.effort import costs
from tests.benchmarks.effort.background import Background
from tests.benchmarks.effort.diary import Diary
from tests.benchmarks.effort.marking import cheapest
from tests.benchmarks.effort.measures import after_minutes, curve, score, sensitivity
from tests.benchmarks.effort.person import Person
from tests.benchmarks.effort.runs import ROOT
from tests.benchmarks.effort.scratch import choose, choose_reference, write_vectors_file
from tests.benchmarks.effort.strategies import STRATEGIES, settings_of
from tests.benchmarks.effort.tuning import tune
from tests.conftest import quick_folder


class Heard:
    """A server that takes every act."""

    def __init__(self) -> None:
        self.diary = Diary()
        self.acts: list[tuple[list[int], str | None]] = []

    def label(self, tiles: list[dict[str, Any]], name: str | None) -> None:
        self.acts.append(([tile["id"] for tile in tiles], name))


def person_before(classes: str, errs: bool = False) -> tuple[Person, list[dict[str, Any]]]:
    """Somebody who looks at one image per letter: `aab` are two of class a and one of class b."""
    truth = {f"h{place}": letter for place, letter in enumerate(classes)}
    tiles = [{"id": place, "hash": f"h{place}", "state": "0.0"} for place in range(len(classes))]
    shoal: Any = Heard()
    return Person(shoal, truth, 1, errs, lambda what, how: 2.0), tiles


def spent(person: Person) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind, what, n in person.diary.entries:
        if kind == "act":
            counts[what] = counts.get(what, 0) + n
    return counts


@pytest.mark.parametrize("strategy", ["best", "ecotaxa"])
def test_the_annotator_imports_nothing_of_shoal(strategy: str) -> None:
    asked = (
        "import sys, tests.benchmarks.effort.annotator as a;"
        f"assert {strategy!r} in a.STRATEGIES;"
        "print([m for m in sys.modules if m.partition('.')[0] in ('app', 'indexer')])"
    )
    told = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_a_run_of_marks_costs_its_two_ends() -> None:
    assert [costs.marks(places) for places in ([], [4], [4, 5], [1, 2, 3, 4], [1, 3, 5], [0, 1, 2, 7])] == [
        0, 1, 2, 2, 3, 3,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "opened", "acts"),
    [
        ("111111", "000000", {"key": 1, "mark": 0}),  # all by a key
        ("111111", "111111", {"mark": 0}),  # as it opened
        ("111011", "000000", {"key": 1, "mark": 1}),  # all but one
        ("010000", "000000", {"mark": 1}),
        ("111110000000", "111100000000", {"mark": 1}),
        ("111110100000", "000000000000", {"mark": 2}),  # a line behind the fifth, and one more
        ("000000", "101010", {"key": 1, "mark": 0}),  # none by a key
    ],
)
def test_a_page_is_marked_the_cheapest_way(right: str, opened: str, acts: dict[str, int]) -> None:
    wanted = [letter == "1" for letter in right]
    marking = cheapest(wanted, [letter == "1" for letter in opened])
    assert marking.acts == acts
    assert marking.result(set()) == [place for place, is_right in enumerate(wanted) if is_right]


def test_a_forgotten_toggle_leaves_the_image_as_the_page_opened() -> None:
    marking = cheapest([True] * 3 + [False] + [True] * 6, [False] * 10)
    assert marking.result(set()) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert marking.result({3}) == list(range(10))


def test_looking_is_no_act() -> None:
    counts = {"glance": 100, "glance_mixed": 10, "mark": 3, "key": 1}
    assert costs.acts(counts) == 4
    assert costs.seconds(counts) == pytest.approx(100 * 0.15 + 10 * 0.35 + 3 * 0.9 + 0.6)


def test_a_page_that_is_right_is_confirmed_by_one_key() -> None:
    person, tiles = person_before("aaaaaaaaaa")
    assert person.sort_page(tiles, "a", 1) == 1.0
    assert spent(person) == {"glance": 10, "key": 1}
    assert person.shoal.acts == [(list(range(10)), None)]


def test_a_few_strangers_are_left_out_of_a_page() -> None:
    person, tiles = person_before("aaaabaaaac")
    person.sort_page(tiles, "a", 2)
    assert spent(person) == {"glance": 10, "mark": 2, "key": 2}
    assert person.shoal.acts == [([0, 1, 2, 3, 5, 6, 7, 8], None)]


def test_what_is_rare_on_a_page_is_marked_itself() -> None:
    person, tiles = person_before("bacadbcaed")
    assert person.sort_page(tiles, "a", 5) == 0.3
    assert spent(person) == {"glance_mixed": 10, "mark": 3, "key": 1}
    assert person.shoal.acts == [([1, 3, 7], None)]


def test_groups_of_a_mixed_page_are_named_together_and_single_ones_where_they_stand() -> None:
    person, tiles = person_before("aabbbc")
    person.sort_page(tiles, None, 1)
    assert spent(person) == {"glance_mixed": 6, "mark": 4, "name": 3}
    assert person.shoal.acts == [([2, 3, 4], "b"), ([0, 1], "a"), ([5], "c")]
    person.sort_page(tiles, None, 1)
    assert spent(person)["label1"] == 3


def test_a_missed_stranger_is_accepted_with_the_page_and_counts_as_wrong() -> None:
    person, tiles = person_before("a" * 99 + "b", errs=True)
    overlooks_all: Any = SimpleNamespace(random=lambda: 0.0)
    person.chance = overlooks_all
    person.sort_page(tiles, "a", 5)
    reached = curve(person.diary, 100)[95]
    assert (reached.n_labelled, reached.n_right) == (100, 99)


def test_one_takes_the_same_image_for_the_same_class_every_time() -> None:
    truth = {f"h{n}": name for n, name in enumerate(["copepod_a", "copepod_b", "fish"] * 1000)}
    heard: Any = Heard()
    person = Person(heard, truth, 3, True, lambda what, how: 0.0)
    taken = {hash: person.takes_for({"hash": hash}) for hash in truth}
    assert taken == {hash: person.takes_for({"hash": hash}) for hash in reversed(list(truth))}
    confused = [hash for hash in truth if taken[hash] != truth[hash]]
    assert 0.02 < len(confused) / 2000 < 0.04
    assert all(truth[hash] != "fish" for hash in confused)


def test_figures_are_taken_where_a_coverage_is_reached() -> None:
    diary = Diary()
    for n in range(10):
        diary.act("label1")
        diary.labels([[n, "a", "b" if n == 3 else "a"]])
    reached = curve(diary, 10)
    assert {each: reached[each].n_labelled for each in reached} == {25: 3, 50: 5, 70: 7, 90: 9, 95: 10}
    assert reached[50].seconds() == pytest.approx(5 * 2.5 / 4)
    assert reached[50].precision == 0.8
    assert reached[25].worst_tenth == 1.0


def test_a_later_word_takes_the_place_of_an_earlier_one() -> None:
    diary = Diary()
    diary.labels([[1, "a", "b"], [2, "a", "a"]])
    diary.labels([[1, "b", "b"]])
    reached = curve(diary, 2)
    assert reached[95].n_right == 1, "the coverage was reached before the correction"
    diary.labels([[3, "b", "b"]], unseen=True)
    assert (curve(diary, 3)[95].n_right, curve(diary, 3)[95].n_unseen) == (3, 1)


def test_waits_count_in_what_is_done_after_half_an_hour_and_not_in_the_price() -> None:
    diary = Diary()
    diary.act("label1", 400)
    diary.labels([[1, "a", "a"]])
    diary.wait("training", 790.0)
    diary.act("label1", 10)
    diary.labels([[2, "a", "a"]])
    assert after_minutes(diary) == {30: 1, 60: 2}
    assert curve(diary, 2)[95].seconds() == pytest.approx(410 * 2.5 / 2)


def learner_before(n: int) -> tuple[Person, list[tuple[str, str]]]:
    """Somebody with so many labels, and what was asked of the benchmark, where learning takes ten seconds."""
    person, tiles = person_before("a" * 2000)
    asked: list[tuple[str, str]] = []

    def ask(what: str, how: str) -> float:
        asked.append((what, how))
        return 10.0 if what == "learn" else 0.0

    person.ask = ask
    person.done = {tile["id"] for tile in tiles[:n]}
    return person, asked


def test_what_is_learned_in_the_background_costs_nothing_and_serves_when_its_seconds_have_passed() -> None:
    person, asked = learner_before(600)
    background = Background(person, ["space", "classifier"], 100, 1.5, 10_000, 0)
    assert background.turn() == set()
    assert asked == [("learn", "classifier"), ("learn", "space")], "what is short comes first"
    assert person.diary.spent() == 0
    person.diary.act("key", 17)  # 10.2 s
    assert background.turn() == {"classifier"}, "one worker does one job after the other"
    person.diary.wait("cards", 10.0)
    assert background.turn() == {"space"}
    assert asked[2:] == [("show", "classifier"), ("show", "space")]
    assert after_minutes(person.diary)[30] == 0


def test_a_classifier_is_trained_again_once_there_are_so_many_more_labels() -> None:
    person, asked = learner_before(100)
    background = Background(person, ["classifier"], 100, 1.5, 10_000, 0)
    for n, expected in ((100, 1), (149, 1), (150, 2), (224, 2), (225, 3)):
        person.done = set(range(n))
        background.turn()
        person.diary.wait("nothing", 20.0)
        background.turn()
        assert asked.count(("learn", "classifier")) == expected, n


@pytest.mark.parametrize("name", ["best_classifier", "best_embedder", "best", "best_prepared"])
def test_what_is_tuned_beside_a_reference_is_all_that_this_way_asks_for(name: str) -> None:
    asked = {"way", "passes", "first", "again", "page", "embedder_at"}
    assert asked == settings_of(name, 2_000).keys() <= settings_of(name, 0).keys()


def test_what_a_reference_teaches_may_be_waited_for_and_the_wait_is_told() -> None:
    person, asked = learner_before(0)
    person.n_reference = 1000
    background = Background(person, ["classifier", "space", "embedder"], 100, 1.5, 1000, 600)
    background.wait_for("embedder")
    background.wait_for("classifier")
    assert asked[-1] == ("show", "classifier")
    assert asked.index(("show", "embedder")) < len(asked) - 1, "predicted by what the embedder sees"
    waited = sum(entry[2] for entry in person.diary.entries if entry[0] == "wait")
    assert waited == pytest.approx(40.0, abs=0.1)


def test_after_a_move_to_a_trained_embedder_all_is_learned_anew() -> None:
    person, asked = learner_before(600)
    background = Background(person, ["space", "classifier", "embedder"], 100, 1.5, 600, 1199)
    background.turn()
    person.diary.wait("nothing", 30.0)
    assert background.turn() == {"space", "classifier", "embedder"}
    assert asked[-2:] == [("learn", "classifier"), ("learn", "space")]
    assert asked.count(("learn", "embedder")) == 1


def test_a_reference_teaches_before_the_first_label_and_its_labels_count() -> None:
    person, asked = learner_before(0)
    person.n_reference = 700
    background = Background(person, ["classifier", "space", "embedder"], 100, 1.5, 1000, 1300)
    background.wait_for("classifier")
    assert asked == [("learn", "classifier"), ("learn", "space"), ("show", "classifier")]
    assert [entry[:2] for entry in person.diary.entries if entry[0] == "wait"] == [["wait", "classifier"]]
    assert 10.0 <= person.diary.spent() < 10.1
    for n, kind in ((99, None), (100, "classifier"), (300, "embedder")):
        person.done = set(range(n))
        person.diary.wait("nothing", 50.0)
        background.turn()
        assert kind is None or asked[-1] == ("learn", kind), n
    assert asked.count(("learn", "classifier")) == 3
    assert asked.count(("learn", "space")) == 1, "700 labels have not doubled"
    assert background.next["embedder"] == 1300, "twice the thousand that the first one learned from"


def test_a_ranking_that_hangs_on_one_price_is_told() -> None:
    by_mark, by_key = Diary(), Diary()
    by_mark.act("mark", 10)
    by_key.act("key", 16)
    for diary in (by_mark, by_key):
        diary.labels([[1, "a", "a"]])
    flips = sensitivity({"one": curve(by_mark, 1), "other": curve(by_key, 1)}, 50)
    assert {(what, factor) for _, what, factor in flips} == {("mark", 2.0), ("key", 0.5)}


def test_tuning_changes_one_setting_at_a_time_and_keeps_what_helps() -> None:
    best, tried = tune({"a": [1, 2, 3], "b": [5, 6]}, lambda values: abs(values["a"] - 2) + values["b"])
    assert best == {"a": 2, "b": 5}
    assert len(tried) == 4


def test_a_coverage_never_reached_is_no_good_hand() -> None:
    assert score(curve(Diary(), 10)) == float("inf")


@pytest.fixture
def folder_of_classes(tmp_path: Path) -> Path:
    """Three classes of eight images each, told apart by their shade; one file stands in two of them."""
    rng = np.random.default_rng(0)
    for shade, name in ((40, "dark_one"), (70, "dark_two"), (220, "light")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(8):
            grey = np.clip(rng.normal(shade, 8, (40, 30 + shade // 10)), 0, 255).astype(np.uint8)
            Image.fromarray(grey).save(tmp_path / "images" / name / f"{name}{number}.png")
    shutil.copy(tmp_path / "images/light/light0.png", tmp_path / "images/dark_one/again.png")
    return tmp_path / "images"


def test_images_lose_their_names_and_what_stands_in_two_classes(folder_of_classes: Path, tmp_path: Path) -> None:
    chosen = choose(folder_of_classes, 100, 7, tmp_path / "flat")
    assert (len(chosen.by_name), chosen.n_left_out) == (23, 2)
    assert sorted(path.name for path in chosen.folder.iterdir()) == sorted(chosen.by_name)
    assert choose(folder_of_classes, 100, 7, tmp_path / "flat").by_name == chosen.by_name
    assert choose(folder_of_classes, 10, 8, tmp_path / "less").by_name != chosen.by_name


def test_a_reference_is_of_other_images_in_their_classes(folder_of_classes: Path, tmp_path: Path) -> None:
    chosen = choose(folder_of_classes, 10, 7, tmp_path / "flat")
    folder = choose_reference(folder_of_classes, 10, 7, 8, chosen.truth, tmp_path / "labelled")
    taken = {hashlib.sha256(path.read_bytes()).hexdigest(): path.parent.name for path in folder.rglob("*.png")}
    assert len(taken) == 8
    assert not taken.keys() & chosen.truth.keys()
    there = {(path.parent.name, path.read_bytes()) for path in folder_of_classes.rglob("*.png")}
    assert {(path.parent.name, path.read_bytes()) for path in folder.rglob("*.png")} <= there
    with pytest.raises(SystemExit, match="beside those that take part"):
        choose_reference(folder_of_classes, 10, 7, 100, chosen.truth, tmp_path / "too_many")


def test_given_vectors_follow_their_images(folder_of_classes: Path, tmp_path: Path) -> None:
    chosen = choose(folder_of_classes, 100, 7, tmp_path / "flat")
    files = sorted(folder_of_classes.rglob("*.png"))
    codes = {name: place for place, name in enumerate(sorted({file.parent.name for file in files}))}
    np.save(tmp_path / "v.npy", np.array([[codes[file.parent.name], 1.0] for file in files]))
    target = write_vectors_file(tmp_path / "v.npy", chosen, tmp_path / "given.npy")
    names = target.with_suffix(".ids.txt").read_text().split()
    assert [codes[chosen.by_name[name]] for name in names] == np.load(target)[:, 0].tolist()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that the database's unprivileged user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="shoal-test-", dir=quick_folder()))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(900)
def test_the_whole_of_it_is_the_same_twice_and_goes_on_where_it_was(folder_of_classes: Path, open_folder: Path) -> None:
    first = run_effort(folder_of_classes, open_folder, "one_by_one")
    assert set(first["one_by_one"]) == {"25", "50", "70", "90", "95"}
    assert first["one_by_one"]["95"]["precision"] >= 0.8
    kept = list(open_folder.glob("one_by_one-*.json"))
    written = {path: path.stat().st_mtime_ns for path in kept}
    assert run_effort(folder_of_classes, open_folder, "one_by_one") == first
    assert {path: path.stat().st_mtime_ns for path in kept} == written, "it was run again"
    for path in kept:
        path.unlink()
    assert run_effort(folder_of_classes, open_folder, "one_by_one") == first


@pytest.mark.timeout(900)
def test_every_way_of_sorting_comes_to_its_end_on_a_handful_of_images(
    folder_of_classes: Path, open_folder: Path
) -> None:
    found = run_effort(folder_of_classes, open_folder, "all", "--untuned")
    assert list(found) == list(STRATEGIES)
    for name, reached in found.items():
        assert set(reached) == {"25", "50", "70", "90", "95"}, name
        assert reached["95"]["precision"] >= 0.7, name
        assert 0.1 < reached["95"]["seconds"] < 10, name


@pytest.mark.timeout(900)
@pytest.mark.parametrize("strategy", ["ecotaxa", "best_classifier"])
def test_a_reference_serves_both_sides_from_the_first_page(
    strategy: str, folder_of_classes: Path, open_folder: Path
) -> None:
    told = ("--untuned", "--limit", "14", "--reference", "9")
    reached = run_effort(folder_of_classes, open_folder, strategy, *told)[strategy]
    assert reached["95"]["precision"] >= 0.7
    diary = json.loads(next(open_folder.glob(f"{strategy}-*.json")).read_text())
    first = ["wait", "training"] if strategy == "ecotaxa" else ["background", "classifier"]
    assert diary["entries"][0][:2] == first, "something is predicted before the first page"


def run_effort(images: Path, folder: Path, strategy: str, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.effort", "--images", str(images), "--folder", str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    told = subprocess.run(
        [*command, "--strategy", strategy, *more],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found
