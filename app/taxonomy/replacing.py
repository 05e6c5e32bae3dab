"""Puts a taxon in another's place in a project, as acts that can be undone: who said what, and when, stays as it was.

Labels change a hundred thousand an act, so that none holds others up for long. Predictions are never changed: a new run
says of the other taxon what the shown one says of the first, and takes its place; it is taken back as any run.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from app import database
from app.database import Db
from app.errors import Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.labels import changes
from app.labels.acts import InBatch, Labelled, begin, check_open, named_taxon
from app.prediction import outside, pieces, summaries

PART_OBJECTS = 100_000
MOST_AT_ONCE = 2_000  # objects that a request does itself


@dataclass(frozen=True)
class Replaced:
    """What came of it: the acts where it is done, or the job that does it."""

    n_labels: int
    n_predictions: int
    act_ids: list[int] = field(default_factory=list)
    job_id: int | None = None


# Labels keep their status, their author and their time: what they say is said of the other taxon.
_REPLACE = changes.changing(
    """
with asked as materialized (
    select label.object_id, label.status as to_status, %(to_id)s::int as to_taxon_id, label.account_id as to_account_id,
           label.at as to_at, label.provenance as to_provenance, %(act_id)s::bigint as to_act_id,
           label.ctid as place, label.version, label.status, label.taxon_id, label.account_id, label.at,
           label.provenance, label.act_id,
           project.current_run_id as run_id, prediction.taxon_id as predicted_taxon_id, prediction.score,
           true as fits
      from label
      join project on project.id = label.project_id
      left join prediction on prediction.project_id = %(project_id)s and prediction.object_id = label.object_id
                          and prediction.run_id = project.current_run_id
     where label.project_id = %(project_id)s
       and label.taxon_id = %(from_id)s
       and label.status in ('D', 'V')
     order by label.object_id
     limit %(most)s
       for no key update of label
),
"""
)


def replace(db: Db, project: Labelled, account_id: int, from_id: int, to_id: int) -> Replaced:
    """At once where that is quick, else by a job; the preset list follows at once."""
    check_open(project)
    check_pair(db, from_id, to_id)
    n_labels, n_predictions = extent(db, project.id, from_id)
    _replace_preset(db, project.id, from_id, to_id)
    if n_predictions == 0 and n_labels <= MOST_AT_ONCE:
        return Replaced(n_labels, 0, replace_labels(db, project.id, account_id, from_id, to_id))
    title = f"Replace {_names(db, from_id, to_id)}"
    args = {"from_id": from_id, "to_id": to_id}
    job_id = enqueue(db, "replace", title, project.id, account_id, args, lock=f"predict:{project.id}")
    return Replaced(n_labels, n_predictions, job_id=job_id)


def check_pair(db: Db, from_id: int, to_id: int) -> None:
    if named_taxon(db, to_id) == from_id:
        raise Refused("A taxon cannot take its own place: choose another.", status=422)
    if not 0 < from_id < 2**31 or db.execute("select 1 from taxon where id = %s", [from_id]).fetchone() is None:
        raise Refused("The taxon that is to be replaced is not known here.", status=422)


def extent(db: Db, project_id: int, taxon_id: int) -> tuple[int, int]:
    """How many objects have it by a person's word, and how many by a prediction, by the project's own sums."""
    row: Any = db.execute(
        """
        select coalesce(sum(n) filter (where status in ('D', 'V')), 0)::bigint as labels,
               coalesce(sum(n) filter (where status = 'P'), 0)::bigint as predictions
          from count_delta
         where project_id = %s
           and taxon_id = %s
        """,
        [project_id, taxon_id],
    ).fetchone()
    return row.labels, row.predictions


def _names(db: Db, from_id: int, to_id: int) -> str:
    rows = db.execute("select id, display_name from taxon where id = any(%s)", [[from_id, to_id]])
    names = {row.id: row.display_name for row in rows}
    return f"{names[from_id]} by {names[to_id]}"


def replace_labels(db: Db, project_id: int, account_id: int, from_id: int, to_id: int) -> list[int]:
    """One act of at most so many objects, in the caller's transaction; its id, or nothing where there is nothing."""
    name = db.execute("select display_name from taxon where id = %s", [from_id]).fetchone()
    place = InBatch(detail={"from_id": from_id, "from": name.display_name if name else str(from_id)})
    act_id = begin(db, project_id, account_id, uuid4(), "replace", to_id, None, "replaced", place)
    values = {
        "project_id": project_id, "act_id": act_id, "from_id": from_id, "to_id": to_id, "most": PART_OBJECTS,
    }  # fmt: skip
    changed = changes.change(db, _REPLACE, values)
    if not changed or act_id is None:
        db.execute("delete from act where id = %s", [act_id])
        return []
    db.execute("update act set n_objects = %s where id = %s", [len(changed), act_id])
    return [act_id]


def _replace_preset(db: Db, project_id: int, from_id: int, to_id: int) -> None:
    """In its place; where the other is preset too, the first is only taken out."""
    values = {"project": project_id, "from": from_id, "to": to_id}
    db.execute(
        """
        update preset_taxon
           set taxon_id = %(to)s
         where project_id = %(project)s
           and taxon_id = %(from)s
           and not exists (select from preset_taxon as other
                            where other.project_id = %(project)s and other.taxon_id = %(to)s)
        """,
        values,
    )
    db.execute("delete from preset_taxon where project_id = %(project)s and taxon_id = %(from)s", values)


