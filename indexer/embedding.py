"""The pipeline from files to vectors: reading and decoding in threads, overlapped with the model's forward pass."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

import numpy as np

from indexer.embedders.base import Embedder
from indexer.images import MAX_PIXELS, BadImage, open_image

Key = TypeVar("Key", bound=Hashable)
Loader = Callable[[], bytes]


@dataclass(frozen=True)
class Embedded(Generic[Key]):
    """One batch: float32 [len(keys), d] of unit length, and the keys without a vector, with the reasons."""

    keys: list[Key]
    vectors: np.ndarray
    failures: list[tuple[Key, BadImage]]


def embed_stream(
    embedder: Embedder,
    items: Iterable[tuple[Key, Loader]],
    decoders: int = 2,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Embedded[Key]]:
    """Embed what the loaders give, in their order, a batch of `embedder.batch_size` at a time.

    Each loader is called once, in one of `decoders` threads, and returns a file's bytes; where they are no image (or
    it raises BadImage itself) its key comes back among the failures. Whatever else a loader raises ends the stream.
    At most a few batches per thread are ahead of the model, so memory does not grow with the number of items.
    """
    source = iter(items)
    with ThreadPoolExecutor(decoders, thread_name_prefix="decode") as pool:
        ahead: deque[Future[tuple[list[Key], np.ndarray | None, list[tuple[Key, BadImage]]]]] = deque()
        try:
            while True:
                while len(ahead) < 3 * decoders and (some := list(islice(source, embedder.batch_size))):
                    ahead.append(pool.submit(_decode, embedder, some, max_pixels))
                if not ahead:
                    return
                keys, batch, failures = ahead.popleft().result()
                vectors = np.empty((0, embedder.dimension), np.float32) if batch is None else embedder.embed(batch)
                yield Embedded(keys, vectors, failures)
        finally:
            for future in ahead:
                future.cancel()


def _decode(
    embedder: Embedder, items: list[tuple[Key, Loader]], max_pixels: int
) -> tuple[list[Key], np.ndarray | None, list[tuple[Key, BadImage]]]:
    keys, batches, failures = [], [], []
    for key, load in items:
        try:
            # Prepared one by one, so that a large image is let go before the next is decoded.
            batches.append(embedder.prepare([open_image(load(), max_pixels)]))
            keys.append(key)
        except BadImage as error:
            failures.append((key, error))
    return keys, np.concatenate(batches) if batches else None, failures
