"""Ways to go on: what there is of each, what it would bring, and that it leads to what it says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app.batches import page_marks, work
from app.batches.make import make_batch
from app.batches.page import next_page
from app.batches.sources import Source
from app.database import Db
from app.start.judged import Judged, purity_of
from app.start.tempo import tempo
from app.start.ways import best_way
from tests.clusters.conftest import make_heaps
from tests.small_projects import make_project, predict
from tests.start.conftest import Heaps, Person, account_of, project_of, way, ways_of


def label_heaps(heaps: Heaps, who: Person, n: int) -> None:
    """The first `n` of each heap are known; what the fifth is, nobody knows."""
    for heap, taxon in enumerate(["Oithona", "fiber", "Calanoida", "detritus"]):
        heaps.project.do(who, heaps.heap(heap)[:n], taxon=taxon)


def test_a_project_without_objects_has_no_way(db: Db, ada: Person) -> None:
    assert ways_of(db, make_project(db, 0).id, ada) == []


@pytest.mark.parametrize("n", [1, 10])
def test_of_a_few_objects_all_are_worked_in_one_batch(db: Db, ada: Person, n: int) -> None:
    found = ways_of(db, make_project(db, n).id, ada)
    assert [(one.kind, one.n, one.title) for one in found] == [("filter", n, "The few that are left")]


def test_cards_are_offered_before_they_are_cut_and_as_they_are_afterwards(heaps: Heaps, ada: Person) -> None:
    db = heaps.project.db
    before = way(ways_of(db, heaps.project.id, ada), "cards")
    assert before.url is None and before.source is None and before.n == 150
    run = heaps.cut()
    after = way(ways_of(db, heaps.project.id, ada), "cards")
    assert after.url == f"/projects/{heaps.project.id}/clusters?run={run.id}" and after.n == 150
    assert after.per_hour and after.ids
    heaps.ask("status=V")
    assert way(ways_of(db, heaps.project.id, ada), "cards").url == after.url


def test_what_the_neighbours_speak_for_is_counted_by_taxon_and_how_often_they_are_right(
    heaps: Heaps, ada: Person
) -> None:
    label_heaps(heaps, ada, 15)
    found = ways_of(heaps.project.db, heaps.project.id, ada)
    matches = {one.taxon: one for one in found if one.kind == "matches"}
    assert len(matches) == 3
    for one in matches.values():
        assert one.n in (15, 30) and one.purity is not None and 0.5 < one.purity <= 0.95 and not one.about
        assert one.title == f"Stragglers of {one.taxon}" and one.says.startswith("perhaps ")


def test_no_stragglers_of_a_deprecated_taxon_are_offered(heaps: Heaps, ada: Person) -> None:
    label_heaps(heaps, ada, 15)
    db = heaps.project.db
    db.execute("update taxon set status = 'D' where id = %s", [heaps.project.taxa["Calanoida"]])
    matches = {one.taxon for one in ways_of(db, heaps.project.id, ada) if one.kind == "matches"}
    assert matches and "Calanoida" not in matches


def test_while_vectors_are_made_nothing_is_asked_of_the_neighbours(heaps: Heaps, ada: Person) -> None:
    label_heaps(heaps, ada, 15)
    db = heaps.project.db
    db.execute(
        "insert into job (kind, title, project_id, status) values ('embed', 'Embed', %s, 'running')", [heaps.project.id]
    )
    assert {one.kind for one in ways_of(db, heaps.project.id, ada)} == {"cards", "filter"}
    db.execute("update job set status = 'done'")
    assert "matches" in {one.kind for one in ways_of(db, heaps.project.id, ada)}


def test_the_batch_of_a_match_holds_what_was_counted(heaps: Heaps, ada: Person) -> None:
    label_heaps(heaps, ada, 15)
    db = heaps.project.db
    one = way(ways_of(db, heaps.project.id, ada), "matches")
    assert one.source
    source = Source(one.source["kind"], {"taxon_id": one.taxon_id})
    batch = make_batch(db, project_of(db, heaps.project.id, ada), account_of(ada), source)
    assert batch.n == one.n


def test_what_was_looked_at_and_passed_over_lowers_what_is_promised(heaps: Heaps, ada: Person) -> None:
    heaps.project.do(ada, heaps.heap(0)[:15], taxon="Oithona")
    heaps.project.do(ada, heaps.heap(1)[:15], taxon="fiber")
    db, account = heaps.project.db, account_of(ada)
    project = project_of(db, heaps.project.id, ada)
    before = way(ways_of(db, project.id, ada), "matches")
    assert before.source and before.purity and before.per_hour
    batch = make_batch(db, project, account, Source("stragglers", {"taxon_id": before.taxon_id}))
    page = next_page(db, project, account, batch.id, 10)
    ids = [tile["id"] for tile in page.tiles]
    page_marks.note_seen(db, project, account, batch.id, page.number, ids)
    act = work.PageAct(uuid4(), ids[:1], [page.tiles[0]["state"]], ids[1:3], before.taxon_id)
    work.apply_page(db, project, account, batch.id, page.number, act)
    after = next(one for one in ways_of(db, project.id, ada) if one.title == before.title)
    assert after.n == before.n - 10 and "1 of 10 looked at so far" in after.says
    assert after.purity and after.per_hour
    assert after.purity < 0.6 * before.purity and after.per_hour < before.per_hour
    assert batch.title == after.title


def test_of_few_known_ones_not_all_are_promised() -> None:
    assert purity_of(9, 9, 1.0, Judged()) < 0.75
    assert purity_of(5000, 5000, 1.0, Judged(5000, np.arange(5000))) == 0.95
    assert purity_of(9, 9, 0.9, Judged(9, np.arange(41))) < 0.4
    assert purity_of(100, 100, 0.6, Judged()) < purity_of(100, 100, 0.9, Judged())


def test_what_no_label_is_near_to_is_counted(db: Db, database_url: str, own_home: Path, ada: Person) -> None:
    heaps = make_heaps(db, database_url, own_home, size=40)  # more than an object has neighbours
    label_heaps(heaps, ada, 15)
    one = way(ways_of(db, heaps.project.id, ada), "novelties")
    assert one.n == 40 and set(one.ids) <= set(heaps.heap(4))
    project, account = project_of(db, heaps.project.id, ada), account_of(ada)
    assert make_batch(db, project, account, Source("novelties")).n == one.n


def test_labels_with_which_the_neighbours_disagree_make_labels_better_not_more(heaps: Heaps, ada: Person) -> None:
    label_heaps(heaps, ada, 20)
    wrong = heaps.heap(0)[0]
    heaps.project.do(ada, [wrong], taxon="fiber")
    found = ways_of(heaps.project.db, heaps.project.id, ada)
    one = way(found, "mistakes")
    assert one.ids == [wrong] and one.per_hour is None and found[-1] == one


def test_a_predicted_taxon_counts_by_its_scores(db: Db, ada: Person) -> None:
    project = make_project(db, 60)
    taxa = {object_id: "Oithona" for object_id in project.ids[:40]}
    run_id = predict(project, taxa, score=0.9)
    db.execute(
        "update project set current_run_id = %s, data_version = data_version + 1 where id = %s", [run_id, project.id]
    )
    one = way(ways_of(db, project.id, ada), "predicted")
    assert (one.n, one.taxon, one.source) == (40, "Oithona", {"kind": "predicted", "taxon_id": project.taxa["Oithona"]})
    assert one.purity == pytest.approx(0.9)
    best = best_way(db, project_of(db, project.id, ada), account_of(ada))
    assert best and best.kind == "predicted"


def test_ones_own_open_batch_can_be_gone_on_with_and_anothers_not(db: Db, ada: Person, ben: Person) -> None:
    project = make_project(db, 30)
    batch = make_batch(db, project_of(db, project.id, ada), account_of(ada), Source("filter", {"query": "status=U"}))
    one = way(ways_of(db, project.id, ada), "go_on")
    assert one.url == f"/projects/{project.id}/batches/{batch.id}" and one.n == 30
    assert not [other for other in ways_of(db, project.id, ben) if other.kind == "go_on"]
    db.execute("update batch set made_at = now() - interval '1 minute'")
    project.do(ben, project.ids, taxon="detritus")
    assert not [other for other in ways_of(db, project.id, ada) if other.kind == "go_on"]


def test_doubts_are_settled_by_somebody_else(db: Db, ada: Person, ben: Person) -> None:
    project = make_project(db, 5)
    project.do(ada, project.ids, taxon="Oithona", status="D")
    assert [one.kind for one in ways_of(db, project.id, ada)] == []
    assert [(one.kind, one.n) for one in ways_of(db, project.id, ben)] == [("doubts", 5)]
    assert best_way(db, project_of(db, project.id, ben), account_of(ben)) is None


def test_the_slower_one_was_the_less_is_promised(db: Db, ada: Person, ben: Person) -> None:
    project = make_project(db, 60)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for k in range(30):
        act_id = project.do(ada, project.ids[k : k + 1], taxon="fiber").act_id
        db.execute("update act set at = %s where id = %s", [start + timedelta(seconds=100 * k), act_id])
    assert tempo(db, project.id, ben.id).of("filter") == 1
    assert tempo(db, project.id, ada.id).of("filter") > 4
    slow, usual = (way(ways_of(db, project.id, who), "filter") for who in (ada, ben))
    assert slow.per_hour and usual.per_hour and slow.per_hour < usual.per_hour / 4


def test_where_all_vectors_are_equal_there_are_ways_all_the_same(
    db: Db, database_url: str, own_home: Path, ada: Person
) -> None:
    heaps = make_heaps(db, database_url, own_home, n_heaps=1, size=60)
    db.execute("update object_vector set v = (select v from object_vector limit 1)")
    heaps.project.do(ada, heaps.project.ids[:30], taxon="fiber")
    kinds = {one.kind for one in ways_of(db, heaps.project.id, ada)}
    assert {"cards", "matches", "filter"} <= kinds


def test_what_a_reference_project_knows_is_matched_before_anything_is_labelled_here(
    heaps: Heaps, ada: Person, ben: Person
) -> None:
    db = heaps.project.db
    other = make_project(db, 10, "Guide", visibility="accounts")
    kin = heaps.heap(2)[:10]
    db.execute(
        """
        insert into object_vector (embedder_id, project_id, object_id, v)
        select embedder_id, %s, given.other_id, v
          from object_vector
          join unnest(%s::bigint[], %s::bigint[]) as given (object_id, other_id) using (object_id)
        """,
        [other.id, kin, other.ids],
    )
    other.do(ada, other.ids, taxon="Oithona")
    db.execute("insert into project_reference (project_id, reference_id) values (%s, %s)", [heaps.project.id, other.id])
    one = way(ways_of(db, heaps.project.id, ada), "matches")
    assert one.taxon == "Oithona" and one.source and set(one.source["ids"]) == set(other.ids)
    assert 15 <= one.n <= 30 and set(one.ids) <= set(heaps.heap(2))
    source = Source("examples", {name: value for name, value in one.source.items() if name != "kind"})
    batch = make_batch(db, project_of(db, heaps.project.id, ada), account_of(ada), source, "alike", limit=20)
    assert batch.n == 20 and batch.taxon == "Oithona"
    db.execute("delete from project_reference")
    assert not [other for other in ways_of(db, heaps.project.id, ada) if other.kind == "matches"]
