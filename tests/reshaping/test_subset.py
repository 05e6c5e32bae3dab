"""Subsets: projects of their own with all that is said of their objects, sharing images and vectors."""

from uuid import uuid4

import pytest

from app.errors import Conflict, Refused
from app.labels.counts import project_counts
from app.labels.undo import undo
from app.reshaping import asked, subset
from app.reshaping.choosing import Wish, choose
from app.reshaping.subset import What
from tests.reshaping.conftest import CARRIED, Shore
from tests.small_projects import SmallProject, true_counts


def cut(shore: Shore, bay: SmallProject, wish: Wish | None = None, what: What | None = None) -> SmallProject:
    """The finished subset."""
    made = subset.ask(shore.db, shore.seen(bay.id), shore.who.id, "Cut", wish or Wish(), what or What())
    done = shore.work(made)
    assert (done.state, done.to_title) == ("done", "Cut")
    ids = [row.id for row in shore.rows("select id from object where project_id = %s order by id", done.to_id)]
    return SmallProject(shore.db, done.to_id or 0, ids, bay.taxa)


def test_a_whole_copy_has_all_that_is_said_of_the_objects_and_none_of_their_numbers(shore: Shore) -> None:
    bay = shore.bay()
    made = cut(shore, bay)
    assert shore.rows(CARRIED, made.id) == shore.rows(CARRIED, bay.id)
    assert not set(made.ids) & set(bay.ids)
    assert project_counts(shore.db, made.id) == project_counts(shore.db, bay.id) == true_counts(made)
    assert shore.seen(made.id).role == "manager"
    assert len(shore.rows("select distinct created_at from run where project_id in (%s, %s)", made.id, bay.id)) == 1


def test_only_what_meets_the_conditions_comes_with_its_samples_alone(shore: Shore) -> None:
    bay = shore.bay()
    made = cut(shore, bay, Wish("status=V&f.area=0..6"))
    seen = shore.rows(CARRIED, made.id)
    assert seen
    assert {row.status for row in seen} == {"V"}
    assert project_counts(shore.db, made.id) == true_counts(made)
    samples = {row.orig_id for row in shore.rows("select orig_id from sample where project_id = %s", made.id)}
    assert samples == {row.sample for row in seen}
    assert asked.list_of(shore.db, bay.id, ["subset"])[0].n_objects == len(seen)


@pytest.mark.parametrize(
    ("wish", "n"),
    [
        (Wish(share=25), 10),
        (Wish(number=3, per="sample"), 12),
        (Wish(number=1000), 40),
        (Wish(share=10, per="sample"), 4),
        (Wish(number=2, per="taxon"), 10),
        (Wish("status=V", number=2, per="taxon"), 4),
        (Wish(number=1, per="acquisition"), 4),
    ],
)
def test_a_share_or_a_number_is_drawn_from_each_group_and_the_same_seed_draws_the_same(
    shore: Shore, wish: Wish, n: int
) -> None:
    bay = shore.bay()
    chosen = choose(shore.db, bay.id, shore.who.id, wish)
    assert len(chosen) == n
    assert sum(chosen.statuses.values()) == n
    again = choose(shore.db, bay.id, shore.who.id, wish)
    assert again.ids.tolist() == chosen.ids.tolist()


def test_another_seed_draws_others(shore: Shore) -> None:
    bay = shore.bay()
    drawn = [tuple(choose(shore.db, bay.id, None, Wish(share=50, seed=seed)).ids.tolist()) for seed in range(5)]
    assert len(set(drawn)) == 5


def test_labels_without_history_come_as_one_act_and_keep_who_gave_them_and_when(shore: Shore) -> None:
    bay = shore.bay()
    made = cut(shore, bay, what=What(history=False, comments=False))
    keys = ("orig_id", "status", "taxon", "person", "at", "provenance", "predicted", "vector")
    before, after = (
        [[getattr(row, key) for key in keys] for row in shore.rows(CARRIED, one)] for one in (bay.id, made.id)
    )
    assert after == before
    acts = shore.rows("select kind, n_objects from act where project_id = %s", made.id)
    assert [(act.kind, act.n_objects) for act in acts] == [("import", 22)]
    assert {row.n_history for row in shore.rows(CARRIED, made.id) if row.status} == {1}
    assert not any(row.comments for row in shore.rows(CARRIED, made.id))


def test_without_labels_and_predictions_nothing_is_known_of_the_objects(shore: Shore) -> None:
    bay = shore.bay()
    made = cut(shore, bay, what=What(labels=False, history=False, predictions=False))
    assert project_counts(shore.db, made.id) == {(0, "U"): 40} == true_counts(made)


def test_an_act_that_came_along_is_undone_there_and_not_here(shore: Shore) -> None:
    from uuid import uuid4

    from app.labels.undo import undo

    bay = shore.bay()
    made = cut(shore, bay)
    before = project_counts(shore.db, bay.id)
    undo(shore.db, made, shore.who, uuid4())
    assert project_counts(shore.db, made.id) == true_counts(made) != before
    assert project_counts(shore.db, bay.id) == before == true_counts(bay)


def test_what_makes_no_sense_is_refused_before_anything_is_made(shore: Shore) -> None:
    bay = shore.bay()
    for wish, said in (
        (Wish(share=0), "percentage above 0"),
        (Wish(share=10, number=3), "not both"),
        (Wish(number=0), "above 0"),
        (Wish(number=3, per="ocean"), "not per"),
        (Wish("depth=deep"), "The condition depth=deep cannot be obeyed"),
        (Wish("copepods"), "The condition copepods cannot be obeyed"),
        (Wish(seed=-1), "seed"),
    ):
        with pytest.raises(Refused, match=said):
            subset.ask(shore.db, shore.seen(bay.id), shore.who.id, "Cut", wish, What())
    with pytest.raises(Conflict, match="No object meets this"):
        subset.ask(shore.db, shore.seen(bay.id), shore.who.id, "Cut", Wish("depth=5000.."), What())
    with pytest.raises(Refused, match="title"):
        subset.ask(shore.db, shore.seen(bay.id), shore.who.id, " ", Wish(), What())
    assert shore.rows("select id from project where id <> %s", bay.id) == []


def test_an_act_that_was_undone_without_effect_is_undone_in_the_subset_too(shore: Shore) -> None:
    bay = shore.bay()
    first = bay.do(shore.who, bay.ids[:2], taxon="detritus").act_id
    bay.do(shore.who, bay.ids[:2], taxon="fiber")
    undone = undo(shore.db, bay, shore.who, uuid4(), first, goes_on=True)
    shore.db.commit()
    assert undone.changed == []
    made = cut(shore, bay)
    acts = """
        select kind, n_objects, reverses is null as is_first, reversed_by is null as stands
          from act
         where project_id = %s
         order by id
    """
    assert shore.rows(acts, made.id) == shore.rows(acts, bay.id)
