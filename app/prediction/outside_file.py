"""Predictions that come as a parquet file: checked at once as far as its columns say, then taken in by a job.

Columns: `object_id` (numbers) or `orig_id` (texts); `taxa` and `scores` (lists, the likeliest first), or `taxon` and
`score`, and as far as there are `taxon_2`, `score_2`, `taxon_3`, `score_3`; `novelty`, where it is known. Taxa are ids
or names.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from app import database
from app.database import Db
from app.errors import NotFound, Refused, install
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.labels.acts import Labelled
from app.nouns import counted, noun
from app.prediction import clearing, outside, outside_classifiers
from app.prediction.outside import MOST_TOLD, Piece

ROWS = 50_000  # a transaction of some seconds
KEPT_S = 7 * 86_400  # a file whose job failed or was cancelled, so that it can be tried again
PAIRS = (("taxon", "score"), ("taxon_2", "score_2"), ("taxon_3", "score_3"))
AT_LEAST = "it needs object_id or orig_id; taxa and scores as lists, or taxon and score"


@dataclass(frozen=True)
class Wish:
    """How a file is to be taken in; `version`: none is the next of the classifier."""

    title: str
    classifier: str = ""
    version: int | None = None
    publish: bool = True


class PredictionFile:
    """An opened file whose columns fit."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import ArrowException, parquet
            from pyarrow.types import is_integer
        except ImportError as error:
            raise Refused(f"Reading parquet needs one more package: {install('parquet')}.") from error
        try:
            self.file = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise Refused(f"This is no parquet file that can be read ({error}).") from error
        self.names = set(self.file.schema_arrow.names)
        self.key = next((name for name in ("object_id", "orig_id") if name in self.names), "")
        if not self.key or not ({"taxa", "scores"} <= self.names or {"taxon", "score"} <= self.names):
            have = ", ".join(sorted(self.names)[:MOST_TOLD]) or "none"
            raise Refused(f"The file's columns are {have}: {AT_LEAST}.")
        if self.key == "object_id" and not is_integer(self.file.schema_arrow.field("object_id").type):
            raise Refused("The column object_id holds no whole numbers: give Shoal's ids there, or orig_id as texts.")
        self._check_kinds()

    def _check_kinds(self) -> None:
        """Refuse what cannot be read as lists, or as numbers."""
        from pyarrow import types

        kinds = {name: self.file.schema_arrow.field(name).type for name in self.columns}
        lists = (types.is_list, types.is_large_list, types.is_fixed_size_list)
        for name in {"taxa", "scores"} & kinds.keys():
            if not any(is_one(kinds[name]) for is_one in lists):
                raise Refused(f"The column {name} holds {kinds[name]}: give a list for each object.")
        novelty = kinds.get("novelty")
        if novelty is not None and not (types.is_floating(novelty) or types.is_integer(novelty)):
            raise Refused(f"The column novelty holds {novelty}: give numbers from 0 to 1.")

    @property
    def n_rows(self) -> int:
        return int(self.file.metadata.num_rows)

    @cached_property
    def columns(self) -> list[str]:
        """Those that are read."""
        lists = ["taxa", "scores"] if {"taxa", "scores"} <= self.names else []
        pairs = [name for pair in PAIRS for name in pair if set(pair) <= self.names]
        return [self.key, *(lists or pairs), *(["novelty"] if "novelty" in self.names else [])]

    def parts(self, skipped: int) -> Iterator[dict[str, list[Any]]]:
        """Columns of at most ROWS rows at a time, without the first ones, which were taken in already."""
        for batch in self._batches():
            n = len(batch)
            if skipped < n:
                yield {name: values.to_pylist() for name, values in zip(self.columns, batch[skipped:], strict=True)}
            skipped = max(0, skipped - n)

    def _batches(self) -> Iterator[Any]:
        from pyarrow import ArrowException

        try:
            yield from self.file.iter_batches(ROWS, columns=self.columns)
        except (ArrowException, OSError) as error:
            raise Refused(f"The file is damaged ({error}). Write it anew.") from error


