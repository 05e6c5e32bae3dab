"""Whatever compares objects follows the project's space: each source's answer turns with it, and back."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest

from app.accounts.viewer import Account
from app.batches import graph_sources, places
from app.batches.calibrating import calibration
from app.batches.make import make_batch
from app.batches.page import next_page
from app.batches.page_marks import note_seen
from app.batches.pinned import pinned
from app.batches.proposals import propose
from app.batches.sources import Source
from app.batches.vectors import compared
from app.batches.wanted import wanted
from app.batches.work import PageAct, apply_page
from app.clusters import job as cards_job
from app.clusters import runs, told
from app.clusters.runs import CardWish
from app.clusters.vectors import current, of_run
from app.database import connect
from app.errors import Refused
from app.objects.board import query_vectors
from app.objects.filters import Filter
from app.objects.like_list import listed
from app.objects.orders import Order
from app.prediction import vectors as vectors_api
from app.projects.references import Source as Reference
from app.projects.references import sources as referenced
from app.search import elsewhere, embedders, generations, graph, index_folder, later, likeness, whole
from app.search.mirror import open_mirror
from app.search.query_image import copy_query, query_vector
from app.search.voices import voices_of
from app.search.voters import nearest_voters, some_voters
from app.searches import kept
from app.searches.kept import SearchWish
from app.searches.look import look
from indexer.index import Index
from tests.search.conftest import add_vectors, make_embedder
from tests.small_projects import Person
from tests.spaces.conftest import HIDDEN_GROUPS, PLAIN_GROUPS, World, account_of, two_ways
from tests.web_fixtures import Client, logged_in

__all__ = ["graph_sources"]


class Unheard:
    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...


@pytest.fixture(params=["no index", "a plain index", "an index of its own"])
def indexed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, database_url: str) -> Callable[..., None]:
    """Builds what a project may have on the disk; answers are the same with and without."""

    def build(project_id: int, embedder_id: int, space_id: int) -> None:
        spaces = {"no index": [], "a plain index": [None], "an index of its own": [None, space_id]}[request.param]
        monkeypatch.setattr(generations, "WORTH_A_FILE", 50)
        with connect(database_url, autocommit=True) as db:
            for one in spaces:
                manifest = generations.build(db, index_folder(), project_id, embedder_id, None, one)
                generations.add_graph(generations.folder_of(project_id, embedder_id, one), manifest)

    return build


def nearest(world: World, k: int = 12, least: bool = False, lacking: int = 0) -> list[int]:
    mirror = open_mirror(world.db, world.small.id)
    query = likeness.example_vectors(world.db, world.project, world.small.ids[:1])
    found = likeness.most_alike(world.db, world.project, query, np.ones(len(mirror), bool), k, least, mirror)
    assert found.n_without_vector == lacking and np.all(np.diff(found.distances) * (-1 if least else 1) >= 0)
    return found.ids.tolist()


def test_neighbours_turn_with_the_space_whatever_index_is_there(world: World, indexed: Callable[..., None]) -> None:
    assert world.groups(nearest(world))[0] == {0}, "plainly by what is said aloud"
    space_id = world.learn()
    indexed(world.small.id, world.embedder_id, space_id)
    assert world.groups(nearest(world, 30)) == ({0, 1, 2, 3}, {0})
    assert 0 not in world.groups(nearest(world, 30, least=True))[1]
    world.db.execute("update project set space_id = null")
    assert world.groups(nearest(world))[0] == {0}


def test_deep_pages_go_on_as_the_first_ones_began(
    world: World, indexed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    space_id = world.learn()
    indexed(world.small.id, world.embedder_id, space_id)
    mirror = open_mirror(world.db, world.small.id)
    query = query_vectors(world.db, world.project, Order("like", examples=(world.small.ids[0],)), mirror)
    mask = mirror.mask(world.db, Filter())
    at_once = listed(world.db, world.project, query, mirror, mask, None, 60, False)
    monkeypatch.setattr("app.objects.like_list.DEEP", 10)
    pages, cursor = [], None
    for _ in range(3):
        page = listed(world.db, world.project, query, mirror, mask, cursor, 20, False)
        pages += page.ids.tolist()
        cursor = page.next_cursor
    assert sorted(pages) == sorted(at_once.ids.tolist()) and world.groups(pages[:40])[1] == {0}
    part = whole.part(world.db, world.project, query, mirror, mask, (-1.0, 0), 40)
    assert part is None or world.groups(part.ids.tolist())[1] == {0}


def test_what_came_since_the_index_and_what_went_is_compared_in_the_space(
    world: World, indexed: Callable[..., None]
) -> None:
    space_id = world.learn()
    indexed(world.small.id, world.embedder_id, space_id)
    before = nearest(world, 40)
    gone, db = before[5], world.db
    _remove(world, gone)
    late = [max(world.small.ids) + 1000 + k for k in range(12)]
    _add_late(world, late)
    now = nearest(world, 45, lacking=1)
    assert gone not in now and set(late[:4]) <= set(now) and not set(late[4:]) & set(now[:40])
    _remove(world, late[0])
    add_vectors(db, world.embedder_id, world.small.id, [late[0]], two_ways(9, 3)[8:])
    db.commit()
    assert late[0] not in nearest(world, 42, lacking=1), "made anew, it is another"


def _remove(world: World, object_id: int) -> None:
    world.db.execute("delete from object_vector where object_id = %s", [object_id])
    world.db.execute(
        "insert into vector_removed (embedder_id, project_id, object_id) values (%s, %s, %s)",
        [world.embedder_id, world.small.id, object_id],
    )


def _add_late(world: World, ids: list[int]) -> None:
    row = world.db.execute(
        "select sample_id, acquisition_id from object where id = %s", [world.small.ids[0]]
    ).fetchone()
    world.db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select id, %s, %s, %s, 'late' || id from unnest(%s::bigint[]) id
        """,
        [world.small.id, row.sample_id, row.acquisition_id, ids],
    )
    world.db.execute("update project set data_version = data_version + 1 where id = %s", [world.small.id])
    add_vectors(world.db, world.embedder_id, world.small.id, ids, two_ways(12, 9))
    world.db.commit()


