"""Which embedder a project has: chosen when it is made, and exchanged while the one before goes on serving."""

from dataclasses import dataclass

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.jobs.queue import enqueue
from app.projects.listing import VISIBLE
from indexer.embedders import BUILT_IN, DEFAULT

EMBED_TITLE = "Embed the images"
ABOUT_BUILT_IN = {
    "lite0-128-rot4": "the default, which takes images as they come, turned in any way",
    "lite0-128": "for what has an upright, such as digits and letters",
}


@dataclass(frozen=True)
class Offered:
    """An embedder that a project may have: `spec` is what the registry calls it."""

    spec: str
    name: str
    about: str


def offered(db: Db, viewer: Viewer) -> list[Offered]:
    """The built-in ones and those that this server knows; of those trained here, what projects that the viewer may see
    trained or use."""
    rows = db.execute(
        f"""
        select distinct on (config ->> 'spec') config ->> 'spec' as spec, name, description
        from embedder
        where embeds_images
          and not config ? 'strips'
          and config ->> 'spec' is not null
          and (config ->> 'spec' not like 'tuned:%%' or exists (
              select
              from project p
              left join member m on m.project_id = p.id and m.account_id = %(account)s
              where {VISIBLE}
                and (p.embedder_id = embedder.id
                     or exists (select from embedder_training where embedder_id = embedder.id and project_id = p.id))
          ))
        order by config ->> 'spec', id
        """,  # noqa: S608 - a constant
        {"account": viewer.account_id, "all": viewer.is_application_manager},
    )
    known = [Offered(row.spec, row.name, row.description) for row in rows if row.spec not in BUILT_IN]
    return [Offered(spec, spec, ABOUT_BUILT_IN[spec]) for spec in BUILT_IN] + known


def meant(db: Db, viewer: Viewer, name: str) -> str:
    """The registry's word for an embedder that is offered, said by that word or by its name."""
    every = offered(db, viewer)
    for one in every:
        if name in (one.spec, one.name):
            return one.spec
    names = ", ".join(one.name for one in every)
    raise Refused(f"There is no embedder {name[:80]!r} to choose: say one of {names}.", status=422)


def choice_of(db: Db, project_id: int) -> str:
    """The registry's word for the embedder that the project has, or is to have from its first vector on."""
    row = db.execute(
        """
        select coalesce(embedder.config ->> 'spec', embedder.name, project.settings ->> 'embedder', %s) as spec
        from project
        left join embedder on embedder.id = project.embedder_id
        where project.id = %s
        """,
        [DEFAULT, project_id],
    ).fetchone()
    return str(row.spec)


def choose(db: Db, viewer: Viewer, project_id: int, name: str) -> None:
    """Let a project have another embedder: at once where it has no vectors; else a job makes the new ones beside the
    present ones, which serve until all are there."""
    spec = meant(db, viewer, name)
    if spec == choice_of(db, project_id):
        return
    has = db.execute(
        """
        select exists (
                   select from object_vector v where v.embedder_id = p.embedder_id and v.project_id = p.id
               ) as vectors,
               exists (select from object where project_id = p.id) as objects
        from project p
        where id = %s
        """,
        [project_id],
    ).fetchone()
    if has.vectors:
        enqueue(db, "embed", f"Move to the embedder {name}", project_id, viewer.account_id, {"move_to": spec})
        return
    db.execute(
        """
        update project
        set embedder_id = null, settings = settings || jsonb_build_object('embedder', %s::text)
        where id = %s
        """,
        [spec, project_id],
    )
    if has.objects:
        enqueue(db, "embed", EMBED_TITLE, project_id, viewer.account_id, {})
