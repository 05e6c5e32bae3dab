"""A subset of a project as a project of its own, which belongs to whoever makes it and is seen once it is whole."""

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import NotFound
from app.exchange.staging import refresh_figures
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.projects.access import Project
from app.projects.members import set_member
from app.projects.queries import check_texts
from app.reshaping import asked, columns, copying, counting, erasing, numbering
from app.reshaping.asked import Reshaping
from app.reshaping.choosing import Wish, choose_some, read_wish
from app.reshaping.copying import Copying
from app.search import generations
from app.search.pending import NO_VECTOR

KIND = "subset"
NOT_COPIED = "{demo}"  # of the settings: what is said of that one project


@dataclass(frozen=True)
class What:
    """What of the objects comes along beside their fields, images and vectors."""

    labels: bool = True
    history: bool = True
    predictions: bool = True
    comments: bool = True


def ask(db: Db, project: Project, account_id: int | None, title: str, wish: Wish, what: What) -> Reshaping:
    """A subset that a job makes."""
    check_texts(title, "", "")
    choose_some(db, project.id, account_id, wish)
    choices = {"title": title.strip(), "wish": wish.to_json(), "what": asdict(what)}
    reshaping_id = asked.begin(db, KIND, project.id, account_id, choices)
    asked.by_job(db, reshaping_id, f"Subset {title.strip()}", project.id, account_id)
    return asked.find(db, reshaping_id)


def make(db: Db, job: JobContext, made: Reshaping) -> None:
    """Begin it, or go on with it. `db` in autocommit."""
    if made.state == "asked":
        with db.transaction():
            _begin(db, made)
        made = asked.find(db, made.id)
    copied, upto, n = _copying(db, made), made.upto, 0
    while True:
        job.progress(n, made.n_objects, "objects")
        with db.transaction():
            upto, step = copying.copy_next(db, copied, upto)
            db.execute("update reshaping set upto = %s where id = %s", [upto, made.id])
        if not step:
            break
        n += step
    with db.transaction():
        _reveal(db, made, copied.target_id)


def give_up(db: Db, made: Reshaping) -> None:
    """Away with what was made of it, so that it may begin anew. `db` in autocommit."""
    if made.to_id is not None and made.state == "begun":
        erasing.erase_project(db, made.to_id)
    with db.transaction():
        db.execute("delete from reshaped_object where reshaping_id = %s", [made.id])
        numbering.forget(db, made.id)
        db.execute("update reshaping set state = 'asked', upto = 0, to_id = null where id = %s", [made.id])


def left_unmade(db: Db, older_than_s: float) -> list[int]:
    """Projects out of sight that were begun so long ago, and that no job is at work on."""
    rows = db.execute(
        """
        select project.id
          from project
         where hidden = 'making'
           and created_at < now() - make_interval(secs => %s)
           and not exists (select
                             from reshaping
                             join job on job.id = job_id
                            where to_id = project.id
                              and job.status = any(%s))
         order by project.id
        """,
        [older_than_s, list(asked.ACTIVE)],
    )
    return [row.id for row in rows]


def sweep(db: Db, project_id: int) -> None:
    """Away with one of these; whoever retries its job has it begun anew. `db` in autocommit."""
    row = db.execute("select id from reshaping where to_id = %s and kind = %s", [project_id, KIND]).fetchone()
    if row is not None:
        give_up(db, asked.find(db, row.id))
    else:
        erasing.erase_project(db, project_id)


def _begin(db: Db, made: Reshaping) -> None:
    """The project, out of sight, with all that its objects will refer to."""
    what = What(**made.choices["what"])
    chosen = choose_some(db, made.project_id, made.account_id, read_wish(made.choices["wish"]))
    target_id = _make_project(db, made)
    numbering.number_objects(db, made.id, chosen.ids)
    numbering.copy_parents(db, made.id, made.project_id, target_id)
    columns.copy_columns(db, made.project_id, target_id)
    if what.labels and what.history:
        numbering.copy_acts(db, made.id, made.project_id, target_id)
    elif what.labels:
        made.choices["act_id"] = one_act(db, target_id, made.account_id)
    if what.predictions and (run := shown_run(db, made.project_id)) is not None:
        made.choices["run_id"] = copy_run(db, run, target_id, made.account_id)
        made.choices["source_run_id"] = run
    db.execute(
        "update reshaping set state = 'begun', to_id = %s, n_objects = %s, choices = %s where id = %s",
        [target_id, len(chosen), Jsonb(made.choices), made.id],
    )


