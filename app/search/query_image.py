"""Search by an image that is not in the project, or by a text: the vector, and the key under which it is kept."""

import secrets
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.questions import ask
from app.search import embedders
from app.settings import Settings
from app.spaces.current import mapped
from indexer.embedders import Embedder, needs_torch
from indexer.images import BadImage, open_image

KEPT_DAYS = 30
TEXT = "text-"  # before the keys of texts, so that an address tells what it is about
LONGEST_TEXT = 300
# The first question of a worker may have to load a model.
ANSWER_WITHIN_S = 20.0
# Decoded inside the web process, beside everybody else's requests: less than an import takes.
MOST_PIXELS = 50_000_000


class Asked(Protocol):
    """Of a project, what a query needs."""

    @property
    def id(self) -> int: ...
    @property
    def embedder_id(self) -> int | None: ...


@dataclass(frozen=True)
class Asks:
    """What one may search by."""

    images: bool = False
    text: bool = False


def make_query(
    db: Db, project: Asked, settings: Settings, database_url: str, data: bytes, account_id: int | None
) -> str:
    """Embed an uploaded image for this project's embedder, keep the vector, and return its key."""
    return _keep(db, project, account_id, query_vector_of(db, project, settings, database_url, data))


def make_text_query(
    db: Db, project: Asked, settings: Settings, database_url: str, text: str, account_id: int | None
) -> str:
    """The same of a text, where the embedder has images and texts in one space."""
    words = " ".join(text.replace("\0", " ").split())
    if not words:
        raise Refused("Type what you are looking for, such as “a long chain of cells”.")
    if len(words) > LONGEST_TEXT:
        raise Refused(f"A text to search by has at most {LONGEST_TEXT} letters: say it in fewer words.")
    vector = text_vector_of(db, project, settings, database_url, words)
    return _keep(db, project, account_id, vector, words)


def _keep(db: Db, project: Asked, account_id: int | None, vector: np.ndarray, words: str = "") -> str:
    key = (TEXT if words else "") + secrets.token_urlsafe(12)
    db.execute("delete from query_image where created_at < now() - make_interval(days => %s)", [KEPT_DAYS])
    db.execute(
        """
        insert into query_image (key, project_id, embedder_id, account_id, v, words)
        values (%s, %s, %s, %s, %s::halfvec, %s)
        """,
        [key, project.id, project.embedder_id, account_id, vector.tolist(), words],
    )
    return key


def copy_query(db: Db, project: Asked, key: str, target: Asked, account_id: int | None) -> str:
    """The key of the same search in another project, whose vectors are of the same embedder."""
    vector = _plain_vector(db, project, key)
    if target.embedder_id != project.embedder_id:
        raise Refused("That project has another embedder: upload the image there to search it.")
    return _keep(db, target, account_id, vector, words_of(db, project, key))


def what_may_be_asked(db: Db, embedder_id: int | None) -> Asks:
    """What the embedder makes vectors of, beside the project's objects."""
    row = db.execute("select embeds_images, embeds_text from embedder where id = %s", [embedder_id]).fetchone()
    return Asks(row.embeds_images, row.embeds_text) if row else Asks()


def words_of(db: Db, project: Asked, key: str) -> str:
    """What was typed; nothing where the search is by an image."""
    row = db.execute("select words from query_image where key = %s and project_id = %s", [key, project.id]).fetchone()
    return row.words if row else ""


def title_of(db: Db, project: Asked, key: str) -> str:
    """What is searched by, in a few words."""
    words = words_of(db, project, key)
    return f"“{words}”" if words else "the image"


def query_vector(db: Db, project: Asked, key: str) -> np.ndarray:
    """The vector kept under a key of this project, in the project's space: float32 [d], unit length."""
    return mapped(db, project, _plain_vector(db, project, key))


def _plain_vector(db: Db, project: Asked, key: str) -> np.ndarray:
    row = db.execute(
        "select embedder_id, v from query_image where key = %s and project_id = %s", [key, project.id]
    ).fetchone()
    if row is None:
        raise NotFound(f"This search by an image is gone: they are kept for {KEPT_DAYS} days. Upload the image again.")
    if row.embedder_id != project.embedder_id:
        raise Refused("The project's embedder was changed since this search by an image. Upload the image again.")
    return row.v.to_numpy().astype(np.float32)


def query_vector_of(db: Db, project: Asked, settings: Settings, database_url: str, data: bytes) -> np.ndarray:
    """The vector of an image's bytes by this project's embedder, plain, float32 [d].

    Computed here where ONNX Runtime can; embedders that need torch are asked of a resident worker, so that the web
    process never loads it.
    """
    if project.embedder_id is None:
        raise Refused("This project has no vectors yet: embed it first (“shoal embed”), then search by an image.")
    row = embedders.find(db, project.embedder_id)
    if not row.embeds_images:
        raise Refused(
            f"This project's vectors ({row.name}) were made elsewhere, and Shoal cannot make one of your image."
            " Search by objects of the project, or let it use another embedder."
        )
    image = _open(data)
    if needs_torch(row.config["spec"]):
        said = ask(database_url, "embed_query", {"embedder_id": row.id}, data, ANSWER_WITHIN_S)
        return np.array(said, np.float32)
    return _embed(embedders.load(settings, row), image)


def text_vector_of(db: Db, project: Asked, settings: Settings, database_url: str, words: str) -> np.ndarray:
    """The vector of a text by this project's embedder, plain, float32 [d]."""
    if project.embedder_id is None:
        raise Refused("This project has no vectors yet: embed it first (“shoal embed”), then search by a text.")
    row = embedders.find(db, project.embedder_id)
    if not row.embeds_text:
        raise Refused(
            f"This project's embedder ({row.name}) knows images only. Search by an image, or let the project use one"
            " that knows texts too, such as open_clip's."
        )
    if needs_torch(row.config["spec"]):
        said = ask(database_url, "embed_text", {"embedder_id": row.id}, words.encode(), ANSWER_WITHIN_S)
        return np.array(said, np.float32)
    return embedders.load(settings, row).embed_text([words])[0]


def embed_here(embedder: Embedder, data: bytes) -> np.ndarray:
    """The vector of an image's bytes, computed in this process: float32 [d]."""
    return _embed(embedder, _open(data))


def _embed(embedder: Embedder, image: Image.Image) -> np.ndarray:
    return embedder.embed(embedder.prepare([image]))[0]


def _open(data: bytes) -> Image.Image:
    try:
        return open_image(data, MOST_PIXELS)
    except BadImage as error:
        raise Refused(f"Your image cannot be searched by: {error}.") from error
