"""Brings a learning set in from a file: a parquet table as an export writes it, or a zip of images in folders by taxon.

Objects that are known here, by their id and their own name, are taken as they are, if the person may read them. The
others stay outside of all projects: a vector each, which the file brings or which is made of their images.
"""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np

from app import database
from app.database import Db
from app.errors import Refused
from app.exchange.resolve import AROUND_PARENT
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.learning import sets
from app.learning.brought import Brought, BroughtFile
from app.learning.candidates import Candidates
from app.learning.choices import Choices
from app.learning.exporting import folder, safe
from app.nouns import counted
from app.projects.references import READABLE
from app.search import embedders
from app.search.vector_copy import pack
from app.settings import Settings
from indexer.embedding import embed_stream

MOST_TOLD = 20
VECTORS_AT_ONCE = 50_000
KEPT_S = 7 * 86_400


def ask(db: Db, project: Any, account_id: int | None, title: str, path: Path) -> tuple[int, int]:
    """A new set that a job makes of a file of the server: its id and the job's."""
    with BroughtFile(path) as file:
        taxa_of(db, file.names())
    set_id = sets.begin(db, project, account_id, title, Choices(), brought_from=path.name)
    args = {"set_id": set_id, "upload": str(path)}
    job_id = enqueue(db, "learning", f"Learning set {title.strip()}", project.id, account_id, args)
    sets.made_by(db, set_id, job_id)
    return set_id, job_id


def sweep(settings: Settings) -> None:
    """Files that were sent a week ago go: their sets are made, or were given up."""
    for path in folder(settings).glob("brought-*/*"):
        if path.stat().st_mtime < time.time() - KEPT_S:
            path.unlink(missing_ok=True)
            path.parent.rmdir()


def bring(job: JobContext, set_id: int, upload: str) -> None:
    """The job: nothing is frozen before all of the file is in."""
    path = Path(upload)
    with database.connect(job.database_url) as db:
        home = sets.find_begun(db, set_id)
    if home.frozen_at is not None:
        _forget(job, path)
        return
    if not path.exists():
        raise Refused(f"The file {path.name} is not there any more: bring it again.")
    with BroughtFile(path) as file, database.connect(job.database_url, autocommit=True) as db:
        brought = file.read()
        taxa = taxa_of(db, brought.names)
        linked = _linked(db, brought, home.project_id, job.account_id)
        embedder_id, vectors = _vectors(db, job, home.project_id, brought, linked)
        kept = linked | np.isin(np.arange(len(brought)), list(vectors))
        if not kept.any():
            raise Refused(_no_vectors(brought), status=409)
        with db.transaction():
            _write(db, set_id, brought, taxa, linked, np.flatnonzero(kept))
            if embedder_id is not None:
                _write_vectors(db, set_id, embedder_id, np.flatnonzero(kept), linked, vectors)
            sets.close(db, set_id)
    _forget(job, path)
    job.log(
        f"{counted(int(linked.sum()), 'object is', 'objects are')} known here; {int((kept & ~linked).sum()):,} came"
        " with their vector."
    )
    if n := int((~kept).sum()):
        job.log(
            f"{n:,} were left out: they are not known here, and have neither a vector nor an image that can be read."
        )


def _forget(job: JobContext, path: Path) -> None:
    """What was sent goes once its set is there; what a command named is its owner's, and stays."""
    if path.parent.parent == folder(job.settings) and path.parent.name.startswith("brought-"):
        shutil.rmtree(path.parent, ignore_errors=True)


def taxa_of(db: Db, names: list[str]) -> np.ndarray:
    """The taxon that each name means, int32: a display name, else a name that only one taxon has; as a folder too."""
    rows = db.execute("select id, name, display_name from taxon where status <> 'D'").fetchall()
    found: dict[str, set[int]] = {}
    for row in rows:
        for word in (row.name, safe(row.name)):
            found.setdefault(word.lower(), set()).add(row.id)
    for row in rows:
        for word in (row.display_name, safe(row.display_name)):
            found[AROUND_PARENT.sub(" < ", word.lower())] = {row.id}
    meant = {name: found.get(AROUND_PARENT.sub(" < ", name.strip().lower()), set()) for name in set(names)}
    if unknown := sorted(name for name, ids in meant.items() if len(ids) != 1):
        more = f" and {len(unknown) - MOST_TOLD:,} more" if len(unknown) > MOST_TOLD else ""
        raise Refused(
            f"The taxonomy has no taxon, or several, of the name {'; '.join(unknown[:MOST_TOLD])}{more}. Create them,"
            " or name them in the file as the taxonomy does (“fiber < detritus”), and bring it again.",
            status=422,
        )
    return np.array([next(iter(meant[name])) for name in names], np.int32)


