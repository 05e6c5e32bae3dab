"""Searches that are kept: what comes after is looked at, once, for who may read it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.accounts.viewer import Viewer
from app.batches.make import make_batch
from app.batches.sources import Source
from app.database import Db, connect
from app.errors import NotFound, Refused
from app.jobs import foreground
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.search import mirror
from app.searches import kept, matches
from app.searches import look as looking
from app.searches.kept import KeptSearch, SearchChange, SearchWish
from app.searches.look import after_embedding, look
from app.settings import Settings
from tests.search.conftest import add_vectors, unit_vectors
from tests.search.test_elsewhere import N_GROUPS, Seas, account, seas
from tests.small_projects import Person, SmallProject, ada, ben
from tests.web_fixtures import Client, bearer

__all__ = ["ada", "ben", "seas"]


class Unheard:
    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None: ...


def project_of(db: Db, who: Person, project: SmallProject) -> Project:
    return replace(find_project(db, Viewer(account(who)), project.id), size_weight=0.0)


def keep(db: Db, seas: Seas, who: Person, **more: object) -> KeptSearch:
    """A search for the first group in the near project; by default of what is quite like its first object."""
    wish = {"title": "Mnemiopsis", "examples": seas.near.ids[:1], "max_distance": 0.25} | more
    found = kept.keep(db, project_of(db, who, seas.near), who, SearchWish(**wish))
    db.commit()
    return found


def arrive(db: Db, seas: Seas, project: SmallProject, n: int = 9, seed: int = 9) -> list[int]:
    """New objects with vectors, those of the first group first; each third object is of the same group."""
    ids = [
        row.id
        for row in db.execute(
            """
            insert into object (id, project_id, sample_id, acquisition_id, orig_id)
            select nextval('object_id_seq'), project_id, sample_id, acquisition_id, 'late ' || %s || '.' || i
              from object, generate_series(1, %s) i
             where id = %s
            returning id
            """,
            [seed, n, project.ids[0]],
        )
    ]
    made = unit_vectors(N_GROUPS, 16, seed=3)[np.arange(n) % N_GROUPS] + 0.1 * unit_vectors(n, 16, seed=seed)
    add_vectors(db, seas.embedder_id, project.id, ids, made / np.linalg.norm(made, axis=1, keepdims=True))
    db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])
    db.commit()
    mirror.forget()
    return ids


def looked(db: Db, project: SmallProject) -> int:
    n = look(db, project.id, Unheard())
    db.commit()
    return n


def found_by(db: Db, who: Person, search: KeptSearch, *, only_new: bool = False) -> set[int]:
    return {match.id for match in matches.list_matches(db, who.id, search.id, only_new=only_new)}


def test_what_comes_after_is_found_and_what_was_there_is_not_told(db: Db, seas: Seas, ada: Person) -> None:
    search = keep(db, seas, ada)
    assert looked(db, seas.near) == 0
    new = arrive(db, seas, seas.near)
    assert looked(db, seas.near) == 3
    assert found_by(db, ada, search) == set(new[::N_GROUPS])
    told = kept.find_search(db, seas.near.id, ada.id, search.id)
    assert (told.n_new, told.n_here, told.n_looked) == (3, 3, 9)


def test_looking_again_tells_nothing_twice(db: Db, seas: Seas, ada: Person) -> None:
    search = keep(db, seas, ada)
    arrive(db, seas, seas.near)
    looked(db, seas.near)
    matches.note_looked_at(db, ada.id, search.id, None)
    assert looked(db, seas.near) == 0
    assert found_by(db, ada, search, only_new=True) == set()
    later = arrive(db, seas, seas.near, seed=10)
    assert looked(db, seas.near) == 3
    assert found_by(db, ada, search, only_new=True) == set(later[::N_GROUPS])
    assert len(found_by(db, ada, search)) == 6


def test_a_look_that_was_killed_half_way_goes_on_with_the_rest(
    db: Db, seas: Seas, ada: Person, ben: Person, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first search has found is kept; the second's look begins again."""
    set_member(db, seas.near.id, ben.id, "visitor")
    searches = [(who, keep(db, seas, who)) for who in (ada, ben)]
    late = arrive(db, seas, seas.near)[::N_GROUPS]
    write, told = looking._write, []

    def killed(*args: Any) -> int:
        if told:
            raise KeyboardInterrupt
        told.append(write(*args))
        return told[-1]

    monkeypatch.setattr(looking, "_write", killed)
    with connect(database_url, autocommit=True) as other, pytest.raises(KeyboardInterrupt):
        look(other, seas.near.id, Unheard())
    assert [found_by(db, who, search) for who, search in searches] == [set(late), set()]
    monkeypatch.setattr(looking, "_write", write)
    db.commit()
    assert looked(db, seas.near) == len(late)
    assert [found_by(db, who, search) for who, search in searches] == 2 * [set(late)]


