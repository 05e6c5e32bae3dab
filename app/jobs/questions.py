"""Asks a resident worker something that needs a heavy model, and waits for the answer (a query image's vector)."""

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from psycopg.types.json import Jsonb

from app import database
from app.database import Db
from app.errors import Refused
from app.settings import Settings

# (settings, database_url, args, payload) -> what can be said in JSON
Answerer = Callable[[Settings, str, dict[str, Any], bytes], Any]

MODULES = {"embed_query": "app.search.embed", "embed_text": "app.search.embed"}
POLL_S = 0.01

_answerers: dict[str, Answerer] = {}


def answers(kind: str) -> Callable[[Answerer], Answerer]:
    """Register the decorated function as what answers questions of this kind, in a worker."""

    def register(answerer: Answerer) -> Answerer:
        _answerers[kind] = answerer
        return answerer

    return register


def ask(database_url: str, kind: str, args: dict[str, Any], payload: bytes = b"", timeout_s: float = 10.0) -> Any:
    """The answer of a worker. Refused where none is there, none is free in time, or it refuses itself."""
    with database.connect(database_url, autocommit=True) as db:
        if not workers_alive(db):
            raise Refused(
                "This needs a model that runs in a worker, and no worker is running. Start one with `shoal worker`.",
                status=503,
            )
        question_id = _put(db, kind, args, payload)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            row = db.execute(
                "delete from question where id = %s and answered_at is not null returning answer, error", [question_id]
            ).fetchone()
            if row and row.error:
                raise Refused(row.error)
            if row:
                return row.answer
            time.sleep(POLL_S)
        db.execute("delete from question where id = %s", [question_id])
    raise Refused("The worker did not answer in time: it may be loading a model. Try again in a moment.", status=503)


def workers_alive(db: Db) -> int:
    """How many worker loops gave a sign of life within half a minute."""
    return db.execute(
        "select count(*) as n from procrastinate_workers where last_heartbeat > now() - interval '30 seconds'"
    ).fetchone()[0]


def _put(db: Db, kind: str, args: dict[str, Any], payload: bytes) -> int:
    row = db.execute(
        """
        with asked as (
            insert into question (kind, args, payload)
            values (%s, %s, %s)
            returning id
        )
        select id,
               procrastinate_defer_jobs_v1(array[row(
                   'question', 'answer', 0, null, null, jsonb_build_object('question_id', id), null
               )::procrastinate_job_to_defer_v1])
        from asked
        """,
        [kind, Jsonb(args), payload],
    ).fetchone()
    return row.id


def answer(question_id: int, settings: Settings, database_url: str) -> None:
    """What a worker does with a question: find who answers its kind, and write down what that says."""
    with database.connect(database_url, autocommit=True) as db:
        row = db.execute("select kind, args, payload from question where id = %s", [question_id]).fetchone()
        if row is None:
            return
        said, error = _try_to_answer(row, settings, database_url)
        db.execute(
            "update question set answer = %s, error = %s, answered_at = now() where id = %s",
            [Jsonb(said), error, question_id],
        )


def _try_to_answer(row: Any, settings: Settings, database_url: str) -> tuple[Any, str | None]:
    try:
        if row.kind not in _answerers and row.kind in MODULES:
            import_module(MODULES[row.kind])
        if row.kind not in _answerers:
            return None, f"This worker cannot answer questions of the kind {row.kind!r}: update it."
        return _answerers[row.kind](settings, database_url, row.args, bytes(row.payload)), None
    except Refused as refusal:
        return None, refusal.sentence
    except Exception as error:
        return None, f"The worker could not answer: {error or type(error).__name__}."
