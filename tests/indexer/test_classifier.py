"""Classifiers: chosen by held-out figures, honest about them, sure as they are right, and rebuilt from plain arrays."""

import io
import json
import tracemalloc
from functools import lru_cache

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from indexer.classifier import BadModel, Fitted, Model, NotTrainable, Settings, fit, linear
from indexer.classifier import forest as forests
from indexer.classifier.base import Learnt
from indexer.classifier.forest import fit_forest
from indexer.classifier.frame import learn_columns
from indexer.classifier.linear import class_scatter, fit_logistic
from indexer.classifier.progress import STEPS, Told


def digits(n: int = 900, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Real digits, unit vectors float32 [n, 64], and what they are, from 100 on."""
    pixels, truth = load_digits(return_X_y=True)
    some = np.random.default_rng(seed).permutation(len(truth))[:n]
    vectors = pixels[some].astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), truth[some].astype(np.int32) + 100


@lru_cache
def fitted(method: str = "discriminant", n: int = 900) -> Fitted:
    vectors, taxa = digits(n)
    return fit(vectors, taxa, np.zeros(n, np.int64), Settings(method))


def test_parts_of_a_training_take_as_much_of_its_bar_as_they_weigh() -> None:
    said: list[int] = []
    told = Told(lambda done, total, step: said.append(done))
    told.expect(40)
    told.begin("a light one", 10)
    told.begin("a heavy one", 30)
    told.beat(0.5)
    told.expect(100)  # more is to be done than was thought
    told.begin("another", 100)
    told.beat(0.5)
    assert said == [0, 250, 625, 625, 812]


@pytest.mark.parametrize("method", ["auto", "logistic"])
def test_the_bar_of_a_training_neither_stands_nor_leaps(method: str) -> None:
    vectors, taxa = digits(400)
    said: list[tuple[int, str]] = []
    fit(vectors, taxa, np.zeros(400), Settings(method), report=lambda done, total, step: said.append((done, step)))
    done = [number for number, _ in said]
    assert done == sorted(done) and done[0] == 0 and done[-1] <= STEPS
    trying = [number for number, step in said if step.startswith("trying")]
    assert trying[-1] - trying[0] > STEPS / 3, "what takes longest is most of it"
    first = [number for number, step in said if step == said[-1][1] or "logistic" in step]
    assert len(set(first)) > 20, "it moves within a method"


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.classifier.methods.N_TREES", 40)
    monkeypatch.setattr("indexer.classifier.methods.SMALL_TREES", 20)


def test_of_all_methods_the_best_on_held_out_objects_is_taken_and_the_report_says_so() -> None:
    report = fitted("auto").report
    tried = report["chosen_because"]["candidates"]
    best = max(each["accuracy"] for each in tried.values())
    assert tried[f"{report['method']}, {report['settings']}"]["accuracy"] >= best - 0.02
    assert {"discriminant", "logistic"} <= {each["method"] for each in tried.values()}
    assert report["chosen_because"]["small"][0]["method"] == "forest"
    assert report["accuracy"] > 0.9


def test_the_report_is_what_held_out_objects_say() -> None:
    report, held = fitted().report, fitted().held_out
    assert json.loads(json.dumps(report)) == report
    assert report["n"] == 900 and report["n_taxa"] == 10 and report["n_held_out"] == len(held.index) == 900
    assert not report["by_group"]
    right = held.truth == held.first
    assert report["accuracy"] == pytest.approx(right.mean())
    assert sum(n for _, _, n in report["confusion"]) == 900
    assert sum(n for truth, said, n in report["confusion"] if truth == said) == right.sum()
    assert sum(each["n"] for each in report["per_taxon"]) == 900
    one = next(each for each in report["per_taxon"] if each["taxon"] == 108)
    assert one["precision"] == pytest.approx(right[held.first == 108].mean())
    assert one["recall"] == pytest.approx(right[held.truth == 108].mean())
    assert sum(each["n"] for each in report["calibration"]) == 900


def test_held_out_objects_were_not_learned_from() -> None:
    """Labels drawn by lot cannot be foretold."""
    vectors, taxa = digits(600)
    drawn = np.random.default_rng(3).permutation(taxa)
    report = fit(vectors, drawn, np.zeros(600), Settings("discriminant")).report
    assert report["accuracy"] < 0.2
    assert report["ece"] < 0.15


@pytest.mark.parametrize("method", ["discriminant", "logistic"])
def test_scores_are_right_as_often_as_they_say(method: str) -> None:
    assert fitted(method).report["ece"] <= 0.04
    vectors, taxa = digits(1797)
    said = fitted(method).model.predict(vectors[900:])
    assert abs(said.scores[:, 0].mean() - (said.taxa[:, 0] == taxa[900:]).mean()) < 0.04


def test_whole_groups_are_held_out_where_there_are_five() -> None:
    """What a sample's objects have in common gives their taxon away, unless all of the sample is held out."""
    vectors, taxa = digits(600)
    chance = np.random.default_rng(5)
    groups = chance.integers(0, 30, 600)
    drawn = chance.permutation(taxa)[groups]
    marked = np.hstack([vectors, np.eye(30, dtype=np.float32)[groups]])
    by_chance = fit(marked, drawn, np.zeros(600), Settings("discriminant")).report
    by_group = fit(marked, drawn, groups, Settings("discriminant")).report
    assert by_chance["accuracy"] > 0.9 and not by_chance["by_group"]
    assert by_group["accuracy"] < 0.5 and by_group["by_group"]


def test_a_taxon_of_one_object_is_learned_and_not_held_out() -> None:
    vectors, taxa = digits(300)
    taxa[17] = 500
    made = fit(vectors, taxa, np.zeros(300), Settings("discriminant"))
    assert made.report["not_held_out"] == [500] and made.report["n_held_out"] == 299
    assert 17 not in made.held_out.index
    assert 500 in made.model.taxa
    assert made.model.predict(vectors[17:18]).taxa[0, 0] == 500


def test_two_objects_of_two_taxa_are_enough_to_predict_and_not_to_report() -> None:
    vectors, taxa = digits(900)
    two = [int(np.flatnonzero(taxa == taxon)[0]) for taxon in (100, 101)]
    made = fit(vectors[two], taxa[two], np.zeros(2))
    assert made.report["n_held_out"] == 0 and made.report["accuracy"] is None and made.report["ece"] is None
    said = made.model.predict(vectors[two])
    assert said.taxa[:, 0].tolist() == [100, 101]
    assert said.taxa[:, 2].tolist() == [0, 0] and said.scores[:, 2].tolist() == [0, 0]
    assert Model.from_bytes(made.model.to_bytes()).predict(vectors[two]).taxa.tolist() == said.taxa.tolist()


@pytest.mark.parametrize("method", ["auto", "forest", "logistic"])
def test_a_few_objects_give_a_sound_classifier(method: str) -> None:
    vectors, taxa = digits(7)
    said = fit(vectors, taxa, np.arange(7), Settings(method)).model.predict(vectors)
    assert np.isfinite(said.scores).all() and np.isfinite(said.novelty).all()


def test_what_cannot_teach_is_refused_in_a_sentence() -> None:
    vectors, taxa = digits(50)
    none = np.empty((0, 64), np.float32)
    with pytest.raises(NotTrainable, match="same taxon"):
        fit(vectors, np.full(50, 7), np.zeros(50))
    with pytest.raises(NotTrainable, match="no object with a vector"):
        fit(none, np.empty(0), np.empty(0))
    with pytest.raises(NotTrainable, match="no method 'magic'"):
        fit(vectors, taxa, np.zeros(50), Settings("magic"))
    with pytest.raises(NotTrainable, match="'many' says no number"):
        fit(vectors, taxa, np.zeros(50), Settings("forest", pca="many"))
    with pytest.raises(NotTrainable, match="columns are not there"):
        fit(vectors, taxa, np.zeros(50), Settings(columns=("area",)))
    vectors[3, 3] = np.nan
    with pytest.raises(NotTrainable, match="1 of 50 vectors"):
        fit(vectors, taxa, np.zeros(50))


def test_columns_follow_the_rules_of_ecotaxa() -> None:
    values = np.arange(100.0)
    some, many, infinite = values.copy(), values.copy(), values.copy()
    some[:25], many[:26], infinite[:10] = np.nan, np.nan, np.inf
    names = ("some", "many", "same", "infinite", "none")
    fields = np.stack([some, many, np.ones(100), infinite, np.full(100, np.nan)], axis=1)
    columns = learn_columns(names, fields)
    assert columns.names == ("some", "infinite")
    assert columns.medians.tolist() == [np.median(values[25:]), np.median(values[10:])]
    assert [name for name, _ in columns.dropped] == ["many", "same", "none"]
    assert "26 % missing" in columns.dropped[0][1]
    read = columns.apply(np.array([[np.nan, np.inf], [62.0, -np.inf], [1e30, -1e30]]))
    assert np.isfinite(read).all() and abs(read[0, 0] - read[1, 0]) < 0.05 and read[0, 1] == read[1, 1]


def test_a_column_that_tells_taxa_apart_is_used_with_gaps_and_infinities() -> None:
    vectors, taxa = digits(600)
    chance = np.random.default_rng(7)
    area = np.exp(taxa % 2 * 3 + chance.normal(size=600))
    area[::10], area[1] = np.nan, np.inf
    blurred = vectors * 0.05 + chance.normal(size=vectors.shape).astype(np.float32) * 0.12
    plain = fit(blurred, taxa, np.zeros(600), Settings("discriminant"))
    with_area = fit(blurred, taxa, np.zeros(600), Settings("discriminant", columns=("area",)), area[:, None])
    assert with_area.report["accuracy"] > plain.report["accuracy"] + 0.05
    assert with_area.model.columns == ("area",)
    rebuilt = Model.from_bytes(with_area.model.to_bytes())
    for fields in (area[:, None], np.full((600, 1), np.nan)):
        assert np.array_equal(rebuilt.predict(blurred, fields).taxa, with_area.model.predict(blurred, fields).taxa)
    with pytest.raises(ValueError, match="needs the columns area"):
        rebuilt.predict(blurred)


def test_what_is_of_no_known_taxon_is_stranger() -> None:
    vectors, taxa = digits(1797)
    known = taxa < 107
    made = fit(vectors[known][:800], taxa[known][:800], np.zeros(800), Settings("discriminant"))
    old, new = made.model.predict(vectors[known][800:]).novelty, made.model.predict(vectors[~known]).novelty
    assert (new[:, None] > old[None, :]).mean() > 0.8
    assert abs(old.mean() - 0.5) < 0.1, "novelty is the share of held-out objects that are less strange"
    assert made.model.predict(-vectors[:5]).novelty.min() > 0.99


@pytest.mark.parametrize("method", ["discriminant", "logistic", "forest"])
def test_a_classifier_comes_back_from_its_bytes(method: str) -> None:
    vectors, _ = digits(1797)
    made = fitted(method).model
    data = made.to_bytes()
    again = Model.from_bytes(data)
    for one, other in zip(vars(made.predict(vectors)).values(), vars(again.predict(vectors)).values(), strict=True):
        assert np.array_equal(one, other)
    assert all(array.dtype != object for array in np.load(io.BytesIO(data), allow_pickle=False).values())


def test_bytes_that_are_no_classifier_are_refused() -> None:
    data = fitted("forest").model.to_bytes()
    with np.load(io.BytesIO(data)) as file:
        arrays = dict(file)

    def changed(**new: np.ndarray) -> bytes:
        out = io.BytesIO()
        np.savez(out, **(arrays | {name.replace("__", "."): array for name, array in new.items()}))
        return out.getvalue()

    Model.from_bytes(changed())
    rights = arrays["member.rights"]
    bad = [b"", b"PK", data[:5000], changed(member__rights=rights * 0), changed(member__rights=rights + 100_000)]
    bad += [changed(member__features=arrays["member.features"] + 60)]
    bad += [changed(taxa=np.array([{}], object))]
    for each in bad:
        with pytest.raises(BadModel):
            Model.from_bytes(each)


def test_the_compact_forest_votes_as_scikit_learns() -> None:
    vectors, taxa = digits(900)
    data = Learnt(vectors[:600], taxa[:600].astype(np.int64) - 100, 10, 64)
    own = fit_forest(data, np.arange(64), seed=1, n_trees=forests.SLICE)
    theirs = RandomForestClassifier(forests.SLICE, min_samples_leaf=5, class_weight="balanced", random_state=1).fit(
        data.x, data.y
    )
    assert np.abs(own.votes(vectors[600:]) - theirs.predict_proba(vectors[600:])).max() < 2e-3


def test_of_many_objects_the_trees_that_were_tested_are_part_of_the_forest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.classifier.methods.MANY", 300)
    vectors, taxa = digits(1500)
    made = fit(vectors[:900], taxa[:900], np.zeros(900), Settings("forest"))
    forest = made.model.member
    assert isinstance(forest, forests.Forest) and forest.n_trees == 40
    forest.check()
    right = made.model.predict(vectors[900:]).taxa[:, 0] == taxa[900:]
    assert right.mean() > 0.9 and abs(right.mean() - made.report["accuracy"]) < 0.05


def test_logistic_regression_finds_what_scikit_learn_finds() -> None:
    from sklearn.linear_model import LogisticRegression

    vectors, taxa = digits(900)
    x = vectors - vectors.mean(axis=0)
    own = fit_logistic(Learnt(x, taxa.astype(np.int64) - 100, 10, 64), ridge=0.1, rounds=300)
    theirs = LogisticRegression(C=1 / 0.1, max_iter=2000).fit(x, taxa)
    assert (own.logits(x).argmax(axis=1) == theirs.predict(x) - 100).mean() > 0.995


def test_progress_is_told_and_can_stop_it() -> None:
    vectors, taxa = digits(300)
    told: list[tuple[int, int, str]] = []
    fit(vectors, taxa, np.zeros(300), Settings("forest"), report=lambda *step: told.append(step))
    assert all(0 <= done <= total for done, total, _ in told)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert any("fitting" in step for _, _, step in told)

    def stop(done: int, total: int, step: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(vectors, taxa, np.zeros(300), report=stop)


def test_scatter_within_taxa_takes_one_copy_of_what_it_is_of() -> None:
    x = np.random.default_rng(1).standard_normal((20_000, 64)).astype(np.float32)
    data = Learnt(x, np.arange(len(x)) % 4, 4, 64)
    tracemalloc.start()
    _, within = class_scatter(data, np.bincount(data.y))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.allclose(within, np.eye(64), atol=0.05) and peak < 1.5 * x.nbytes


def test_of_many_taxa_the_chances_of_few_objects_at_once_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    y = chance.integers(0, 200, 20_000)
    x = chance.standard_normal((len(y), 8)).astype(np.float32) + np.eye(200, 8, dtype=np.float32)[y]
    data = Learnt(x, y, 200, 8)
    whole = fit_logistic(data, 0.1, 3)
    monkeypatch.setattr(linear, "MOST_CHANCES", 100_000)
    tracemalloc.start()
    parted = fit_logistic(data, 0.1, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000, f"{peak:,} bytes, where the chances of all are 16 MB"
    assert np.abs(whole.logits(x) - parted.logits(x)).max() < 1e-3


def test_what_taught_the_embedder_is_learned_from_and_never_asked() -> None:
    vectors, taxa = digits(300)
    taught = np.arange(300) >= 120
    lured = vectors.copy()
    lured[taught, :10] += 5 * np.eye(10, dtype=np.float32)[taxa[taught] - 100]
    # Half of the new ones look as their teachers do, the others as those of another taxon.
    lured[:60, :10] += 5 * np.eye(10, dtype=np.float32)[(taxa[:60] - 99) % 10]
    lured[60:120, :10] += 5 * np.eye(10, dtype=np.float32)[taxa[60:120] - 100]
    groups = np.zeros(300, np.int64)
    plain, aware = (fit(lured, taxa, groups, Settings("discriminant"), taught=one) for one in (None, taught))
    assert plain.report["n_taught"] == 0 and plain.report["accuracy"] > 0.7
    assert aware.report["n_taught"] == 180 and aware.report["n"] == 300
    assert aware.report["n_held_out"] == 120 and set(aware.held_out.index.tolist()) == set(range(120))
    assert aware.report["accuracy"] == pytest.approx((aware.held_out.truth == aware.held_out.first).mean())
    assert aware.report["accuracy"] < plain.report["accuracy"] - 0.05
    sure, unsure = (one.model.predict(lured[:120]).scores[:, 0].mean() for one in (plain, aware))
    assert unsure < sure, "scores are calibrated by what is new to the embedder"


def test_where_everything_taught_the_embedder_nothing_is_asked() -> None:
    vectors, taxa = digits(200)
    report = fit(vectors, taxa, np.arange(200) % 9, Settings("auto"), taught=np.ones(200, bool)).report
    assert (report["n_held_out"], report["accuracy"], report["n_taught"]) == (0, None, 200)
    assert len(report["not_held_out"]) == 10


def test_samples_that_the_embedder_knows_are_not_told_as_new_ones() -> None:
    vectors, taxa = digits(400)
    groups = np.arange(400) % 20
    alone = fit(vectors, taxa, groups, Settings("discriminant"), taught=groups < 10).report
    mixed = fit(vectors, taxa, groups, Settings("discriminant"), taught=np.arange(400) < 200).report
    assert alone["by_group"] and not mixed["by_group"]
    assert alone["n_held_out"] == mixed["n_held_out"] == 200
