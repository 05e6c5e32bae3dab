"""A project is frozen as a named version that nothing changes; later changes are proposed to the next one."""

from typing import Any

import pytest

from app.database import Db
from app.errors import Conflict, Refused
from app.frozen import doing, proposals, versions
from app.frozen.versions import labels_at, mirror_of
from app.learning import sets
from app.learning.choices import Choices, read_choices
from app.projects.references import Source
from app.search.mirror import open_mirror
from tests.small_projects import Person, SmallProject, make_project


@pytest.fixture
def bay(db: Db, ada: Person) -> SmallProject:
    """Ten objects: four Oithona and two fibers are validated, one is dubious."""
    made = make_project(db, 10, "Bay")
    made.do(ada, made.ids[:4], taxon="Oithona")
    made.do(ada, made.ids[4:6], taxon="fiber")
    made.do(ada, made.ids[6:7], taxon="fiber", status="D")
    db.commit()
    return made


def said(project: SmallProject, number: int) -> list[str]:
    """The taxa of a version's objects in their order, empty where one is not in it."""
    names = {taxon_id: name for name, taxon_id in project.taxa.items()}
    taxa, _ = labels_at(project.db, open_mirror(project.db, project.id), number)
    return [names.get(taxon, "") for taxon in taxa.tolist()]


def do(project: SmallProject, who: Person, action: Any, **more: Any) -> doing.Done:
    return doing.do(project.db, project_row(project), who.id, action, **more)


def project_row(project: SmallProject) -> Any:
    return project.db.execute("select id, title from project where id = %s", [project.id]).fetchone()


def test_a_version_stays_as_it_was_frozen(bay: SmallProject, ada: Person) -> None:
    frozen = do(bay, ada, "freeze", title="  Spring   2026 ", note="for the paper").version
    assert frozen is not None
    assert (frozen.number, frozen.title, frozen.n_objects, frozen.n_taxa, frozen.by) == (1, "Spring 2026", 6, 2, "Ada")
    before = said(bay, 1)
    assert before == ["Oithona"] * 4 + ["fiber"] * 2 + [""] * 4
    bay.do(ada, bay.ids[:3], taxon="Copepoda")
    bay.do(ada, bay.ids[5:6], kind="doubt")
    bay.do(ada, bay.ids[8:9], taxon="fiber")
    assert said(bay, 1) == before
    do(bay, ada, "look")
    do(bay, ada, "accept")
    do(bay, ada, "freeze", title="Summer")
    assert said(bay, 1) == before
    assert said(bay, 2) == ["Copepoda"] * 3 + ["Oithona", "fiber", "", "", "", "fiber", ""]
    assert [(one.number, one.n_objects) for one in versions.list_versions(bay.db, bay.id)] == [(2, 6), (1, 6)]


def test_changes_are_proposed_accepted_and_refused_one_by_one(bay: SmallProject, ada: Person, ben: Person) -> None:
    do(bay, ada, "freeze", title="Spring")
    bay.do(ben, bay.ids[:2], taxon="Copepoda")
    bay.do(ben, bay.ids[5:6], kind="doubt")
    bay.do(ben, bay.ids[8:9], taxon="fiber")
    assert do(bay, ada, "look").n == 4
    told = proposals.page(bay.db, bay.id)
    assert [(one.object_id, one.kind, one.old_taxon, one.new_taxon, one.by) for one in told] == [
        (bay.ids[0], "renamed", "Oithona", "Copepoda", "Ben"),
        (bay.ids[1], "renamed", "Oithona", "Copepoda", "Ben"),
        (bay.ids[5], "removed", "fiber < detritus", "", "Ben"),
        (bay.ids[8], "added", "", "fiber < detritus", "Ben"),
    ]
    assert next((one.kind, one.n) for one in proposals.groups(bay.db, bay.id)) == ("renamed", 2)

    assert do(bay, ada, "accept", object_ids=[bay.ids[0]]).n == 1
    assert do(bay, ada, "refuse", object_ids=[bay.ids[1], bay.ids[8]]).n == 2
    look = proposals.last_look(bay.db, bay.id)
    assert look is not None
    assert (look.n_added, look.n_renamed, look.n_removed, look.n_accepted) == (0, 0, 1, 1)
    assert do(bay, ada, "look").n == 1
    assert said(bay, 2)[:2] == ["Copepoda", "Oithona"]
    assert bay.seen(bay.ids[1])[:2] == ("V", "Copepoda")

    bay.do(ada, bay.ids[1:2], taxon="fiber")
    assert [one.object_id for one in _looked(bay, ada)] == [bay.ids[1], bay.ids[5]]


