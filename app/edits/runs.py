"""The run of predictions that an edit makes of the shown one: begun unseen, filled by the edit, shown in its place."""

from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.labels.acts import Labelled
from app.prediction import outside, summaries


def begin(
    db: Db,
    project_id: int,
    act_id: int,
    former_id: int | None,
    *,
    words: str,
    account_id: int | None,
    job_id: int | None,
    stays_import: bool = False,
) -> int:
    """Its number. It stays named after what predicted, with what was done since. What a killed job began of it goes.

    stays_import: whether one that is made of an import's run is an import's too.
    """
    _remove_begun(db, project_id, act_id)
    row: Any = db.execute(
        """
        insert into run (project_id, kind, title, account_id, config, classifier_id, job_id, completed_at,
                         n_predictions)
        select %(project)s, case when %(stays)s and former.kind = 'import' then 'import' else 'classifier' end,
               coalesce(former.title, left(%(words)s, 200)), %(account)s,
               coalesce(former.config, '{}') || jsonb_build_object(
                   'edit', %(edit)s::bigint,
                   'edits', coalesce(former.config -> 'edits', '[]') || to_jsonb(%(words)s::text)
               ),
               former.classifier_id, %(job)s, null, 0
          from (select 1) as one
          left join run as former on former.id = %(former)s
        returning id
        """,
        {
            "project": project_id, "words": words, "account": account_id, "job": job_id, "former": former_id,
            "edit": act_id, "stays": stays_import,
        },
    ).fetchone()  # fmt: skip
    return int(row.id)


def _remove_begun(db: Db, project_id: int, act_id: int) -> None:
    rows = db.execute(
        """
        delete from run
         where project_id = %s
           and completed_at is null
           and (config ->> 'edit')::bigint = %s
        returning id
        """,
        [project_id, act_id],
    ).fetchall()
    db.execute(
        "delete from prediction where project_id = %s and run_id = any(%s)", [project_id, [row.id for row in rows]]
    )


def sum_up(db: Db, project_id: int, run_id: int, like: int | None) -> None:
    """What is told of the run `like` is told of this one too, but for what was counted of the other one's taxa."""
    told = db.execute("select summary from run where id = %s", [like]).fetchone()
    kept = {key: value for key, value in (told.summary if told else {}).items() if key != "taxa"}
    summaries.write(db, project_id, run_id, **{"novel_from": None} | kept)


def show(db: Db, project: Labelled, act_id: int, run_id: int, former_id: int | None, n: int) -> None:
    """In place of the run that it was made of; the edit keeps its number."""
    sum_up(db, project.id, run_id, former_id)
    db.execute("update run set completed_at = now(), n_predictions = %s where id = %s", [n, run_id])
    outside.show(db, project, run_id)
    db.execute("update act set detail = detail || %s where id = %s", [Jsonb({"run_id": run_id}), act_id])
