"""The neighbours of a project's objects, with an index and without, and what they tell of its labels."""

from types import SimpleNamespace

import numpy as np
import pytest

from app import database
from app.database import Db
from app.errors import Conflict, Refused
from app.search import generations, graph, index_folder
from app.search.generations import folder_of
from app.search.graph import open_graph
from app.search.mirror import open_mirror
from tests.search.conftest import World, add_vectors, label, make_embedder

N_GROUP = 250


def in_groups(n: int, seed: int = 1) -> np.ndarray:
    """Consecutive vectors in four groups far from each other."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((4, 16))[np.arange(n) * 4 // max(n, 4)] + 0.1 * rng.standard_normal((n, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def project(db: Db, world: World) -> SimpleNamespace:
    """1,000 objects in four groups; the first three groups are labelled with the first three taxa, but for 50 each."""
    embedder_id = make_embedder(db, 16)
    db.execute("update project set embedder_id = %s", [embedder_id])
    add_vectors(db, embedder_id, world.project_id, world.ids, in_groups(1000))
    db.execute("delete from label")
    for group in range(3):
        start = group * N_GROUP
        label(db, world, world.ids[start : start + N_GROUP - 50], "V", world.taxa[group])
    db.commit()
    return SimpleNamespace(id=world.project_id, embedder_id=embedder_id, world=world, ids=world.ids)


def mirror_and_unlabelled(db: Db, project: SimpleNamespace):
    mirror = open_mirror(db, project.id)
    return mirror, mirror.status < 2


def index(project: SimpleNamespace, database_url: str, monkeypatch) -> None:
    """Its files, with the graph."""
    monkeypatch.setattr(generations, "WORTH_A_FILE", 500)
    with database.connect(database_url, autocommit=True) as other:
        manifest = generations.build(other, index_folder(), project.id, project.embedder_id)
    generations.add_graph(folder_of(project.id, project.embedder_id), manifest)


@pytest.fixture(params=["in memory", "with an index"])
def either(request, db: Db, project: SimpleNamespace, database_url: str, monkeypatch) -> SimpleNamespace:
    """The same project with and without files."""
    if request.param == "with an index":
        index(project, database_url, monkeypatch)
    return project


def test_each_object_has_its_neighbours(db: Db, either: SimpleNamespace) -> None:
    found = open_graph(db, either)
    assert found.ids.tolist() == either.ids
    group = np.arange(1000) // N_GROUP
    assert (group[found.graph.rows] == group[:, None]).all()
    assert np.allclose(found.vectors_of(np.array([3])), in_groups(1000)[3], atol=1e-3)


def test_a_wrong_label_is_told_with_the_right_one_until_it_is_confirmed(db: Db, either: SimpleNamespace) -> None:
    world = either.world
    label(db, world, [world.ids[3]], "V", world.taxa[2])
    label(db, world, [world.ids[4]], "D", world.taxa[2])
    told = graph.likely_mistakes(db, either, open_mirror(db, either.id))
    assert told.ids.tolist() == [world.ids[3]], "what is only dubious is asked elsewhere"
    assert told.suspects.taxa.tolist() == [world.taxa[2]] and told.suspects.others.tolist() == [world.taxa[0]]
    again = graph.likely_mistakes(db, either, open_mirror(db, either.id), np.array([world.ids[3]]))
    assert len(again.ids) == 0 and len(again.suspects) == 0


def test_a_label_of_the_same_lineage_is_refined_and_no_mistake(db: Db, either: SimpleNamespace) -> None:
    world = either.world
    db.execute("update taxon set parent_id = %s where id = %s", [world.taxa[3], world.taxa[0]])
    label(db, world, [world.ids[3]], "V", world.taxa[3])
    mirror = open_mirror(db, either.id)
    assert len(graph.likely_mistakes(db, either, mirror).ids) == 0
    told = graph.to_refine(db, either, mirror)
    assert told.ids.tolist() == [world.ids[3]] and told.suspects.others.tolist() == [world.taxa[0]]


def test_what_is_left_of_a_label_and_what_is_like_none(db: Db, either: SimpleNamespace) -> None:
    mirror, unlabelled = mirror_and_unlabelled(db, either)
    ids, agreeing = graph.left_over(db, either, mirror, np.array([either.world.taxa[1]]), unlabelled)
    assert sorted(ids.tolist()) == either.ids[2 * N_GROUP - 50 : 2 * N_GROUP]
    assert (agreeing >= 0.5).all()
    ids = graph.unlike_anything(db, either, mirror, unlabelled)
    assert sorted(ids.tolist()) == either.ids[3 * N_GROUP :]


def test_the_outliers_of_a_taxon_come_first(db: Db, either: SimpleNamespace) -> None:
    world = either.world
    label(db, world, [world.ids[900], world.ids[700]], "V", world.taxa[0])
    mirror = open_mirror(db, either.id)
    ids, _ = graph.outliers(db, either, mirror, mirror.taxon == world.taxa[0])
    assert set(ids[:2].tolist()) == {world.ids[900], world.ids[700]}
    assert len(ids) == N_GROUP - 50 + 2


def test_an_object_that_is_gone_is_told_no_more(db: Db, either: SimpleNamespace) -> None:
    open_graph(db, either)
    world = either.world
    label(db, world, [world.ids[3]], "V", world.taxa[2])
    for table in ("label", "history", "prediction", "object_vector", "object_field"):
        db.execute(f"delete from {table} where object_id = %s", [world.ids[3]])
    db.execute("delete from object where id = %s", [world.ids[3]])
    db.execute("update project set data_version = data_version + 1")
    db.commit()
    mirror, unlabelled = mirror_and_unlabelled(db, either)
    assert len(mirror) == 999
    assert len(graph.likely_mistakes(db, either, mirror).ids) == 0
    found = graph.unlike_anything(db, either, mirror, unlabelled)
    assert world.ids[3] not in found and set(either.ids[3 * N_GROUP :]) <= set(found.tolist())


@pytest.mark.parametrize("has_files", [False, True])
def test_near_duplicates_are_stacks(
    db: Db, project: SimpleNamespace, has_files: bool, database_url: str, monkeypatch
) -> None:
    vectors = in_groups(1000)
    later = [5001, 5002, 5003, 5010]
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select id, %s, 1, 1, 'o' || id
        from unnest(%s::bigint[]) id
        """,
        [project.id, later],
    )
    db.execute("update project set data_version = data_version + 1")
    add_vectors(db, project.embedder_id, project.id, later, vectors[[10, 10, 10, 600]])
    if has_files:
        db.commit()
        index(project, database_url, monkeypatch)
    mirror, known = open_mirror(db, project.id), open_graph(db, project)
    assert len(known.ids) == 1004 and (known.known_stacks is not None) == has_files
    found = graph.stacks(db, project, mirror, np.ones(1004, bool))
    assert any(set(stack.tolist()) >= {project.ids[10], 5001, 5002, 5003} for stack in found)
    assert any(set(stack.tolist()) >= {project.ids[600], 5010} for stack in found)
    assert [len(stack) for stack in found] == sorted((len(stack) for stack in found), reverse=True)
    only = graph.stacks(db, project, mirror, np.isin(mirror.ids, [5001, 5002]))
    assert [sorted(stack.tolist()) for stack in only] == [[5001, 5002]]


