"""A file that is sent for a learning set: it goes to the disk as it comes, and no connection to the database waits."""

import shutil
import uuid
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from litestar import Request
from litestar.concurrency import sync_to_thread

from app.database import Db
from app.learning import importing
from app.learning.exporting import safe
from app.projects.access import Project
from app.settings import Settings

MOST_FILE_BYTES = 500_000_000  # more is brought by a command
PIECE_BYTES = 1 << 20


async def take_in(
    request: Request[Any, Any, Any],
    project: Project,
    account_id: int,
    title: str,
    name: str,
    sent: AsyncIterator[bytes],
) -> tuple[int, int]:
    """The set's id and the job's; the file goes where it cannot be taken. Without `name`, it is named by its kind.

    The caller has ended the request's transaction.
    """
    path = await sync_to_thread(place_for, request.app.state.settings, name)
    try:
        await _write(path, sent)
        async with request.app.state.connections.take() as own:
            return await sync_to_thread(_ask, own, project, account_id, title, path, not name)
    except BaseException:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise


def place_for(settings: Settings, name: str) -> Path:
    """Where a file that is brought lies until its set is made."""
    importing.sweep(settings)
    place = importing.folder(settings) / f"brought-{uuid.uuid4()}"
    place.mkdir(parents=True, mode=0o700)
    return place / safe(Path(name).name)


async def _write(path: Path, sent: AsyncIterator[bytes]) -> None:
    waiting = bytearray()
    with path.open("wb") as file:
        async for piece in sent:
            waiting += piece
            if len(waiting) >= PIECE_BYTES:
                whole, waiting = waiting, bytearray()
                await sync_to_thread(file.write, whole)
        await sync_to_thread(file.write, waiting)


def _ask(db: Db, project: Project, account_id: int, title: str, path: Path, is_unnamed: bool) -> tuple[int, int]:
    if is_unnamed:
        path = path.rename(path.with_name("set.zip" if zipfile.is_zipfile(path) else "set.parquet"))
    return importing.ask(db, project, account_id, title, path)