def _looked(bay: SmallProject, ada: Person) -> list[proposals.Proposal]:
    do(bay, ada, "look")
    return proposals.page(bay.db, bay.id)


def test_what_was_accepted_may_change_again_before_it_is_frozen(bay: SmallProject, ada: Person) -> None:
    do(bay, ada, "freeze", title="Spring")
    for taxon in ("Copepoda", "fiber", "Oithona"):
        bay.do(ada, bay.ids[:1], taxon=taxon)
        do(bay, ada, "look")
        assert do(bay, ada, "accept").n == 1
        assert said(bay, 2)[0] == taxon
    with pytest.raises(Conflict, match="a new one would be the same"):
        do(bay, ada, "freeze", title="Summer")


def test_a_label_that_changed_after_the_look_is_left(bay: SmallProject, ada: Person) -> None:
    do(bay, ada, "freeze", title="Spring")
    bay.do(ada, bay.ids[:2], taxon="Copepoda")
    do(bay, ada, "look")
    bay.do(ada, bay.ids[:1], taxon="fiber")
    done = do(bay, ada, "accept")
    assert (done.n, done.n_left) == (1, 1)
    assert said(bay, 2)[:2] == ["Oithona", "Copepoda"]


def test_what_cannot_be_is_refused_in_one_sentence(db: Db, bay: SmallProject, ada: Person) -> None:
    with pytest.raises(Conflict, match="freeze one first"):
        do(bay, ada, "look")
    with pytest.raises(Refused, match="a title of 1 to 100 letters"):
        do(bay, ada, "freeze", title="  ")
    do(bay, ada, "freeze", title="Spring")
    with pytest.raises(Conflict, match="Version 1 is called spring already"):
        do(bay, ada, "freeze", title="spring")
    with pytest.raises(Conflict, match="None of these is proposed"):
        do(bay, ada, "accept")
    empty = make_project(db, 2, "Empty")
    with pytest.raises(Refused, match="Nothing is validated"):
        do(empty, ada, "freeze", title="Spring")


def test_a_learning_set_names_a_version(bay: SmallProject, ada: Person) -> None:
    do(bay, ada, "freeze", title="Spring")
    bay.do(ada, bay.ids[:4], taxon="Copepoda")
    home: Any = bay.db.execute("select id, embedder_id from project where id = %s", [bay.id]).fetchone()
    bay.db.execute("update project set visibility = 'accounts'")
    choices = Choices(sources=(bay.id,), per_taxon=None, versions={bay.id: 1})
    assert read_choices(choices.to_json()) == choices
    set_id = sets.freeze(bay.db, home, ada.id, "Of spring", choices)
    rows = bay.db.execute("select object_id, taxon_id from learning_item where set_id = %s order by number", [set_id])
    assert [(row.object_id, row.taxon_id) for row in rows] == [
        *((id, bay.taxa["Oithona"]) for id in bay.ids[:4]), *((id, bay.taxa["fiber"]) for id in bay.ids[4:6])
    ]  # fmt: skip
    with pytest.raises(Refused, match="no version of that number"):
        sets.begin(bay.db, home, ada.id, "Of nothing", Choices(sources=(bay.id,), versions={bay.id: 9}))
    with pytest.raises(Refused, match="is no source"):
        sets.begin(bay.db, home, ada.id, "Of nothing", Choices(sources=(bay.id,), versions={bay.id + 1: 1}))


def test_a_reference_votes_as_in_the_version_that_is_named(bay: SmallProject, ada: Person) -> None:
    do(bay, ada, "freeze", title="Spring")
    bay.do(ada, bay.ids[:4], taxon="Copepoda")
    now, then = (mirror_of(bay.db, Source(bay.id, "Bay", None, number=number)) for number in (None, 1))
    assert set(now.taxon[:4].tolist()) == {bay.taxa["Copepoda"]}
    assert set(then.taxon[:4].tolist()) == {bay.taxa["Oithona"]}
    assert (then.status == 3).tolist() == [True] * 6 + [False] * 4
    assert now.version != then.version
