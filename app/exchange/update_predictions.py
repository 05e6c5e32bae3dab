"""The predictions that an update names: predictions are never changed, so a new run says them beside all others."""

from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.prediction import outside, pieces, summaries

PIECE = 50_000  # objects whose predictions are copied in a transaction


def write(db: Db, project: Any, values: dict[str, Any], name: str) -> int:
    """Make the run and show it, where a prediction is another one; returns how many it says anew."""
    from app.exchange.update_labels import NEWER, SAID

    done: Any = db.execute(
        "select id, n_predictions from run where project_id = %s and completed_at is not null"
        " and (config ->> 'import_id')::int = %s",
        [project.id, values["import_id"]],
    ).fetchone()
    if done is not None:
        return _n_new(db, done.id)
    wanted = f"""
        with {SAID}
        select object_id, taxon_id
        from said
        where status in ('P', 'U')
          and old_predicted is distinct from taxon_id
          and (%(seen_at)s::timestamptz is null or not {NEWER})
    """  # noqa: S608 - constants
    db.execute("drop table if exists said_prediction")
    db.execute(f"create temp table said_prediction as {wanted}", values)
    found: Any = db.execute("select count(*) as n from said_prediction").fetchone()
    if not found.n:
        return 0
    outside.check_open(project)
    run_id = _begin(db, project, values, name, found.n)
    n = _fill(db, project, run_id)
    pieces.settle(db, project.id, run_id)
    with db.transaction():
        former = db.execute("select summary from run where id = %s", [project.current_run_id]).fetchone()
        kept = {key: value for key, value in (former.summary if former else {}).items() if key != "taxa"}
        summaries.write(db, project.id, run_id, **{"novel_from": None} | kept)
        db.execute("update run set completed_at = now(), n_predictions = %s where id = %s", [n, run_id])
    with db.transaction():
        outside.show(db, project, run_id)
    return int(found.n)


def _n_new(db: Db, run_id: int) -> int:
    row: Any = db.execute("select (config ->> 'n_new')::bigint as n from run where id = %s", [run_id]).fetchone()
    return int(row.n or 0)


def _begin(db: Db, project: Any, values: dict[str, Any], name: str, n_new: int) -> int:
    """A run that nobody sees yet; what a killed update began of it goes."""
    with db.transaction():
        begun = db.execute(
            """
            delete from run
            where project_id = %s
              and completed_at is null
              and (config ->> 'import_id')::int = %s
            returning id
            """,
            [project.id, values["import_id"]],
        ).fetchall()
        db.execute(
            "delete from prediction where project_id = %s and run_id = any(%s)", [project.id, [one.id for one in begun]]
        )
        row: Any = db.execute(
            """
            insert into run (project_id, kind, title, account_id, config, classifier_id, completed_at, n_predictions)
            select %(project)s, 'import', left(%(title)s, 200), %(account)s, %(config)s, former.classifier_id, null, 0
            from (select 1) as one
            left join run as former on former.id = %(former)s
            returning id
            """,
            {
                "project": project.id, "title": f"Predictions updated from {name}", "account": values["account_id"],
                "config": Jsonb({"import_id": values["import_id"], "n_new": n_new}), "former": project.current_run_id,
            },
        ).fetchone()  # fmt: skip
    return int(row.id)


def _fill(db: Db, project: Any, run_id: int) -> int:
    """What the source says, of a score of 1 as tables have none, and what the shown run says of all others."""
    n = db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score)
        select distinct on (object_id) %s, %s, object_id, taxon_id, 1
        from said_prediction
        where taxon_id is not null
        order by object_id
        """,
        [run_id, project.id],
    ).rowcount
    rows: Any = db.execute(
        "select coalesce(array_agg(id order by id), '{}') as ids from object where project_id = %s", [project.id]
    ).fetchone()
    for first in range(0, len(rows.ids), PIECE):
        some = rows.ids[first : first + PIECE]
        with db.transaction():
            n += pieces.carry_over(db, project.id, run_id, project.current_run_id, some[0] - 1, some[-1])
    n -= _leave_out(db, project.id, run_id)
    return n


def _leave_out(db: Db, project_id: int, run_id: int) -> int:
    """What was carried over of objects that the source calls unclassified goes again; returns how many."""
    return db.execute(
        """
        delete from prediction
        using said_prediction
        where project_id = %s
          and run_id = %s
          and prediction.object_id = said_prediction.object_id
          and said_prediction.taxon_id is null
        """,
        [project_id, run_id],
    ).rowcount
