"""The page that trains: sets and columns to choose from, what is refused, and what a training is asked for."""

import re

import pytest

from app.database import Db
from app.errors import Refused
from app.jobs import foreground
from app.learning import sets
from app.prediction import overview
from app.projects.access import Project
from app.projects.queries import set_member
from app.settings import Settings
from tests.classifiers.test_pages import client_of, seen_by
from tests.search.conftest import add_vectors, make_embedder, own_home, unit_vectors
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client

__all__ = ["own_home"]


@pytest.fixture
def bay(db: Db, ada: Person, ben: Person) -> SmallProject:
    """Ada manages, Ben labels; ten of twenty objects are validated as two taxa."""
    project = make_project(db, 20)
    set_member(db, project.id, ada.id, "manager")
    set_member(db, project.id, ben.id, "annotator")
    project.do(ada, project.ids[:5], taxon="Oithona")
    project.do(ada, project.ids[5:10], taxon="fiber")
    db.execute(
        """
        insert into embedder (name, digest, dimension, description, config, embeds_images, embeds_text)
        values ('tiny', 'none', 4, '', '{}', true, false)
        """
    )
    db.execute("update project set embedder_id = (select id from embedder where name = 'tiny')")
    db.commit()
    return project


@pytest.fixture
def frozen(bay: SmallProject, ada: Person) -> int:
    home: Project = seen_by(ada, bay)
    set_id = sets.own_set(bay.db, home, ada.id)
    bay.db.commit()
    return set_id


def test_the_columns_of_a_chosen_set_tell_what_is_missing(
    app_client: Client, bay: SmallProject, frozen: int, ada: Person
) -> None:
    page = client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers/offered?learning_set={frozen}").text
    assert 'value="object.area"' in page
    assert "20 % missing" in page
    assert "missing everywhere" in page  # depth_max_m


def test_a_training_is_asked_for_with_all_choices(
    app_client: Client, bay: SmallProject, frozen: int, ada: Person
) -> None:
    form = {
        "learning_set": str(frozen), "title": "Mine", "method": "forest", "pca": "0,9", "then": "look",
        "columns": ["object.area", "object.depth_min_m"],
    }  # fmt: skip
    answer = client_of(app_client, ada).post(f"/projects/{bay.id}/classifiers", data=form)
    assert answer.status_code == 303, answer.text
    row = bay.db.execute("select title, learning_set_id, config from classifier").fetchone()
    assert (row.title, row.learning_set_id) == ("Mine", frozen)
    assert row.config["columns"] == ["object.area", "object.depth_min_m"]
    assert (row.config["method"], row.config["pca"]) == ("forest", "0.9")
    assert (row.config["then_predict"], row.config["publish"]) == (True, False)


def test_how_it_was_trained_last_is_offered_the_next_time_until_the_set_is_gone(
    app_client: Client, bay: SmallProject, frozen: int, ada: Person
) -> None:
    form = {
        "learning_set": str(frozen), "title": "Mine", "method": "forest", "pca": "0.9", "then": "look",
        "columns": "object.area", "embedder": str(own_embedder(bay)),
    }  # fmt: skip
    client, there = client_of(app_client, ada), f"/projects/{bay.id}/classifiers"
    assert client.post(there, data=form).status_code == 303
    client.post(f"/projects/{bay.id}/predictions/train")  # one click, which chooses nothing
    page = client.get(f"{there}/new").text
    for said in (
        f'value="{frozen}" selected', 'value="forest" selected', 'name="pca" inputmode="decimal" value="0.9"',
        'value="object.area" checked', 'value="look" checked', 'name="title" maxlength="200" value="Mine"',
    ):  # fmt: skip
        assert said in page, said
    assert 'value="object.area" checked' in client.get(f"{there}/offered?learning_set=own").text
    other = client.get(f"{there}/new?learning_set=own").text
    assert 'value="own" selected' in other and 'value="forest" selected' in other and 'value="Mine"' not in other
    bay.db.execute("delete from learning_set where id = %s", [frozen])
    bay.db.commit()
    assert 'value="own" selected' in client.get(f"{there}/new").text


