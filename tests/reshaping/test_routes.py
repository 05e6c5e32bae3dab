"""The same by addresses for programs, with the rights that each needs; and by commands."""

from typing import Any

import pytest
from click.testing import CliRunner

from app.accounts.viewer import Account
from app.cli import main
from app.projects.members import set_member
from app.reshaping import asked
from app.settings import Settings
from tests.reshaping.conftest import CARRIED, Shore
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, logged_in


@pytest.fixture
def bay(shore: Shore) -> SmallProject:
    return shore.bay()


@pytest.fixture
def ada_client(app_client: Client, shore: Shore, bay: SmallProject) -> Client:
    """A program of the manager of `bay`."""
    app_client.headers["accept"] = "application/json"
    return logged_in(app_client, Account(shore.who.id, shore.who.email, shore.who.name, False))


def finish(shore: Shore, answer: Any) -> asked.Reshaping:
    assert answer.status_code == 202, answer.text
    return shore.work(asked.find(shore.db, answer.json()["id"]))


def test_a_subset_is_looked_at_made_and_followed(ada_client: Client, shore: Shore, bay: SmallProject) -> None:
    base = f"/api/v1/projects/{bay.id}"
    which = {"filters": "status=V", "number": 3, "per": "taxon"}
    told = ada_client.post(f"{base}/subset/preview", json=which).json()
    assert (told["n_objects"], told["n_taxa"], told["statuses"]) == (6, 2, {"V": 6})
    assert {row["taxon"] for row in told["taxa"]} == {"Copepoda", "Oithona similis"}
    made = finish(shore, ada_client.post(f"{base}/subset", json=which | {"title": "Copepods"}))
    followed = ada_client.get(f"{base}/reshapings/{made.id}").json()
    assert (followed["state"], followed["n_objects"], followed["to_id"]) == ("done", 6, made.to_id)
    assert ada_client.get(f"/api/v1/projects/{made.to_id}").json()["title"] == "Copepods"
    refused = ada_client.post(f"{base}/subset", json={"title": "x", "share": 10, "number": 3})
    assert refused.status_code == 422
    assert "not both" in refused.json()["detail"]


def test_a_merge_is_looked_at_made_and_taken_apart(ada_client: Client, shore: Shore, bay: SmallProject) -> None:
    gulf = shore.bay(20, "Gulf")
    base = f"/api/v1/projects/{bay.id}/merge"
    told = ada_client.post(f"{base}/preview", json={"source_id": gulf.id}).json()
    assert (told["n_objects"], told["n_samples_in_both"]) == (20, 2)
    assert ada_client.post(base, json={"source_id": gulf.id}).status_code == 409
    made = finish(shore, ada_client.post(base, json={"source_id": gulf.id, "samples": "join"}))
    assert ada_client.get(f"/api/v1/projects/{gulf.id}").status_code == 404
    since = ada_client.get(f"{base}/{made.id}/apart").json()
    assert since == {"n_objects": 20, "n_deleted": 0, "n_labelled": 0, "n_commented": 0, "n_changed": 0}
    apart = ada_client.post(f"{base}/{made.id}/apart")
    assert (apart.status_code, apart.json()["n_objects"]) == (202, 20)
    assert ada_client.get(f"/api/v1/projects/{gulf.id}").status_code == 200


def test_a_project_of_others_cannot_be_merged_away(
    ada_client: Client, shore: Shore, bay: SmallProject, make_project: Any
) -> None:
    shore.db.commit()
    hidden, looked_at = make_project("Theirs"), make_project("Shown", visibility="accounts")
    for source, status in ((hidden, 404), (looked_at, 403)):
        for path in ("merge", "merge/preview"):
            answer = ada_client.post(f"/api/v1/projects/{bay.id}/{path}", json={"source_id": source, "samples": "join"})
            assert answer.status_code == status