def test_few_later_vectors_wait_and_many_make_a_new_graph(db: Db, project: SimpleNamespace) -> None:
    first = open_graph(db, project)
    assert open_graph(db, project) is first
    add_vectors(db, project.embedder_id, project.id, [9001], in_groups(1))
    assert open_graph(db, project) is first
    add_vectors(db, project.embedder_id, project.id, list(range(9002, 9030)), in_groups(28))
    assert len(open_graph(db, project).ids) == 1029
    db.execute("delete from object_vector where object_id < 400")
    assert open_graph(db, project).ids.min() >= 400


@pytest.mark.parametrize("n", [0, 1, 10])
def test_projects_of_few_objects_and_equal_vectors_are_answered(db: Db, project: SimpleNamespace, n: int) -> None:
    db.execute("delete from object_vector where object_id >= %s", [project.ids[n]])
    db.execute("update object_vector set v = (select v from object_vector limit 1)")
    mirror, unlabelled = mirror_and_unlabelled(db, project)
    everything = np.ones(len(mirror), bool)
    assert len(open_graph(db, project).ids) == n
    assert len(graph.likely_mistakes(db, project, mirror).ids) == 0
    assert len(graph.outliers(db, project, mirror, everything)[0]) == n
    assert len(graph.unlike_anything(db, project, mirror, unlabelled)) == 0
    assert len(graph.left_over(db, project, mirror, np.array([1]), unlabelled)[0]) == 0
    assert [len(stack) for stack in graph.stacks(db, project, mirror, everything)] == [n] * (n > 1)


def test_it_says_what_is_missing(db: Db, project: SimpleNamespace, database_url: str, monkeypatch) -> None:
    with pytest.raises(Refused, match="embed it first"):
        open_graph(db, SimpleNamespace(id=project.id, embedder_id=None))
    monkeypatch.setattr(graph, "MOST_IN_MEMORY", 900)
    with pytest.raises(Conflict, match="not known yet"):
        open_graph(db, project)
    monkeypatch.setattr(generations, "WORTH_A_FILE", 500)
    with database.connect(database_url, autocommit=True) as other:
        generations.build(other, index_folder(), project.id, project.embedder_id)
    with pytest.raises(Conflict, match="not known yet"):
        open_graph(db, project)