def _make_project(db: Db, made: Reshaping) -> int:
    row: Any = db.execute(
        """
        insert into project (title, description, instrument, status, embedder_id, pixel_size_um, settings, created_by,
                             hidden)
        select %(title)s, description, instrument, status, embedder_id, pixel_size_um, settings - %(own)s::text[],
               %(account)s, 'making'
          from project
         where id = %(source)s
        returning id
        """,
        {"title": made.choices["title"], "own": NOT_COPIED, "account": made.account_id, "source": made.project_id},
    ).fetchone()
    if row is None:
        raise NotFound("The project of this subset is gone.")
    keys = {"source": made.project_id, "target": row.id, "account": made.account_id}
    db.execute(
        """
        insert into preset_taxon (project_id, taxon_id, position)
        select %(target)s, taxon_id, position
          from preset_taxon
         where project_id = %(source)s
        """,
        keys,
    )
    # Burnt-in strips that are cut off say which embedder's vectors these are.
    db.execute(
        """
        insert into strip (project_id, state, side, size_px, found_px, align, pixels, share, n_looked, examples,
                           account_id, at)
        select %(target)s, state, side, size_px, found_px, align, pixels, share, n_looked, '[]', account_id, at
          from strip
         where project_id = %(source)s
           and state <> 'proposed'
        """,
        keys,
    )
    db.execute(
        """
        insert into board_preference (project_id, account_id, settings)
        select %(target)s, account_id, settings
          from board_preference
         where project_id = %(source)s
           and account_id = %(account)s
        """,
        keys,
    )
    return int(row.id)


def one_act(db: Db, target_id: int, account_id: int | None) -> int:
    """The act of the target that stands for all labels which come without their history."""
    row: Any = db.execute(
        """
        insert into act (project_id, client_id, account_id, kind, provenance, n_objects)
        values (%s, %s, %s, 'import', 'imported', 0)
        returning id
        """,
        [target_id, uuid.uuid4(), account_id],
    ).fetchone()
    return int(row.id)


def shown_run(db: Db, project_id: int) -> int | None:
    row: Any = db.execute("select current_run_id from project where id = %s", [project_id]).fetchone()
    return row.current_run_id if row else None


def copy_run(db: Db, run_id: int, target_id: int, account_id: int | None) -> int:
    """A run of the target for what the source shows, made when that was, which becomes what the target shows."""
    row: Any = db.execute(
        """
        insert into run (project_id, kind, title, account_id, created_at, published_at)
        select %s, 'import', title, %s, created_at, now()
          from run
         where id = %s
        returning id
        """,
        [target_id, account_id, run_id],
    ).fetchone()
    db.execute("update project set current_run_id = %s where id = %s", [row.id, target_id])
    return int(row.id)


def _copying(db: Db, made: Reshaping) -> Copying:
    what = What(**made.choices["what"])
    target: Any = db.execute("select id, embedder_id from project where id = %s", [made.to_id]).fetchone()
    if target is None:
        raise NotFound("The project that this subset was to become is gone: ask for it again.")
    return Copying(
        made.id, made.project_id, target.id, columns.AS_THEY_ARE, target.embedder_id,
        made.choices.get("source_run_id"), made.choices.get("run_id"), what.labels, what.comments,
        made.choices.get("act_id"),
    )  # fmt: skip


def _reveal(db: Db, made: Reshaping, target_id: int) -> None:
    db.execute("update project set hidden = null where id = %s", [target_id])
    if made.account_id is not None:
        set_member(db, target_id, made.account_id, "manager")
    numbering.forget(db, made.id)
    db.execute("delete from reshaped_object where reshaping_id = %s", [made.id])
    counting.changed(db, target_id)
    refresh_figures(db, target_id)
    follow(db, target_id, made.account_id)
    asked.finish(db, made.id, "done")


def follow(db: Db, project_id: int, account_id: int | None) -> None:
    """Have vectors made for what has none, and the index built; with none to make, only the index."""
    row: Any = db.execute("select embedder_id from project where id = %s", [project_id]).fetchone()
    if row is None or row.embedder_id is None:
        return
    waiting = db.execute(
        f"""
        select
          from object
         where project_id = %(project)s
           and {NO_VECTOR.format(object="object.id")}
         limit 1
        """,  # noqa: S608 - constants
        {"project": project_id, "embedder": row.embedder_id},
    ).fetchone()
    if waiting is not None:
        enqueue(db, "embed", "Embed new images", project_id, account_id, {})
    else:
        generations.request(db, project_id, account_id)
