"""An uploaded image is found by its vector: in the web process without torch, or by a worker with it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.accounts.viewer import Account
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.questions import workers_alive
from app.projects.queries import set_member
from app.search import embedders, query_image
from app.search.vector_copy import write_vectors
from app.settings import Settings
from indexer.images import open_image
from tests.search.conftest import unit_vectors
from tests.small_projects import make_project as make_small
from tests.web_fixtures import Client, bearer, logged_in

ROOT = Path(__file__).parents[2]


def picture() -> bytes:
    out = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def project_id(db: Db, settings: Settings, make_project: Callable[..., int]) -> int:
    """An open project with the default embedder."""
    project_id = make_project(visibility="everyone")
    embedders.assign(db, settings, project_id)
    db.commit()
    return project_id


def expected(settings: Settings) -> np.ndarray:
    embedder = embedders.open_embedder(settings, "lite0-128-rot4")
    return embedder.embed(embedder.prepare([open_image(picture())]))[0]


def found(db: Db, project_id: int, key: str) -> np.ndarray:
    project = db.execute("select id, embedder_id from project where id = %s", [project_id]).fetchone()
    return query_image.query_vector(db, project, key)


def test_an_uploaded_form_gives_a_key_whose_vector_is_kept(
    db: Db, settings: Settings, project_id: int, app_client: Client, make_account: Callable[..., Account]
) -> None:
    logged_in(app_client, make_account())
    answer = app_client.post(f"/projects/{project_id}/query-image", files={"image": ("mine.png", picture())})
    assert answer.status_code == 200, answer.text
    vector = found(db, project_id, answer.json()["query"])
    assert vector.dtype == np.float32 and vector @ expected(settings) > 0.999


def test_programs_send_the_body_itself_even_with_a_read_only_token(
    db: Db, settings: Settings, project_id: int, app_client: Client, make_account: Callable[..., Account]
) -> None:
    headers = bearer(settings.database_url, make_account(), "read") | {"content-type": "image/png"}
    answer = app_client.post(f"/api/v1/projects/{project_id}/query-image", content=picture(), headers=headers)
    assert answer.status_code == 200, answer.text
    assert found(db, project_id, answer.json()["query"]) @ expected(settings) > 0.999


def test_an_image_of_more_than_four_megabytes_is_taken(
    project_id: int, app_client: Client, make_account: Callable[..., Account]
) -> None:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (1500, 1500, 3), dtype=np.uint8)).save(out, "BMP")
    logged_in(app_client, make_account())
    answer = app_client.post(f"/projects/{project_id}/query-image", files={"image": ("large.bmp", out.getvalue())})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "the file is empty"), (b"<svg/>", "not an image"), (picture()[:900], "cut short")]
)
def test_what_is_no_image_is_refused_with_the_reason(
    project_id: int,
    app_client: Client,
    make_account: Callable[..., Account],
    settings: Settings,
    data: bytes,
    said: str,
) -> None:
    headers = bearer(settings.database_url, make_account()) | {"content-type": "application/octet-stream"}
    answer = app_client.post(f"/api/v1/projects/{project_id}/query-image", content=data, headers=headers)
    assert answer.status_code == 400
    assert "Your image cannot be searched by" in answer.json()["detail"] and said in answer.json()["detail"]


def test_a_form_without_a_file_is_refused(
    project_id: int, app_client: Client, make_account: Callable[..., Account], settings: Settings
) -> None:
    headers = bearer(settings.database_url, make_account())
    answer = app_client.post(
        f"/api/v1/projects/{project_id}/query-image", files={"image": (None, "text")}, headers=headers
    )
    assert answer.status_code == 400 and "The form holds no file" in answer.json()["detail"]


def test_a_private_project_does_not_exist_for_a_stranger(
    app_client: Client, make_project: Callable[..., int], make_account: Callable[..., Account], settings: Settings
) -> None:
    answer = app_client.post(
        f"/api/v1/projects/{make_project()}/query-image",
        content=picture(),
        headers=bearer(settings.database_url, make_account()) | {"content-type": "image/png"},
    )
    assert answer.status_code == 404


def test_a_key_belongs_to_its_project_and_its_embedder(
    db: Db, settings: Settings, project_id: int, make_project: Callable[..., int]
) -> None:
    project = db.execute("select * from project where id = %s", [project_id]).fetchone()
    key = query_image.make_query(db, project, settings, settings.database_url, picture(), None)
    with pytest.raises(NotFound, match="Upload the image again"):
        found(db, make_project(), key)
    embedders.assign(db, settings, project_id, "lite0-128")
    with pytest.raises(Refused, match="embedder was changed"):
        found(db, project_id, key)


def test_old_keys_go_when_new_ones_come(db: Db, settings: Settings, project_id: int) -> None:
    project = db.execute("select * from project where id = %s", [project_id]).fetchone()
    old = query_image.make_query(db, project, settings, settings.database_url, picture(), None)
    db.execute("update query_image set created_at = now() - interval '31 days'")
    query_image.make_query(db, project, settings, settings.database_url, picture(), None)
    with pytest.raises(NotFound):
        found(db, project_id, old)


def test_a_project_without_an_embedder_or_with_brought_vectors_says_so(
    db: Db, settings: Settings, make_project: Callable[..., int], tmp_path: Path
) -> None:
    project_id = make_project()
    project = db.execute("select * from project where id = %s", [project_id]).fetchone()
    with pytest.raises(Refused, match="has no vectors yet"):
        query_image.query_vector_of(db, project, settings, settings.database_url, picture())
    np.save(tmp_path / "mine.npy", np.ones((1, 4), np.float32))
    (tmp_path / "mine.ids.txt").write_text("x")
    embedders.assign(db, settings, project_id, f"vectors:{tmp_path / 'mine.npy'}")
    project = db.execute("select * from project where id = %s", [project_id]).fetchone()
    with pytest.raises(Refused, match="were made elsewhere, and Shoal cannot make one of your image"):
        query_image.query_vector_of(db, project, settings, settings.database_url, picture())


FRESH = """
import sys, time, json
import app.main
from app import database
from app.search import query_image
from app.settings import load_settings
settings = load_settings()
data = open(sys.argv[2], "rb").read()
with database.connect(settings.database_url) as db:
    project = db.execute("select * from project where id = %s", [int(sys.argv[1])]).fetchone()
    before = time.monotonic()
    vector = query_image.query_vector_of(db, project, settings, settings.database_url, data)
    took = time.monotonic() - before
