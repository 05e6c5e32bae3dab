"""The one way to a project: a project that one may not see does not exist."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath

from app.accounts.access import ROLES
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Forbidden, LoginNeeded, NotFound
from indexer.spaces import USUAL_WEIGHT

# What a handler declares: who may call it, `opt=VISITOR`. READS: it changes nothing, whatever its method. OWN: what it
# changes is the caller's own.
VISITOR, ANNOTATOR, MANAGER = {"role": "visitor"}, {"role": "annotator"}, {"role": "manager"}
# Managers too, where a refusal says what was tried.
IMPORTS = MANAGER | {"does": "import into"}
MEMBERS = MANAGER | {"does": "choose the members of"}
PREDICTS = MANAGER | {"does": "write or choose predictions for"}
REVIEWS = MANAGER | {"does": "review or sign off labels in"}
AUDIT_LIMIT = MANAGER | {"does": "set how much of an audit may be wrong in"}
TAKES_OVER = MANAGER | {"does": "take over a batch in"}
READS = {"role": "visitor", "reads": True}
OWN = {"role": "visitor", "own": True}
WORK = {
    "visitor": "look at",
    "annotator": "label in",
    "manager": "change the settings and data of",
}
NO_PROJECT = "There is no such project, or it is not shared with you. Ask its manager to add you."


@dataclass(frozen=True, slots=True)
class Project:
    """A project as one caller may see it: `role` is that caller's."""

    id: int
    title: str
    description: str
    instrument: str
    status: str
    visibility: str
    embedder_id: int | None
    current_run_id: int | None
    pixel_size_um: float | None
    settings: dict[str, Any]
    data_version: int
    role: str
    validated_only: bool = False
    logged_in: bool = field(default=True, repr=False)
    size_weight: float = USUAL_WEIGHT  # of sizes in likeness, as the caller wants it in this project
    caller_id: int | None = field(default=None, repr=False)
    space_id: int | None = None  # in which likeness is measured; null: the plain one

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def needs(self, role: str, does: str = "") -> None:
        """Refuse a caller whose role is under `role`; `does`: what was tried."""
        if self.may(role):
            return
        if not self.logged_in:
            raise LoginNeeded()
        raise Forbidden(
            f"You may not {does or WORK[role]} “{self.title}”: that needs the role {role}, and yours is {self.role}. "
            "Ask a manager of the project."
        )


def find_project(db: Db, viewer: Viewer, project_id: int) -> Project:
    """The project with the caller's role in it, or NotFound where the caller has none."""
    row = db.execute(
        """
        select p.id, p.title, p.description, p.instrument, p.status, p.visibility, p.embedder_id, p.current_run_id,
               p.pixel_size_um, p.settings, p.data_version,
               coalesce((kept.settings ->> 'size_weight')::float8, %s) as size_weight, p.space_id, m.role as member_role
        from project p
        left join member m on m.project_id = p.id and m.account_id = %s
        left join board_preference kept on kept.project_id = p.id and kept.account_id = %s
        where p.id = %s
          and p.hidden is null
        """,
        [USUAL_WEIGHT, viewer.account_id, viewer.account_id, project_id],
    ).fetchone()
    role = None if row is None else role_of(viewer, row.member_role, row.visibility)
    if row is None or role is None:
        if viewer.account is None:
            raise LoginNeeded()
        raise NotFound(NO_PROJECT)
    logged_in = viewer.account is not None
    *own, size_weight, space_id, _ = row
    return Project(*own, role, not logged_in, logged_in, size_weight, viewer.account_id, space_id)


def role_in(db: Db, viewer: Viewer, project_id: int) -> str | None:
    """The viewer's role in a project; None where they have none."""
    try:
        return find_project(db, viewer, project_id).role
    except NotFound:
        return None


def role_of(viewer: Viewer, member_role: str | None, visibility: str) -> str | None:
    if viewer.is_application_manager:
        return "manager"
    if member_role is not None:
        return member_role
    open_to_viewer = visibility == "everyone" or (visibility == "accounts" and viewer.account is not None)
    return "visitor" if open_to_viewer else None


def provide_project(
    request: Request, project_id: FromPath[int], db: NamedDependency[Db], viewer: NamedDependency[Viewer]
) -> Project:
    """The dependency `project`: found through the caller's rights, and the route's role enforced."""
    project = find_project(db, viewer, project_id)
    opt = request.route_handler.opt
    project.needs(opt["role"], opt.get("does", ""))
    return project
