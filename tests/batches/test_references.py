"""Reference projects vote from the first card on, and for those alone who may read them."""

import numpy as np
import pytest

from app.accounts.viewer import Account, Viewer
from app.batches import turning
from app.batches.proposals import propose
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs.context import Cancelled, JobContext
from app.projects import references
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.search import embedders, reference_job
from app.search.voices import Voice
from app.settings import Settings
from tests.batches.conftest import N_GROUPS, N_WITHOUT, N, Worker, ids_of
from tests.search.conftest import add_vectors, unit_vectors
from tests.search.test_embed import Counting, counting, give_images, picture
from tests.search.test_embed import vectors as vectors_in_db
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["counting"]

TAXON_OF = ["Oithona", "Calanoida", "fiber", "detritus"]


def name_reference(db: Db, project_id: int, reference_id: int) -> None:
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [project_id, reference_id])


@pytest.fixture
def atlas(db: Db, small: SmallProject, seen: Project, vectors: np.ndarray, ada: Person, ben: Person) -> SmallProject:
    """A project in which all four groups are validated, the reference of the small one; Ada may read it, Ben not."""
    made = make_project(db, N - N_WITHOUT, "Atlas")
    near = vectors + 0.02 * np.random.default_rng(1).standard_normal(vectors.shape)
    near = near / np.linalg.norm(near, axis=1, keepdims=True)
    add_vectors(db, seen.embedder_id or 0, made.id, made.ids, near)
    db.execute("update project set embedder_id = %s where id = %s", [seen.embedder_id, made.id])
    for group, taxon in enumerate(TAXON_OF):
        made.do(ada, made.ids[group::N_GROUPS], taxon=taxon)
    set_member(db, made.id, ada.id, "visitor")
    for who in (ada, ben):
        set_member(db, small.id, who.id, "annotator")
    name_reference(db, small.id, made.id)
    return made


def group_of(small: SmallProject, ids: list[int]) -> set[int]:
    return {small.ids.index(object_id) % N_GROUPS for object_id in ids}


def test_a_project_without_a_label_has_proposals_and_a_line(
    mine: Worker, small: SmallProject, atlas: SmallProject
) -> None:
    batch = mine.make("examples", args={"ids": [small.ids[1]]})
    page = mine.page(batch)
    assert [one["taxon"] for one in page.proposals[:1]] == ["Calanoida"]
    assert page.proposals[0]["votes"] == page.proposals[0]["of"] and page.proposals[0]["references"] == [atlas.id]
    assert "reference" in page.proposals[0]["why"]
    assert page.line_basis and page.line_basis["reference"] == atlas.id
    before = ids_of(page)[: page.line]
    assert before and group_of(small, before) == {1}


def test_who_may_not_read_a_reference_hears_nothing_of_it(
    db: Db, mine: Worker, theirs: Worker, small: SmallProject, atlas: SmallProject, ada: Person
) -> None:
    own = theirs.make("examples", args={"ids": [small.ids[1]]})
    page = theirs.page(own)
    assert page.proposals == [] and page.line is None
    adas = mine.make("examples", args={"ids": [small.ids[2]]})
    assert mine.page(adas).proposals
    assert theirs.page(adas).proposals == []
    db.execute("delete from member where project_id = %s and account_id = %s", [atlas.id, ada.id])
    assert mine.page(adas).proposals == []
    assert turning.take_over(db, theirs.project, theirs.person, adas.id).account_id == theirs.person.id
    assert theirs.page(adas).proposals == []


def test_own_objects_and_those_of_references_vote_together(
    db: Db, mine: Worker, small: SmallProject, atlas: SmallProject, ada: Person
) -> None:
    small.do(ada, small.ids[1:9:N_GROUPS], taxon="Oithona similis")
    page = mine.page(mine.make("examples", args={"ids": [small.ids[13]]}))
    said = {one["taxon"]: one["votes"] for one in page.proposals}
    assert said["Oithona similis"] >= 1 and said["Calanoida"] >= 1
    db.execute("delete from project_reference")
    page = mine.page(mine.make("examples", args={"ids": [small.ids[13]]}))
    assert {one["taxon"] for one in page.proposals} == {"Oithona similis"}


