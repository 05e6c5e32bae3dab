"""Examples from any project that one may read, and likeness in several of them."""

from dataclasses import dataclass

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.batches.make import make_batch
from app.batches.sources import Source
from app.batches.wanted import wanted
from app.database import Db
from app.errors import NotFound
from app.projects.access import find_project
from app.projects.queries import set_member
from app.search import elsewhere
from app.search.query_image import query_vector
from app.search.sizes import Space
from tests.search.conftest import add_vectors, make_embedder, unit_vectors
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in

N_GROUPS = 3


@dataclass
class Seas:
    """Two projects whose objects stand in three groups, by their place modulo three, and one of another embedder."""

    near: SmallProject
    far: SmallProject
    apart: SmallProject
    embedder_id: int


@pytest.fixture
def seas(db: Db, ada: Person, ben: Person) -> Seas:
    """Ada labels in the near one and may read the others; Ben labels in the far one and may read no other."""
    near, far, apart = make_project(db, 30, "Near"), make_project(db, 30, "Far"), make_project(db, 6, "Apart")
    embedder_id = make_embedder(db, 16)
    centres = unit_vectors(N_GROUPS, 16, seed=3)
    for seed, one in enumerate((near, far)):
        made = centres[np.arange(30) % N_GROUPS] + 0.1 * unit_vectors(30, 16, seed=seed)
        add_vectors(db, embedder_id, one.id, one.ids, made / np.linalg.norm(made, axis=1, keepdims=True))
        db.execute("update project set embedder_id = %s where id = %s", [embedder_id, one.id])
    for project, who, role in (
        (near, ada, "annotator"), (far, ada, "visitor"), (apart, ada, "visitor"), (far, ben, "annotator"),
    ):  # fmt: skip
        set_member(db, project.id, who.id, role)
    far.do(ben, far.ids[1::N_GROUPS], taxon="Oithona")
    db.commit()
    return Seas(near, far, apart, embedder_id)


def account(who: Person) -> Account:
    return Account(who.id, who.email, who.name, False)


def group_of(project: SmallProject, ids: list[int]) -> set[int]:
    return {project.ids.index(object_id) % N_GROUPS for object_id in ids}


def waiting(db: Db, batch_id: int) -> list[int]:
    row = db.execute("select object_ids from batch_part where batch_id = %s", [batch_id]).fetchone()
    return row.object_ids


def test_a_batch_is_made_of_another_projects_examples_and_expects_their_taxon(
    db: Db, seas: Seas, ada: Person, ben: Person
) -> None:
    seen = find_project(db, Viewer(account(ada)), seas.near.id)
    source = Source("examples", {"ids": seas.far.ids[1:7:N_GROUPS], "not_ids": seas.far.ids[:1]})
    batch = make_batch(db, seen, ada, source, limit=10)
    assert group_of(seas.near, waiting(db, batch.id)) == {1}
    assert batch.taxon == "Oithona"
    looks_for = wanted(db, seen, batch.id)
    assert looks_for is not None and (len(looks_for.positive), len(looks_for.negative)) == (2, 1)
    both = make_batch(db, seen, ada, Source("examples", {"ids": [seas.far.ids[2], seas.near.ids[2]]}), limit=9)
    assert group_of(seas.near, waiting(db, both.id)) == {2} and both.taxon is None
    bens = find_project(db, Viewer(account(ben)), seas.far.id)
    with pytest.raises(NotFound, match="None of these examples"):
        make_batch(db, bens, ben, Source("examples", {"ids": seas.near.ids[:2]}))


def test_who_may_not_read_the_examples_any_more_is_not_led_by_them(db: Db, seas: Seas, ada: Person) -> None:
    seen = find_project(db, Viewer(account(ada)), seas.near.id)
    batch = make_batch(db, seen, ada, Source("examples", {"ids": seas.far.ids[1:4:N_GROUPS]}))
    db.execute("delete from member where project_id = %s and account_id = %s", [seas.far.id, ada.id])
    assert wanted(db, seen, batch.id) is None


