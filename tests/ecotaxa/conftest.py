"""A project here, one at a small EcoTaxa of ours, and visits between them as a worker does them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from app.database import connect
from app.ecotaxa import client, job, sending, visits
from app.ecotaxa.visits import Action, Visit
from app.jobs.run import run_queued
from app.projects.queries import set_member
from tests.ecotaxa.server import MANAGER, Remote, Sea, Thing
from tests.exchange.conftest import Workplace, workplace

__all__ = ["workplace"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for seconds, and a window holds three objects."""
    monkeypatch.setattr(job, "POLL_S", 0.01)
    monkeypatch.setattr(client, "WINDOW", 3)
    monkeypatch.setattr(sending, "CLASSIFIED_AT_ONCE", 2)
    monkeypatch.setattr(client, "LONGEST_WAIT_S", 0.01)


@pytest.fixture
def sea(quick: None) -> Iterator[Remote]:
    """Seven objects in two samples: three validated, one dubious, two predicted, one without a word."""
    told = [("V", 45100), ("V", 99001), ("V", 45100), ("D", 45072), ("P", 99001), ("P", 45100), (None, None)]
    things = [
        Thing(
            4200000001 + place, f"o{place + 1}", 1 + place // 4, status, taxon,
            "Ada Lovelace" if status in ("V", "D") else None, "2026-01-02T03:04:05" if status else None,
        )
        for place, (status, taxon) in enumerate(told)
    ]  # fmt: skip
    remote = Remote(Sea(things=things))
    yield remote
    remote.close()


class Traveller:
    """Visits EcoTaxa for a project here."""

    def __init__(self, place: Workplace, remote: Remote) -> None:
        self.place, self.remote, self.sea, self.db = place, remote, remote.sea, place.db
        set_member(place.db, place.project_id, place.account_id, "manager")
        visits.set_link(place.db, place.project_id, f"{remote.address}/prj/{remote.sea.project}", None)
        place.db.commit()

    def ask(self, action: Action, token: str = MANAGER, fields: bool = False) -> Visit:
        place = self.place
        made = visits.ask(self.db, place.settings, place.project_id, "Test", place.account_id, action, token, fields)
        self.db.commit()
        return made

    def visit(self, action: Action, token: str = MANAGER, fields: bool = False) -> Visit:
        """Asked for and done; the visit as it stands then."""
        made = self.ask(action, token, fields)
        run_queued(made.job_id or 0, self.place.settings, self.place.settings.database_url, threading.Event())
        with connect(self.place.settings.database_url) as db:
            return visits.find_visit(db, self.place.project_id, made.id)

    def good(self, action: Action, token: str = MANAGER, fields: bool = False) -> visits.Report:
        done = self.visit(action, token, fields)
        assert done.status == "done", done.error
        return done.report

    def labels(self) -> dict[str, tuple[Any, ...]]:
        """What people said of each object: status, EcoTaxa's number or the name, and who."""
        return {
            row[0]: row[1:]
            for row in self.place.rows(
                """
                select object.orig_id, label.status, coalesce(taxon.ecotaxa_id::text, taxon.name), account.name
                from object
                left join label on label.project_id = object.project_id
                               and label.object_id = object.id
                               and label.status in ('D', 'V')
                left join taxon on taxon.id = label.taxon_id
                left join account on account.id = label.account_id
                where object.project_id = %s
                order by object.orig_id
                """,
                self.place.project_id,
            )
        }

    def label(self, orig_id: str, taxon: str, status: str = "V") -> None:
        """Somebody here says what an object is."""
        from tests.small_projects import Person, SmallProject

        place = self.place
        ids = place.values("select id from object where project_id = %s and orig_id = %s", place.project_id, orig_id)
        taxa = dict(self.db.execute("select name, id from taxon").fetchall())
        project = SmallProject(self.db, place.project_id, ids, taxa)
        project.do(Person(place.account_id, "Ada Lovelace"), ids, taxon=taxon, status=status)
        self.db.commit()


@pytest.fixture
def traveller(workplace: Workplace, sea: Remote) -> Traveller:
    return Traveller(workplace, sea)
