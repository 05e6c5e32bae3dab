"""Acts undone while some of their objects are in the bin: what is left is told, and taken back once it is back."""

from uuid import uuid4

import pytest

from app.accounts.viewer import Account, Viewer
from app.errors import Conflict
from app.labels.acts_page import shown_act
from app.labels.history import recent_acts
from app.labels.undo import redo, undo
from app.labels.undo_all import undo_all
from app.labels.undo_preview import Period, preview_act
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.reshaping import removing
from app.reshaping.choosing import Wish
from tests.labels.test_undo_all import ever
from tests.small_projects import Person, SmallProject


def home(project: SmallProject, who: Person) -> Project:
    set_member(project.db, project.id, who.id, "manager")
    return find_project(project.db, Viewer(Account(who.id, who.email, who.name, False)), project.id)


def delete(project: SmallProject, who: Person, n: int) -> int:
    """The first objects; the deletion's number."""
    made = removing.ask(project.db, home(project, who), who.id, Wish(ids=tuple(project.ids[:n])), n)
    project.db.commit()
    return made.id


def bring_back(project: SmallProject, who: Person, number: int) -> None:
    removing.bring_back(project.db, home(project, who), who.id, number)
    project.db.commit()


def seen(project: SmallProject) -> list[str]:
    return [project.seen(one)[0] for one in project.ids[:5]]


def test_an_act_is_undone_again_for_what_was_in_the_bin(project: SmallProject, ada: Person) -> None:
    act = project.do(ada, project.ids[:5], taxon="Oithona")
    project.db.commit()
    number = delete(project, ada, 3)
    told = preview_act(project.db, project.id, act.act_id)
    assert (told.n_back, told.n_stays, told.n_in_bin) == (2, 0, 3)
    undone = undo(project.db, project, ada, uuid4(), act.act_id)
    assert (len(undone.changed), [left.why for left in undone.refused]) == (2, ["in_bin"] * 3)
    project.db.commit()
    row = next(one for one in recent_acts(project.db, project.id) if one.id == act.act_id)
    assert (row.undone, row.n_in_bin) == (True, 3)
    assert shown_act(row, project.id, "Bay", "annotator", "annotate", own=True).may_undo
    with pytest.raises(Conflict, match=r"undone already by Ada\. 3 are in the bin: bring them back, then undo again"):
        undo(project.db, project, ada, uuid4(), act.act_id)
    project.db.rollback()

    bring_back(project, ada, number)
    assert seen(project) == ["V", "V", "V", "U", "U"]
    told = preview_act(project.db, project.id, act.act_id)
    assert (told.n_acts, told.n_back, told.n_stays, told.n_in_bin) == (1, 3, 0, 0)
    again = undo(project.db, project, ada, uuid4(), act.act_id)
    assert (len(again.changed), again.refused) == (3, [])
    assert seen(project) == ["U"] * 5
    project.db.commit()
    with pytest.raises(Conflict, match=r"undone already by Ada\.$"):
        undo(project.db, project, ada, uuid4(), act.act_id)
    project.db.rollback()
    redo(project.db, project, ada, uuid4())
    assert seen(project) == ["V"] * 5


def test_an_act_all_of_which_is_in_the_bin_is_not_used_up(project: SmallProject, ada: Person) -> None:
    act = project.do(ada, project.ids[:2], taxon="Oithona")
    project.db.commit()
    number = delete(project, ada, 2)
    with pytest.raises(Conflict, match="2 are in the bin: bring them back"):
        undo(project.db, project, ada, uuid4(), act.act_id)
    project.db.rollback()
    bring_back(project, ada, number)
    assert len(undo(project.db, project, ada, uuid4(), act.act_id).changed) == 2


def test_what_was_in_the_bin_when_many_acts_were_taken_back_is_undone_act_by_act(
    project: SmallProject, ada: Person
) -> None:
    act = project.do(ada, project.ids[:5], taxon="Oithona")
    project.db.commit()
    number = delete(project, ada, 3)
    period: Period = ever(project, ada)
    undo_all(project.db, project, ada, uuid4(), period, manager=True)
    project.db.commit()
    bring_back(project, ada, number)
    assert len(undo(project.db, project, ada, uuid4(), act.act_id).changed) == 3
    assert seen(project) == ["U"] * 5
