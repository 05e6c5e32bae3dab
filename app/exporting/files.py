"""The exports of a project: asked for, listed, found, and removed when their time is over."""

import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.exporting import darwin_eml
from app.exporting.choices import Choices, Wish, find_kind, needs_manager, read_choices
from app.exporting.columns import chosen, fields_of, general_columns
from app.exporting.embedders import find_embedders
from app.exporting.names import safe
from app.exporting.selection import check_filters
from app.jobs.queue import cancel, enqueue, is_active
from app.projects.access import Project
from app.settings import Settings
from app.summaries import asking

KEPT_DAYS = 7
LARGEST_ID = 2**31
STOPPED = {"cancelled": "was cancelled", "failed": "has failed"}
GONE = "There is no such export of this project, or its week is over: export it again."


@dataclass(frozen=True)
class Export:
    """An export as one sees it; `n_bytes` is null while it is being written. `with_emails`: of the people who labelled,
    where a manager asked for it."""

    id: int
    project_id: int
    kind: str
    choices: Choices
    with_emails: bool
    account_id: int | None
    by: str | None
    job_id: int | None
    status: str  # of its job: queued, running, done, failed or cancelled; done too where that is forgotten
    error: str
    file_name: str
    n_bytes: int | None
    n_rows: int | None
    created_at: datetime
    expires_at: datetime | None

    @property
    def label(self) -> str:
        return find_kind(self.kind).label


def folder(settings: Settings) -> Path:
    return Path(settings.home) / "exports"


def path_of(settings: Settings, export_id: int) -> Path:
    """Also what is no zip lies under this name; its own is the one that it is sent by."""
    return folder(settings) / f"export-{export_id}.zip"


def workshop(settings: Settings, export_id: int) -> Path:
    """Where an export is written until it is whole."""
    return folder(settings) / f"making-{export_id}"


def ask(db: Db, project: Project, account_id: int | None, wish: Wish) -> Export:
    """An export that a job writes; the same one again while that is being written."""
    choices = wish.choices()
    needs_role(project, wish.kind, choices)
    if wish.kind == "summary":
        choices = asking.completed(db, project, choices)
    _check(db, project, account_id, wish.kind, choices)
    stored = choices.to_json() | {"with_emails": project.may("manager")}
    row = db.execute(
        """
        select export.id
        from export
        join job on job.id = job_id
        where export.project_id = %s
          and export.kind = %s
          and export.choices = %s
          and export.account_id is not distinct from %s
          and job.status in ('queued', 'running')
        """,
        [project.id, wish.kind, Jsonb(stored), account_id],
    ).fetchone()
    return find(db, project.id, row.id if row else _insert(db, project, account_id, wish.kind, stored))


def needs_role(project: Project, kind: str, choices: Choices) -> None:
    """Refused to those who may not have such an export, by what it is that needs a manager."""
    label = find_kind(kind).label
    does = "export images of" if find_kind(kind).for_annotators else f"export the kind “{label}” of"
    project.needs("manager" if needs_manager(kind, choices) else "annotator", does)


def _check(db: Db, project: Project, account_id: int | None, kind: str, choices: Choices) -> None:
    """What no job could do is refused at once."""
    if choices.filters:
        check_filters(db, project.id, choices.filters, account_id)
    if kind == "darwin_core":
        darwin_eml.check(project.settings)
    if kind == "parquet":
        find_embedders(db, project.id, choices.vectors)
    if choices.columns:
        columns = general_columns(fields_of(db, project.id), choices, True)
        unknown = chosen(columns, choices.columns)[1]
        if unknown:
            raise Refused(
                f"There is no column {', '.join(map(repr, unknown[:5]))} in this export. There are: "
                f"{', '.join(column.header for column in columns)}.",
                status=422,
            )


def _insert(db: Db, project: Project, account_id: int | None, kind: str, stored: dict[str, Any]) -> int:
    row: Any = db.execute(
        """
        insert into export (project_id, account_id, kind, choices, file_name)
        values (%s, %s, %s, %s, '')
        returning id
        """,
        [project.id, account_id, kind, Jsonb(stored)],
    ).fetchone()
    title = f"Export of {project.title}: {find_kind(kind).label}"
    job_id = enqueue(db, "export", title, project.id, account_id, {"export_id": row.id}, f"export:{row.id}")
    name = _file_name(project, kind, read_choices(stored), row.id)
    db.execute("update export set job_id = %s, file_name = %s where id = %s", [job_id, name, row.id])
    return int(row.id)


