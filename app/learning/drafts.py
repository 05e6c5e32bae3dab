"""A learning set in the making: what one has chosen so far, kept per person and project."""

from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.learning.choices import Choices, read_choices
from app.learning.sets import own_choices


def read_draft(db: Db, project: Any, account_id: int) -> Choices:
    """As one left it; at first the project and those of its references that one may read."""
    row = db.execute(
        "select choices from learning_draft where project_id = %s and account_id = %s", [project.id, account_id]
    ).fetchone()
    if row:
        return read_choices(row.choices)
    return own_choices(db, project, account_id)


def draft_of(db: Db, project_id: int, account_id: int) -> Any:
    """When what is there was chosen, and the `title` of the set that it is made of again; None where nothing is."""
    return db.execute(
        """
        select changed_at, coalesce(choices ->> 'title', '') as title
        from learning_draft
        where project_id = %s
          and account_id = %s
        """,
        [project_id, account_id],
    ).fetchone()


def keep_draft(db: Db, project_id: int, account_id: int, choices: Choices, title: str | None = None) -> None:
    """Without `title`, the one that it had stays."""
    db.execute(
        """
        insert into learning_draft (project_id, account_id, choices)
        values (%s, %s, %s)
        on conflict (project_id, account_id) do update
        set choices = jsonb_strip_nulls(jsonb_build_object('title', learning_draft.choices -> 'title'))
                      || excluded.choices,
            changed_at = now()
        """,
        [project_id, account_id, Jsonb(choices.to_json() | ({} if title is None else {"title": title}))],
    )


def drop_draft(db: Db, project_id: int, account_id: int) -> None:
    """The next set begins afresh."""
    db.execute("delete from learning_draft where project_id = %s and account_id = %s", [project_id, account_id])