def start(
    db: Db, project: Labelled, account_id: int | None, path: Path, wish: Wish, *, is_kept: bool = False
) -> tuple[int, int]:
    """A run that a job takes from a file of the server; returns the run's id and the job's. `is_kept`: the file is its
    owner's, and stays when the job is done."""
    n_rows = PredictionFile(path).n_rows
    if not n_rows:
        raise Refused("The file has no rows: there is nothing to take in.")
    config = {"file": path.name, "n_rows": n_rows, "publish": wish.publish}
    run_id = outside.begin(db, project, account_id, wish.title, config, wish.classifier, wish.version)
    args = {"run_id": run_id, "file": str(path), "is_kept": is_kept}
    job_id = enqueue(db, "predict", f"Take in predictions: {wish.title}", project.id, account_id, args)
    db.execute("update run set job_id = %s where id = %s", [job_id, run_id])
    return run_id, job_id


def sweep(db: Db, folder: Path) -> None:
    """Remove files that came a week ago, where no job is to read them."""
    old = [path for path in folder.glob("*.parquet") if path.stat().st_mtime < time.time() - KEPT_S]
    rows = db.execute(
        "select args ->> 'file' as file from job where kind = 'predict' and status in ('queued', 'running')"
    )
    read = {row.file for row in rows} if old else set()
    for path in old:
        if str(path) not in read:
            path.unlink(missing_ok=True)


def take_in(job: JobContext) -> None:
    """The job: piece by piece, going on after the last one that a killed job wrote; shown at the end where asked."""
    path, project_id, run_id = Path(job.args["file"]), job.project_id or 0, int(job.args["run_id"])
    with database.connect(job.database_url, autocommit=True) as db:
        run, project = _run(db, project_id, run_id, job.job_id), _project(db, project_id)
        if run.completed_at is None:
            try:
                _write_all(db, job, project, run, _opened(path))
            except Refused:
                _drop(db, job, run)
                raise
            with db.transaction():
                outside.hold(db, project_id, run_id)
                outside.complete(db, project_id, run_id)
                if run.config["publish"]:
                    outside.show(db, project, run_id)
    _forget(job)


def _opened(path: Path) -> PredictionFile:
    if not path.exists():
        raise Refused(f"The file {path} is gone: send it again.")
    return PredictionFile(path)


def _drop(db: Db, job: JobContext, run: Any) -> None:
    """What a file brought that cannot be taken in whole goes, with the version that was made for it alone, and the
    file: it gets no better by a retry."""
    clearing.drop(db, job.project_id or 0, run.id)
    outside_classifiers.forget(db, run.classifier_id)
    _forget(job)


def _forget(job: JobContext) -> None:
    if not job.args.get("is_kept"):
        Path(job.args["file"]).unlink(missing_ok=True)


def _run(db: Db, project_id: int, run_id: int, job_id: int) -> Any:
    row = db.execute(
        """
        update run
        set job_id = %s
        where project_id = %s
          and id = %s
          and removed_at is null
        returning id, config, summary, completed_at, classifier_id
        """,
        [job_id, project_id, run_id],
    ).fetchone()
    if row is None:
        raise NotFound("The run was removed meanwhile: send the file again.")
    return row


def _project(db: Db, project_id: int) -> Any:
    return db.execute("select id, status from project where id = %s", [project_id]).fetchone()


def _write_all(db: Db, job: JobContext, project: Any, run: Any, file: PredictionFile) -> None:
    reached, unknown = int(run.summary.get("reached", 0)), int(run.summary.get("unknown", 0))
    names: dict[str, int] = {}
    for part in file.parts(reached):
        job.progress(reached, file.n_rows, "rows", "taking in predictions")
        with db.transaction():
            piece, n_missing = _piece(db, project.id, file, part, names)
            unknown += n_missing + len(outside.add(db, project, run.id, piece))
            reached += len(part[file.key])
            told = Jsonb({"reached": reached, "unknown": unknown})
            db.execute("update run set summary = summary || %s where id = %s", [told, run.id])
    if reached and unknown == reached:
        raise Refused(
            f"None of the {reached:,} rows is of an object of this project: look whether the file is another project's."
        )
    job.progress(reached, file.n_rows, "rows")
    if unknown:
        are = noun(unknown, "is", "are")
        job.conclude(f"{unknown:,} of {counted(reached, 'row')} {are} of no object of this project: left out.")