def _file_name(project: Project, kind: str, choices: Choices, export_id: int) -> str:
    """What it is of, how it was parted and left out, when, and its number, which no other has."""
    parts = [safe(project.title).replace(" ", "_"), kind]
    parts += [f"by_{by}" for by in (choices.split_by, choices.by) if by != "none"]
    if choices.statuses != find_kind(kind).statuses:
        parts.append("".join(choices.statuses) or "all")
    if choices.filters:
        parts.append("filtered")
    return f"{'_'.join(parts)}_{datetime.now(UTC):%Y%m%d_%H%M}_{export_id}.{find_kind(kind).suffix}"


TOLD = """
select export.id, export.project_id, export.kind, export.choices, export.account_id, account.name as by, export.job_id,
       coalesce(job.status, 'done') as status, coalesce(job.error, '') as error, file_name, n_bytes, n_rows,
       export.created_at, expires_at
from export
left join account on account.id = export.account_id
left join job on job.id = export.job_id
"""


def find(db: Db, project_id: int, export_id: int) -> Export:
    row = None
    if 0 < export_id < LARGEST_ID:
        row = db.execute(
            TOLD + "where export.project_id = %s and export.id = %s and (expires_at is null or expires_at > now())",
            [project_id, export_id],
        ).fetchone()
    if row is None:
        raise NotFound(GONE)
    return _told(row)


def list_exports(db: Db, project: Project, account_id: int | None) -> list[Export]:
    """The newest first: one's own, and all of them for managers."""
    rows = db.execute(
        TOLD
        + """
        where export.project_id = %s
          and (%s or export.account_id = %s)
          and (expires_at is null or expires_at > now())
        order by export.id desc
        limit 200
        """,
        [project.id, project.may("manager"), account_id],
    )
    return [_told(row) for row in rows]


def find_own(db: Db, project: Project, account_id: int | None, export_id: int) -> Export:
    """One that the caller may have: their own, or any where they manage the project."""
    found = find(db, project.id, export_id)
    if not project.may("manager") and (found.account_id is None or found.account_id != account_id):
        raise NotFound(GONE)
    if found.with_emails:
        project.needs("manager", "have exports with people's addresses of")
    needs_role(project, found.kind, found.choices)
    return found


def _told(row: Any) -> Export:
    stored = row.choices
    told = {"choices": read_choices(stored), "with_emails": bool(stored.get("with_emails"))}
    return Export(**row._asdict() | told)


def check_whole(export: Export) -> None:
    if export.n_bytes is None and export.status in STOPPED:
        raise Conflict(f"This export {STOPPED[export.status]}, and there is no file: export again.")
    if export.n_bytes is None:
        raise Conflict("This file is not whole yet: wait until its job has ended.")


def whole_file(settings: Settings, export: Export) -> Path:
    """Where a finished export lies."""
    check_whole(export)
    path = path_of(settings, export.id)
    if not path.exists():
        raise NotFound(GONE)
    return path


def remove(db: Db, settings: Settings, export: Export) -> None:
    """Delete an export and its file; one that is being written is cancelled first, and leaves nothing."""
    if export.job_id and is_active(db, export.job_id):
        cancel(db, export.job_id)
    db.execute("delete from export where id = %s", [export.id])
    path_of(settings, export.id).unlink(missing_ok=True)


def drop_lost(db: Db, settings: Settings) -> None:
    """Forget those that were finished and whose files are not here, as after a restore."""
    here = [int(re.sub(r"\D", "", path.stem)) for path in folder(settings).glob("export-*.zip")]
    db.execute("delete from export where n_bytes is not null and id <> all(%s)", [here])


def sweep(db: Db, settings: Settings) -> None:
    """Files whose week is over go, and what a killed job has left, and what no export names any more."""
    db.execute("delete from export where expires_at < now()")
    db.execute(
        """
        delete from export
        using job
        where job.id = job_id
          and job.status in ('failed', 'cancelled')
          and n_bytes is null
          and job.ended_at < now() - interval '7 days'
        """
    )
    lying = [path for path in folder(settings).glob("*-*") if re.fullmatch(r"(export|making)-\d+(\.zip)?", path.name)]
    ids = [int(re.sub(r"\D", "", path.name)) for path in lying]
    rows = db.execute(
        """
        select export.id, n_bytes is not null as is_whole, coalesce(job.status in ('queued', 'running'), false) as comes
        from export
        left join job on job.id = job_id
        where export.id = any(%s)
        """,
        [ids],
    )
    known = {row.id: row for row in rows}
    for path, id in zip(lying, ids, strict=True):
        one = known.get(id)
        # A file is put in place a moment before it is said to be whole.
        wanted = one is not None and (one.comes or (one.is_whole and path.suffix == ".zip"))
        if not wanted and path.stat().st_mtime < time.time() - 60:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