def test_only_in_its_project_unless_everywhere_is_asked_for(db: Db, seas: Seas, ada: Person) -> None:
    here, everywhere = keep(db, seas, ada), keep(db, seas, ada, everywhere=True)
    new = arrive(db, seas, seas.far)
    assert looked(db, seas.far) == 3
    assert found_by(db, ada, here) == set()
    assert found_by(db, ada, everywhere) == set(new[::N_GROUPS])
    assert kept.count_new(db, seas.far.id, ada.id) == 3
    (place,) = matches.places_of(db, ada.id, everywhere.id)
    assert (place.project_id, place.n_new, place.may_label) == (seas.far.id, 3, False)


def test_it_finds_what_its_owner_may_read_at_that_moment(db: Db, seas: Seas, ada: Person, ben: Person) -> None:
    set_member(db, seas.near.id, ben.id, "visitor")
    search = keep(db, seas, ben, everywhere=True)
    db.execute("delete from member where account_id = %s and project_id = %s", [ben.id, seas.near.id])
    arrive(db, seas, seas.near)
    assert looked(db, seas.near) == 0
    arrive(db, seas, seas.far)
    assert looked(db, seas.far) == 3
    db.execute("delete from member where account_id = %s and project_id = %s", [ben.id, seas.far.id])
    assert found_by(db, ben, search) == set(), "what was found is not shown any more either"
    assert found_by(db, ada, search) == set(), "a search is its owner's alone"
    with pytest.raises(NotFound):
        kept.find_search(db, seas.near.id, ada.id, search.id)


def test_a_paused_search_rests_and_then_looks_at_what_came_meanwhile(db: Db, seas: Seas, ada: Person) -> None:
    search, project = keep(db, seas, ada), project_of(db, ada, seas.near)
    kept.change(db, project, ada, search.id, SearchChange(title="Comb jelly", paused=True))
    arrive(db, seas, seas.near)
    assert looked(db, seas.near) == 0 and after_embedding(db, seas.near.id, ada.id) is None
    went_on = kept.change(db, project, ada, search.id, SearchChange(paused=False))
    assert (went_on.title, went_on.paused_at) == ("Comb jelly", None)
    assert looked(db, seas.near) == 3


def test_a_threshold_by_chance_is_that_of_validated_pairs(db: Db, seas: Seas, ada: Person) -> None:
    with pytest.raises(Refused, match="Too little is validated"):
        keep(db, seas, ada, max_distance=None, chance=0.8)
    for group, taxon in enumerate(("Oithona", "Calanoida", "fiber")):
        seas.near.do(ada, seas.near.ids[group::N_GROUPS], taxon=taxon)
    search = keep(db, seas, ada, max_distance=None, chance=0.8)
    assert search.chance == pytest.approx(0.8) and 0 < search.max_distance < 0.6
    new = arrive(db, seas, seas.near)
    looked(db, seas.near)
    assert found_by(db, ada, search) == set(new[::N_GROUPS])


def test_a_batch_of_examples_is_kept_with_all_that_it_looks_for(db: Db, seas: Seas, ada: Person) -> None:
    project = project_of(db, ada, seas.near)
    batch = make_batch(db, project, ada, Source("examples", {"ids": seas.near.ids[:4:3]}))
    search = keep(db, seas, ada, examples=None, batch_id=batch.id)
    assert search.examples == seas.near.ids[:4:3] and search.n_examples == 2
    plain = make_batch(db, project, ada, Source("filter", {"query": ""}))
    with pytest.raises(Refused, match="looks for nothing by likeness"):
        keep(db, seas, ada, examples=None, batch_id=plain.id)


