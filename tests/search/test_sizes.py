"""How large objects are, from what a project tells of them; and likeness with their sizes."""

from dataclasses import replace

import numpy as np
import pytest
from psycopg.types.json import Jsonb

from app.database import Db
from app.search import generations, index_folder, likeness, sizes
from app.search.mirror import Mirror, open_mirror
from app.search.sizes import Space
from indexer.neighbours import mean_direction
from indexer.spaces import with_size
from tests.search.conftest import World, add_vectors, make_embedder, unit_vectors

D = 8


@pytest.fixture
def images(db: Db, world: World) -> np.ndarray:
    """Square pixels of each object's first image: from 16 x 16 on; each has a second, larger one too."""
    sides = 16 + np.arange(len(world.ids)) % 97
    rows = [(i, rank, int(side) + 500 * rank) for i, side in zip(world.ids, sides, strict=True) for rank in (0, 1)]
    db.cursor().executemany(
        """
        with stored as (
            insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
            values (sha256(%(name)s::bytea), 1, 'PNG', 'L', %(side)s, %(side)s, '', '')
        )
        insert into image (project_id, object_id, rank, hash, file_name)
        values (%(project_id)s, %(id)s, %(rank)s, sha256(%(name)s::bytea), '')
        """,
        [{"name": f"{i} {rank}", "side": side, "project_id": world.project_id, "id": i, "rank": rank}
         for i, rank, side in rows],
    )  # fmt: skip
    return sides.astype(np.float64) ** 2


def column(db: Db, world: World) -> np.ndarray:
    return sizes.sizes(db, open_mirror(db, world.project_id))


def test_nothing_known_is_no_size_and_changes_no_vector(db: Db, world: World) -> None:
    db.execute("delete from field where name = 'area'")
    vectors = unit_vectors(3, D)
    assert np.isnan(column(db, world)).all()
    assert sizes.sized(db, Space(world.project_id, None, 0.2), np.array(world.ids[:3]), vectors) is vectors


def test_it_is_the_first_image_where_there_is_no_area(db: Db, world: World, images: np.ndarray) -> None:
    db.execute("delete from field where name = 'area'")
    assert np.allclose(column(db, world), np.log2(images), atol=1e-4)


def test_a_missing_image_is_as_large_as_is_usual(db: Db, world: World, images: np.ndarray) -> None:
    db.execute("delete from field where name = 'area'")
    db.execute("delete from image where object_id = %s", [world.ids[5]])
    assert column(db, world)[5] == pytest.approx(np.median(np.log2(np.delete(images, 5))), abs=1e-4)


def test_the_pixel_size_of_the_project_makes_it_physical(db: Db, world: World, images: np.ndarray) -> None:
    db.execute("delete from field where name = 'area'")
    db.execute("update project set pixel_size_um = 4")
    assert np.allclose(column(db, world), np.log2(images * 16), atol=1e-4)


def test_a_pixel_size_in_a_field_counts_object_by_object(db: Db, world: World, images: np.ndarray) -> None:
    """As of projects in which several instruments took the images: one in millimetres a pixel in its acquisitions."""
    db.execute("delete from field where name = 'area'")
    db.execute(
        "insert into field (project_id, level, name, type, position) values (%s, 'acquisition', 'pixel', 'text', 9)",
        [world.project_id],
    )
    db.execute("update acquisition set fields = jsonb_build_object('pixel', (sample_id * 0.002)::text)")
    keep = Jsonb({"pixel_field": "acquisition.pixel", "pixel_unit": "mm"})
    db.execute("update project set settings = %s, data_version = data_version + 1", [keep])
    um = 2.0 * open_mirror(db, world.project_id).sample
    assert np.allclose(column(db, world), np.log2(images * um**2), atol=1e-4)


def truth(mirror: Mirror, query: np.ndarray, found: np.ndarray, k: int, least: bool) -> list[int]:
    distances = 1 - found @ mean_direction(query)
    order = np.lexsort((np.arange(len(found)), np.round(-distances if least else distances, 4)))
    return mirror.ids[order[:k]].tolist()


@pytest.mark.parametrize("weight", [0.2, 0.45, 1.0])
@pytest.mark.parametrize("indexed", [False, True])
def test_likeness_with_size_is_that_of_vectors_with_their_sizes_beside(
    db: Db, world: World, images: np.ndarray, weight: float, indexed: bool
) -> None:
    db.execute("delete from field where name = 'area'")
    vectors = unit_vectors(len(world.ids), D)
    embedder_id = make_embedder(db, D)
    n = 950 if indexed else 0
    add_vectors(db, embedder_id, world.project_id, world.ids[:n], vectors[:n])
    db.commit()
    if indexed:
        generations.build(db, index_folder(), world.project_id, embedder_id)
    add_vectors(db, embedder_id, world.project_id, world.ids[n:], vectors[n:])
    space = Space(world.project_id, embedder_id, weight)
    mirror = open_mirror(db, world.project_id)
    query = likeness.example_vectors(db, space, world.ids[3:5])
    mask = np.ones(len(mirror), bool)
    whole = with_size(vectors, np.log2(images), weight)
    for least in (False, True):
        found = likeness.most_alike(db, space, query, mask, 100, least)
        expected = truth(mirror, query, whole, 100, least)
        assert len(np.intersect1d(found.ids, expected)) >= 97, "half precision turns ties around"
        steps = np.diff(found.distances)
        assert np.all(steps <= 0 if least else steps >= 0)
        assert found.exact or found.recall < 1


def test_no_weight_changes_nothing_by_a_bit(db: Db, world: World, images: np.ndarray) -> None:
    embedder_id = make_embedder(db, D)
    add_vectors(db, embedder_id, world.project_id, world.ids, unit_vectors(len(world.ids), D))
    plain = Space(world.project_id, embedder_id, 0.0)
    query = likeness.example_vectors(db, plain, world.ids[3:5])
    mask = np.ones(len(world.ids), bool)
    found = likeness.most_alike(db, plain, query, mask, 100)
    again = likeness.most_alike(db, replace(plain, size_weight=0.4), query, mask, 100)
    assert query.shape == (2, D)
    assert found.distances.tobytes() == again.distances.tobytes() and found.ids.tolist() == again.ids.tolist()