def test_a_board_and_a_program_ask_for_what_is_like_anothers_objects(
    app_client: Client, db: Db, database_url: str, seas: Seas, ada: Person, ben: Person
) -> None:
    adas, bens = bearer(database_url, account(ada)), bearer(database_url, account(ben))
    url = f"/api/v1/projects/{seas.near.id}"
    asked = {"examples": [seas.far.ids[1]], "k": 9}
    found = app_client.post(f"{url}/like", json=asked, headers=adas).json()
    assert group_of(seas.near, found["ids"]) == {1} and set(found["projects"]) == {seas.near.id}
    listed = app_client.get(f"{url}/objects?order=like&examples={seas.far.ids[1]}&limit=9", headers=adas).json()
    assert [one["id"] for one in listed["objects"]] == found["ids"]
    everywhere = app_client.post(f"{url}/like", json=asked | {"projects": "all", "k": 20}, headers=adas).json()
    assert set(everywhere["projects"]) == {seas.near.id, seas.far.id}
    assert everywhere["distances"] == sorted(everywhere["distances"])
    here = [one for one, of in zip(everywhere["ids"], everywhere["projects"], strict=True) if of == seas.near.id]
    there = [one for one, of in zip(everywhere["ids"], everywhere["projects"], strict=True) if of == seas.far.id]
    assert group_of(seas.near, here) == group_of(seas.far, there) == {1}
    open_ones = asked | {"projects": [seas.far.id], "filter": "status=U"}
    assert group_of(seas.far, app_client.post(f"{url}/like", json=open_ones, headers=adas).json()["ids"]) <= {0, 2}
    bens_url = f"/api/v1/projects/{seas.far.id}/like"
    mine = {"examples": [seas.far.ids[0]], "projects": "all", "k": 50}
    assert set(app_client.post(bens_url, json=mine, headers=bens).json()["projects"]) == {seas.far.id}
    assert app_client.post(bens_url, json=mine | {"projects": [seas.near.id]}, headers=bens).status_code == 404
    assert app_client.post(bens_url, json=mine | {"filter": "sample=1"}, headers=bens).status_code == 400
    assert app_client.post(bens_url, json={"examples": [seas.near.ids[0]]}, headers=bens).status_code == 404


def test_the_page_shows_several_projects_and_a_batch_where_one_may_label(
    app_client: Client, db: Db, seas: Seas, ada: Person
) -> None:
    page = logged_in(app_client, account(ada))
    example = seas.near.ids[1]
    text = page.get(f"/projects/{seas.near.id}/alike?examples={example}").text
    assert f"/projects/{seas.far.id}/objects/" in text and f"/projects/{seas.near.id}/objects/" in text
    assert f'action="/projects/{seas.near.id}/alike/batch"' in text
    assert f'action="/projects/{seas.far.id}/alike/batch"' not in text
    assert "1 more project has vectors of another embedder" in text
    only = page.get(f"/projects/{seas.near.id}/alike?examples={example}&where={seas.far.id}&keep=V&dir=desc").text
    assert "Least like" in only and f"/projects/{seas.near.id}/objects/" not in only
    form = {"of": seas.far.id, "examples": str(seas.far.ids[1]), "dir": "asc"}
    made = page.post(f"/projects/{seas.near.id}/alike/batch", data=form)
    assert made.status_code == 303
    batch = page.get(made.headers["location"]).text
    assert f"/projects/{seas.far.id}/objects/{seas.far.ids[1]}" in batch
    assert page.post(f"/projects/{seas.far.id}/alike/batch", data=form).status_code == 403
    assert "Nothing to compare with was named" in page.get(f"/projects/{seas.near.id}/alike").text


def test_an_image_is_taken_along_to_another_project(app_client: Client, db: Db, seas: Seas, ada: Person) -> None:
    set_member(db, seas.far.id, ada.id, "annotator")
    db.execute(
        """
        insert into query_image (key, project_id, embedder_id, v)
        select 'key', %s, embedder_id, v from object_vector where object_id = %s
        """,
        [seas.near.id, seas.near.ids[2]],
    )
    db.commit()
    page = logged_in(app_client, account(ada))
    assert f"/projects/{seas.far.id}/objects/" in page.get(f"/projects/{seas.near.id}/alike?query=key").text
    made = page.post(f"/projects/{seas.far.id}/alike/batch", data={"of": seas.near.id, "query": "key", "dir": "desc"})
    batch_id = int(made.headers["location"].rsplit("/", 1)[1])
    batch = db.execute("select * from batch where id = %s", [batch_id]).fetchone()
    assert batch.title == "Unlike the image" and not batch.opens_marked and batch.query["image"] != "key"
    far = find_project(db, Viewer(account(ada)), seas.far.id)
    assert query_vector(db, far, batch.query["image"]).shape == (16,)


def test_who_is_not_logged_in_compares_with_validated_objects_only(db: Db, seas: Seas) -> None:
    db.execute("update project set visibility = 'everyone' where id = %s", [seas.far.id])
    ids = seas.far.ids[:2]
    near = Space(seas.near.id, seas.embedder_id, 0.0)
    found = elsewhere.foreign_examples(db, near, None, ids)
    assert found.ids.tolist() == ids[1:] and found.taxa.tolist() == [seas.far.taxa["Oithona"]]
    alike = elsewhere.alike_in(db, near, None, [seas.near.id, seas.far.id], found.vectors, 50)
    assert set(alike.ids.tolist()) == set(seas.far.ids[1::N_GROUPS])
