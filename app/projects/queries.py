"""Projects: made, described and changed."""

from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.objects.choices import OWN_SHOWN
from app.objects.fields import project_fields
from app.projects import about as abouts
from app.projects.access import Project
from app.projects.members import set_member

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


def make_project(
    db: Db,
    account_id: int | None,
    title: str,
    *,
    description: str = "",
    instrument: str = "",
    visibility: str = "private",
    embedder_id: int | None = None,
    embedder: str = "",
    pixel_size_um: float | None = None,
) -> int:
    """A new project's id. Its maker is its first manager. `embedder`: the registry's word for the one that it is to
    have, where that is not known by an id yet."""
    check_texts(title, description, instrument)
    check_choices("annotate", visibility, pixel_size_um)
    row = db.execute(
        """
        insert into project
            (title, description, instrument, visibility, embedder_id, pixel_size_um, created_by, settings)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [
            title.strip(), description.strip(), instrument.strip(), visibility, embedder_id, pixel_size_um, account_id,
            Jsonb({"embedder": embedder} if embedder else {}),
        ],
    ).fetchone()  # fmt: skip
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
    about: abouts.About | None = None,
) -> None:
    """Save the settings. Opening a project to everyone is for application managers."""
    check_texts(title, description, instrument)
    check_choices(status, visibility, pixel_size_um)
    check_pixel_field(db, project.id, pixel_field, pixel_unit)
    if visibility == "everyone" and project.visibility != "everyone" and not viewer.is_application_manager:
        raise Refused("Only an application manager may open a project to everyone. Nothing was saved.", status=403)
    if about is not None:
        about = abouts.checked(about)
        about = replace(about, show=known_shown(db, project, about.show))
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
    if about is not None:
        abouts.save(db, project.id, about)


def known_shown(db: Db, project: Project, keys: list[str]) -> list[str]:
    """The keys of fields under a tile as pages write them, each field once. Refused where the project has no such
    field. One that it had when it was chosen may stay, and before the first import any may be named."""
    fields = project_fields(db, project.id)
    kept = project.settings.get("show") or []
    if db.execute("select from field where project_id = %s limit 1", [project.id]).fetchone() is None:
        kept = [*kept, *(key for key in keys if key.startswith("f."))]
    shown = []
    for key in keys:
        column = None if key in OWN_SHOWN else fields.find(key.removeprefix("f."))
        if column is None and key not in OWN_SHOWN and key not in kept:
            raise Refused(
                f"The project has no field {key[:80]!r} to show under its tiles: say {', '.join(OWN_SHOWN)}, or"
                " a column as f.area or f.sample.station.",
                status=422,
            )
        shown.append(f"f.{column.key}" if column else key)
    return list(dict.fromkeys(shown))


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
    """What the project's embedder is called, or is to be; None where none is chosen before the first embedding."""
    row = db.execute("select name from embedder where id = %s", [project.embedder_id]).fetchone()
    return row.name if row else project.settings.get("embedder")


def describe_embedder(db: Db, project: Project) -> Any:
    """The project's embedder, or None before the first embedding."""
    return db.execute(
        "select name, dimension, digest, description from embedder where id = %s", [project.embedder_id]
    ).fetchone()
