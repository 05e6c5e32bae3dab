"""Likeness gives what a brute-force comparison gives, whatever stands in files and whatever came since."""

from types import SimpleNamespace

import numpy as np
import pytest

from app import database
from app.database import Db
from app.objects.filters import Filter
from app.search import generations, index_folder, likeness
from app.search.mirror import open_mirror
from tests.search.conftest import World, add_objects, add_vectors, label, make_embedder, unit_vectors


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files already for 500 vectors, so that tests stay small."""
    monkeypatch.setattr(generations, "WORTH_A_FILE", 500)


@pytest.fixture
def project(db: Db, world: World) -> SimpleNamespace:
    """The world with vectors for all but its last 100 objects."""
    embedder_id = make_embedder(db, 16)
    db.execute("update project set embedder_id = %s", [embedder_id])
    add_vectors(db, embedder_id, world.project_id, world.ids[:900], unit_vectors(900))
    db.commit()
    return SimpleNamespace(id=world.project_id, embedder_id=embedder_id)


def build(database_url: str, project: SimpleNamespace) -> generations.Manifest | None:
    with database.connect(database_url, autocommit=True) as db:
        return generations.build(db, index_folder(), project.id, project.embedder_id)


def truth(db: Db, project: SimpleNamespace, query: np.ndarray, kept: np.ndarray, k: int, least: bool) -> list[int]:
    """PostgreSQL's own order of the objects kept."""
    rows = db.execute(
        f"""
        select object_id
        from object_vector
        where embedder_id = %s
          and project_id = %s
          and object_id = any(%s)
        order by v <=> %s::text::halfvec {"desc" if least else "asc"}, object_id
        limit %s
        """,
        [project.embedder_id, project.id, kept.tolist(), str(query.astype(np.float16).tolist()), k],
    )
    return [row.object_id for row in rows]


FILTERS = [Filter(), Filter(statuses=frozenset("V")), Filter(samples=frozenset({2})), Filter(taxa=frozenset({77}))]


def check(db: Db, project: SimpleNamespace, k: int = 40) -> None:
    """Every filter, both directions, against PostgreSQL."""
    mirror = open_mirror(db, project.id)
    query = likeness.example_vectors(db, project, [mirror.ids[3]])[0]
    for filter in FILTERS:
        mask = mirror.mask(db, filter)
        for least in (False, True):
            found = likeness.most_alike(db, project, query, mask, k, least)
            expected = truth(db, project, query, mirror.ids[mask], k, least)
            assert found.ids.tolist() == expected
            assert found.exact and found.recall == 1.0
            steps = np.diff(found.distances)
            assert np.all(steps <= 0 if least else steps >= 0)


def test_without_files_postgresql_answers(db: Db, project: SimpleNamespace) -> None:
    check(db, project)


def test_a_generation_answers_the_same(db: Db, project: SimpleNamespace, database_url: str) -> None:
    assert build(database_url, project).n == 900
    assert generations.open_generation(db, project.id, project.embedder_id) is not None
    check(db, project)


def test_what_came_after_the_generation_is_found(
    db: Db, world: World, project: SimpleNamespace, database_url: str
) -> None:
    build(database_url, project)
    add_vectors(db, project.embedder_id, project.id, world.ids[900:950], unit_vectors(50, seed=2))
    check(db, project)
    db.commit()
    check(db, project)


def test_what_was_removed_or_replaced_since_is_not_found_as_it_was(
    db: Db, world: World, project: SimpleNamespace, database_url: str
) -> None:
    build(database_url, project)
    gone = world.ids[:30]
    db.execute("delete from object_vector where object_id = any(%s)", [gone])
    db.execute(
        "insert into vector_removed (embedder_id, project_id, object_id) select %s, %s, unnest(%s::bigint[])",
        [project.embedder_id, project.id, gone],
    )
    add_vectors(db, project.embedder_id, project.id, gone[:10], unit_vectors(10, seed=3))
    check(db, project)
    db.commit()
    check(db, project)
    build(database_url, project)
    check(db, project)


def test_a_transaction_that_was_open_while_the_index_was_built_is_not_lost(
    db: Db, world: World, project: SimpleNamespace, database_url: str
) -> None:
    with database.connect(database_url) as slow:
        add_vectors(slow, project.embedder_id, project.id, world.ids[900:920], unit_vectors(20, seed=4))
        add_vectors(db, project.embedder_id, project.id, world.ids[920:930], unit_vectors(10, seed=5))
        db.commit()
        build(database_url, project)
        slow.commit()
    check(db, project, k=930)


def test_labels_change_the_answer_at_once(db: Db, world: World, project: SimpleNamespace, database_url: str) -> None:
    build(database_url, project)
    check(db, project)
    with database.connect(database_url) as other:
        label(other, world, world.ids[:200], "V", world.taxa[2])
    check(db, project)


def test_objects_of_a_later_import_are_found(db: Db, world: World, project: SimpleNamespace, database_url: str) -> None:
    build(database_url, project)
    check(db, project)
    add_objects(db, project.id, [7, 9000])
    add_vectors(db, project.embedder_id, project.id, [7, 9000], unit_vectors(2, seed=6))
    db.execute("update project set data_version = data_version + 1")
    check(db, project)


def test_objects_without_a_vector_are_counted(
    db: Db, world: World, project: SimpleNamespace, database_url: str
) -> None:
    query = unit_vectors(1, seed=9)
    mirror = open_mirror(db, project.id)
    everything = np.ones(len(mirror), bool)
    assert likeness.most_alike(db, project, query, everything, 10).n_without_vector == 100
    build(database_url, project)
    found = likeness.most_alike(db, project, query, everything, 5000)
    assert found.n_without_vector == 100 and len(found.ids) == 900 and len(set(found.ids.tolist())) == 900


def test_several_examples_are_asked_by_their_mean(db: Db, world: World, project: SimpleNamespace) -> None:
    vectors = likeness.example_vectors(db, project, [world.ids[5], 10**9, world.ids[2], world.ids[950]])
    assert vectors.shape == (2, 16)
    mean = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    found = likeness.most_alike(db, project, vectors, np.ones(1000, bool), 20)
    assert found.ids.tolist() == truth(db, project, mean, np.array(world.ids), 20, False)


def test_a_mask_of_another_moment_is_refused(db: Db, project: SimpleNamespace) -> None:
    with pytest.raises(database_error()):
        likeness.most_alike(db, project, unit_vectors(1), np.ones(3, bool), 5)


def database_error() -> type[Exception]:
    from app.errors import Conflict

    return Conflict
