"""The one box in every page's head, what it offers while one types, and all that was found as a page."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.finding.asked import KINDS
from app.finding.things import MOST, find

NAMES = {
    "projects": "Projects", "samples": "Samples", "acquisitions": "Acquisitions", "objects": "Objects",
    "taxa": "Taxa", "people": "People",
}  # fmt: skip
PRIVATE = {"Cache-Control": "no-store"}


@get("/find", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def show_found(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    q: FromQuery[str] = "",
    kind: FromQuery[str] = "",
    only: FromQuery[bool] = False,
) -> Template | Redirect:
    """What `q` stands for; of one kind alone, more of it. `only`: where it is one thing, that thing's page."""
    kinds, most = ((kind,), MOST) if kind in KINDS else (KINDS, 20)
    found = find(db, viewer, q, kinds, most)
    every = [one for things in found.things.values() for one in things]
    if only and len(every) == 1:
        return Redirect(every[0].url, status_code=303)
    context = {"found": found, "q": q, "kind": kind if kind in KINDS else "", "names": NAMES}
    return Template("finding/found.html", context=context, headers=PRIVATE)


@get("/find/offered", opt={"public": True}, include_in_schema=False, sync_to_thread=True)
def offer(db: NamedDependency[Db], viewer: NamedDependency[Viewer], q: FromQuery[str] = "") -> Template:
    context = {"found": find(db, viewer, q), "q": q, "names": NAMES}
    return Template("finding/_offered.html", context=context, headers=PRIVATE)


routes = [show_found, offer]
