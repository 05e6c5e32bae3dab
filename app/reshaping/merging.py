"""One project goes into another: copied with all that is said of its objects, then deleted, so that for 30 days it can
be had back. While it goes nobody labels in it, and who stops it halfway finds both as they were."""

from dataclasses import asdict, astuple, dataclass
from typing import Any, Literal, get_args

import numpy as np
from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.exchange.staging import refresh_figures
from app.jobs.context import JobContext
from app.nouns import counted
from app.projects.access import Project
from app.reshaping import asked, collisions, columns, copying, counting, hiding, numbering, subset, sweeping
from app.reshaping.asked import Reshaping
from app.reshaping.collisions import Collisions
from app.reshaping.copying import Copying
from app.search import embedders
from app.search.arrays import fetch_arrays

KIND = "merge"
Samples = Literal["refuse", "join", "apart"]
ColumnsChoice = Literal["refuse", "rename"]
ObjectsChoice = Literal["refuse", "apart"]


@dataclass(frozen=True)
class Answers:
    """What is to be done where the two collide. `samples` that both have under one name: refuse, join them (the fields
    of the one that stays are kept), or keep them apart under another name. `columns` of one name and two types: refuse,
    or let them come under another name. `objects` of one original id: refuse, or keep them apart likewise."""

    samples: str = "refuse"
    columns: str = "refuse"
    objects: str = "refuse"


def ask(db: Db, target: Project, source: Project, account_id: int | None, answers: Answers) -> Reshaping:
    """Have a job put `source` into `target`; both are managed by who asks."""
    target.needs("manager", "merge another project into")
    source.needs("manager", "merge away")
    check(db, target, source, answers)
    choices = {"answers": asdict(answers), "source": source.title, "target": target.title}
    reshaping_id = asked.begin(db, KIND, source.id, account_id, choices, target.id)
    asked.by_job(db, reshaping_id, f"Merge {source.title} into {target.title}", target.id, account_id)
    return asked.find(db, reshaping_id)


def check(db: Db, target: Project, source: Project, answers: Answers) -> None:
    for value, choice in zip(astuple(answers), (Samples, ColumnsChoice, ObjectsChoice), strict=True):
        if value not in get_args(choice):
            raise Refused(f"{value!r} is none of {', '.join(get_args(choice))}.", status=422)
    _check_others(db, target.id, source.id)
    _check_collisions(collisions.find(db, source.id, target.id), source.title, target.title, answers)


def _check_others(db: Db, target_id: int, source_id: int) -> None:
    """What goes into another project can be neither end of a second merge, or both would be gone. The two are held, so
    that of two who ask at once the second sees what the first did."""
    db.execute("select from project where id = any(%s) order by id for update", [[target_id, source_id]])
    for one in [*asked.list_of(db, source_id, [KIND]), *asked.list_of(db, target_id, [KIND])]:
        if target_id != one.project_id and source_id not in (one.project_id, one.to_id):
            continue
        check_at_rest(one)


def check_at_rest(one: Reshaping) -> None:
    if one.is_active:
        raise Conflict(
            f"Job {one.job_id} is at work on the merge of “{one.title}” into “{one.to_title}”: wait for it, or cancel"
            " it first."
        )
    if one.state in ("begun", "bringing"):
        raise Conflict(
            f"The merge of “{one.title}” into “{one.to_title}” is half-done: run job {one.job_id} again first, so that"
            " it ends."
        )


def _check_collisions(found: Collisions, source: str, target: str, answers: Answers) -> None:
    if found.n_samples_in_both and answers.samples == "refuse":
        raise Conflict(
            f"{counted(found.n_samples_in_both, 'sample has', 'samples have')} the same name in both projects,"
            f" “{found.samples[0]}” first: say whether to join them or to keep them apart. Nothing was done."
        )
    if found.columns and answers.columns == "refuse":
        one = found.columns[0]
        raise Conflict(
            f"The column {one.column} is {one.type} in “{source}” and {one.type_there} in “{target}”: say that it may"
            " come under another name, or change it before. Nothing was done."
        )
    if found.n_same_ids and answers.objects == "refuse":
        raise Conflict(
            f"{counted(found.n_same_ids, 'object')} of “{source}” have an id that “{target}” has too,"
            f" “{found.same_ids[0]}”"
            " first: say that they may come under another one, or delete them before. Nothing was done."
        )


def merge(db: Db, job: JobContext, made: Reshaping) -> None:
    """Begin it, or go on with it. `db` in autocommit."""
    if made.to_id is None:
        raise NotFound("The project that this one was to go into is gone: both are as they were.")
    if made.state == "asked":
        with db.transaction():
            _begin(db, made, made.to_id)
        made = asked.find(db, made.id)
    copied, upto, n = _copying(db, made, made.to_id or 0), made.upto, 0
    while True:
        job.progress(n, made.n_objects, "objects")
        with db.transaction():
            upto, step = copying.copy_next(db, copied, upto)
            db.execute("update reshaping set upto = %s where id = %s", [upto, made.id])
        if not step:
            break
        n += step
    with db.transaction():
        _finish(db, made, copied.target_id)


