"""Tells each person once that a project compares its objects in another way than when they last looked."""

from app.database import Db
from app.spaces.versions import SpaceTold, find_space


def news_for(db: Db, project_id: int, account_id: int) -> SpaceTold | None:
    """A version that came into use and that the person has not been told of."""
    row = db.execute(
        """
        select space.version
          from project
          join space on space.id = project.space_id
          left join space_read on space_read.project_id = project.id and space_read.account_id = %s
         where project.id = %s
           and space.version > coalesce(space_read.version, 0)
        """,
        [account_id, project_id],
    ).fetchone()
    return find_space(db, project_id, row.version) if row else None


def note_read(db: Db, project_id: int, account_id: int, version: int) -> None:
    db.execute(
        """
        insert into space_read (project_id, account_id, version)
        values (%s, %s, %s)
        on conflict (project_id, account_id) do update
           set version = greatest(space_read.version, excluded.version)
        """,
        [project_id, account_id, version],
    )
