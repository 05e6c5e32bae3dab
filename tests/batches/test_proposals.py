"""What is marked is named by its own neighbours, not by those of the whole page."""

import numpy as np
import pytest

from app.accounts.viewer import Account
from app.batches.proposals import propose
from app.database import Db
from app.labels import runs
from app.projects.queries import set_member
from tests.batches.conftest import N_GROUPS, Worker
from tests.prediction.runs import Said, show_run
from tests.small_projects import Person, SmallProject, predict
from tests.web_fixtures import Client, bearer, logged_in


@pytest.fixture
def groups(mine: Worker, small: SmallProject, ada: Person) -> list[list[int]]:
    """Two groups of which some are validated: the others of each."""
    small.do(ada, small.ids[0:40:N_GROUPS], taxon="Oithona")
    small.do(ada, small.ids[1:41:N_GROUPS], taxon="fiber")
    return [small.ids[40 + place : 80 : N_GROUPS] for place in (0, 1)]


def test_the_marked_are_named_by_their_own_neighbours(
    app_client: Client, db: Db, database_url: str, mine: Worker, small: SmallProject, ada: Person,
    groups: list[list[int]],
) -> None:  # fmt: skip
    set_member(db, small.id, ada.id, "annotator")
    batch = mine.make(args={"query": "status=U"})
    db.commit()
    headers = bearer(database_url, Account(ada.id, ada.email, ada.name, False))
    url = f"/api/v1/projects/{small.id}/batches/{batch.id}/proposals"

    def first(ids: list[int]) -> str:
        return app_client.post(url, json={"ids": ids}, headers=headers).json()[0]["taxon"]

    oithona, fiber = groups
    assert (first(oithona), first(fiber), first(fiber[:1])) == ("Oithona", "fiber < detritus", "fiber < detritus")
    answer = app_client.post(url, json={"ids": []}, headers=headers)
    assert answer.status_code == 400 and "Between 1 and 1,000 objects" in answer.text
    assert app_client.post(url, json={"ids": [2**63]}, headers=headers).status_code == 400
    assert app_client.post(url, json={"ids": small.ids[-1:]}, headers=headers).json() == []
    seen = logged_in(app_client, Account(ada.id, ada.email, ada.name, False))
    page = f"/projects/{small.id}/batches/{batch.id}/proposals?ids="
    assert "Oithona" in seen.get(page + ",".join(map(str, oithona))).text
    assert seen.get(page + "one").status_code == 400


def test_what_most_are_predicted_as_is_proposed_first(mine: Worker, small: SmallProject) -> None:
    run_id = predict(small, dict.fromkeys(small.ids[:30], "Oithona"))
    runs.publish(mine.db, small, run_id)
    page = mine.page(mine.make(args={"query": f"status=P&taxon={small.taxa['Oithona']}"}), 20)
    first = page.proposals[0]
    assert (first["taxon"], first["votes"], first["of"]) == ("Oithona", 20, 20)
    assert first["why"] == "predicted for 20 of 20"
    mixed = propose(mine.db, mine.project, np.array(small.ids[20:50]), mine.person.id)
    assert all(proposal["why"][:9] != "predicted" for proposal in mixed)


def test_a_deprecated_taxon_is_proposed_neither_now_nor_from_before(
    mine: Worker, small: SmallProject, ada: Person
) -> None:
    small.do(ada, small.ids[0:40:N_GROUPS], taxon="Oithona")
    runs.publish(mine.db, small, predict(small, dict.fromkeys(small.ids[40:80], "Oithona")))
    batch = mine.make(args={"query": "status=P"})
    assert "Oithona" in {one["taxon"] for one in mine.page(batch, 20).proposals}
    mine.db.execute("update taxon set status = 'D' where id = %s", [small.taxa["Oithona"]])
    assert "Oithona" not in {one["taxon"] for one in mine.page(batch, 20).proposals}
    asked = np.array(small.ids[40:80:N_GROUPS])
    assert "Oithona" not in {one["taxon"] for one in propose(mine.db, mine.project, asked, mine.person.id)}


def test_what_else_the_run_holds_for_likely_is_a_key_away(
    mine: Worker, small: SmallProject, groups: list[list[int]]
) -> None:
    fibers = groups[1]
    said = [Said("fiber", 0.5, 0.0)] * len(small.ids)
    run_id = show_run(small, said)
    taxa = small.taxa
    mine.db.execute(
        """
        update prediction
           set taxon_2_id = %s, score_2 = 0.3, taxon_3_id = %s, score_3 = 0.02
         where run_id = %s
        """,
        [taxa["Calanoida"], taxa["detritus"], run_id],
    )
    told = propose(mine.db, mine.project, np.array(fibers), mine.person.id)
    assert [one["taxon"] for one in told][:1] == ["fiber < detritus"] and len(told) <= 6
    likely = next(one for one in told if one["taxon_id"] == taxa["Calanoida"])
    assert (likely["by_scores"], likely["why"]) == (True, "30% by the run's scores")
    assert likely["share"] == pytest.approx(0.3) and taxa["detritus"] not in [one["taxon_id"] for one in told]
    hidden = propose(mine.db, mine.project, np.array(fibers), mine.person.id, predicted=False)
    assert not any(one["by_scores"] for one in hidden)
