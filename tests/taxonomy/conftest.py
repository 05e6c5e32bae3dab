"""What the tests of lists of taxa have in common."""

from pathlib import Path

import pytest

from app.database import Db
from app.settings import Settings
from tests.small_projects import Person
from tests.taxonomy.desk import Desk


@pytest.fixture
def desk(db: Db, ada: Person, settings: Settings, tmp_path: Path) -> Desk:
    return Desk(db, settings, tmp_path, ada.id)
