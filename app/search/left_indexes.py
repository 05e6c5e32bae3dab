"""Lets go of indexes that nothing compares in any more: of former spaces and embedders, and of deleted projects."""

import shutil
import time
from pathlib import Path

from app.database import Db
from app.search.generations import folder_name

YOUNGEST_S = 3600  # a folder that changed since may be one that is being filled


def sweep(db: Db, home: Path) -> list[Path]:
    """Remove such folders of `home`, and return them. They can be built again."""
    # Listed first: what is begun after the questions below is not among them.
    folders = [path for path in home.glob("*/*") if path.is_dir() and path.parent.name.isdecimal()]
    busy, kept = _busy(db), _kept(db)
    left = [
        path
        for path in folders
        if (path.parent.name, path.name) not in kept and path.parent.name not in busy and _is_old(path)
    ]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    for project in {path.parent for path in left}:
        if not any(project.iterdir()):
            project.rmdir()
    return left


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - YOUNGEST_S
    except OSError:
        return False


def _busy(db: Db) -> set[str]:
    """Projects of which something is being indexed, perhaps before anything points at it."""
    rows = db.execute(
        """
        select distinct project_id
        from job
        where kind in ('index', 'space', 'embed')
          and status in ('queued', 'running')
        """
    )
    return {str(row.project_id) for row in rows}


def _kept(db: Db) -> set[tuple[str, str]]:
    """Project and folder of what may be asked: the plain index of each embedder that any project uses, since projects
    search each other; the space in use and the one before it, one that is being made, and those of open batches."""
    rows = db.execute(
        """
        with used as (
            select distinct embedder_id
            from project
        ), begun as (
            select distinct project_id, embedder_id, space_id
            from batch
            where closed_at is null
        ), latest as (
            select space.project_id, space.embedder_id, space.id, space.status,
                   rank() over (partition by space.project_id order by space.adopted_at desc nulls last, space.id desc)
                       as nth
            from space
            join project on project.id = space.project_id and project.embedder_id = space.embedder_id
        )
        select project.id as project_id, used.embedder_id, null::int as space_id
        from project, used
        union
        select project_id, embedder_id, null
        from begun
        union
        select project_id, embedder_id, space_id
        from begun
        union
        select project_id, embedder_id, id
        from latest
        where nth <= 2
           or status = 'candidate'
        """
    )
    return {
        (str(row.project_id), folder_name(row.embedder_id, row.space_id))
        for row in rows
        if row.embedder_id is not None
    }  # fmt: skip
