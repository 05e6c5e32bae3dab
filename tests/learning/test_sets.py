"""What a learning set is of, what one reads from it, and who may."""

import numpy as np
import pytest

from app.database import Db
from app.errors import Forbidden, NotFound, Refused
from app.learning import loading, sets
from app.learning.choices import Choices, read_choices
from app.projects.references import add
from app.search import mirror
from tests.learning.conftest import Seas


def both(seas: Seas, **more: object) -> Choices:
    return Choices(sources=(seas.bay.id, seas.gulf.id), **more)


def make(seas: Seas, choices: Choices, title: str = "Both") -> loading.LearningData:
    set_id = sets.freeze(seas.db, seas.project(), seas.ada.id, title, choices)
    return loading.load(seas.db, set_id, seas.embedder_id)


def count(seas: Seas, data: loading.LearningData, name: str) -> int:
    return int(np.count_nonzero(data.taxa == seas.taxa[name]))


def test_a_set_is_of_all_that_is_validated_with_samples_and_vectors(seas: Seas) -> None:
    data = make(seas, both(seas))
    assert data.numbers.tolist() == list(range(70))
    assert data.object_ids.tolist() == sorted(seas.bay.ids[:30] + seas.gulf.ids)
    assert (count(seas, data, "Oithona"), count(seas, data, "Oithona similis")) == (20, 30)
    assert data.project_ids.tolist() == [seas.bay.id] * 30 + [seas.gulf.id] * 40
    assert len(np.unique(data.groups)) == 7  # ten objects a sample
    assert np.allclose(np.linalg.norm(data.vectors, axis=1), 1, atol=1e-6)
    assert data.n_without_vector == 0


def test_a_taxon_teaches_itself_or_another_or_nothing(seas: Seas) -> None:
    taxa = {seas.taxa["Oithona similis"]: seas.taxa["Oithona"], seas.taxa["detritus"]: None}
    data = make(seas, both(seas, taxa=taxa))
    assert (len(data.taxa), count(seas, data, "Oithona")) == (50, 50)
    only = make(seas, both(seas, taxa={seas.taxa["detritus"]: seas.taxa["detritus"]}, only_listed=True))
    assert (len(only.taxa), count(seas, only, "detritus")) == (20, 20)


@pytest.mark.parametrize("pick", ["varied", "random"])
def test_a_limit_counts_what_is_taught_over_all_projects_and_a_seed_gives_the_same_again(seas: Seas, pick: str) -> None:
    taxa = {seas.taxa["Oithona similis"]: seas.taxa["Oithona"]}
    data = make(seas, both(seas, taxa=taxa, per_taxon=15, pick=pick))
    assert (count(seas, data, "Oithona"), count(seas, data, "detritus")) == (15, 15)
    again = make(seas, both(seas, taxa=taxa, per_taxon=15, pick=pick))
    assert again.object_ids.tolist() == data.object_ids.tolist()
    other = make(seas, both(seas, taxa=taxa, per_taxon=15, pick=pick, seed=2))
    assert other.object_ids.tolist() != data.object_ids.tolist()


def test_what_was_accepted_unseen_teaches_only_where_it_is_asked_for(seas: Seas) -> None:
    seas.db.execute(
        "update label set provenance = 'audit' where project_id = %s and object_id = any(%s)",
        [seas.bay.id, seas.bay.ids[:5]],
    )
    seas.db.execute(
        "update label set provenance = 'imported' where project_id = %s and object_id = any(%s)",
        [seas.bay.id, seas.bay.ids[5:10]],
    )
    seas.db.commit()
    mirror.forget()
    assert count(seas, make(seas, both(seas)), "Oithona") == 15
    assert count(seas, make(seas, both(seas, with_unseen=True)), "Oithona") == 20


def test_a_filter_holds_in_every_source_and_one_that_cannot_be_obeyed_names_where(seas: Seas) -> None:
    data = make(seas, both(seas, filters="depth=..10"))
    assert set(data.object_ids.tolist()) == {*seas.bay.ids[:10], *seas.gulf.ids[:10]}
    seas.db.execute("delete from field where project_id = %s and name = 'area'", [seas.gulf.id])
    with pytest.raises(Refused, match=r"In “Gulf” the condition f\.area=1\.\.5"):
        make(seas, both(seas, filters="f.area=1..5"))
    with pytest.raises(Refused, match="the condition copepods cannot be obeyed"):
        make(seas, both(seas, filters="depth=..10&copepods"))


def test_those_with_a_vector_come_first_where_not_all_may_come(seas: Seas) -> None:
    seas.db.execute("delete from object_vector where object_id = any(%s)", [seas.gulf.ids[:25]])
    data = make(seas, both(seas, per_taxon=10))
    assert set(data.object_ids[data.taxa == seas.taxa["Oithona similis"]].tolist()) == set(seas.gulf.ids[25:30])
    assert data.n_without_vector == 5


def test_titles_have_versions_and_the_own_set_is_of_the_project_and_its_references(db: Db, seas: Seas) -> None:
    add(db, seas.project(), seas.viewer(seas.ada), seas.gulf.id)
    first = sets.find_set(db, seas.viewer(seas.ada), sets.own_set(db, seas.project(), seas.ada.id))
    second = sets.find_set(db, seas.viewer(seas.ada), sets.own_set(db, seas.project(), seas.ada.id))
    assert [first.name, second.name] == ["Validated here 1", "Validated here 2"]
    assert (first.n_objects, first.n_taxa, first.source_ids) == (70, 3, [seas.bay.id, seas.gulf.id])
    bens = sets.find_set(db, seas.viewer(seas.ben), sets.own_set(db, seas.project(seas.ben), seas.ben.id))
    assert (bens.n_objects, bens.source_ids) == (30, [seas.bay.id])  # Ben may not read the gulf
    assert [one.id for one in sets.list_sets(db, seas.viewer(seas.ben), seas.bay.id)] == [bens.id]
    assert len(sets.list_sets(db, seas.viewer(seas.ada), seas.bay.id)) == 3


