"""A small network is trained on labelled images, goes on where it was stopped, and is served without torch."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from indexer import embedders
from indexer.embedders import EmbedderError, lite0
from indexer.images import BadImage
from indexer.tuning import LearningImages, Settings, TuningError, data, export, plan, report
from indexer.tuning.depthwise import DepthwiseConvolution
from indexer.tuning.lite0_torch import Lite0
from indexer.tuning.networks import Network, open_network
from indexer.tuning.run import estimate_seconds, read, tune

QUICK = {"epochs": 2, "sides_px": (32,), "served_px": 32, "threads": 2}


def digits(n: int = 240, classes: int = 4) -> LearningImages:
    """Handwritten digits (scikit-learn's), some of them labelled."""
    known = load_digits()
    kept = np.flatnonzero(known.target < classes)[:n]

    def load(i: int) -> Image.Image:
        return Image.fromarray((known.images[kept[i]] * 15.9).astype(np.uint8)).resize((40, 40))

    return LearningImages(known.target[kept], load)


def quick(**more: object) -> Settings:
    return Settings(**{"name": "digits", **QUICK, **more})  # type: ignore[arg-type] - of the fields' own types


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    return tune(tmp_path_factory.mktemp("trained"), digits(), quick())


def test_it_comes_out_as_a_registered_embedder_that_gives_the_reported_vectors(trained, tmp_path: Path) -> None:
    spec = trained.install(tmp_path)
    embedder = embedders.get(spec, tmp_path, "cpu", 1)
    kept = np.load(trained.held_out)
    squares = np.load(trained.model.parent / "squares.npy")[kept["index"]]
    vectors = embedder.embed(embedder.prepare([Image.fromarray(square[..., 0]) for square in squares]))
    assert embedder.name == "digits" and embedder.digest == trained.digest and embedder.dimension == vectors.shape[1]
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert (vectors * kept["vectors"]).sum(axis=1).min() > 0.999


def test_its_report_counts_what_was_held_out(trained) -> None:
    told, kept = trained.report, np.load(trained.held_out)
    assert told["n"] == 240 and told["n_taxa"] == 4 and told["n_learned"] + told["n_held_out"] == 240
    assert told["n_held_out"] == len(kept["truth"]) == 48
    assert told["accuracy"] == pytest.approx((kept["truth"] == kept["said"]).mean(), abs=1e-4)
    assert told["agreement_after"] == pytest.approx(report.agreement(kept["vectors"], kept["truth"]), abs=1e-4)
    assert told["agreement_before"] > 0.5
    assert len(told["history"]) == told["epochs"] == 2


def test_a_finished_training_is_not_done_again(trained) -> None:
    began = time.monotonic()
    assert tune(trained.model.parent, digits(), quick()).digest == trained.digest
    assert time.monotonic() - began < 5


def test_a_folder_of_another_training_is_refused(trained) -> None:
    with pytest.raises(TuningError, match="another training"):
        tune(trained.model.parent, digits(200), quick())


def test_a_damaged_file_is_told(trained, tmp_path: Path) -> None:
    spec = trained.install(tmp_path)
    path = next(tmp_path.glob("tuned-*.onnx"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(EmbedderError, match="damaged"):
        embedders.get(spec, tmp_path, "cpu", 1)
    path.unlink()
    with pytest.raises(EmbedderError, match="not on this machine"):
        embedders.get(spec, tmp_path, "cpu", 1)


class Stopped(Exception):
    pass


def test_a_cancelled_training_goes_on_from_its_last_epoch_to_the_same_end(tmp_path: Path) -> None:
    images, settings = digits(160), quick(epochs=3)
    whole = tune(tmp_path / "whole", images, settings)
    seen: list[str] = []

    def stop(done: int, total: int | None, unit: str, message: str) -> None:
        seen.append(message)
        if message.startswith("epoch 3"):
            raise Stopped

    with pytest.raises(Stopped):
        tune(tmp_path / "parted", images, settings, stop)
    after: list[str] = []
    parted = tune(tmp_path / "parted", images, settings, lambda *told: after.append(told[3]))
    assert any(line.startswith("epoch 1") for line in seen)
    assert not any(line.startswith(("epoch 1", "epoch 2")) for line in after)
    losses = [[epoch["loss"] for epoch in one.report["history"]] for one in (whole, parted)]
    assert np.allclose(*losses, atol=0.02)


def _train(folder: Path) -> None:
    tune(folder, digits(160), quick(epochs=8))


def test_a_killed_training_loses_one_epoch_at_most(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_train, args=(tmp_path,))
    process.start()
    deadline = time.monotonic() + 120
    while not (tmp_path / "checkpoint.pt").is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    done = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["done"]
    assert 1 <= done < 8 and not (tmp_path / "report.json").exists()
    said: list[str] = []
    finished = tune(tmp_path, digits(160), quick(epochs=8), lambda *told: said.append(told[3]))
    assert len(finished.report["history"]) == 8
    assert f"epoch {done} of 8" not in " ".join(said)


def test_the_graph_gives_what_torch_gives(tmp_path: Path) -> None:
    network = open_network("lite0")
    squares = np.random.default_rng(1).integers(0, 255, (3, 128, 128, 3), np.uint8)
    export.write_onnx(tmp_path / "net.onnx", network, 128, 96, None, {})
    by_onnx = export.vectors(tmp_path / "net.onnx", squares, 1)
    default = lite0.Lite0("lite0-128-rot4", tmp_path, "cpu", 1)
    assert np.allclose(by_onnx[:, : network.width], by_torch(network, squares, 96), atol=1e-4)
    assert np.allclose(by_onnx[:, network.width :], default.embed(squares), atol=1e-4)
    join = export.fit_join(by_onnx[:, : network.width], np.array([1, 2, 2]))
    export.write_onnx(tmp_path / "joined.onnx", network, 128, 96, join, {})
    joined = join.apply(by_onnx[:, : network.width], by_onnx[:, network.width :])
    assert np.allclose(export.vectors(tmp_path / "joined.onnx", squares, 1), joined, atol=1e-3)


def test_a_network_of_timm_is_trained_and_served_likewise(tmp_path: Path) -> None:
    made = tune(tmp_path / "run", digits(160), quick(network="timm:mobilenetv3_small_050:random", epochs=1))
    squares = np.random.default_rng(1).integers(0, 255, (3, 128, 128, 3), np.uint8)
    network = open_network("timm:mobilenetv3_small_050:random")
    export.write_onnx(tmp_path / "net.onnx", network, 128, 64, None, {})
    by_onnx = export.vectors(tmp_path / "net.onnx", squares, 1)[:, : network.width]
    assert np.allclose(by_onnx, by_torch(network, squares, 64), atol=1e-3)
    embedder = embedders.get(made.install(tmp_path), tmp_path, "cpu", 1)
    assert embedder.embed(squares).shape == (3, embedder.dimension)


def by_torch(network: Network, squares: np.ndarray, side_px: int) -> np.ndarray:
    planes = torch.from_numpy(squares).permute(0, 3, 1, 2) / 255.0
    planes = torch.nn.functional.interpolate(planes, (side_px, side_px), mode="bilinear", align_corners=False)
    planes = (planes - torch.tensor(network.mean).view(3, 1, 1)) / torch.tensor(network.std).view(3, 1, 1)
    with torch.inference_mode():
        views = [network.module.eval()(torch.rot90(planes, turn, (2, 3))) for turn in range(4)]
    mean = torch.stack([torch.nn.functional.normalize(view) for view in views]).mean(0)
    return torch.nn.functional.normalize(mean).numpy()


@pytest.mark.parametrize(
    ("channels", "side", "kernel", "stride"), [(8, 2, 5, 1), (8, 12, 5, 2), (8, 7, 3, 2), (8, 9, 3, 1)]
)
def test_slopes_of_depthwise_convolutions_are_those_of_torch(
    channels: int, side: int, kernel: int, stride: int
) -> None:
    torch.manual_seed(0)
    for padding in (0, kernel // 2):
        if side + 2 * padding < kernel:
            continue
        x = torch.randn(4, channels, side, side).to(memory_format=torch.channels_last).bfloat16().requires_grad_()
        weights = torch.randn(channels, 1, kernel, kernel, requires_grad=True)
        ours = DepthwiseConvolution.apply(x, weights, stride, padding)
        slope = torch.randn_like(ours)
        ours.backward(slope)
        exact_x, exact_w = x.detach().float().requires_grad_(), weights.detach().clone().requires_grad_()
        exact = torch.nn.functional.conv2d(exact_x, exact_w, None, stride, padding, 1, channels)
        exact.backward(slope.float())
        for own, right in ((x.grad.float(), exact_x.grad), (weights.grad, exact_w.grad)):
            assert torch.nn.functional.cosine_similarity(own.flatten(), right.flatten(), 0) > 0.999
            assert (own - right).abs().max() < 0.05 * right.abs().max()


def test_the_network_in_torch_is_the_default_embedder_s() -> None:
    weights = lite0.read_weights()
    tensors = Lite0(weights).tensors()
    assert all(np.array_equal(tensors[name], value) for name, value in weights.items() if name in tensors)
    assert len([name for name in tensors if not name.endswith("num_batches_tracked")]) > 200


@pytest.mark.parametrize(
    ("n", "classes", "sentence"), [(50, 4, "50 labelled images are too few"), (150, 1, "Of 1 taxon only 1")]
)
def test_too_little_to_learn_from_is_told(n: int, classes: int, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=sentence):
        tune(tmp_path, digits(n, classes), quick())


def test_an_unknown_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="There is no network 'resnet'"):
        tune(tmp_path, digits(), quick(network="resnet"))


def test_unreadable_images_are_left_out_and_counted(tmp_path: Path) -> None:
    fine = digits(120)

    def load(i: int) -> Image.Image:
        if i == 7:
            raise BadImage("the file is empty")
        return fine.load(i)

    squares, bad = data.read_squares(LearningImages(fine.labels, load), 32, tmp_path, lambda *_: None)
    assert bad == [(7, "the file is empty")] and squares.shape == (120, 32, 32, 1) and squares[8].any()


def test_a_coloured_image_keeps_its_colours(tmp_path: Path) -> None:
    fine = digits(120)

    def load(i: int) -> Image.Image:
        return Image.new("RGB", (20, 20), (200, 30, 30)) if i == 90 else fine.load(i)

    squares, _ = data.read_squares(LearningImages(fine.labels, load), 32, tmp_path, lambda *_: None)
    assert squares.shape == (120, 32, 32, 3) and squares[90, 5, 5].tolist() == [200, 30, 30]


def test_whole_groups_are_held_out_where_there_are_enough() -> None:
    labels = np.tile(np.arange(4), 100)
    groups = np.repeat(np.arange(40), 10)
    held_out = data.part(LearningImages(labels, digits().load, groups), 0)
    assert 60 <= held_out.sum() <= 100
    assert not set(groups[held_out]) & set(groups[~held_out])
    of_few = data.part(LearningImages(labels, digits().load, np.repeat([0, 1], 200)), 0)
    assert 70 <= of_few.sum() <= 90 and [int((of_few & (labels == k)).sum()) for k in range(4)] == [20] * 4


def test_a_plan_keeps_to_its_time_and_grows_its_images() -> None:
    free = plan.make_plan(10_000, Settings(minutes=None), 0.3, plan.GROWING_PX)
    short = plan.make_plan(10_000, Settings(minutes=6), 0.3, plan.GROWING_PX)
    small = plan.make_plan(1600, Settings(minutes=12), 0.3, plan.GROWING_PX)
    assert short.epochs < free.epochs < small.epochs
    assert plan.training_seconds(short.steps, short.sides_px, 0.3) < 6 * 60
    assert list(free.sides_px) == sorted(free.sides_px) and free.sides_px[0] == 64 and free.sides_px[-1] == 112
    assert plan.make_plan(1_000_000, Settings(minutes=12), 0.3, plan.GROWING_PX).steps == free.steps


def test_the_time_that_it_takes_is_measured_here() -> None:
    few, many = (estimate_seconds(n, seconds_a_step=0.3) for n in (2000, 10_000))
    assert 60 < few < many < 20 * 60


def test_agreement_is_that_of_the_nearest_other_image() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 1, 2]]
    assert report.agreement(vectors, np.array([5, 5, 6, 7, 8])) == pytest.approx(0.4)
    classes = report.of_classes(np.array([1, 1, 2, 2]), np.array([1, 1, 1, 2]))
    assert classes == {"accuracy": 0.75, "average_precision": pytest.approx(5 / 6), "average_recall": 0.75}


def test_a_training_that_is_finished_is_read_again(trained) -> None:
    assert read(trained.model.parent).report == trained.report
