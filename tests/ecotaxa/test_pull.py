"""A project is taken in from EcoTaxa, and its changes are followed: what changed on both sides is never overwritten."""

import pytest

from app.errors import Refused
from tests.ecotaxa.conftest import Traveller
from tests.ecotaxa.server import READER, Thing

ADA = "Ada Lovelace"


def test_the_first_pull_takes_objects_images_labels_and_categories_in(traveller: Traveller) -> None:
    report = traveller.good("pull")
    assert (report.n_objects, report.n_new, report.n_taken) == (7, 7, 0)
    assert (report.n_take, report.n_conflict, report.n_send, report.n_gone) == (0, 0, 0, 0)
    labels = traveller.labels()
    assert labels["o1"] == ("V", "45100", ADA)
    assert labels["o4"] == ("D", "45072", ADA)
    assert labels["o5"] == (None, None, None)
    place = traveller.place
    assert place.values("select count(*) from image where project_id = %s", place.project_id) == [7]
    assert place.values("select count(*) from prediction where project_id = %s", place.project_id) == [2]
    rows = place.rows(
        """
        select taxon.name, parent.name as above, taxon.type
        from taxon
        join taxon as parent on parent.id = taxon.parent_id
        where taxon.ecotaxa_id = 45100
        """
    )
    assert rows == [("Oithona", "Copepoda", "P")]
    assert not list((place.settings.home / "ecotaxa").glob("*"))


def test_a_second_pull_of_what_did_not_change_changes_nothing(traveller: Traveller) -> None:
    traveller.good("pull")
    before = traveller.labels()
    n_jobs = len(traveller.sea.jobs)
    report = traveller.good("pull")
    assert (report.n_new, report.n_taken, report.acts) == (0, 0, [])
    assert traveller.labels() == before
    assert len(traveller.sea.jobs) == n_jobs


def test_changes_there_come_as_an_act_that_can_be_undone(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.label("o1", 99001)
    traveller.sea.label("o7", 45072, "D")
    traveller.sea.label("o2", 99001, "P")
    report = traveller.good("pull")
    assert (report.n_taken, len(report.acts)) == (3, 1)
    labels = traveller.labels()
    assert (labels["o1"], labels["o7"]) == (("V", "99001", ADA), ("D", "45072", ADA))
    assert labels["o2"] == (None, None, None)
    from uuid import uuid4

    from app.labels.undo import undo
    from tests.small_projects import Person, SmallProject

    project = SmallProject(traveller.db, traveller.place.project_id, [], {})
    undo(traveller.db, project, Person(traveller.place.account_id, ADA), uuid4(), report.acts[0])
    traveller.db.commit()
    labels = traveller.labels()
    assert (labels["o1"], labels["o7"]) == (("V", "45100", ADA), (None, None, None))
    assert labels["o2"] == ("V", "99001", ADA)


def test_fields_that_changed_there_are_taken_over_where_that_is_asked_for(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.find("o1").area = 777
    traveller.sea.things.append(Thing(4200000099, "o99", 1, "V", 45100, ADA, "2026-01-02T03:04:05"))
    traveller.sea.things.pop(1)
    assert traveller.good("pull").n_values == 0
    report = traveller.good("pull", fields=True)
    assert report.n_values == 1 and "takes them back" in " ".join(report.notes)
    assert traveller.good("pull", READER, fields=True).n_values == 0, "now both are the same"
    with pytest.raises(Refused, match="by a pull alone"):
        traveller.ask("compare", fields=True)


def test_what_changed_on_both_sides_is_a_conflict_and_stays(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.label("o1", 99001)
    traveller.label("o1", "Copepoda")
    traveller.sea.label("o3", 99001)
    traveller.label("o3", "fiber")
    report = traveller.good("pull")
    assert (report.n_taken, report.n_conflict, report.n_send) == (0, 1, 0)
    assert traveller.labels()["o1"] == ("V", "45072", ADA)


def test_new_objects_are_fetched_with_the_samples_in_which_they_are(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.things.append(Thing(4200000099, "o99", 3, "V", 45100, ADA, "2026-03-03T03:03:03"))
    report = traveller.good("pull")
    assert (report.n_objects, report.n_new) == (8, 1)
    assert traveller.labels()["o99"] == ("V", "45100", ADA)


def test_objects_that_are_gone_there_are_told_and_kept(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.things.pop(0)
    report = traveller.good("pull")
    assert report.n_gone == 1
    assert "o1" in traveller.labels()


def test_who_may_only_read_there_pulls_by_the_general_export(traveller: Traveller) -> None:
    report = traveller.good("pull", READER)
    assert report.n_new == 7
    assert traveller.labels()["o1"] == ("V", "45100", ADA)
    assert "POST object_set/export/general" in traveller.sea.asked


def test_a_project_that_was_imported_before_is_found_again(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.db.execute("delete from ecotaxa_object")
    traveller.label("o7", "Copepoda")
    report = traveller.good("pull")
    assert (report.n_new, report.n_taken, report.n_send) == (0, 0, 1)


def test_two_objects_with_one_id_are_left_alone_and_told(traveller: Traveller) -> None:
    traveller.good("pull")
    traveller.sea.things.append(Thing(4200000098, "o1", 2, "V", 99001, ADA, "2026-03-03T03:03:03"))
    report = traveller.good("pull")
    assert traveller.labels()["o1"] == ("V", "45100", ADA)
    assert any("could not be told from others" in note for note in report.notes)


def test_labels_of_people_without_an_account_are_told(traveller: Traveller) -> None:
    traveller.sea.label("o1", 45100, by="Grace Hopper")
    report = traveller.good("pull")
    assert traveller.labels()["o1"] == ("V", "45100", ADA)
    assert any("Grace Hopper" in note for note in report.notes)


def test_what_was_deleted_here_is_not_fetched_again(traveller: Traveller) -> None:
    traveller.good("pull")
    place = traveller.place
    # As a deletion does it: the object goes into another project.
    place.db.execute("update object set project_id = %s where orig_id = 'o1'", [place.new_project()])
    place.db.commit()
    report = traveller.good("pull")
    assert (report.n_new, len(traveller.sea.jobs)) == (0, 1)
    assert "o1" not in traveller.labels()