@job_body("replace")
def run(job: JobContext) -> None:
    """Act after act, each in a transaction of its own, then the predictions; a killed job goes on with what is left."""
    from_id, to_id = job.args["from_id"], job.args["to_id"]
    if job.project_id is None or job.account_id is None:
        raise Refused("The project, or the person who asked for this, is gone.")
    with database.connect(job.database_url) as db:
        total, n_predictions = extent(db, job.project_id, from_id)
        done, acts = 0, [0]
        while acts:
            job.progress(min(done, total), total, "objects")
            acts = replace_labels(db, job.project_id, job.account_id, from_id, to_id)
            db.commit()
            done += PART_OBJECTS if acts else 0
        job.progress(total, total, "objects")
    job.log(f"{total:,} labels.")
    if n_predictions:
        _replace_predictions(job, from_id, to_id)


def _replace_predictions(job: JobContext, from_id: int, to_id: int) -> None:
    with database.connect(job.database_url, autocommit=True) as db:
        project: Any = db.execute("select * from project where id = %s", [job.project_id]).fetchone()
        if project.status != "annotate":
            job.log("Predictions stay as they are: this project takes none, as its settings say.")
            return
        run_id = _begin_run(db, project, job, from_id, to_id)
        n = _copy_run(db, job, project, run_id, from_id, to_id)
        pieces.settle(db, project.id, run_id)
        with db.transaction():
            told = db.execute("select summary from run where id = %s", [project.current_run_id]).fetchone()
            kept = {key: value for key, value in (told.summary if told else {}).items() if key != "taxa"}
            summaries.write(db, project.id, run_id, **{"novel_from": None} | kept)
            db.execute("update run set completed_at = now(), n_predictions = %s where id = %s", [n, run_id])
        with db.transaction():
            outside.show(db, project, run_id)
    job.log(f"{n:,} predictions stand in a new run, which the project shows now: see its page Predictions.")


def _begin_run(db: Db, project: Any, job: JobContext, from_id: int, to_id: int) -> int:
    """A run like the shown one, of which nobody sees anything yet; what a killed job began of it goes."""
    row: Any = db.execute(
        "select id from run where project_id = %s and job_id = %s and completed_at is null",
        [project.id, job.job_id],
    ).fetchone()
    if row:
        db.execute("delete from prediction where project_id = %s and run_id = %s", [project.id, row.id])
        return int(row.id)
    title = _names(db, from_id, to_id)
    row = db.execute(
        """
        insert into run (project_id, kind, title, account_id, config, classifier_id, job_id,
                         completed_at, n_predictions)
        select project_id, 'classifier', left(%(title)s, 200), %(account)s, config || %(config)s, classifier_id,
               %(job)s, null, 0
        from run
        where id = %(former)s
        returning id
        """,
        {
            "title": title, "account": job.account_id, "job": job.job_id, "former": project.current_run_id,
            "config": Jsonb({"replaced": {"from_id": from_id, "to_id": to_id}}),
        },
    ).fetchone()  # fmt: skip
    return int(row.id)


# The three choices with one taxon in place of the other: where both are among them they become one, of both scores.
_COPY = """
with part as (
    select *
    from prediction
    where project_id = %(project)s
      and run_id = %(former)s
      and object_id > %(after)s
    order by object_id
    limit %(most)s
),
choice as (
    select object_id, min(place) as place, taxon_id, least(sum(score), 1) as score
    from (
        select object_id, place, case when told.taxon_id = %(from)s then %(to)s else told.taxon_id end as taxon_id,
               told.score
        from part
        cross join lateral (
            values (1, part.taxon_id, part.score), (2, part.taxon_2_id, part.score_2),
                   (3, part.taxon_3_id, part.score_3)
        ) as told (place, taxon_id, score)
        where told.taxon_id is not null
    ) as named
    group by object_id, taxon_id
),
ordered as (
    select object_id,
           array_agg(taxon_id order by score desc, place) as taxa,
           array_agg(score order by score desc, place) as scores
    from choice
    group by object_id
),
written as (
    insert into prediction (run_id, project_id, object_id, taxon_id, score,
                            taxon_2_id, score_2, taxon_3_id, score_3, novelty)
    select %(run)s, part.project_id, object_id, taxa[1], scores[1], taxa[2], scores[2], taxa[3], scores[3], novelty
    from part
    join ordered using (object_id)
    order by object_id
    returning object_id
)
select max(object_id) as last, count(*) as n
from written
"""


def _copy_run(db: Db, job: JobContext, project: Any, run_id: int, from_id: int, to_id: int) -> int:
    total: Any = db.execute("select n_predictions from run where id = %s", [project.current_run_id]).fetchone()
    after, n = 0, 0
    while True:
        part: Any = db.execute(
            _COPY,
            {
                "project": project.id, "former": project.current_run_id, "run": run_id, "after": after,
                "from": from_id, "to": to_id, "most": PART_OBJECTS,
            },
        ).fetchone()  # fmt: skip
        if not part.n:
            return n
        after, n = part.last, n + part.n
        job.progress(n, total.n_predictions, "predictions")
