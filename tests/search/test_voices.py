"""How loud a reference may speak: as loud as it is near."""

import numpy as np
import pytest

from app.database import Db
from app.projects.references import Source
from app.search import voices
from app.search.voices import voices_of
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import Person, SmallProject, ada, make_project

__all__ = ["ada"]


def alike(n: int, seed: int = 2) -> np.ndarray:
    made = unit_vectors(1, 16, seed=1) + 0.2 * unit_vectors(n, 16, seed=seed)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture
def guide(db: Db, ada: Person) -> SmallProject:
    """A reference of forty validated objects, of which all but two have a vector."""
    project = make_project(db, 40, "Guide")
    project.do(ada, project.ids, taxon="Oithona")
    return project


@pytest.fixture
def source(db: Db, guide: SmallProject) -> Source:
    embedder_id = make_embedder(db, 16)
    add_vectors(db, embedder_id, guide.id, guide.ids[:38], alike(38))
    return Source(guide.id, "Guide", embedder_id)


def test_what_is_as_near_as_its_own_is_heard_and_what_is_far_is_not(db: Db, source: Source) -> None:
    voice = voices_of(db, [source])[source.id]
    assert voice.loudness(alike(38)).min() == 1
    assert voice.loudness(alike(20, seed=4)).mean() > 0.7
    assert voice.loudness(unit_vectors(20, 16, seed=5)).max() < 0.1


def test_of_a_reference_that_has_few_vectors_these_are_found(
    db: Db, guide: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voices, "SAMPLE", 10)
    embedder_id = make_embedder(db, 16, name="late")
    add_vectors(db, embedder_id, guide.id, guide.ids[-4:], unit_vectors(4, 16, seed=2))
    assert len(voices_of(db, [Source(guide.id, "", embedder_id)])[guide.id].known) == 4


def test_who_has_nothing_to_compare_with_has_no_voice(db: Db, guide: SmallProject) -> None:
    embedder_id = make_embedder(db, 16, name="none")
    assert voices_of(db, [Source(guide.id, "", embedder_id), Source(guide.id, "", None)]) == {}


def test_a_voice_is_kept_and_made_anew_after_a_while(
    db: Db, guide: SmallProject, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = voices_of(db, [source])[source.id]
    add_vectors(db, source.embedder_id or 0, guide.id, guide.ids[38:], unit_vectors(2, 16, seed=3))
    assert voices_of(db, [source])[source.id] is first
    monkeypatch.setattr(voices, "KEPT_FOR_S", -1.0)
    assert len(voices_of(db, [source])[source.id].known) == 40
