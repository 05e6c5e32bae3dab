"""What was begun in a space or by an embedder, once the project has left it."""

from dataclasses import replace

from app.accounts.viewer import Account
from app.batches.make import make_batch
from app.batches.pinned import pinned
from app.batches.sources import Source
from app.batches.wanted import wanted
from app.search import embedders
from app.searches import kept
from app.searches.kept import SearchWish
from app.searches.look import look
from app.tuning import moving
from tests.search.conftest import add_vectors, make_embedder
from tests.small_projects import Person
from tests.spaces.conftest import N, World, two_ways
from tests.spaces.test_readers import Unheard, _add_late
from tests.web_fixtures import Client, logged_in


def test_a_batch_follows_the_project_once_the_vectors_that_it_was_made_by_are_gone(
    world: World, manager: Person
) -> None:
    world.learn()
    batch = make_batch(world.db, world.project, manager, Source("examples", {"ids": world.small.ids[:1]}))
    other = make_embedder(world.db, 16, "cut otherwise")
    add_vectors(world.db, other, world.small.id, world.small.ids, two_ways(N, 5))
    embedders.use(world.db, world.small.id, other)
    assert pinned(world.db, world.project, batch.id).embedder_id == world.embedder_id
    world.db.execute("delete from object_vector where embedder_id = %s", [world.embedder_id])
    space = pinned(world.db, world.project, batch.id)
    assert (space.embedder_id, space.space_id) == (other, None)
    looks_for = wanted(world.db, world.project, batch.id)
    assert looks_for is not None and looks_for.positive[0, 0] > 0.9


def test_a_kept_search_rests_and_says_so_and_finds_the_same_once_the_project_came_back_to_its_embedder(
    world: World, manager: Person, app_client: Client
) -> None:
    world.learn()
    asking = replace(world.project, caller_id=manager.id)
    ada = Account(manager.id, manager.email, manager.name, True)
    wish = SearchWish("learned", examples=world.small.ids[:1], max_distance=0.15)
    search_id = kept.keep(world.db, asking, ada, wish).id
    assert not kept.find_search(world.db, world.small.id, manager.id, search_id).is_outdated
    moving.point(world.db, world.small.id, make_embedder(world.db, 16, "later"))
    world.db.commit()
    page = logged_in(app_client, ada)
    assert "rests: other embedder" in page.get(f"/projects/{world.small.id}/searches").text
    assert "another embedder by now" in page.get(f"/projects/{world.small.id}/searches/{search_id}").text
    moving.point(world.db, world.small.id, world.embedder_id)
    world.db.commit()
    assert "rests" not in page.get(f"/projects/{world.small.id}/searches").text
    late = [max(world.small.ids) + 1000 + k for k in range(12)]
    _add_late(world, late)
    look(world.db, world.small.id, Unheard())
    rows = world.db.execute("select object_id from kept_search_match where search_id = %s", [search_id])
    assert {row.object_id - late[0] for row in rows} == {0, 1, 2, 3}
