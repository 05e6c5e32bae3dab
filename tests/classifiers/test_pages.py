"""The pages of classifiers: what is told of one, its confusions, two side by side, and who may read them."""

import pytest
from psycopg.types.json import Jsonb

from app.accounts.viewer import Account, Viewer
from app.batches.make import make_batch
from app.batches.sources import Source
from app.database import Db
from app.errors import NotFound
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from tests.classifiers.written import Said, write_classifier
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    project = make_project(db, 12)
    set_member(db, project.id, ada.id, "manager")
    return project


@pytest.fixture
def said(bay: SmallProject) -> list[Said]:
    """Eight objects: three of four Oithona and all of fiber are recognised; two Calanoida are called Oithona."""
    names = ["Oithona"] * 4 + ["fiber"] * 2 + ["Calanoida"] * 2
    firsts = ["Oithona"] * 3 + ["fiber"] * 3 + ["Oithona"] * 2
    scores = [0.95, 0.9, 0.6, 0.4, 0.9, 0.8, 0.7, 0.5]
    return [Said(*one) for one in zip(bay.ids, names, firsts, scores, strict=False)]


def seen_by(who: Person, project: SmallProject) -> Project:
    return find_project(project.db, Viewer(Account(who.id, who.email, who.name, False)), project.id)


def client_of(client: Client, who: Person) -> Client:
    return logged_in(client, Account(who.id, who.email, who.name, False))


def test_a_report_says_in_words_what_to_expect(
    app_client: Client, bay: SmallProject, said: list[Said], ada: Person
) -> None:
    classifier_id = write_classifier(bay, said)
    bay.db.commit()
    page = client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers/{classifier_id}").text
    assert "<b>62 of 100</b> new images get the right name" in page
    assert "With a score of 0.9 or more, which 38 % of them have, it is <b>3 of 3</b>" in page
    assert "Open as a batch: Calanoida called Oithona" in page
    assert "on 4 of them: linear discriminant 80.0 %" in page
    assert "random forest 75.0 %" in page


@pytest.mark.parametrize(
    ("n", "told"), [(1, "of such, 1 of 1 was still right: too few"), (50, "50 of 100 were still right.")]
)
def test_what_rests_on_few_objects_is_no_percentage(
    app_client: Client, bay: SmallProject, said: list[Said], ada: Person, n: int, told: str
) -> None:
    classifier_id = write_classifier(bay, said)
    novelty = {"novelty": {"threshold": 0.99, "n_beyond": n, "share_right_beyond": 1.0 if n == 1 else 0.5}}
    bay.db.execute("update classifier set report = report || %s", [Jsonb(novelty)])
    bay.db.commit()
    assert told in client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers/{classifier_id}").text


def test_confused_taxa_stand_together_in_the_picture(
    app_client: Client, bay: SmallProject, said: list[Said], ada: Person
) -> None:
    classifier_id = write_classifier(bay, said)
    bay.db.commit()
    matrix = client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers/{classifier_id}/confusion").json()
    names = [matrix["names"][place] for place in matrix["orders"]["confused"]]
    assert abs(names.index("Calanoida") - names.index("Oithona")) == 1
    assert sum(n for _, _, n in matrix["cells"]) == 8
    assert [matrix["names"][place] for place in matrix["orders"]["tree"]] == [
        "Calanoida",
        "Oithona",
        "fiber < detritus",
    ]


def test_the_objects_behind_a_cell_open_as_a_batch_the_surest_first(
    db: Db, bay: SmallProject, said: list[Said], ada: Person
) -> None:
    elsewhere = Said(bay.ids[9], "Calanoida", "Oithona", project_id=0)
    classifier_id = write_classifier(bay, [*said, elsewhere])
    cell = {"classifier_id": classifier_id, "truth": bay.taxa["Calanoida"], "predicted": bay.taxa["Oithona"]}
    batch = make_batch(db, seen_by(ada, bay), ada, Source("confusion", cell))
    assert (batch.n, batch.title) == (2, "Calanoida, called Oithona (1 more in other projects)")
    page = db.execute("select object_ids from batch_page where batch_id = %s", [batch.id]).fetchone()
    assert page.object_ids == [bay.ids[6], bay.ids[7]]


def test_a_cell_of_another_projects_classifier_is_not_opened(
    db: Db, bay: SmallProject, said: list[Said], ada: Person
) -> None:
    other = make_project(db, 3, title="Other")
    classifier_id = write_classifier(other, [Said(other.ids[0], "Oithona", "fiber")])
    cell = {"classifier_id": classifier_id, "truth": bay.taxa["Oithona"], "predicted": bay.taxa["fiber"]}
    with pytest.raises(NotFound, match="no classifier of that number"):
        make_batch(db, seen_by(ada, bay), ada, Source("confusion", cell))


@pytest.mark.parametrize(("n", "words"), [(8, "Bay, version 2 is better by 100.0 points"), (3, "may be chance")])
def test_two_are_compared_on_the_objects_that_both_held_out(
    app_client: Client, bay: SmallProject, ada: Person, n: int, words: str
) -> None:
    wrong = [Said(object_id, "Calanoida", "fiber") for object_id in bay.ids[2:]]
    right = [Said(object_id, "Calanoida", "Calanoida") for object_id in bay.ids[: n + 2]]
    first, second = write_classifier(bay, wrong), write_classifier(bay, right, version=2)
    bay.db.commit()
    page = client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers/{second}/compare?to={first}").text
    assert f"On the {n} images that both held out: 0.0 % and 100.0 % rightly named" in page
    assert words in page


def test_a_classifier_of_another_project_is_not_found_here(app_client: Client, bay: SmallProject, ada: Person) -> None:
    other = make_project(bay.db, 3, title="Other")
    classifier_id = write_classifier(other, [Said(other.ids[0], "Oithona", "fiber")])
    bay.db.commit()
    client = client_of(app_client, ada)
    assert client.get(f"/projects/{bay.id}/classifiers/{classifier_id}").status_code == 404
    assert client.get(f"/projects/{other.id}/classifiers/{classifier_id}").status_code == 404


def test_without_any_the_list_says_how_to_make_one(app_client: Client, bay: SmallProject, ada: Person) -> None:
    bay.db.commit()
    assert "No classifier yet" in client_of(app_client, ada).get(f"/projects/{bay.id}/classifiers").text