def test_what_teaches_one_taxon_only_is_refused_before_anything_is_begun(
    app_client: Client, bay: SmallProject, frozen: int, ada: Person
) -> None:
    bay.db.execute("update learning_set set n_taxa = 1")
    bay.do(ada, bay.ids[5:10], taxon="Oithona")
    bay.db.commit()
    client = client_of(app_client, ada)
    for chosen, sentence in (("own", "All 10 validated objects are of one taxon"), (str(frozen), "the same taxon")):
        answer = client.post(f"/projects/{bay.id}/classifiers", data={"learning_set": chosen})
        assert answer.status_code == 409 and sentence in answer.text
    assert bay.db.execute("select count(*) from classifier").fetchone()[0] == 0
    assert bay.db.execute("select count(*) from learning_set").fetchone()[0] == 1


def test_one_column_alone_is_taken_too(app_client: Client, bay: SmallProject, frozen: int, ada: Person) -> None:
    form = {"learning_set": str(frozen), "columns": "object.area"}
    client_of(app_client, ada).post(f"/projects/{bay.id}/classifiers", data=form)
    row = bay.db.execute("select title, config from classifier").fetchone()
    assert (row.title, row.config["columns"]) == ("Validated here", ["object.area"])


def test_a_column_that_is_not_shared_is_refused_on_the_page_and_nothing_is_begun(
    app_client: Client, bay: SmallProject, ada: Person, frozen: int
) -> None:
    form = {"learning_set": str(frozen), "columns": "object.perimeter", "title": "Mine"}
    answer = client_of(app_client, ada).post(f"/projects/{bay.id}/classifiers", data=form)
    assert answer.status_code == 400
    assert "the numeric columns object.perimeter" in answer.text
    assert 'value="Mine"' in answer.text
    assert bay.db.execute("select count(*) from classifier").fetchone()[0] == 0


def test_one_click_freezes_what_is_validated_and_goes_on_to_training_and_prediction(
    app_client: Client, bay: SmallProject, ada: Person, settings: Settings, own_home: None
) -> None:
    client = client_of(app_client, ada)
    page = client.get(f"/projects/{bay.id}/predictions").text
    assert "<b>10</b> validated images of <b>2</b> taxa to learn from" in page
    assert client.post(f"/projects/{bay.id}/predictions/train").status_code == 303
    assert "Train Validated here waits for its turn" in client.get(f"/projects/{bay.id}/predictions").text
    row = bay.db.execute("select title, config, learning_set_id, job_id from classifier").fetchone()
    assert (row.title, row.config["then_predict"], row.config["publish"]) == ("Validated here", True, True)
    learning_set = bay.db.execute("select * from learning_set where id = %s", [row.learning_set_id]).fetchone()
    assert (learning_set.n_objects, learning_set.frozen_at) == (0, None), "nobody waits for it in a browser"
    progress = client.get(f"/projects/{bay.id}/learning-sets/{learning_set.id}/progress").text
    assert "It waits for its turn" in progress
    bay.db.commit()
    with pytest.raises(Refused, match="has a vector of tiny"):  # this project's are not made
        foreground.run_waiting(settings, settings.database_url, row.job_id)
    learning_set = bay.db.execute("select * from learning_set where id = %s", [row.learning_set_id]).fetchone()
    assert learning_set.n_objects == 10 and learning_set.frozen_at