def test_sizes_count_in_a_search_as_they_did_when_it_was_kept(db: Db, seas: Seas, ada: Person) -> None:
    project = replace(project_of(db, ada, seas.near), size_weight=0.4)
    wish = SearchWish("Large ones", examples=seas.near.ids[:1], max_distance=0.25)
    search = kept.keep(db, project, ada, wish)
    db.commit()
    new = arrive(db, seas, seas.near)
    db.execute(
        """
        insert into object_field (project_id, object_id, numbers)
        select %s, id, array[case when id = %s then (select numbers[1] from object_field where object_id = %s)
                                  else 1e7 end]
          from unnest(%s::bigint[]) id
        """,
        [seas.near.id, new[0], seas.near.ids[0], new],
    )
    db.commit()
    mirror.forget()
    assert looked(db, seas.near) == 1
    assert found_by(db, ada, search) == {new[0]}
    with pytest.raises(Refused, match="weighs sizes"):
        kept.change(db, project, ada, search.id, SearchChange(everywhere=True))


def test_matches_are_worked_as_a_batch_where_they_are(db: Db, seas: Seas, ada: Person, ben: Person) -> None:
    search = keep(db, seas, ada)
    new = arrive(db, seas, seas.near)
    looked(db, seas.near)
    project = project_of(db, ada, seas.near)
    batch = make_batch(db, project, ada, Source("search", {"search_id": search.id}))
    assert (batch.n, batch.title) == (3, "New for “Mnemiopsis”")
    matches.note_looked_at(db, ada.id, search.id, [new[0]])
    assert make_batch(db, project, ada, Source("search", {"search_id": search.id})).n == 2
    assert make_batch(db, project, ada, Source("search", {"search_id": search.id, "all": True})).n == 3
    set_member(db, seas.near.id, ben.id, "annotator")
    with pytest.raises(NotFound):
        make_batch(db, project_of(db, ben, seas.near), ben, Source("search", {"search_id": search.id}))


def test_the_job_looks_after_each_embedding(
    db: Db, seas: Seas, ada: Person, settings: Settings, database_url: str
) -> None:
    assert after_embedding(db, seas.near.id, ada.id) is None, "nobody searches"
    search = keep(db, seas, ada)
    arrive(db, seas, seas.near)
    foreground.run(settings, database_url, "searches", "Look", seas.near.id, None, {})
    assert len(found_by(db, ada, search)) == 3


def test_a_search_is_kept_changed_and_deleted_by_programs(
    app_client: Client, database_url: str, db: Db, seas: Seas, ada: Person
) -> None:
    url = f"/api/v1/projects/{seas.far.id}/searches"
    header = bearer(database_url, account(ada))
    asked = {"title": "Seen by a visitor", "examples": seas.far.ids[:1], "max_distance": 0.2}
    made = app_client.post(url, json=asked, headers=header)
    assert made.status_code == 201 and made.json()["n_examples"] == 1
    one = f"{url}/{made.json()['id']}"
    assert app_client.patch(one, json={"max_distance": 9}, headers=header).status_code == 400
    changed = app_client.patch(one, json={"max_distance": 0.3, "title": "Wider"}, headers=header).json()
    assert (changed["title"], round(changed["max_distance"], 3)) == ("Wider", 0.3)
    arrive(db, seas, seas.far)
    looked(db, seas.far)
    told = app_client.get(one, headers=header).json()
    assert len(told["matches"]) == told["search"]["n_new"] == 3 and told["places"][0]["may_label"] is False
    page = app_client.get(f"/projects/{seas.far.id}/searches/{made.json()['id']}", headers=header)
    assert page.status_code == 200 and "3 new" in page.text
    assert app_client.post(f"{one}/looked-at", json={}, headers=header).json() == {"n": 3}
    assert [row["n_new"] for row in app_client.get(url, headers=header).json()] == [0]
    assert "Wider" in app_client.get(f"/projects/{seas.far.id}/searches", headers=header).text
    assert app_client.delete(one, headers=header).status_code == 204
    assert app_client.get(one, headers=header).status_code == 404


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"examples": None}, "Say what is looked for"),
        ({"max_distance": None}, "how near a match must be"),
        ({"chance": 0.5}, "how near a match must be"),
        ({"max_distance": 3.0}, "at most 2"),
        ({"title": " "}, "needs a name"),
        ({"chance": 1.0, "max_distance": None}, "below 1"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_words(
    db: Db, seas: Seas, ada: Person, more: dict[str, object], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        keep(db, seas, ada, **more)
