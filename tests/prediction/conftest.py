"""A project of ten objects that a manager predicts in."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.database import Db
from app.projects.queries import set_member
from tests.small_projects import Person, SmallProject, make_project
from tests.web_fixtures import Client, bearer


@dataclass(frozen=True)
class Bay:
    """The project as the programs of its people see it."""

    client: Client
    project: SmallProject
    headers: dict[str, dict[str, str]]

    @property
    def runs(self) -> str:
        return f"/api/v1/projects/{self.project.id}/predictions"

    def write(self, who: str = "manager", **body: Any) -> Any:
        return self.client.post(self.runs, json=body, headers=self.headers[who])

    def post(self, path: str, who: str = "manager") -> Any:
        return self.client.post(self.runs + path, headers=self.headers[who])

    def get(self, path: str, who: str = "manager") -> Any:
        return self.client.get(f"/api/v1/projects/{self.project.id}{path}", headers=self.headers[who])

    def piece(self, n: int, *names: str, first: int = 0) -> dict[str, Any]:
        """The same taxa, with falling scores, for `n` objects."""
        taxa = [self.project.taxa[name] for name in names]
        scores = [0.75, 0.25, 0.125][: len(names)]
        return {"objects": self.project.ids[first : first + n], "taxa": [taxa] * n, "scores": [scores] * n}


@pytest.fixture
def bay(db: Db, app_client: Client, database_url: str, ada: Person, ben: Person) -> Bay:
    """Ada manages, Ben labels."""
    project = make_project(db)
    set_member(db, project.id, ada.id, "manager")
    set_member(db, project.id, ben.id, "annotator")
    db.commit()
    headers = {"manager": bearer(database_url, ada), "annotator": bearer(database_url, ben)}
    return Bay(app_client, project, headers)
