"""Projects and their members: listed, made, changed."""

from typing import Any

from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, Forbidden, NotFound, Refused
from app.projects.access import Project, role_of

STATUSES = {
    "annotate": "Label by hand and by prediction",
    "annotate_no_prediction": "Label by hand only",
    "explore": "Look only",
}
VISIBILITIES = {
    "private": "Members only",
    "accounts": "Everybody with an account may look",
    "everyone": "Everybody may look at validated objects, without an account",
}
MEMBER_ROLES = {"visitor": "Visitor: looks", "annotator": "Annotator: labels", "manager": "Manager: everything"}


def list_projects(db: Db, viewer: Viewer, search: str = "") -> list[dict[str, Any]]:
    """The projects that the viewer may see, those one is a member of first, with objects counted by status."""
    rows = db.execute(
        """
        with counted as (
            select project_id, status, sum(n)::bigint as n
            from count_delta
            group by project_id, status
        ),
        counts as (
            select project_id, jsonb_object_agg(status, n) as by_status
            from counted
            group by project_id
        )
        select p.id, p.title, p.description, p.instrument, p.status, p.visibility, p.created_at, m.role as member_role,
               coalesce(c.by_status, '{}') as by_status
        from project p
        left join member m on m.project_id = p.id and m.account_id = %(account)s
        left join counts c on c.project_id = p.id
        where (%(all)s or m.role is not null or p.visibility = 'everyone'
               or (p.visibility = 'accounts' and %(account)s::int is not null))
          and (%(search)s = '' or strpos(lower(p.title || ' ' || p.instrument), lower(%(search)s)) > 0)
        order by m.role is null, lower(p.title), p.id
        """,
        {"account": viewer.account_id, "all": viewer.is_application_manager, "search": search.strip()},
    ).fetchall()
    return [_as_listed(viewer, row) for row in rows]


def _as_listed(viewer: Viewer, row: Any) -> dict[str, Any]:
    counts = {status: row.by_status.get(status, 0) for status in "VPDU"}
    if viewer.account is None:
        counts = {"V": counts["V"], "P": 0, "D": 0, "U": 0}
    return {
        "id": row.id,
        "title": row.title,
        "description": row.description,
        "instrument": row.instrument,
        "status": row.status,
        "visibility": row.visibility,
        "role": role_of(viewer, row.member_role, row.visibility),
        "is_member": row.member_role is not None,
        "counts": counts,
        "n_objects": sum(counts.values()),
    }


