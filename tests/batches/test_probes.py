"""Stragglers: what is still out there of a taxon, and how much of it, by random probes alone."""

from collections.abc import Callable
from uuid import uuid4

import numpy as np
import pytest

from app.accounts.viewer import Account
from app.batches import probes
from app.batches.probes import Probe
from app.errors import Conflict, NotFound, Refused
from tests.batches.conftest import N_GROUPS, N_WITHOUT, N, Worker, ids_of
from tests.batches.test_graph_sources import labelled
from tests.small_projects import SmallProject
from tests.web_fixtures import Client, bearer, logged_in

__all__ = ["labelled"]


def draw(worker: Worker, taxon: str = "Calanoida", n: int = 20) -> Probe:
    return probes.draw(worker.db, worker.project, worker.person, uuid4(), worker.small.taxa[taxon], n)


def judge(worker: Worker, probe: Probe, belonging: list[int]) -> Probe:
    """Look at all, then say."""
    probes.note_seen(worker.db, worker.small.id, worker.person, probe.id, probe.ids)
    others = [id for id in probe.ids if id not in belonging]
    return probes.judge(worker.db, worker.project, worker.person, probe.id, belonging, others)


def of_group(small: SmallProject, group: int) -> set[int]:
    return set(small.ids[80 : N - N_WITHOUT][group::N_GROUPS])


def test_what_is_out_there_is_counted_without_what_was_shown_for_the_taxon(
    mine: Worker, small: SmallProject, labelled: list[int]
) -> None:
    taxon_id = small.taxa["Calanoida"]
    told = probes.out_there(mine.db, mine.project, taxon_id)
    assert (told.n_unshown, told.n_stragglers, told.probe) == (40, len(of_group(small, 1)), None)
    batch = mine.make("stragglers", args={"taxon_id": taxon_id})
    page = mine.page(batch, 4)
    mine.look(batch, page)
    assert probes.out_there(mine.db, mine.project, taxon_id).n_unshown == 40 - len(ids_of(page))


def test_a_probe_tells_how_many_are_left_and_labels_what_it_found(
    mine: Worker, small: SmallProject, labelled: list[int]
) -> None:
    probe = draw(mine)
    assert (probe.n, probe.estimate, len(set(probe.ids))) == (20, None, 20)
    assert probe.n_likely + probe.n_other == 40
    truth = of_group(small, 1)
    found = [id for id in probe.ids if id in truth]
    told = judge(mine, probe, found)
    assert told.n_found == len(found)
    assert told.low is not None and told.high is not None
    assert told.low <= len(truth) - len(found) <= told.high
    assert {small.seen(id)[:2] for id in found} == {("V", "Calanoida")}
    assert mine.db.execute("select count(*) from refusal").fetchone()[0] == 20 - len(found)
    assert probes.out_there(mine.db, mine.project, small.taxa["Calanoida"]).n_unshown == 20
    assert set(draw(mine).ids).isdisjoint(probe.ids)


def test_the_stated_interval_holds_as_often_as_it_says(mine: Worker, small: SmallProject, labelled: list[int]) -> None:
    truth, held = of_group(small, 1), []
    for _ in range(40):
        with mine.db.transaction(force_rollback=True):
            probe = draw(mine, n=16)
            found = [id for id in probe.ids if id in truth]
            told = judge(mine, probe, found)
            held.append((told.low or 0) <= len(truth) - len(found) <= (told.high or 0))
    assert np.mean(held) >= 0.9


def test_a_probe_goes_on_until_it_is_judged_and_nothing_unseen_is_judged(
    mine: Worker, theirs: Worker, labelled: list[int]
) -> None:
    probe = draw(mine)
    assert draw(theirs).ids == probe.ids
    with pytest.raises(Conflict, match="not seen 20 of the probes"):
        probes.judge(mine.db, mine.project, mine.person, probe.id, [], probe.ids)
    with pytest.raises(Refused, match="was not drawn"):
        probes.judge(mine.db, mine.project, mine.person, probe.id, [labelled[0]], [])