@pytest.mark.parametrize("way", ["page", "form", "program"])
def test_a_second_click_joins_the_first(
    app_client: Client, bay: SmallProject, ada: Person, settings: Settings, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that came at the same moment, and so has not seen the first at work."""
    monkeypatch.setattr(overview, "at_work", lambda *_: [])
    client = client_of(app_client, ada)
    ask = {
        "page": lambda: client.post(f"/projects/{bay.id}/predictions/train"),
        "form": lambda: client.post(f"/projects/{bay.id}/classifiers", data={"learning_set": "own"}),
        "program": lambda: client.post(f"/api/v1/projects/{bay.id}/classifiers", json={"predict": True}),
    }[way]
    first, second = ask(), ask()
    assert first.status_code == second.status_code in (202, 303), second.text
    assert first.text == second.text and first.headers.get("location") == second.headers.get("location")
    for table in ("learning_set", "classifier", "job"):
        assert bay.db.execute(f"select count(*) from {table}").fetchone()[0] == 1, table


def test_columns_common_to_the_sources_can_be_chosen_of_what_is_not_frozen_yet(
    app_client: Client, bay: SmallProject, ada: Person, settings: Settings
) -> None:
    client = client_of(app_client, ada)
    assert 'value="object.area"' in client.get(f"/projects/{bay.id}/classifiers/new").text
    client.post(f"/projects/{bay.id}/classifiers", data={"learning_set": "own", "columns": "object.area"})
    assert bay.db.execute("select config from classifier").fetchone().config["columns"] == ["object.area"]
    form = {"learning_set": "own", "columns": "object.perimeter"}
    assert client.post(f"/projects/{bay.id}/classifiers", data=form).status_code == 400


def test_a_second_click_while_it_works_is_refused(app_client: Client, bay: SmallProject, ada: Person) -> None:
    client = client_of(app_client, ada)
    client.post(f"/projects/{bay.id}/predictions/train")
    answer = client.post(f"/projects/{bay.id}/predictions/train")
    assert answer.status_code == 409
    assert "at work already" in answer.text
    assert bay.db.execute("select count(*) from learning_set").fetchone()[0] == 1


def test_another_embedder_may_be_chosen_where_all_that_is_learned_from_has_its_vectors(
    app_client: Client, bay: SmallProject, frozen: int, ada: Person
) -> None:
    whole, half = (make_embedder(bay.db, 4, name) for name in ("whole", "half"))
    gone = make_embedder(bay.db, 4, "elsewhere")
    add_vectors(bay.db, whole, bay.id, bay.ids, unit_vectors(20, 4))
    add_vectors(bay.db, half, bay.id, bay.ids[3:], unit_vectors(17, 4))
    bay.db.commit()
    client = client_of(app_client, ada)
    for chosen in ("own", str(frozen)):
        page = client.get(f"/projects/{bay.id}/classifiers/offered?learning_set={chosen}").text
        options = re.findall(r'<option value="(\d+)"([^>]*)>([^<]*)</option>', page)
        assert options == [
            (str(own_embedder(bay)), "", "tiny"),
            (str(half), " disabled", "half: 3 objects to learn from have none"),
            (str(whole), "" if chosen == "own" else " selected", "whole"),  # as it was chosen last
        ], chosen
        form = {"learning_set": chosen, "embedder": str(whole), "method": "discriminant"}
        assert client.post(f"/projects/{bay.id}/classifiers", data=form).status_code == 303
        row = bay.db.execute("select embedder_id from classifier order by id desc limit 1").fetchone()
        assert row.embedder_id == whole
        for other, sentence in ((half, "3 objects to learn from have none"), (gone, "choose another")):
            refused = client.post(f"/projects/{bay.id}/classifiers", data=form | {"embedder": str(other)})
            assert refused.status_code == 400 and sentence in refused.text
    by_name = client.post(
        f"/api/v1/projects/{bay.id}/classifiers", json={"embedder": "whole", "learning_set_id": frozen}
    )
    assert by_name.status_code == 202, by_name.text
    assert client.post(f"/api/v1/projects/{bay.id}/classifiers", json={"embedder": "none"}).status_code == 404


def own_embedder(project: SmallProject) -> int:
    return int(project.db.execute("select embedder_id from project where id = %s", [project.id]).fetchone()[0])


def test_with_nothing_validated_the_page_says_what_to_label_first(
    app_client: Client, bay: SmallProject, ada: Person
) -> None:
    empty = make_project(bay.db, 3, title="New")
    set_member(bay.db, empty.id, ada.id, "manager")
    bay.db.commit()
    page = client_of(app_client, ada).get(f"/projects/{empty.id}/predictions").text
    assert "Nothing is validated yet: label some images of at least two taxa" in page


def test_who_does_not_manage_may_look_and_not_train(app_client: Client, bay: SmallProject, ben: Person) -> None:
    client = client_of(app_client, ben)
    assert "A manager of the project can have Shoal learn" in client.get(f"/projects/{bay.id}/predictions").text
    assert client.post(f"/projects/{bay.id}/predictions/train").status_code == 403
    assert client.get(f"/projects/{bay.id}/classifiers/new").status_code == 403
