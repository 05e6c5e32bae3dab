"""The one box in every page's head, what it offers while one types, and all that was found as a page."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.finding.things import KINDS, MOST, find

NAMES = {
    "projects": "Projects", "samples": "Samples", "objects": "Objects", "taxa": "Taxa", "people": "People",
}  # fmt: skip
PRIVATE = {"Cache-Control": "no-store"}


@get("/find", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def show_found(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], q: FromQuery[str] = "", kind: FromQuery[str] = ""
) -> Template:
    """What `q` stands for; of one kind alone, more of it."""
    kinds, most = ((kind,), MOST) if kind in KINDS else (KINDS, 20)
    found = find(db, viewer, q, kinds, most)
    context = {"found": found, "q": q, "kind": kind if kind in KINDS else "", "names": NAMES}
    return Template("finding/found.html", context=context, headers=PRIVATE)


@get("/find/offered", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def offer(db: NamedDependency[Db], viewer: NamedDependency[Viewer], q: FromQuery[str] = "") -> Template:
    context = {"found": find(db, viewer, q), "q": q, "names": NAMES}
    return Template("finding/_offered.html", context=context, headers=PRIVATE)


routes = [show_found, offer]
