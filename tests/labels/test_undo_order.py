"""Undos in any order by anybody: an object carries the last label that nobody took back."""

import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from app.database import Db
from app.errors import Conflict
from app.labels import counts, runs
from app.labels.undo import redo, undo
from app.labels.undo_all import redo_all, undo_all
from app.labels.undo_preview import preview_act, preview_part
from tests.labels.test_undo import whole_label
from tests.labels.test_undo_all import back_of, ever, labels
from tests.small_projects import Person, SmallProject, make_person, predict, true_counts


def test_an_act_that_was_undone_under_a_later_one_does_not_come_back_with_that_one_s_undo(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    first = project.do(ben, project.ids[:2], taxon="Oithona")
    second = project.do(ada, project.ids[:1], taxon="detritus")
    db.commit()
    assert [now.id for now in undo(db, project, ben, uuid4()).changed] == project.ids[1:2]
    assert back_of(preview_act(db, project.id, second.act_id)) == [("V", "detritus", "U", None, 1)]
    undo(db, project, ada, uuid4())
    assert project.seen(project.ids[0]) == ("U", None, None)
    assert preview_act(db, project.id, first.act_id).n_acts == 0
    assert counts.project_counts(db, project.id) == true_counts(project)


def test_each_of_them_is_done_again_over_what_then_stands(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ben, project.ids[:1], taxon="Oithona")
    db.commit()
    his = whole_label(project, project.ids[0])
    project.do(ada, project.ids[:1], taxon="detritus")
    db.commit()
    hers = whole_label(project, project.ids[0])
    undo(db, project, ben, uuid4())
    undo(db, project, ada, uuid4())
    assert len(redo(db, project, ada, uuid4()).changed) == 1
    assert whole_label(project, project.ids[0]) == hers
    redo(db, project, ben, uuid4())
    assert whole_label(project, project.ids[0]) == hers
    undo(db, project, ada, uuid4())
    assert whole_label(project, project.ids[0]) == his


def test_all_of_one_person_goes_back_past_what_another_took_back_below(
    db: Db, project: SmallProject, ada: Person, ben: Person
) -> None:
    project.do(ben, project.ids[:3], taxon="Oithona")
    project.do(ada, project.ids[:3], taxon="detritus")
    undo(db, project, ben, uuid4())
    assert back_of(preview_part(db, ever(project, ada))) == [("V", "detritus", "U", None, 3)]
    taken = undo_all(db, project, ada, uuid4(), ever(project, ada), manager=False)
    assert taken.n_changed == 3 and labels(project) == {}
    redo_all(db, project, ada, uuid4(), taken.act_id, manager=False)
    assert project.seen(project.ids[0]) == ("V", "detritus", "Ada")
    assert counts.project_counts(db, project.id) == true_counts(project)


def standing(db: Db, project: SmallProject) -> dict[int, int]:
    """By object the last act that changed it and was not undone: with no redo, the one in force."""
    rows = db.execute(
        """
        select object_id, max(act_id)
          from history
          join act on act.id = history.act_id
         where history.project_id = %s
           and act.kind in ('label', 'confirm', 'doubt')
           and act.reversed_by is null
         group by object_id
        """,
        [project.id],
    )
    return dict(map(tuple, rows))


def in_force(project: SmallProject) -> dict[int, int]:
    return {object_id: label[5] for object_id, label in labels(project).items() if label[5] is not None}


def at_random(project: SmallProject, people: list[Person], choice: random.Random, redoes: bool) -> Iterator[None]:
    """Acts, undos of one's last act and of any by a manager, and redos; each committed."""
    acts: list[int] = []
    for _ in range(40):
        who, dice = choice.choice(people), choice.random()
        try:
            if dice < 0.5 or not acts:
                kind = choice.choice(["label", "label", "confirm", "doubt"])
                taxon = choice.choice(["fiber", "Copepoda", "Oithona"]) if kind == "label" else None
                acts.append(project.do(who, choice.sample(project.ids, 4), kind, taxon).act_id)
            elif dice < 0.75:
                undo(project.db, project, who, uuid4())
            elif dice < 0.9 or not redoes:
                undo(project.db, project, who, uuid4(), choice.choice(acts), manager=True)
            else:
                redo(project.db, project, who, uuid4())
        except Conflict:
            project.db.rollback()
        project.db.commit()
        yield


def some_labels_and_predictions(project: SmallProject) -> None:
    """Two imported labels, and a run that predicts every second object."""
    runs.publish(project.db, project, predict(project, dict.fromkeys(project.ids[::2], "Oithona")))
    project.db.execute(
        """
        insert into label (project_id, object_id, status, taxon_id, at, provenance, version)
        select %s, id, 'V', %s, '2015-03-01 12:00+00', 'imported', 1
          from unnest(%s::bigint[]) as given (id)
        """,
        [project.id, project.taxa["Calanoida"], project.ids[:2]],
    )
    project.db.execute(
        "insert into count_delta (project_id, taxon_id, status, n) values (%s, %s, 'V', 2), (%s, %s, 'P', -1), "
        "(%s, 0, 'U', -1)",
        [project.id, project.taxa["Calanoida"], project.id, project.taxa["Oithona"], project.id],
    )
    project.db.commit()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("redoes", [False, True])
def test_whatever_is_undone_by_whom_in_which_order_no_undone_label_is_in_force(
    db: Db, project: SmallProject, ada: Person, ben: Person, seed: int, redoes: bool
) -> None:
    choice, people = random.Random(seed), [ada, ben, make_person(db, "Cem")]
    some_labels_and_predictions(project)
    begun = labels(project)
    for _ in at_random(project, people, choice, redoes):
        undone = {row.id for row in db.execute("select id from act where reversed_by is not null")}
        assert not undone & set(in_force(project).values())
        if not redoes:
            assert in_force(project) == standing(db, project)
        assert counts.project_counts(db, project.id) == true_counts(project)
    left: list[Any] = db.execute(
        "select id from act where kind in ('label', 'confirm', 'doubt') and reversed_by is null and n_objects > 0"
    ).fetchall()
    choice.shuffle(left)
    for row in left:
        seen = preview_act(db, project.id, row.id)
        outcome = undo(db, project, ada, uuid4(), row.id, manager=True, goes_on=True)
        assert (seen.n_back, seen.n_stays) == (len(outcome.changed), len(outcome.refused))
    assert labels(project) == begun
    assert counts.project_counts(db, project.id) == true_counts(project)
