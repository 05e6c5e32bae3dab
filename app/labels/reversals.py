"""Who else must know that acts were taken back or done again: batches, and what was refused in them."""

from collections.abc import Callable

from app.database import Db

# (db, project_id, ids of the acts, whether they were undone or done again), in the transaction that does it.
Listener = Callable[[Db, int, list[int], bool], None]

_listeners: list[Listener] = []


def on_reversal(listener: Listener) -> Listener:
    """Have the decorated function called whenever acts are undone or done again."""
    _listeners.append(listener)
    return listener


def tell_reversed(db: Db, project_id: int, act_ids: list[int], *, undone: bool) -> None:
    for listener in _listeners if act_ids else []:
        listener(db, project_id, act_ids, undone)
