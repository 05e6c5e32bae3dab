"""A small project with two people, for tests of labelling."""

import pytest

from app.database import Db
from tests.small_projects import Person, SmallProject, make_person, make_project


@pytest.fixture
def project(db: Db) -> SmallProject:
    return make_project(db)


@pytest.fixture
def ada(db: Db) -> Person:
    return make_person(db, "Ada")


@pytest.fixture
def ben(db: Db) -> Person:
    return make_person(db, "Ben")