print(json.dumps({"took": took, "torch": "torch" in sys.modules, "onnx": "onnx" in sys.modules, "d": len(vector)}))
"""


def environment(settings: Settings) -> dict[str, str]:
    return os.environ | {
        "SHOAL_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url,
        "OMP_NUM_THREADS": "1",
        "SHOAL_EMBED_THREADS": "1",
    }


def test_a_fresh_web_process_answers_within_a_second_without_torch(
    settings: Settings, project_id: int, tmp_path: Path
) -> None:
    (tmp_path / "query.png").write_bytes(picture())
    ran = subprocess.run(
        [sys.executable, "-c", FRESH, str(project_id), str(tmp_path / "query.png")],
        env=environment(settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["d"] == 256 and not said["torch"] and not said["onnx"]
    assert said["took"] < 1, said


@pytest.fixture
def worker(db: Db, settings: Settings) -> Iterator[subprocess.Popen]:
    """A real worker on this test's database."""
    code = "from app.worker import work; from app.settings import load_settings; work(load_settings())"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment(settings), cwd=ROOT)
    deadline = time.monotonic() + 60
    while not workers_alive(db) and time.monotonic() < deadline:
        db.commit()
        time.sleep(0.2)
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def random_clip(folder: Path) -> Path:
    """A small open_clip model with random weights, made in another process: this one need not load torch."""
    code = f"""
import json
from pathlib import Path
from indexer.embedders.clip import import_torchvision
import_torchvision()
import open_clip, torch
from safetensors.torch import save_file
shape = dict(
    embed_dim=32,
    vision_cfg=dict(image_size=32, layers=2, width=64, head_width=16, patch_size=8),
    text_cfg=dict(context_length=16, vocab_size=49408, width=32, heads=2, layers=1),
)
folder = Path({str(folder)!r})
save_file(open_clip.CLIP(**shape).state_dict(), folder / "open_clip_model.safetensors")
text = json.dumps(dict(model_cfg=shape, preprocess_cfg=dict(mean=[0.5] * 3, std=[0.5] * 3)))
(folder / "open_clip_config.json").write_text(text)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=ROOT)
    return folder


def asked_until_the_model_is_loaded(db: Db, project: query_image.Asked, settings: Settings) -> np.ndarray:
    """As a person would who is told that the worker may still be loading it."""
    for _ in range(5):
        try:
            return query_image.query_vector_of(db, project, settings, settings.database_url, picture())
        except Refused as refusal:
            assert refusal.status == 503
    raise AssertionError("the worker never answered")


def test_an_embedder_that_needs_torch_is_asked_of_a_worker_for_images_and_texts(
    db: Db,
    settings: Settings,
    make_account: Callable[..., Account],
    app_client: Client,
    worker: subprocess.Popen,
    tmp_path: Path,
) -> None:
    small = make_small(db, 12, "Words")
    project_id = small.id
    embedders.assign(db, settings, project_id, f"local-dir:{random_clip(tmp_path)}")
    db.commit()
    project = db.execute("select * from project where id = %s", [project_id]).fetchone()
    with pytest.raises(Refused, match="Your image cannot be searched by"):
        query_image.query_vector_of(db, project, settings, settings.database_url, b"nothing")
    vector = asked_until_the_model_is_loaded(db, project, settings)
    embedder = embedders.open_embedder(settings, f"local-dir:{tmp_path}")
    assert vector @ embedder.embed(embedder.prepare([open_image(picture())]))[0] > 0.9999
    write_vectors(db, project.embedder_id, project_id, np.array(small.ids), unit_vectors(12, 32))
    boss = make_account(is_application_manager=True)
    set_member(db, project_id, boss.id, "annotator")
    db.commit()
    url, headers = f"/api/v1/projects/{project_id}", bearer(settings.database_url, boss)
    asked = app_client.post(f"{url}/query-text", json={"text": " a  red\nshrimp "}, headers=headers)
    assert asked.status_code == 200, asked.text
    key = asked.json()["query"]
    assert found(db, project_id, key) @ embedder.embed_text(["a red shrimp"])[0] > 0.9999
    batch = app_client.post(f"{url}/batches", json={"source": {"kind": "examples", "image": key}}, headers=headers)
    assert batch.json()["title"] == "Like “a red shrimp”" and batch.json()["n"] == 12
    page = logged_in(app_client, boss)
    board = page.get(f"/projects/{project_id}?order=like&query={key}").text
    assert "“a red shrimp”" in board and "likeness to the text" in board and 'id="like-text"' in board
    assert 'name="text"' in page.get(f"/projects/{project_id}/batches").text
    assert "Type what you are looking for" in app_client.post(
        f"{url}/query-text", json={"text": " "}, headers=headers
    ).json()["detail"]  # fmt: skip


def test_a_text_is_asked_for_only_where_the_embedder_knows_texts(
    project_id: int, app_client: Client, make_account: Callable[..., Account], settings: Settings
) -> None:
    boss = make_account(is_application_manager=True)
    answer = app_client.post(
        f"/api/v1/projects/{project_id}/query-text",
        json={"text": "shrimp"},
        headers=bearer(settings.database_url, boss),
    )
    assert answer.status_code == 400 and "knows images only" in answer.json()["detail"]
    page = logged_in(app_client, boss)
    for path in ("", "/batches"):
        text = page.get(f"/projects/{project_id}{path}").text
        assert 'type="file"' in text and "a long chain of cells" not in text