def _piece(
    db: Db, project_id: int, file: PredictionFile, part: dict[str, list[Any]], names: dict[str, int]
) -> tuple[Piece, int]:
    """The rows of objects, in this room's words; and how many name none."""
    taxa, scores = _choices(part)
    _learn_names(db, names, {taxon for row in taxa for taxon in row if isinstance(taxon, str)})
    taxa = [[names[taxon] if isinstance(taxon, str) else taxon for taxon in row] for row in taxa]
    objects = part[file.key] if file.key == "object_id" else _by_orig_id(db, project_id, part["orig_id"])
    kept = [place for place, object_id in enumerate(objects) if object_id is not None]
    novelties = [part["novelty"][place] for place in kept] if "novelty" in part else []
    if any(novelty is None for novelty in novelties):
        raise Refused("A row has no novelty, and others have: give all of them one, or leave the column out.")
    said = [(objects[place], taxa[place], scores[place]) for place in kept]
    for object_id, row, numbers in said:
        if not all(isinstance(one, int) for one in row) or not all(isinstance(one, int | float) for one in numbers):
            raise Refused(f"Object {object_id}: taxa are ids or names, and scores are numbers from 0 to 1.")
    piece = Piece([one[0] for one in said], [one[1] for one in said], [one[2] for one in said], novelties)
    return piece, len(objects) - len(kept)


def _choices(part: dict[str, list[Any]]) -> tuple[list[list[Any]], list[list[float]]]:
    """Lists of taxa and of scores for every row; a choice without a taxon is none."""
    if "taxa" in part:
        return [row or [] for row in part["taxa"]], [row or [] for row in part["scores"]]
    pairs = [pair for pair in PAIRS if pair[0] in part]
    rows = [
        [(taxon, score) for taxon, score in zip(row[::2], row[1::2], strict=True) if taxon is not None]
        for row in zip(*(part[name] for pair in pairs for name in pair), strict=True)
    ]
    return [[taxon for taxon, _ in row] for row in rows], [[score for _, score in row] for row in rows]


def _learn_names(db: Db, names: dict[str, int], said: set[str]) -> None:
    """Taxa by their names: the displayed one, which is but one's; else the plain one, where only one has it."""
    new = sorted(said - names.keys())
    if not new:
        return
    rows = db.execute(
        """
        select given.name, array_agg(distinct taxon.id) filter (where taxon.display_name = given.name) as shown,
               array_agg(distinct taxon.id) as any
        from unnest(%s::text[]) as given (name)
        join taxon on (taxon.display_name = given.name or taxon.name = given.name)
                  and taxon.status <> 'D'
        group by given.name
        """,
        [new],
    ).fetchall()
    found = {row.name: row.shown or row.any for row in rows}
    # A column of texts may hold ids: whether they are known is looked at with the others.
    found |= {name: [int(name)] for name in new if name not in found and name.isascii() and name.isdigit()}
    if unknown := [name for name in new if name not in found]:
        raise Refused(f"These taxa are not known here: {_listed(unknown)}. Make them, or give others.")
    if several := [name for name in new if len(found[name]) > 1]:
        raise Refused(f"Several taxa are called so: {_listed(several)}. Give their ids.")
    names.update({name: found[name][0] for name in new})


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_TOLD:,} more" if len(names) > MOST_TOLD else ""
    return ", ".join(names[:MOST_TOLD]) + more


def _by_orig_id(db: Db, project_id: int, orig_ids: Sequence[str]) -> list[int | None]:
    """Ids of the objects that their samples know by these names; None where none is, Refused where several are."""
    rows = db.execute(
        """
        select orig_id, min(id) as id, count(*) as n
        from object
        where project_id = %s
          and orig_id = any(%s::text[])
        group by orig_id
        """,
        [project_id, list(orig_ids)],
    ).fetchall()
    if several := [row.orig_id for row in rows if row.n > 1]:
        raise Refused(f"Several objects of this project are called {_listed(several)}: give object_id instead.")
    by_name = {row.orig_id: row.id for row in rows}
    return [by_name.get(orig_id) for orig_id in orig_ids]
