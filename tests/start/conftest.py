"""A project of heaps that stand together, and somebody who works in it."""

from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.projects.access import Project, find_project
from app.start.way import Way
from app.start.ways import find_ways
from tests.clusters.conftest import Heaps, heaps, own_home
from tests.small_projects import Person, ada, ben

__all__ = ["Heaps", "Person", "ada", "ben", "heaps", "own_home"]


def account_of(who: Person) -> Account:
    return Account(who.id, who.email, who.name, is_application_manager=True)


def project_of(db: Db, project_id: int, who: Person) -> Project:
    return find_project(db, Viewer(account_of(who)), project_id)


def ways_of(db: Db, project_id: int, who: Person) -> list[Way]:
    return find_ways(db, project_of(db, project_id, who), account_of(who))


def way(found: list[Way], kind: str) -> Way:
    """The first way of a kind."""
    return next(one for one in found if one.kind == kind)
