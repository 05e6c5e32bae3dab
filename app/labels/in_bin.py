"""What an undo does not reach: objects that were deleted meanwhile, which keep what was said of them in the bin."""

from app.database import Db


def bin_of(db: Db, project_id: int) -> int:
    """The project in which this one's deleted objects wait; 0 where none was ever deleted."""
    row = db.execute("select id from project where bin_of = %s", [project_id]).fetchone()
    return int(row.id) if row else 0


def in_bin_words(n: int) -> str:
    """What is said of objects that were left since they are there."""
    return f"{n:,} {'is' if n == 1 else 'are'} in the bin: bring {'it' if n == 1 else 'them'} back, then undo again."


def left_in_bin(db: Db, project_id: int, act_id: int) -> list[int]:
    """The deleted objects that still carry the label which an act gave them."""
    return _standing(db, bin_of(db, project_id), act_id)


def left_here(db: Db, project_id: int, act_id: int) -> list[int]:
    """Of an act that was undone: objects that were in the bin then, and are back with its label."""
    return _standing(db, project_id, act_id)


def _standing(db: Db, project_id: int, act_id: int) -> list[int]:
    rows = db.execute(
        """
        select history.object_id
          from history
          join label on label.project_id = history.project_id
                    and label.object_id = history.object_id
                    and label.act_id = history.act_id
         where history.project_id = %s
           and history.act_id = %s
         order by history.object_id
        """,
        [project_id, act_id],
    )
    return [row.object_id for row in rows]