def test_a_reference_that_is_far_away_is_hardly_heard(
    db: Db, mine: Worker, small: SmallProject, seen: Project, vectors: np.ndarray, ada: Person
) -> None:
    """All of its objects agree, and are alike among themselves; but they are like nothing here."""
    far = make_project(db, 60, "Elsewhere", visibility="accounts")
    alike = unit_vectors(1, 16, seed=77) + 0.05 * unit_vectors(60, 16, seed=78)
    add_vectors(db, seen.embedder_id or 0, far.id, far.ids, alike / np.linalg.norm(alike, axis=1, keepdims=True))
    far.do(ada, far.ids, taxon="fiber")
    name_reference(db, small.id, far.id)
    assert propose(db, mine.project, np.array(small.ids[1:9]), ada.id) == []
    small.do(ada, small.ids[1:9:N_GROUPS], taxon="Calanoida")
    said = propose(db, mine.project, np.array(small.ids[13:14]), ada.id)
    assert [one["taxon"] for one in said] == ["Calanoida"]


def test_votes_that_are_heard_by_less_than_half_say_that_they_are_far(
    app_client: Client, db: Db, mine: Worker, small: SmallProject, atlas: SmallProject, ada: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ids = np.array(small.ids[1:2])
    (near,) = propose(db, mine.project, ids, ada.id)
    assert near["share"] == 1 and "count less" not in near["why"]
    monkeypatch.setattr(Voice, "loudness", lambda _, vectors: np.full(len(vectors), 0.3, np.float32))
    (far,) = propose(db, mine.project, ids, ada.id)
    assert far["share"] == pytest.approx(0.3) and far["votes"] == far["of"] and "count less: 30%" in far["why"]
    batch = mine.make("examples", args={"ids": [small.ids[1]]})
    db.commit()
    window = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    url = f"/projects/{small.id}/batches/{batch.id}/proposals?ids={small.ids[5]}"
    assert f"{far['votes']} of {far['of']}, far" in window.get(url).text
    monkeypatch.setattr(Voice, "loudness", lambda _, vectors: np.full(len(vectors), 0.05, np.float32))
    assert propose(db, mine.project, ids, ada.id) == []


def test_what_a_reference_knows_is_no_novelty(
    db: Db, mine: Worker, theirs: Worker, small: SmallProject, atlas: SmallProject, ada: Person
) -> None:
    db.execute(
        "update label set status = 'U', taxon_id = null where project_id = %s and object_id = any(%s)",
        [atlas.id, atlas.ids[3::N_GROUPS]],
    )
    found = mine.make("novelties")
    assert found.n >= 20
    assert group_of(small, ids_of(mine.page(found, 20))) == {3}
    assert theirs.make("novelties").n == 0
    small.do(ada, small.ids[3:40:N_GROUPS], taxon="detritus")
    assert group_of(small, ids_of(mine.page(mine.make("novelties"), 20))) <= {3}


def test_settings_name_and_take_out_references(
    app_client: Client, db: Db, database_url: str, small: SmallProject, atlas: SmallProject, ada: Person, ben: Person
) -> None:
    set_member(db, small.id, ben.id, "manager")
    set_member(db, small.id, ada.id, "manager")
    other = make_project(db, 3, "Open waters", visibility="accounts")
    db.commit()
    api = f"/api/v1/projects/{small.id}/references"
    adas, bens = (bearer(database_url, Account(who.id, who.email, who.name, False)) for who in (ada, ben))
    listed = app_client.get(api, headers=adas).json()
    assert [one["title"] for one in listed["references"]] == ["Atlas"] and listed["n_hidden"] == 0
    assert listed["references"][0]["heard"] > 0.9
    assert listed["references"][0]["n_voters"] == N - N_WITHOUT and listed["references"][0]["has_same_embedder"]
    assert app_client.get(api, headers=bens).json() == {"references": [], "n_hidden": 1}
    assert app_client.put(f"{api}/{atlas.id}", headers=bens).status_code == 404
    assert app_client.delete(f"{api}/{atlas.id}", headers=bens).status_code == 404
    assert app_client.put(f"{api}/{small.id}", headers=adas).status_code == 422
    assert app_client.put(f"{api}/{other.id}", headers=bens).json()["references"][0]["title"] == "Open waters"
    adas_page = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    assert "A vote of it counts 100 % here" in adas_page.get(f"/projects/{small.id}/settings").text
    page = logged_in(app_client, Account(ben.id, ben.email, ben.name, False))
    text = page.get(f"/projects/{small.id}/settings").text
    assert "Open waters" in text and "Atlas" not in text and "1 more is deleted or not shared with you" in text
    assert "Atlas" not in page.get(f"/projects/{small.id}/references/offered?q=a").text
    assert page.post(f"/projects/{small.id}/references/{other.id}/remove").status_code == 303
    assert page.post(f"/projects/{small.id}/references", data={"reference_id": other.id}).status_code == 303
    assert "It has no vectors" in page.get(f"/projects/{small.id}/references").text
    assert page.post(f"/projects/{small.id}/references/remove-hidden").status_code == 303
    listed = app_client.get(api, headers=adas).json()
    assert [one["title"] for one in listed["references"]] == ["Open waters"]


class Watched(JobContext):
    """A job's context that asks to stop after some progress."""

    stop_at: int | None = None

    def progress(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        super().progress(done, total, unit, message)
        if self.stop_at is not None and done >= self.stop_at:
            raise Cancelled


def job_of(settings: Settings, project_id: int, who: Person, reference_id: int, per_taxon: int) -> Watched:
    args = {"reference_id": reference_id, "per_taxon": per_taxon}
    return Watched(1, "reference", project_id, who.id, args, settings, settings.database_url)


@pytest.fixture
def apart(db: Db, settings: Settings, counting: Counting, ada: Person) -> tuple[SmallProject, SmallProject]:
    """A project with an embedder, and its reference that has none: 30 objects of one taxon, 5 of another, 5 without."""
    project, reference = make_project(db, 4, "Cruise"), make_project(db, 40, "Museum")
    for one in (project, reference):
        give_images(db, settings, one.id, {object_id: [picture(object_id)] for object_id in one.ids})
    embedders.assign(db, settings, project.id, "counting")
    reference.do(ada, reference.ids[:30], taxon="Oithona")
    reference.do(ada, reference.ids[30:35], taxon="fiber")
    set_member(db, reference.id, ada.id, "visitor")
    name_reference(db, project.id, reference.id)
    db.commit()
    return project, reference


def test_another_embedders_reference_is_embedded_for_the_project_a_part_of_each_taxon(
    db: Db, settings: Settings, counting: Counting, apart: tuple[SmallProject, SmallProject], ada: Person
) -> None:
    project, reference = apart
    job = job_of(settings, project.id, ada, reference.id, 10)
    reference_job.run(job)
    assert counting.calls == 15
    first = vectors_in_db(db, reference.id).keys()
    assert len(first) == 15 and set(reference.ids[30:35]) < first
    assert job.state.total == job.state.done == 15
    seen = find_project(db, Viewer(Account(0, "", "", True)), project.id)
    told = references.describe(db, seen, ada.id).references[0]
    assert (told.n_voters, told.n_validated, told.embedder, told.has_same_embedder) == (15, 35, None, False)
    assert db.execute("select embedder_id from project where id = %s", [reference.id]).fetchone()[0] is None
    db.commit()
    reference_job.run(job_of(settings, project.id, ada, reference.id, 20))
    assert counting.calls == 25 and first < vectors_in_db(db, reference.id).keys()
    reference_job.run(job_of(settings, project.id, ada, reference.id, 20))
    assert counting.calls == 25


def test_a_cancelled_embedding_of_a_reference_goes_on_where_it_stopped(
    db: Db, settings: Settings, counting: Counting, apart: tuple[SmallProject, SmallProject], ada: Person
) -> None:
    project, reference = apart
    job = job_of(settings, project.id, ada, reference.id, 30)
    job.stop_at = 1
    with pytest.raises(Cancelled):
        reference_job.run(job)
    reference_job.run(job_of(settings, project.id, ada, reference.id, 30))
    assert len(vectors_in_db(db, reference.id)) == 35 and counting.calls <= 35 + counting.batch_size


def test_who_may_not_read_a_reference_any_more_has_nothing_of_it_embedded(
    db: Db, settings: Settings, counting: Counting, apart: tuple[SmallProject, SmallProject], ada: Person, ben: Person
) -> None:
    project, reference = apart
    embedder_id = embedders.of_project(db, project.id).id
    with pytest.raises(NotFound):
        reference_job.ask(db, project.id, embedder_id, ben.id, reference.id, 10)
    with pytest.raises(Refused, match="Between 1 and 10,000"):
        reference_job.ask(db, project.id, embedder_id, ada.id, reference.id, 0)
    job_id = reference_job.ask(db, project.id, embedder_id, ada.id, reference.id, 10)
    args = db.execute("select args from job where id = %s", [job_id]).fetchone().args
    assert args == {"reference_id": reference.id, "per_taxon": 10}
    db.execute("delete from member where project_id = %s", [reference.id])
    db.commit()
    with pytest.raises(NotFound):
        reference_job.run(job_of(settings, project.id, ada, reference.id, 10))
    assert vectors_in_db(db, reference.id) == {} and counting.calls == 0
