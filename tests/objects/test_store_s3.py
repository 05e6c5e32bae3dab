"""The content store on S3, against a real server of that protocol on this machine."""

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.database import Db
from app.errors import NotFound
from app.objects.store import Store
from app.settings import Settings
from tests.exchange.conftest import Workplace, picture


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server with a bucket named shoal."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer("127.0.0.1", port)
    server.start()
    address = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
    )
    client.create_bucket(Bucket="shoal")
    client.close()
    yield address
    server.stop()


@pytest.fixture
def store_url(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A place of this test's own in the bucket, with the environment that reaches it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return f"s3://shoal/{request.node.name}"


def test_packs_and_images_come_back_from_s3(store_url: str) -> None:
    store = Store(store_url)
    writer = store.pack_writer()
    refs = [writer.add(bytes([number]) * 100) for number in range(20)]
    writer.finish()
    large = store.put_image(hashlib.sha256(b"large").digest(), b"large")

    assert [store.read(ref)[0] for ref in refs] == list(range(20))
    assert store.read(large) == b"large"
    with pytest.raises(NotFound):
        store.read("images/ab/" + "0" * 64)


def test_a_sweep_works_on_s3(store_url: str, db: Db) -> None:
    store = Store(store_url)
    store.check()
    writer = store.pack_writer()
    ref = writer.add(b"orphan")
    writer.finish()

    assert store.sweep(db, older_than_s=3600) == 0
    assert store.sweep(db, older_than_s=-60) == 1
    with pytest.raises(NotFound):
        store.read(ref)


def test_an_import_stores_on_s3(store_url: str, db: Db, settings: Settings, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(picture(number))
    workplace = Workplace(db, replace(settings, store_url=store_url))

    report = workplace.bring_in(tmp_path)

    assert (report.status, report.n_images) == ("done", 3)
    store = Store(store_url)
    blobs = workplace.rows("select hash, blob from content")
    assert all(hashlib.sha256(store.read(blob)).digest() == hash for hash, blob in blobs)
