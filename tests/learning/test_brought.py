"""Files that a learning set comes in and that are damaged, endless, or of values that fit nothing."""

import io
import json
import os
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="parquet needs pip install 'shoal[parquet]'")

import pyarrow as pa
from pyarrow import parquet

from app.database import Db
from app.errors import Refused
from app.jobs import upkeep
from app.learning import brought, exporting, importing, tables
from tests.learning.test_routes import Desk, desk

__all__ = ["desk"]


def damaged_zip() -> bytes:
    """Of a table that is not what was packed."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as bundle:
        bundle.writestr("learning_set.parquet", b"a" * 5000)
    return data.getvalue().replace(b"aaaa", b"bbbb", 1)


def table_of(**columns: Any) -> bytes:
    data = io.BytesIO()
    parquet.write_table(pa.table(columns), data)
    return data.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x05\x06" + b"\xff" * 18, "cannot be read"),
        (damaged_zip(), "The table in the zip cannot be read"),
        (table_of(taxon=[1, 2]), "not the names of taxa"),
    ],
)
def test_a_file_that_is_damaged_is_told_and_leaves_nothing(desk: Desk, content: bytes, sentence: str) -> None:
    answer = desk.client.post(f"{desk.api}/import?title=Bad", content=content)
    assert answer.status_code == 422 and sentence in answer.json()["detail"]
    assert not list((desk.settings.home / "learning").iterdir())


def bomb(kind: str) -> bytes:
    """A small file of very much."""
    text, n = "x" * 100_000, 3000
    columns: dict[str, Any] = {
        "long names": {"taxon": [text] * n},
        "repeated numbers": {"taxon": ["Oithona"] * n, "vector": [[0.5] * 2000] * n},
        "plain names": {"taxon": ["Oithona"] * n, "orig_id": [text] * n},
    }[kind]
    data = io.BytesIO()
    parquet.write_table(pa.table(columns), data, compression="zstd", use_dictionary=kind != "plain names")
    assert len(data.getvalue()) < 300_000
    return data.getvalue()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("long names", "a name of 100,000 letters"),
        ("repeated numbers", "unpacks to more than 20,000,000 bytes"),
        ("plain names", "unpacks to more than 20,000,000 bytes"),
    ],
)
def test_a_small_table_that_unpacks_to_very_much_is_refused_before_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str, sentence: str
) -> None:
    monkeypatch.setattr(tables, "MOST_TABLE_BYTES", 20_000_000)
    content = bomb(kind)
    tracemalloc.start()
    answer = desk.client.post(f"{desk.api}/import?title=Bomb", content=content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status_code == 422 and sentence in answer.json()["detail"]
    assert peak < 20_000_000
    assert not list((desk.settings.home / "learning").iterdir())


def test_what_is_sent_goes_to_the_disk_as_it_comes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    content, seen = bytes(60_000_000), []

    def ask(db: Db, project: Any, account_id: int, title: str, path: Path) -> None:
        seen.append(path.stat().st_size)
        raise Refused("This is all that is looked at.")

    monkeypatch.setattr(importing, "ask", ask)
    tracemalloc.start()
    pieces = (content[start : start + 100_000] for start in range(0, len(content), 100_000))
    desk.client.post(f"{desk.api}/import?title=Large", content=pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == [60_000_000]
    assert not list((desk.settings.home / "learning").iterdir())
    assert peak < 250_000_000, "the client of the test has it whole, once and again"


def test_a_long_name_is_cut_by_the_bytes_that_a_file_system_takes(desk: Desk) -> None:
    name = "ж" * 250
    assert desk.client.post(f"{desk.base}/import", files={"file": (f"{name}.zip", b"none")}).status_code == 422
    assert len(exporting.safe(name).encode()) <= 255 and exporting.safe(name) == "ж" * 100


def test_tables_are_read_piece_by_piece_as_they_were_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_ONCE", 4)
    path = tmp_path / "set.parquet"
    path.write_bytes(
        table_of(
            taxon=[f"t{k % 3}" for k in range(10)], object_id=[None, *range(1, 10)],
            orig_id=["a\0b", None, *"cdefghij"], vector=[None, [0.0, 0.0], *([float(k), 1.0] for k in range(2, 10))],
        )
    )  # fmt: skip
    with brought.BroughtFile(path) as file:
        assert file.names() == ["t0", "t1", "t2"]
        read = file.read()
    assert read.names == [f"t{k % 3}" for k in range(10)] and read.object_ids.tolist() == list(range(10))
    assert read.orig_ids[:3] == ["a b", "", "c"] and read.project_ids.tolist() == [0] * 10
    assert {row: vector.tolist() for row, vector in read.vectors.items()} == {k: [k, 1.0] for k in range(2, 10)}


def test_a_table_in_a_zip_that_unpacks_without_end_is_not_unpacked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brought, "MOST_TABLE_BYTES", 1000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("learning_set.parquet", bytes(100_000))
    answer = desk.client.post(f"{desk.api}/import?title=Bomb", content=data.getvalue())
    assert answer.status_code == 422 and "larger than 1,000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"object_id": ["x"]}, "values that are none of its columns'"),
        ({"project_id": [2**40]}, "values that are none of its columns'"),
        ({"vector": [[1.0, None]]}, "values that are none of its columns'"),
    ],
)
def test_values_that_fit_no_column_are_told_by_the_job(desk: Desk, columns: dict[str, Any], sentence: str) -> None:
    content = table_of(taxon=["Oithona"], **columns)
    assert desk.client.post(f"{desk.api}/import?title=Bad", content=content).status_code == 202
    with pytest.raises(Refused, match=sentence):
        desk.work()


def test_vectors_of_another_length_than_their_embedders_are_refused(desk: Desk) -> None:
    row = desk.seas.db.execute("select digest from embedder where id = %s", [desk.seas.embedder_id]).fetchone()
    told = {"embedder": json.dumps({"name": "own", "digest": row.digest})}
    schema = pa.schema([("taxon", pa.string()), ("vector", pa.list_(pa.float32()))], metadata=told)
    data = io.BytesIO()
    parquet.write_table(pa.table({"taxon": ["Oithona"], "vector": [[0.6, 0.8]]}, schema=schema), data)
    assert desk.client.post(f"{desk.api}/import?title=Short", content=data.getvalue()).status_code == 202
    with pytest.raises(Refused, match="have 2 numbers"):
        desk.work()


def test_files_of_a_week_ago_go_by_themselves(desk: Desk, db: Db) -> None:
    home = desk.settings.home
    old, young = "0b5e", "1c6f"
    names = ["learning/brought-{}/set.zip", "learning/export-{}.zip", "predictions/{}.parquet", "trainings/{}/e/state"]
    for which, days in ((old, 8), (young, 6)):
        for name in names:
            path = home / name.format(which)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
            for one in (path, path.parent, path.parent.parent):
                os.utime(one, (time.time() - days * 86_400,) * 2)
    upkeep.sweep_uploads(desk.settings, db)
    left = [[(home / name.format(which)).exists() for name in names] for which in (old, young)]
    assert left == [[False] * 4, [True] * 4]
    assert not (home / "trainings" / old).exists()
