"""A project with samples, fields and images, seen by its people."""

import pytest

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.projects.access import Project, find_project
from tests.small_projects import Person, SmallProject, make_person, make_project


@pytest.fixture
def small(db: Db) -> SmallProject:
    return make_project(db, 30)


@pytest.fixture
def ada(db: Db) -> Person:
    return make_person(db, "Ada")


@pytest.fixture
def ben(db: Db) -> Person:
    return make_person(db, "Ben")


@pytest.fixture
def seen(db: Db, small: SmallProject) -> Project:
    """The project as an application manager sees it."""
    return find_project(db, Viewer(Account(0, "", "", True)), small.id)
