"""Vectors as programs read them: page by page or by ids, true to the half, and only for who may see the images."""

from io import BytesIO

import numpy as np
import pytest

from app.search import embedders
from app.search.vector_copy import write_vectors
from indexer.embedders import Embedder
from tests.prediction.conftest import Bay

DIMENSION = 6


class Given(Embedder):
    """Vectors that a test writes."""

    name = spec = "given"
    digest, dimension, embeds_images = "0", DIMENSION, False


@pytest.fixture
def vectors(bay: Bay) -> np.ndarray:
    """Of the first seven objects."""
    made = np.random.default_rng(1).normal(size=(7, DIMENSION))
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    db = bay.project.db
    embedder_id = embedders.register(db, Given())
    embedders.use(db, bay.project.id, embedder_id)
    write_vectors(db, embedder_id, bay.project.id, np.array(bay.project.ids[:7]), made)
    db.commit()
    return made.astype(np.float16)


def read(bay: Bay, query: str) -> tuple[np.ndarray, dict[str, str]]:
    answer = bay.get(f"/vectors?{query}", "annotator")
    assert answer.status_code == 200, answer.text
    return np.load(BytesIO(answer.content)), answer.headers


def test_pages_hold_every_vector_once(bay: Bay, vectors: np.ndarray) -> None:
    one, head = read(bay, "limit=4")
    assert head["shoal-embedder"] == "given"
    two, tail = read(bay, f"limit=4&after={head['shoal-next']}")
    assert "shoal-next" not in tail
    together = np.concatenate([one, two])
    assert together["id"].tolist() == bay.project.ids[:7]
    assert together["v"].dtype == np.float16
    assert np.array_equal(together["v"], vectors)


def test_named_objects_give_theirs_and_those_without_are_missing(bay: Bay, vectors: np.ndarray) -> None:
    ids = bay.project.ids
    found, _ = read(bay, f"ids={ids[8]},{ids[5]},{ids[2]}")
    assert found["id"].tolist() == [ids[2], ids[5]]
    assert np.array_equal(found["v"], vectors[[2, 5]])


def test_after_the_last_there_is_an_empty_page_of_the_same_dimension(bay: Bay, vectors: np.ndarray) -> None:
    found, _ = read(bay, f"after={bay.project.ids[6]}")
    assert found["v"].shape == (0, DIMENSION)


@pytest.mark.parametrize("query", ["limit=0", "limit=20001", "ids=a,b", f"ids={2**80}"])
def test_what_cannot_be_asked_is_refused(bay: Bay, vectors: np.ndarray, query: str) -> None:
    answer = bay.get(f"/vectors?{query}")
    assert answer.status_code == 400
    assert len(answer.json()["detail"]) > 20


def test_without_vectors_the_project_says_so(bay: Bay) -> None:
    assert "embed it first" in bay.get("/vectors").json()["detail"]


def test_visitors_from_the_street_get_those_of_validated_objects(bay: Bay, vectors: np.ndarray) -> None:
    db, ids = bay.project.db, bay.project.ids
    db.execute("update project set visibility = 'everyone' where id = %s", [bay.project.id])
    db.execute(
        """
        insert into label (project_id, object_id, status, taxon_id, at, provenance, version)
        values (%s, %s, 'V', %s, now(), 'single', 1)
        """,
        [bay.project.id, ids[3], bay.project.taxa["fiber"]],
    )
    db.commit()
    answer = bay.client.get(f"/api/v1/projects/{bay.project.id}/vectors", headers={"accept": "*/*"})
    assert np.load(BytesIO(answer.content))["id"].tolist() == [ids[3]]