def test_objects_are_deleted_and_brought_back(ada_client: Client, shore: Shore, bay: SmallProject) -> None:
    base = f"/api/v1/projects/{bay.id}"
    before = shore.rows(CARRIED, bay.id)
    shore.db.commit()
    assert ada_client.post(f"{base}/objects/delete", json={}).status_code == 422
    refused = ada_client.post(f"{base}/objects/delete", json={"filters": "status=V", "n": 3})
    assert (refused.status_code, "20 objects meet this now" in refused.json()["detail"]) == (409, True)
    made = ada_client.post(f"{base}/objects/delete", json={"ids": bay.ids[:4], "n": 4}).json()
    assert (made["state"], made["n_objects"], made["to_id"]) == ("done", 4, None)
    assert [one["id"] for one in ada_client.get(f"{base}/bin").json()] == [made["id"]]
    gone = ada_client.get(f"{base}/objects/{bay.ids[0]}")
    assert gone.status_code == 404
    assert ada_client.post(f"{base}/bin/{made['id']}/back").json()["state"] == "back"
    assert ada_client.get(f"{base}/bin").json() == []
    assert shore.rows(CARRIED, bay.id) == before


def test_a_project_is_deleted_by_its_title_and_comes_back(ada_client: Client, shore: Shore, bay: SmallProject) -> None:
    base = f"/api/v1/projects/{bay.id}"
    assert ada_client.post(f"{base}/delete", json={"title": "Bai"}).status_code == 422
    made = ada_client.post(f"{base}/delete", json={"title": "Bay"}).json()
    assert ada_client.get(base).status_code == 404
    assert [one["id"] for one in ada_client.get("/api/v1/deleted").json()] == [made["id"]]
    assert ada_client.post(f"/api/v1/deleted/{made['id']}/erase", json={"title": "Bai"}).status_code == 422
    assert ada_client.post(f"/api/v1/deleted/{made['id']}/back").status_code == 200
    assert ada_client.get(base).status_code == 200


def test_the_pages_tell_what_cannot_be_done_beside_what_was_typed(
    ada_client: Client, shore: Shore, bay: SmallProject
) -> None:
    ada_client.headers["accept"] = "text/html"
    base = f"/projects/{bay.id}"
    for method, path, data, said in (
        ("POST", "subset", {"title": "Cut", "share": "much"}, "The share is a number, not &#39;much&#39;"),
        ("GET", "subset?look=1&filters=depth%3Ddeep", {}, "cannot be obeyed"),
        ("GET", "subset?look=1&filters=copepods", {}, "cannot be obeyed"),
        ("GET", "bin?look=1&filters=taxon:1000003", {}, "taxon:1000003 cannot be obeyed"),
        ("POST", "bin", {"filters": "status=V"}, "Look at what would be deleted first"),
        ("POST", "bin", {"filters": "status=V", "n": "7"}, "20 objects meet this now"),
        ("POST", "bin/empty", {"title": "x"}, "Type the project&#39;s title"),
        ("POST", "delete", {"title": "x"}, "Nothing was done"),
        ("GET", f"merge?source={bay.id}", {}, "merged into itself"),
    ):
        answer = ada_client.request(method, f"{base}/{path}", data=data)
        assert (answer.status_code, said in answer.text) in ((422, True), (409, True)), (path, answer.text[-2000:])


