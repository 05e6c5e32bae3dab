"""A small project with two people, for tests of labelling."""

import pytest

from app.database import Db
from tests.small_projects import SmallProject, make_project


@pytest.fixture
def project(db: Db) -> SmallProject:
    return make_project(db)