def _linked(db: Db, brought: Brought, home_id: int, account_id: int | None) -> np.ndarray:
    """Which rows, bool, are objects of this server that the person may read."""
    rows = db.execute(
        f"""
        select given.row - 1 as row
        from unnest(%(objects)s::bigint[], %(projects)s::int[], %(names)s::text[]) with ordinality
             as given (object_id, project_id, orig_id, row)
        join object on object.project_id = given.project_id
                   and object.id = given.object_id
                   and object.orig_id = given.orig_id
        join project p on p.id = given.project_id
        where p.id = %(home_id)s or {READABLE}
        """,  # noqa: S608 - a constant
        {
            "objects": brought.object_ids.tolist(), "projects": brought.project_ids.tolist(),
            "names": brought.orig_ids, "home_id": home_id, "account_id": account_id,
        },
    )  # fmt: skip
    linked = np.zeros(len(brought), bool)
    linked[[row.row for row in rows]] = True
    return linked


def _vectors(
    db: Db, job: JobContext, home_id: int, brought: Brought, linked: np.ndarray
) -> tuple[int | None, dict[int, np.ndarray]]:
    """An embedder and vectors by it, by row, of what is not known here: the file's, else made of the images."""
    missing = [row for row in range(len(brought)) if not linked[row]]
    told = brought.embedder or {}
    known = db.execute(
        "select id, name, dimension from embedder where digest = %s", [str(told.get("digest", ""))]
    ).fetchone()
    if known and any(row in brought.vectors for row in missing):
        length = len(next(iter(brought.vectors.values())))
        if length != known.dimension:
            raise Refused(
                f"The file's vectors have {length:,} numbers, and those of {known.name} have {known.dimension:,}:"
                " export it again where it was made.",
                status=422,
            )
        return known.id, {row: brought.vectors[row] for row in missing if row in brought.vectors}
    wanted = [(row, brought.loaders[row]) for row in missing if row in brought.loaders]
    row = embedders.assign_default(db, job.settings, home_id) if wanted else None
    if row is None or not row.embeds_images:
        return None, {}
    vectors: dict[int, np.ndarray] = {}
    n_failed = 0
    embedder = embedders.load(job.settings, row)
    for part in embed_stream(embedder, wanted, max_pixels=job.settings.max_image_mpx * 1_000_000):
        vectors.update(zip(part.keys, part.vectors, strict=True))
        n_failed += len(part.failures)
        job.progress(len(vectors) + n_failed, len(wanted), "images", "embedding")
    if n_failed:
        job.log(f"{counted(n_failed, 'image')} cannot be read.")
    return row.id, vectors


def _no_vectors(brought: Brought) -> str:
    made = ""
    if brought.embedder:
        made = f" Its vectors are of {brought.embedder.get('name')}, which this server does not know."
    elif brought.vectors:
        made = (
            " Its vectors do not say which embedder made them: give the table the metadata “embedder”, as JSON with the"
            " name and the digest that “shoal embedder list” tells."
        )
    return (
        f"None of the {len(brought):,} objects of the file can teach: none is known here, and none has a vector or an"
        f" image that can be used.{made} Bring the zip with the images, which are embedded here."
    )


def _write(db: Db, set_id: int, brought: Brought, taxa: np.ndarray, linked: np.ndarray, kept: np.ndarray) -> None:
    ids, projects = np.where(linked, brought.object_ids, 0), np.where(linked, brought.project_ids, 0)
    own = np.zeros(len(brought), np.int32)
    items = Candidates(ids, projects.astype(np.int32), own, taxa, brought.groups, linked)
    sets.write_items(db, set_id, items.take(kept))


def _write_vectors(
    db: Db, set_id: int, embedder_id: int, kept: np.ndarray, linked: np.ndarray, vectors: dict[int, np.ndarray]
) -> None:
    numbers = np.flatnonzero(~linked[kept])
    db.execute("create temp table learning_in (number bigint not null, v halfvec not null) on commit drop")
    for first in range(0, len(numbers), VECTORS_AT_ONCE):
        some = numbers[first : first + VECTORS_AT_ONCE]
        made = np.array([vectors[row] for row in kept[some].tolist()], np.float32)
        made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-12)
        with db.cursor() as cursor, cursor.copy("copy learning_in (number, v) from stdin (format binary)") as copy:
            copy.write(pack(some, made))
    db.execute(
        "insert into learning_vector (set_id, embedder_id, number, v) select %s, %s, number, v from learning_in",
        [set_id, embedder_id],
    )
