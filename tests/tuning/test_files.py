"""A trained embedder's file comes to a machine whole, also when two jobs bring it at once."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from app.tuning.files import write_whole


def test_two_that_write_the_same_file_at_once_leave_one_whole_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "embedders" / "tuned.onnx"
    data = b"weights" * 300_000
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(partial(write_whole, path), [data] * 12))
    assert path.read_bytes() == data and list(path.parent.iterdir()) == [path]