def _begin(db: Db, made: Reshaping, target_id: int) -> None:
    source: Any = db.execute(
        "select status, embedder_id, current_run_id, hidden from project where id = %s for update", [made.project_id]
    ).fetchone()
    target: Any = db.execute(
        "select embedder_id, current_run_id, hidden from project where id = %s for update", [target_id]
    ).fetchone()
    if source.hidden is not None or target.hidden is not None:
        raise Conflict("One of the two projects was deleted meanwhile: nothing was merged.")
    # What was labelled while it is copied would be lost.
    db.execute("update project set status = 'explore' where id = %s", [made.project_id])
    counting.hold(db, made.project_id)
    first: Any = db.execute("select nextval('parent_id_seq') as id").fetchone()
    ids = _all_ids(db, made.project_id)
    answers = Answers(**made.choices["answers"])
    # What came meanwhile may collide too.
    titles = made.choices["source"], made.choices["target"]
    _check_collisions(collisions.find(db, made.project_id, target_id), *titles, answers)
    suffix, own = _suffix(db, made, target_id), columns.numbers(db, target_id)
    first_id = numbering.number_objects(db, made.id, ids)
    numbering.copy_parents(db, made.id, made.project_id, target_id, suffix if answers.samples == "apart" else "")
    columns.join_columns(db, made.project_id, target_id, answers.columns == "rename")
    numbering.copy_acts(db, made.id, made.project_id, target_id)
    more = {"status": source.status, "first_parent": first.id, "fields": sorted(columns.numbers(db, target_id) - own)}
    if answers.objects == "apart":
        more |= {"suffix": suffix, "first_id": first_id}
    if target.embedder_id is None and source.embedder_id is not None:
        embedders.use(db, target_id, source.embedder_id)
    if source.current_run_id is not None:
        counting.hold(db, target_id)
        more["source_run_id"] = source.current_run_id
        more["run_id"] = target.current_run_id
        if target.current_run_id is None:
            more["run_id"] = more["own_run_id"] = subset.copy_run(db, source.current_run_id, target_id, made.account_id)
    db.execute(
        "update reshaping set state = 'begun', n_objects = %s, choices = choices || %s where id = %s",
        [len(ids), Jsonb(more), made.id],
    )


def _suffix(db: Db, made: Reshaping, target_id: int) -> str:
    """What stands behind the names of samples and objects that are kept apart, and behind no name that is there."""
    told = f" (from {made.choices['source']})"
    row = db.execute(
        """
        select
          from (select orig_id from sample where project_id = %(target)s
                 union all
                select orig_id from object where project_id = %(target)s) as there
         where right(orig_id, length(%(told)s)) = %(told)s
         limit 1
        """,
        {"target": target_id, "told": told},
    ).fetchone()
    return told if row is None else f"{told[:-1]}, merge {made.id})"


def _all_ids(db: Db, project_id: int) -> np.ndarray:
    (ids,) = fetch_arrays(db, "select array_agg(id order by id) from object where project_id = %s", [project_id])
    return np.empty(0, np.int64) if ids is None else ids


def _copying(db: Db, made: Reshaping, target_id: int) -> Copying:
    target: Any = db.execute("select embedder_id from project where id = %s", [target_id]).fetchone()
    with db.transaction():
        there = columns.join_columns(db, made.project_id, target_id, made.choices["answers"]["columns"] == "rename")
    return Copying(
        made.id, made.project_id, target_id, there, target.embedder_id, made.choices.get("source_run_id"),
        made.choices.get("run_id"), suffix=made.choices.get("suffix", ""), first_id=made.choices.get("first_id", 0),
    )  # fmt: skip


def _finish(db: Db, made: Reshaping, target_id: int) -> None:
    """The numbers stay: by them the merge is taken apart."""
    counting.changed(db, target_id)
    recount_activity(db, target_id)
    refresh_figures(db, target_id)
    subset.follow(db, target_id, made.account_id)
    asked.finish(db, made.id, "done")
    reason = {"merged_into": target_id, "merge": made.id, "status": made.choices["status"]}
    hiding.hide(db, made.project_id, made.account_id, reason)


def recount_activity(db: Db, project_id: int) -> None:
    """What people did on days that were summed up before has come to be more, or less."""
    db.execute("delete from activity_day where project_id = %s", [project_id])
    db.execute("update project set activity_until = null where id = %s", [project_id])


def give_up(db: Db, made: Reshaping) -> None:
    """Away with what was copied, the source open again. `db` in autocommit."""
    if made.state != "begun" or made.to_id is None:
        return
    while _drop_piece(db, made, made.to_id):
        continue
    with db.transaction():
        sweeping.sweep(db, made, made.to_id)
        db.execute("update project set status = %s where id = %s", [made.choices["status"], made.project_id])
        counting.changed(db, made.to_id)
        db.execute("update reshaping set state = 'asked', upto = 0 where id = %s", [made.id])


def _drop_piece(db: Db, made: Reshaping, target_id: int) -> bool:
    with db.transaction():
        _, n = copying.take_piece(db, made.id, 0)
        sweeping.drop_piece(db, target_id)
        db.execute(
            "delete from reshaped_object where reshaping_id = %s and object_id in (select old_id from piece)", [made.id]
        )
        return n > 0