def test_without_vectors_probes_are_drawn_from_all_and_where_nothing_is_left_from_none(
    mine: Worker, small: SmallProject
) -> None:
    mine.db.execute("delete from object_vector where project_id = %s", [small.id])
    probe = draw(mine)
    assert (probe.n_likely, probe.n_other) == (0, N)
    small.do(mine.person, small.ids, taxon="fiber")
    judge(mine, probe, [])
    with pytest.raises(Conflict, match="nothing is left to probe"):
        draw(mine)
    with pytest.raises(NotFound):
        probes.out_there(mine.db, mine.project, 2_000_000_000)


def test_the_page_is_for_who_labels_and_shows_the_probe_to_be_judged(
    app_client: Client, database_url: str, mine: Worker, labelled: list[int],
    make_account: Callable[..., Account], make_member: Callable[..., None],
) -> None:  # fmt: skip
    probe = draw(mine)
    mine.db.commit()
    annotator, visitor = make_account(), make_account()
    make_member(mine.small.id, annotator, "annotator")
    make_member(mine.small.id, visitor, "visitor")
    url = f"/projects/{mine.small.id}/stragglers"
    client = logged_in(app_client, annotator)
    assert "20 to be judged" in client.get(url).text
    page = client.get(f"{url}?taxon={probe.taxon_id}").text
    assert page.count('aria-pressed="false"') == 20 and "Work them as a batch" in page
    assert "not known here any more" in client.get(f"{url}?taxon=2000000000").text
    told = app_client.get(f"/api/v1{url}/{probe.taxon_id}", headers=bearer(database_url, annotator)).json()
    assert told["probe"]["id"] == probe.id
    assert app_client.get(f"/api/v1{url}/{probe.taxon_id}", headers=bearer(database_url, visitor)).status_code == 403


def test_a_probe_is_judged_once_by_who_has_seen_it_and_each_object_in_one_way(
    mine: Worker, theirs: Worker, labelled: list[int]
) -> None:
    probe = draw(mine)
    one, other = probe.ids[:2]
    judged = (mine.db, mine.project, mine.person, probe.id)
    with pytest.raises(Refused, match="not drawn"):
        probes.note_seen(mine.db, mine.small.id, mine.person, probe.id, [-1])
    probes.note_seen(mine.db, mine.small.id, mine.person, probe.id, [one, other])
    with pytest.raises(Conflict, match="You have not seen 1 of"):
        probes.judge(mine.db, theirs.project, theirs.person, probe.id, [], [one])
    with pytest.raises(Refused, match="at once"):
        probes.judge(*judged, [one], [one, other])
    probes.judge(*judged, [one], [])
    with pytest.raises(Conflict, match="1 of these probes is judged already"):
        probes.judge(*judged, [], [one, other])
    assert probes.judge(*judged, [], [other]).n_judged == 2


def test_what_was_deleted_before_it_was_judged_is_not_of_the_probe(mine: Worker, labelled: list[int]) -> None:
    probe = draw(mine)
    mine.db.execute("delete from object where project_id = %s and id = any(%s)", [mine.small.id, probe.ids[:3]])
    left = probes.find(mine.db, mine.small.id, probe.id)
    assert (left.n, left.ids) == (17, probe.ids[3:])
    told = judge(mine, left, [])
    assert told.open_ids == [] and told.estimate is not None
    assert draw(mine).id != probe.id


def test_a_probe_s_id_is_for_it_alone_and_it_is_of_a_taxon_in_use(mine: Worker, labelled: list[int]) -> None:
    client_id, taxa = uuid4(), mine.small.taxa
    first = probes.draw(mine.db, mine.project, mine.person, client_id, taxa["Calanoida"], 10)
    judge(mine, first, [])
    assert probes.draw(mine.db, mine.project, mine.person, client_id, taxa["Calanoida"], 10).id == first.id
    with pytest.raises(Conflict, match="used for another act"):
        probes.draw(mine.db, mine.project, mine.person, client_id, taxa["Oithona"], 10)
    mine.db.execute("update taxon set status = 'D' where id = %s", [taxa["fiber"]])
    with pytest.raises(Refused, match="deprecated"):
        draw(mine, "fiber")