def test_more_than_may_be_kept_is_read_anew_with_the_same_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.learn()
    before = nearest(world)
    monkeypatch.setattr(later, "MOST_ROWS", 10)
    monkeypatch.setattr(later, "PIECE", 7)
    assert nearest(world) == before


def test_a_plain_index_proposes_for_a_space_and_the_map_disposes(
    world: World, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    space_id = world.learn()
    expected = nearest(world, 6)
    monkeypatch.setattr(generations, "WORTH_A_FILE", 50)
    monkeypatch.setattr(likeness, "MAPPED_AT_ONCE", 20)
    asked: list[int] = []
    search = Index.search
    monkeypatch.setattr(Index, "search", lambda self, q, k, *more: asked.append(k) or search(self, q, k, *more))
    with connect(database_url, autocommit=True) as db:
        generations.build(db, index_folder(), world.small.id, world.embedder_id)
    assert set(nearest(world, 6)) == set(expected) and asked == [48] and space_id


def test_the_graph_of_neighbours_is_that_of_the_space_and_duplicates_are_plain(
    world: World, manager: Person, indexed: Callable[..., None]
) -> None:
    for group in range(HIDDEN_GROUPS):
        world.small.do(manager, world.of_hidden(group), taxon=("Calanoida", "Oithona", "fiber")[group])
    odd = world.of_hidden(0)[0]
    world.small.do(manager, [odd], taxon="Oithona")
    world.db.commit()
    mirror = open_mirror(world.db, world.small.id)
    plainly = graph.likely_mistakes(world.db, world.project, mirror)
    stacks = graph.stacks(world.db, world.project, mirror, np.ones(len(mirror), bool))
    space_id = world.learn()
    indexed(world.small.id, world.embedder_id, space_id)
    assert graph.likely_mistakes(world.db, world.project, mirror).ids.tolist() == [odd] != plainly.ids.tolist()
    members = mirror.taxon == world.small.taxa["Oithona"]
    assert graph.outliers(world.db, world.project, mirror, members)[0][0] == odd
    again = graph.stacks(world.db, world.project, mirror, np.ones(len(mirror), bool))
    assert [one.tolist() for one in again] == [one.tolist() for one in stacks]


def test_novelties_and_stragglers_are_told_by_the_space(world: World, manager: Person) -> None:
    known = [one for one in world.of_hidden(0) if world.plain(one) < 2] + world.of_hidden(1)
    world.small.do(manager, known, taxon="Calanoida")
    world.learn()
    novel = make_batch(world.db, world.project, manager, Source("novelties"), limit=40)
    assert world.groups(_ids(world, novel.id)[:30])[1] == {2}
    stragglers = Source("stragglers", {"taxon_id": world.small.taxa["Calanoida"]})
    left = make_batch(world.db, world.project, manager, stragglers)
    assert world.groups(_ids(world, left.id)) == ({2, 3}, {0})


def _ids(world: World, batch_id: int) -> list[int]:
    return places.read(world.db, batch_id).ids.tolist()


def test_batches_are_found_ordered_and_laid_out_in_the_space(world: World, manager: Person) -> None:
    world.learn()
    like = make_batch(world.db, world.project, manager, Source("examples", {"ids": world.small.ids[:1]}), limit=30)
    assert world.groups(_ids(world, like.id))[1] == {0}
    order = make_batch(world.db, world.project, manager, Source("filter", {"query": ""}))
    listed = places.read(world.db, order.id)
    turned = [world.hidden(one) for one in listed.ids[np.argsort(listed.turns)].tolist()]
    assert np.count_nonzero(np.diff(turned)) < 10, "one hidden group after the other"


def test_a_batch_keeps_the_likeness_that_it_was_made_in(world: World, manager: Person) -> None:
    db, source = world.db, Source("examples", {"ids": world.small.ids[:1]})
    before = make_batch(db, world.project, manager, source, limit=100)
    world.learn()
    after = make_batch(db, world.project, manager, source, limit=100)
    spaces = [pinned(db, world.project, one.id).space_id for one in (before, after)]
    assert spaces == [None, world.project.space_id]
    plainly, learned = (wanted(db, world.project, one.id) for one in (before, after))
    vectors, _ = compared(db, plainly.space, np.array(world.small.ids))
    nearest_ones = np.argsort(-vectors @ plainly.positive[0])[:10]
    assert world.groups([world.small.ids[row] for row in nearest_ones])[0] == {0}
    vectors, _ = compared(db, learned.space, np.array(world.small.ids))
    nearest_ones = np.argsort(-vectors @ learned.positive[0])[:10]
    assert world.groups([world.small.ids[row] for row in nearest_ones])[1] == {0}
    page = next_page(db, world.project, manager, before.id, 20)
    note_seen(db, world.project, manager, before.id, page.number, [tile["id"] for tile in page.tiles])
    marked = [tile["id"] for tile in page.tiles if world.plain(tile["id"]) == 0]
    states = {tile["id"]: tile["state"] for tile in page.tiles}
    act = PageAct(uuid4(), marked, [states[one] for one in marked], [], world.small.taxa["fiber"])
    apply_page(db, world.project, manager, before.id, page.number, act)
    again = next_page(db, world.project, manager, before.id, 9)
    assert world.groups([tile["id"] for tile in again.tiles])[0] == {0}, "still by what is said aloud"


def test_a_batch_that_another_embedder_made_does_not_follow_the_project(world: World, manager: Person) -> None:
    batch = make_batch(world.db, world.project, manager, Source("examples", {"ids": world.small.ids[:1]}))
    other = (
        world.db.execute(
            """
        insert into embedder (name, digest, dimension, description) values ('later', 'x', 4, '') returning id
        """
        )
        .fetchone()
        .id
    )
    space_id = world.learn()
    embedders.use(world.db, world.small.id, other)
    assert world.project.space_id is None and pinned(world.db, world.project, batch.id).embedder_id == world.embedder_id
    row = world.db.execute("select status from space where id = %s", [space_id]).fetchone()
    assert row.status == "former"


def test_chances_and_proposals_are_told_in_the_space(world: World, manager: Person) -> None:
    for group in range(HIDDEN_GROUPS):
        own = [one for one in world.of_hidden(group) if world.plain(one) < 3]
        world.small.do(manager, own, taxon=("Calanoida", "Oithona", "fiber")[group])
    asked = np.array([one for one in world.of_hidden(1) if world.plain(one) == 3])
    plain = calibration(world.db, world.project, 1)
    world.learn()
    learned = calibration(world.db, world.project, 1)
    assert learned.chance(np.array([0.1]))[0] > 0.9 > plain.chance(np.array([0.1]))[0]
    first = propose(world.db, world.project, asked, manager.id)[0]
    assert first["taxon_id"] == world.small.taxa["Oithona"] and first["share"] == 1.0


def test_references_are_compared_in_the_space_of_the_project_that_asks(world: World, manager: Person) -> None:
    db = world.db
    for group in range(HIDDEN_GROUPS):
        own = world.of_hidden(group, world.other)
        world.other.do(manager, own, taxon=("Calanoida", "Oithona", "fiber")[group])
    db.execute(
        "insert into project_reference (project_id, reference_id) values (%s, %s)", [world.small.id, world.other.id]
    )
    world.learn()
    space_id = world.project.space_id
    query = likeness.example_vectors(db, world.project, world.of_hidden(1)[:1])
    voters = nearest_voters(db, world.project, manager.id, query, np.empty(0, np.int64))
    assert set(voters.taxa.tolist()) == {world.small.taxa["Oithona"]}
    source = Reference(world.other.id, "Other", world.embedder_id, space_id)
    ids, vectors = some_voters(db, [source], 120)
    same = vectors @ query[0] > 0.9
    assert world.groups(ids[same].tolist(), world.other) == ({0, 1, 2, 3}, {1})
    voice = voices_of(db, [source])[world.other.id]
    assert voice.loudness(query)[0] > 0.1 and voice.known.shape[1] == 16
    sources = referenced(db, world.small.id, world.embedder_id, manager.id, space_id)
    assert [one.space_id for one in sources] == [space_id]


def test_other_projects_are_searched_in_the_space_of_the_one_that_asks(
    world: World, manager: Person, indexed: Callable[..., None]
) -> None:
    space_id = world.learn()
    indexed(world.other.id, world.embedder_id, space_id)
    asking = replace(world.project, caller_id=manager.id)
    query = likeness.example_vectors(world.db, asking, world.small.ids[:1])
    found = elsewhere.alike_in(world.db, asking, manager.id, [world.small.id, world.other.id], query, 50)
    there = found.ids[found.projects == world.other.id].tolist()
    assert there and world.groups(there, world.other) == ({0, 1, 2, 3}, {0})
    foreign = elsewhere.foreign_examples(world.db, asking, manager.id, world.other.ids[:12])
    assert [int(one) for one in (foreign.vectors @ query[0] > 0.9)] == [1] * PLAIN_GROUPS + [0] * 8


def test_an_image_is_searched_in_the_space_and_goes_to_other_projects_as_it_was(world: World, manager: Person) -> None:
    vector = two_ways(1, 7)[0]
    world.db.execute(
        "insert into query_image (key, project_id, embedder_id, account_id, v) values ('k', %s, %s, %s, %s::halfvec)",
        [world.small.id, world.embedder_id, manager.id, vector.tolist()],
    )
    assert query_vector(world.db, world.project, "k")[0] > 0.9
    world.learn()
    assert query_vector(world.db, world.project, "k")[8] > 0.9
    there = SimpleNamespace(id=world.other.id, embedder_id=world.embedder_id)
    key = copy_query(world.db, world.project, "k", there, manager.id)
    assert query_vector(world.db, there, key)[0] > 0.9


def test_a_kept_search_goes_on_in_the_space_that_it_was_kept_in(world: World, manager: Person) -> None:
    ada = Account(manager.id, manager.email, manager.name, True)
    kept_in = {}
    for name in ("plain", "learned"):
        if name == "learned":
            world.learn()
        asking = replace(world.project, caller_id=manager.id)
        wish = SearchWish(name, examples=world.small.ids[:1], max_distance=0.15)
        kept_in[name] = kept.keep(world.db, asking, ada, wish).id
    world.db.commit()
    late = [max(world.small.ids) + 1000 + k for k in range(12)]
    _add_late(world, late)
    look(world.db, world.small.id, Unheard())
    found = {
        name: {
            row.object_id - late[0]
            for row in world.db.execute("select object_id from kept_search_match where search_id = %s", [one])
        }
        for name, one in kept_in.items()
    }
    assert found == {"plain": {0, 4, 8}, "learned": {0, 1, 2, 3}}


def test_cards_are_cut_in_the_space_and_split_in_the_one_they_were_cut_in(
    world: World, manager: Person, database_url: str
) -> None:
    world.learn()
    run = runs.ask(world.db, world.small.id, manager.id, CardWish(n_cards=HIDDEN_GROUPS))
    world.db.commit()
    cards_job.cut(database_url, world.home, run, Unheard())
    cards = world.db.execute(
        "select id, object_ids from cluster where run_id = %s and not is_gone and not is_loose", [run.id]
    ).fetchall()
    assert len(cards) == HIDDEN_GROUPS and all(len(world.groups(card.object_ids)[1]) == 1 for card in cards)
    assert of_run(world.db, run).space_id == world.project.space_id
    assert not told.progress(world.db, run).is_outdated
    world.db.execute("update project set space_id = null")
    assert of_run(world.db, run).space_id is not None and current(world.db, world.small.id).space_id is None
    assert told.progress(world.db, run).is_outdated


def test_the_page_of_cards_that_were_cut_by_another_embedder_says_so_and_offers_to_cut_them_again(
    world: World, manager: Person, database_url: str, app_client: Client
) -> None:
    run = runs.ask(world.db, world.small.id, manager.id, CardWish(n_cards=HIDDEN_GROUPS))
    world.db.commit()
    cards_job.cut(database_url, world.home, run, Unheard())
    world.db.execute("update job set status = 'done'")
    page, address = logged_in(app_client, account_of(manager)), f"/projects/{world.small.id}/clusters"
    world.db.commit()
    assert "Cut again" not in page.get(address).text
    embedders.use(world.db, world.small.id, make_embedder(world.db, 16, "later"))
    world.db.commit()
    said = page.get(address).text
    assert "Likeness here has changed since these cards were cut" in said and "Cut again" in said


def test_programs_read_plain_vectors_or_those_of_the_space(world: World) -> None:
    world.learn()
    plain = vectors_api.vectors_of(world.db, world.project, world.small.ids[:1])["v"][0]
    learned = vectors_api.vectors_after(world.db, world.project, 0, 1, "current")["v"][0]
    assert plain[0] > 0.9 and learned[8] > 0.9
    with pytest.raises(Refused, match="There is no space"):
        vectors_api.vectors_of(world.db, world.project, world.small.ids[:1], "other")
