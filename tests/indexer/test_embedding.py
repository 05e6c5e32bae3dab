"""The pipeline gives every file its vector in order, sets broken ones aside, and never runs far ahead."""

import io
import itertools
import threading
import time
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from indexer.embedders import Embedder
from indexer.embedding import embed_stream
from indexer.images import BadImage


class Mean(Embedder):
    """The mean grey as a vector of two numbers; counts what is under way."""

    dimension = 2
    batch_size = 3

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def prepare(self, images: list[Image.Image]) -> np.ndarray:
        return np.array([[np.asarray(image).mean(), 1] for image in images], np.float32)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        self.sizes.append(len(batch))
        return batch / np.linalg.norm(batch, axis=1, keepdims=True)


def file(grey: int, side: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side), grey).save(out, "PNG")
    return out.getvalue()


def test_vectors_come_in_the_order_of_the_files() -> None:
    embedder = Mean()
    batches = list(embed_stream(embedder, [(k, lambda k=k: file(k)) for k in range(20)]))
    assert [key for batch in batches for key in batch.keys] == list(range(20))
    vectors = np.concatenate([batch.vectors for batch in batches])
    assert np.allclose(vectors[:, 0] / vectors[:, 1], np.arange(20), rtol=1e-4)
    assert embedder.sizes == [3] * 6 + [2]


def test_broken_files_are_set_aside_with_their_reason() -> None:
    def refused() -> bytes:
        raise BadImage("the store has lost it")

    items = [("good", lambda: file(5)), ("empty", lambda: b""), ("text", lambda: b"hello"), ("lost", refused)]
    batches = list(embed_stream(Mean(), items))
    assert [key for batch in batches for key in batch.keys] == ["good"]
    failures = {key: str(error) for batch in batches for key, error in batch.failures}
    assert failures["empty"] == "the file is empty" and failures["lost"] == "the store has lost it"
    assert failures["text"].startswith("not an image")
    assert batches[-1].vectors.shape == (0, 2)


def test_a_bomb_is_set_aside_by_the_limit_that_is_asked_for() -> None:
    [batch] = embed_stream(Mean(), [("large", lambda: file(1, 200))], max_pixels=1000)
    assert "more than the 1,000 allowed" in str(batch.failures[0][1])


def test_trouble_that_is_not_the_image_ends_the_stream() -> None:
    def broken() -> bytes:
        raise ConnectionError("the network is down")

    with pytest.raises(ConnectionError):
        list(embed_stream(Mean(), [(1, broken)]))


def test_reading_and_the_model_overlap() -> None:
    spent = {"reading": 0.0, "model": 0.0}

    def sleep(seconds: float, what: str) -> None:
        before = time.monotonic()
        time.sleep(seconds)
        spent[what] += time.monotonic() - before

    class Slow(Mean):
        def embed(self, batch: np.ndarray) -> np.ndarray:
            sleep(0.06, "model")
            return super().embed(batch)

    def slow() -> bytes:
        sleep(0.02, "reading")
        return file(1)

    before = time.monotonic()
    assert len(list(embed_stream(Slow(), [(k, slow) for k in range(30)]))) == 10
    assert time.monotonic() - before < 0.9 * (spent["reading"] + spent["model"])


def test_it_reads_only_a_little_ahead_and_stops_when_it_is_left() -> None:
    read = itertools.count()

    def items() -> Iterator[tuple[int, object]]:
        while True:
            number = next(read)
            yield number, lambda: file(1)

    stream = embed_stream(Mean(), items(), decoders=2)
    next(stream)
    next(stream)
    stream.close()
    assert next(read) <= 3 * (6 + 3)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    data = file(7, 300)

    def peak(n: int) -> int:
        tracemalloc.start()
        for _ in embed_stream(Mean(), ((k, lambda: data) for k in range(n))):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(30)
    assert peak(600) < 1.5 * peak(60) + 100_000