def test_a_set_does_not_change_when_labels_do(seas: Seas) -> None:
    set_id = sets.freeze(seas.db, seas.project(), seas.ada.id, "Both", both(seas))
    seas.bay.do(seas.ada, seas.bay.ids[:20], taxon="Calanoida")
    assert count(seas, loading.load(seas.db, set_id, seas.embedder_id), "Oithona") == 20


def test_a_source_that_one_may_not_read_is_refused_by_its_number(seas: Seas) -> None:
    with pytest.raises(Forbidden, match=f"project {seas.gulf.id} cannot be learned from"):
        sets.freeze(seas.db, seas.project(seas.ben), seas.ben.id, "Both", both(seas))


def test_a_set_closes_with_a_source_and_does_not_exist_for_outsiders(db: Db, seas: Seas) -> None:
    set_id = sets.freeze(db, seas.project(), seas.ada.id, "Both", both(seas))
    with pytest.raises(Forbidden, match=f"objects of project {seas.gulf.id}, which you may not read"):
        sets.find_set(db, seas.viewer(seas.ben), set_id)
    db.execute("delete from member where account_id = %s", [seas.ben.id])
    with pytest.raises(NotFound, match="no such learning set"):
        sets.find_set(db, seas.viewer(seas.ben), set_id)
    with pytest.raises(NotFound):
        sets.find_set(db, seas.viewer(seas.ada), 2_000_000_000)


def test_nothing_to_learn_from_and_taxa_that_are_gone_are_refused_and_leave_nothing(db: Db, seas: Seas) -> None:
    db.commit()
    everything_out = dict.fromkeys(seas.taxa.values())
    with pytest.raises(Refused, match="Nothing is left to learn from"), db.transaction():
        sets.freeze(db, seas.project(), seas.ada.id, "None", both(seas, taxa=everything_out))
    with pytest.raises(NotFound, match="no taxon 999"), db.transaction():
        sets.freeze(db, seas.project(), seas.ada.id, "None", both(seas, taxa={seas.taxa["Oithona"]: 999}))
    with pytest.raises(Refused, match="at least one project"), db.transaction():
        sets.freeze(db, seas.project(), seas.ada.id, "None", Choices())
    assert db.execute("select count(*) as n from learning_set").fetchone().n == 0


def test_columns_are_read_by_number_with_gaps_and_infinities_missing(db: Db, seas: Seas) -> None:
    db.execute(
        """
        update object_field
        set numbers = array[case when object_id = %s then 'Infinity'::float8 else object_id end]
        where project_id = %s
        """,
        [seas.bay.ids[0], seas.bay.id],
    )
    db.execute("update project set data_version = data_version + 1")
    set_id = sets.freeze(db, seas.project(), seas.ada.id, "Both", both(seas))
    values = sets.load_fields(db, set_id, ["object.area", "depth_min_m", "object.depth_max_m", "object.nonsense"])
    data = loading.load(db, set_id, seas.embedder_id)
    assert np.isnan(values[0, 0])
    assert values[1:30, 0].tolist() == data.object_ids[1:30].tolist()
    assert values[:30, 1].tolist() == list(range(1, 31))
    assert np.isnan(values[:, 2:]).all()


def test_common_columns_are_those_of_all_with_their_gaps(db: Db, seas: Seas) -> None:
    set_id = sets.freeze(db, seas.project(), seas.ada.id, "Both", both(seas))
    told = {one.name: one for one in sets.common_fields(db, set_id, seas.bay.id)}
    assert list(told) == ["object.area", "object.depth_min_m", "object.depth_max_m"]
    assert not told["object.depth_min_m"].constant
    assert (told["object.depth_max_m"].share_missing, told["object.depth_max_m"].constant) == (1.0, True)
    db.execute("delete from field where project_id = %s and name = 'area'", [seas.gulf.id])
    assert "object.area" not in {one.name for one in sets.common_fields(db, set_id, seas.bay.id)}


def test_a_source_that_is_deleted_later_leaves_the_rest_to_learn_from(db: Db, seas: Seas) -> None:
    set_id = sets.freeze(db, seas.project(), seas.ada.id, "Both", both(seas))
    db.execute("delete from project where id = %s", [seas.gulf.id])
    db.execute("delete from object_vector where project_id = %s", [seas.gulf.id])
    assert sets.find_set(db, seas.viewer(seas.ada), set_id).n_objects == 70
    data = loading.load(db, set_id, seas.embedder_id)
    assert (len(data.numbers), data.n_without_vector) == (30, 40)
    values = sets.load_fields(db, set_id, ["object.area"])
    assert values.shape == (70, 1) and np.isnan(values[30:]).all()
    assert "object.area" in {one.name for one in sets.common_fields(db, set_id, seas.bay.id)}


def test_choices_are_read_back_as_they_were_written() -> None:
    choices = Choices((3, 1), {5: None, 6: 7}, None, "random", 9, True, "depth=..10")
    assert read_choices(choices.to_json()) == choices
