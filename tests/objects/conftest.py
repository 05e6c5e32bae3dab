"""A project with samples, fields and images, seen by its people."""

from dataclasses import replace

import pytest

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.projects.access import Project, find_project
from tests.small_projects import SmallProject, make_project


@pytest.fixture
def small(db: Db) -> SmallProject:
    return make_project(db, 30)


@pytest.fixture
def seen(db: Db, small: SmallProject) -> Project:
    """The project as an application manager sees it for whom size does not count."""
    return replace(find_project(db, Viewer(Account(0, "", "", True)), small.id), size_weight=0.0)