def test_commands_cut_out_merge_delete_and_bring_back(shore: Shore, bay: SmallProject, settings: Settings) -> None:
    gulf = shore.bay(20, "Gulf")
    shore.db.commit()
    env = {"SHOAL_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}

    def shoal(*words: str) -> str:
        done = CliRunner().invoke(main, list(words), env=env)
        assert done.exit_code == 0, done.output
        return done.output

    assert "20 objects of 2 samples" in shoal("subset", "Bay", "Cut", "--filter", "status=V", "--dry-run")
    assert "Cut: 20 objects of Bay" in shoal("subset", "Bay", "Cut", "--filter", "status=V", "--no-comments")
    shore.db.execute("update sample set latitude = 43 where project_id = %s and orig_id = 'sample1'", [gulf.id])
    shore.db.commit()
    looked = CliRunner().invoke(main, ["merge", "Gulf", "Bay", "--dry-run"], env=env)
    assert (looked.exit_code, "Samples in both: 2" in looked.output, "Nothing was done" in looked.output) == (1,) * 3
    lost = "stand in 1 sample, where those that come differ (sample1: sample.latitude)"
    assert f"Joined, the fields there {lost}" in shoal("merge", "Gulf", "Bay", "--samples", "join", "--dry-run")
    joined = shoal("merge", "Gulf", "Bay", "--samples", "join")
    assert "20 objects of Gulf are in Bay" in joined and f"The fields of Bay {lost}" in joined
    listed = shoal("delete", "--list")
    assert "Gulf\tthe project" in listed
    assert "there again" in shoal("delete", "--back", listed.split("\t")[0])
    assert "deleted" in shoal("delete", "Gulf", "--filter", "status=V", "--title", "Gulf")
    number = shoal("delete", "Gulf", "--list").split("\t")[0]
    assert "10 objects of Gulf: there again" in shoal("delete", "--back", number)
    shoal("delete", "Gulf", "--filter", "status=V", "--title", "Gulf")
    assert "Gulf\t10 objects" in shoal("delete", "--list")
    shoal("delete", "--back", shoal("delete", "--list").split("\t")[0])
    itself = CliRunner().invoke(main, ["merge", "Bay", "Bay", "--dry-run"], env=env)
    assert (itself.exit_code, "merged into itself" in itself.output) == (1, True)
    refused = CliRunner().invoke(main, ["delete", "Gulf", "--all", "--title", "Bay"], env=env)
    assert refused.exit_code == 1
    assert "Type the project's title" in refused.output
    assert len(shore.rows(CARRIED, gulf.id)) == 20


def test_commands_act_for_whom_they_name_and_within_their_rights(
    shore: Shore, bay: SmallProject, settings: Settings
) -> None:
    gulf = shore.bay(20, "Gulf")
    shore.db.execute(
        "insert into account (email, name) values ('bob@example.org', 'Bob'), ('cleo@example.org', 'Cleo')"
    )
    bob, cleo = (
        shore.db.execute("select id from account where name = %s", [name]).fetchone().id for name in ("Bob", "Cleo")
    )
    for project in (bay, gulf):
        set_member(shore.db, project.id, bob, "manager")
    set_member(shore.db, gulf.id, cleo, "manager")
    set_member(shore.db, bay.id, cleo, "annotator")
    shore.db.commit()
    env = {"SHOAL_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}

    def shoal(person: str, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, [*words, "--as", f"{person}@example.org"], env=env)
        assert done.exit_code == code, done.output
        return done.output

    assert "may not cut a subset out of" in shoal("cleo", "subset", "Bay", "Cut", code=1)
    assert "may not merge another project into" in shoal("cleo", "merge", "Gulf", "Bay", code=1)
    assert "may not merge away" in shoal("cleo", "merge", "Bay", "Gulf", code=1)
    assert "may not delete from" in shoal("cleo", "delete", "Bay", "--all", "--title", "Bay", code=1)
    shoal("bob", "subset", "Bay", "Cut")
    shoal("bob", "delete", "Bay", "--filter", "status=V", "--title", "Bay")
    shoal("bob", "delete", "Cut", "--all", "--title", "Cut")
    deleted = dict(shore.rows("select kind, id from reshaping where kind in ('objects', 'project')"))
    assert "may not delete from" in shoal("cleo", "delete", "--back", str(deleted["objects"]), code=1)
    assert "There is no such" in shoal("cleo", "delete", "--back", str(deleted["project"]), code=1)
    assert "there again" in shoal("bob", "delete", "--back", str(deleted["project"]))
    assert "there again" in shoal("bob", "delete", "--back", str(deleted["objects"]))
    shoal("bob", "merge", "Gulf", "Bay", "--samples", "apart")
    assert set(shore.rows("select distinct account_id from reshaping")) == {(bob,)}