def make_project(
    db: Db,
    account_id: int | None,
    title: str,
    *,
    description: str = "",
    instrument: str = "",
    visibility: str = "private",
    embedder_id: int | None = None,
    pixel_size_um: float | None = None,
) -> int:
    """A new project's id. Its maker is its first manager."""
    check_texts(title, description, instrument)
    check_choices("annotate", visibility, pixel_size_um)
    row = db.execute(
        """
        insert into project (title, description, instrument, visibility, embedder_id, pixel_size_um, created_by)
        values (%s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [title.strip(), description.strip(), instrument.strip(), visibility, embedder_id, pixel_size_um, account_id],
    ).fetchone()
    project_id: int = row.id
    if account_id is not None:
        set_member(db, project_id, account_id, "manager")
    return project_id


def change_project(
    db: Db,
    project: Project,
    viewer: Viewer,
    *,
    title: str,
    description: str,
    instrument: str,
    status: str,
    visibility: str,
    pixel_size_um: float | None,
    pixel_field: str = "",
    pixel_unit: str = "um",
) -> None:
    """Save the settings. Opening a project to everyone is for application managers."""
    check_texts(title, description, instrument)
    check_choices(status, visibility, pixel_size_um)
    check_pixel_field(db, project.id, pixel_field, pixel_unit)
    if visibility == "everyone" and project.visibility != "everyone" and not viewer.is_application_manager:
        raise Refused("Only an application manager may open a project to everyone. Nothing was saved.", status=403)
    db.execute(
        """
        update project
        set title = %s, description = %s, instrument = %s, status = %s, visibility = %s, pixel_size_um = %s,
            settings = settings || %s
        where id = %s
        """,
        [
            title.strip(), description.strip(), instrument.strip(), status, visibility, pixel_size_um,
            Jsonb({"pixel_field": pixel_field, "pixel_unit": pixel_unit}), project.id,
        ],
    )  # fmt: skip


def pixel_fields(db: Db, project_id: int) -> list[str]:
    """The fields that may hold each image's pixel size, as `level.name`; those that are called so come first."""
    rows = db.execute(
        """
        select level || '.' || name as key
        from field
        where project_id = %s
          and (level <> 'object' or type = 'number')
        order by name !~* 'pixel', level, name
        """,
        [project_id],
    )
    return [row.key for row in rows]


def check_pixel_field(db: Db, project_id: int, field: str, unit: str) -> None:
    if field and field not in pixel_fields(db, project_id):
        raise Refused(
            f"The project has no field {field!r} for the size of a pixel. Choose one from the list.", status=422
        )
    if unit not in ("um", "mm"):
        raise Refused("The unit of the pixel size is um or mm.", status=422)


def check_texts(title: str, description: str, instrument: str) -> None:
    if not title.strip() or len(title) > 200:
        raise Refused("Give the project a title of 1 to 200 letters.", status=422)
    if len(description) > 10_000 or len(instrument) > 200:
        raise Refused("The description takes 10,000 letters and the instrument 200. Shorten them.", status=422)


def check_choices(status: str, visibility: str, pixel_size_um: float | None) -> None:
    if status not in STATUSES:
        raise Refused(f"A project's status is {', '.join(STATUSES)}; not {status!r}.", status=422)
    if visibility not in VISIBILITIES:
        raise Refused(f"A project's visibility is {', '.join(VISIBILITIES)}; not {visibility!r}.", status=422)
    if pixel_size_um is not None and not 0 < pixel_size_um < 1e6:
        raise Refused(
            "The size of a pixel is a number of micrometres above 0, or empty if it is not known.", status=422
        )


def embedder_name(db: Db, project: Project) -> str | None:
    """What the project's embedder is called; None before the first embedding."""
    row = db.execute("select name from embedder where id = %s", [project.embedder_id]).fetchone()
    return row.name if row else None


def describe_embedder(db: Db, project: Project) -> Any:
    """The project's embedder, or None before the first embedding."""
    return db.execute(
        "select name, dimension, digest, description from embedder where id = %s", [project.embedder_id]
    ).fetchone()


def list_members(db: Db, project_id: int) -> list[Any]:
    return db.execute(
        """
        select a.id, a.name, a.email, a.organisation, m.role, a.blocked_at is not null as blocked
        from member m
        join account a on a.id = m.account_id
        where m.project_id = %s
        order by array_position(array['manager', 'annotator', 'visitor'], m.role), lower(a.name)
        """,
        [project_id],
    ).fetchall()


def set_member(db: Db, project_id: int, account_id: int, role: str) -> None:
    """Add a member, or change the role of one."""
    if role not in MEMBER_ROLES:
        raise Refused(f"A member is a visitor, an annotator or a manager; not {role!r}.", status=422)
    if role != "manager":
        keep_a_manager(db, project_id, account_id)
    db.execute(
        """
        insert into member (project_id, account_id, role)
        values (%s, %s, %s)
        on conflict (project_id, account_id) do update set role = excluded.role
        """,
        [project_id, account_id, role],
    )


def remove_member(db: Db, project_id: int, account_id: int) -> None:
    keep_a_manager(db, project_id, account_id)
    removed = db.execute("delete from member where project_id = %s and account_id = %s", [project_id, account_id])
    if removed.rowcount == 0:
        raise NotFound("This person is no member of the project.")


def keep_a_manager(db: Db, project_id: int, account_id: int) -> None:
    """Refuse to lose the last manager. The project's row is locked, so that two who leave at once do not both go."""
    db.execute("select 1 from project where id = %s for update", [project_id])
    row = db.execute(
        """
        select bool_or(account_id = %s) as is_one, bool_or(account_id <> %s) as has_another
        from member
        where project_id = %s
          and role = 'manager'
        """,
        [account_id, account_id, project_id],
    ).fetchone()
    if row.is_one and not row.has_another:
        raise Conflict("This is the project's last manager. Make somebody else a manager first.")


def add_member(db: Db, project: Project, viewer: Viewer, account: Any, role: str) -> None:
    refuse_to_name_manager(project, viewer, role)
    set_member(db, project.id, account.id, role)


def change_role(db: Db, project: Project, viewer: Viewer, account_id: int, role: str) -> None:
    row = db.execute(
        "select role from member where project_id = %s and account_id = %s", [project.id, account_id]
    ).fetchone()
    if row is None:
        raise NotFound("This person is no member of the project.")
    if row.role != role:
        refuse_to_name_manager(project, viewer, role)
    set_member(db, project.id, account_id, role)


def refuse_to_name_manager(project: Project, viewer: Viewer, role: str) -> None:
    """Project managers register annotators and visitors; managers are registered by application managers."""
    if role == "manager" and not viewer.is_application_manager:
        raise Forbidden(f"Only an application manager may make somebody a manager of “{project.title}”.")
