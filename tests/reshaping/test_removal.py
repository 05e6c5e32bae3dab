"""What is deleted is out of sight at once, comes back as it was for 30 days, and is then erased with all it had."""

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Conflict, NotFound, Refused
from app.jobs import upkeep
from app.labels.counts import project_counts
from app.reshaping import asked, emptying, erasing, hiding, moving, removing
from app.reshaping.choosing import Wish
from app.search.likeness import example_vectors, most_alike
from app.search.mirror import open_mirror
from tests.reshaping.conftest import CARRIED, Shore
from tests.small_projects import SmallProject, true_counts


def delete(shore: Shore, bay: SmallProject, wish: Wish, n: int | None = None) -> asked.Reshaping:
    made = removing.ask(shore.db, shore.seen(bay.id), shore.who.id, wish, n)
    shore.db.commit()
    return made


@pytest.fixture
def by_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of seven, by a job whatever their number."""
    monkeypatch.setattr(removing, "MOST_AT_ONCE", 0)
    monkeypatch.setattr(moving, "PIECE", 7)


def test_deleted_objects_are_gone_from_counts_lists_and_likeness_and_come_back_as_they_were(shore: Shore) -> None:
    bay = shore.bay()
    before, counted = shore.rows(CARRIED, bay.id), project_counts(shore.db, bay.id)
    gone = bay.ids[:12]
    made = delete(shore, bay, Wish(ids=tuple(gone)), 12)
    assert (made.state, made.n_objects, made.is_active) == ("done", 12, False)
    assert project_counts(shore.db, bay.id) == true_counts(bay) != counted
    mirror = open_mirror(shore.db, bay.id)
    assert mirror.ids.tolist() == bay.ids[12:]
    project = shore.seen(bay.id)
    vector = example_vectors(shore.db, project, bay.ids[20:21])
    assert not set(most_alike(shore.db, project, vector, mirror.taxon >= 0, 40).ids.tolist()) & set(gone)

    back = removing.bring_back(shore.db, project, shore.who.id, made.id)
    assert back.state == "back"
    assert shore.rows(CARRIED, bay.id) == before
    assert project_counts(shore.db, bay.id) == true_counts(bay) == counted
    mirror = open_mirror(shore.db, bay.id)
    assert len(most_alike(shore.db, project, vector, mirror.taxon >= 0, 40).ids) == 40
    with pytest.raises(Conflict, match="back already"):
        removing.bring_back(shore.db, project, shore.who.id, made.id)


def test_many_are_deleted_and_brought_back_by_a_job_piece_by_piece(shore: Shore, by_job: None) -> None:
    bay = shore.bay()
    before, counted = shore.rows(CARRIED, bay.id), project_counts(shore.db, bay.id)
    made = shore.work(delete(shore, bay, Wish("status=V")))
    assert (made.state, made.n_objects) == ("done", 20)
    assert project_counts(shore.db, bay.id) == true_counts(bay)
    assert "V" not in {status for _, status in project_counts(shore.db, bay.id)}
    shore.work(removing.bring_back(shore.db, shore.seen(bay.id), shore.who.id, made.id))
    assert shore.rows(CARRIED, bay.id) == before
    assert project_counts(shore.db, bay.id) == true_counts(bay) == counted


def test_nothing_is_deleted_where_another_number_was_told(shore: Shore) -> None:
    bay = shore.bay()
    with pytest.raises(Conflict, match="40 objects meet this now, and 39 did"):
        delete(shore, bay, Wish(), 39)
    with pytest.raises(Refused, match="all of the project would go"):
        delete(shore, bay, Wish())
    with pytest.raises(Conflict, match="No object meets this"):
        delete(shore, bay, Wish("depth=5000.."))
    assert len(open_mirror(shore.db, bay.id)) == 40


def test_a_job_that_is_stopped_between_two_pieces_leaves_what_can_be_brought_back(
    shore: Shore, by_job: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    bay = shore.bay()
    before = shore.rows(CARRIED, bay.id)
    made = delete(shore, bay, Wish(), 40)
    stop_after(monkeypatch, removing, "_remove_piece", 2)
    assert shore.status_of(made) == "cancelled"
    found = asked.find(shore.db, made.id)
    assert (found.state, found.n_objects) == ("done", 14)
    assert project_counts(shore.db, bay.id) == true_counts(bay)
    monkeypatch.undo()
    removing.bring_back(shore.db, shore.seen(bay.id), shore.who.id, made.id)
    assert shore.rows(CARRIED, bay.id) == before


def stop_after(monkeypatch: pytest.MonkeyPatch, room: Any, name: str, n: int) -> None:
    """A person cancels the job before its piece number n + 1."""
    from app.jobs.context import Cancelled

    do: Callable[..., Any] = getattr(room, name)
    done = []

    def stopping(*args: Any) -> Any:
        if len(done) == n:
            raise Cancelled
        done.append(name)
        return do(*args)

    monkeypatch.setattr(room, name, stopping)


def test_the_bin_is_seen_by_nobody_and_belongs_to_its_project(shore: Shore, make_account: Any) -> None:
    bay = shore.bay()
    made = delete(shore, bay, Wish(ids=tuple(bay.ids[:3])))
    shore.db.execute("update account set is_application_manager = true where id = %s", [shore.who.id])
    with pytest.raises(NotFound):
        shore.seen(made.to_id or 0)
    from app.projects.listing import list_projects

    assert [row["id"] for row in list_projects(shore.db, shore.viewer).projects] == [bay.id]


def test_after_30_days_what_was_deleted_is_erased_with_all_that_was_said_of_it(shore: Shore) -> None:
    bay = shore.bay()
    made = delete(shore, bay, Wish(ids=tuple(bay.ids[:12])))
    assert emptying.erase_expired(shore.db) == 0
    shore.db.execute("update reshaping set expires_at = now() - interval '1 minute'")
    shore.db.commit()
    upkeep.do("empty_bins", shore.settings, shore.settings.database_url or "")
    erased = asked.find(shore.db, made.id)
    assert erased.state == "erasing"
    with pytest.raises(NotFound):
        shore.work(erased)
    for table in ("label", "history", "image", "object_field", "object_vector", "comment", "prediction"):
        query = f"select from {table} where object_id = any(%s)"
        assert shore.rows(query, bay.ids[:12]) == [], table
    assert len(shore.rows(CARRIED, bay.id)) == 28
    assert project_counts(shore.db, bay.id) == true_counts(bay)


def test_the_bin_is_emptied_early_only_with_the_title_typed(shore: Shore) -> None:
    bay = shore.bay()
    delete(shore, bay, Wish(ids=tuple(bay.ids[:3])))
    project = shore.seen(bay.id)
    with pytest.raises(Refused, match="Type the project's title, “Bay”"):
        emptying.empty(shore.db, project, shore.who.id, "bay")
    (made,) = emptying.empty(shore.db, project, shore.who.id, " Bay ")
    with pytest.raises(NotFound):
        shore.work(made)
    assert emptying.list_bin(shore.db, bay.id) == []
    with pytest.raises(Conflict, match="bin is empty"):
        emptying.empty(shore.db, project, shore.who.id, "Bay")


def test_a_deleted_project_is_seen_by_nobody_and_back_with_its_members(shore: Shore) -> None:
    bay = shore.bay()
    shore.db.execute("update project set visibility = 'everyone' where id = %s", [bay.id])
    before, members = shore.rows(CARRIED, bay.id), shore.rows("select * from member")
    with pytest.raises(Refused, match="Type the project's title"):
        hiding.remove(shore.db, shore.seen(bay.id), shore.who.id, "")
    made = hiding.remove(shore.db, shore.seen(bay.id), shore.who.id, "Bay")
    with pytest.raises(NotFound):
        shore.seen(bay.id)
    assert [one.id for one in hiding.list_hidden(shore.db, shore.viewer)] == [made.id]
    hiding.bring_back(shore.db, shore.viewer, made.id)
    assert shore.seen(bay.id).visibility == "everyone"
    assert shore.rows("select * from member") == members
    assert shore.rows(CARRIED, bay.id) == before
    assert hiding.list_hidden(shore.db, shore.viewer) == []


def test_who_did_not_manage_a_deleted_project_does_not_find_it(shore: Shore, make_account: Any) -> None:
    from app.accounts.viewer import Viewer
    from app.projects.queries import set_member

    bay = shore.bay()
    other = make_account()
    set_member(shore.db, bay.id, other.id, "annotator")
    made = hiding.remove(shore.db, shore.seen(bay.id), shore.who.id, "Bay")
    assert hiding.list_hidden(shore.db, Viewer(other)) == []
    with pytest.raises(NotFound):
        hiding.bring_back(shore.db, Viewer(other), made.id)


def test_an_erased_project_leaves_no_row_and_takes_nothing_of_others(shore: Shore) -> None:
    bay, gulf = shore.bay(), shore.bay(20, "Gulf")
    delete(shore, bay, Wish(ids=tuple(bay.ids[:3])))
    before = shore.rows(CARRIED, gulf.id)
    made = hiding.remove(shore.db, shore.seen(bay.id), shore.who.id, "Bay")
    erased = hiding.erase(shore.db, shore.viewer, made.id, "Bay")
    with pytest.raises(NotFound):
        shore.work(erased)
    shore.db.commit()
    tables = shore.rows(
        """
        select relname as name
          from pg_class
          join pg_attribute on attrelid = pg_class.oid and attname = 'project_id'
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
        """
    )
    left = {
        table.name: n
        for table in tables
        if (n := len(shore.rows(f"select from {table.name} where project_id <> %s", gulf.id)))
    }
    assert left == {}
    assert shore.rows("select id from project") == [(gulf.id,)]
    assert shore.rows(CARRIED, gulf.id) == before
    assert erasing.is_left(shore.db, bay.id) is None
