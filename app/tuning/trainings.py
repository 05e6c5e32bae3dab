"""Trainings of embedders: asked for, listed, and offered where one would pay."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from psycopg.types.json import Jsonb

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import enqueue
from app.learning import sets
from app.projects.access import Project
from app.search import strips
from indexer.tuning import data, plan
from indexer.tuning.networks import DEFAULT_NETWORK, NO_TORCH

# Offered from so many validated objects of so many taxa, and again when they have doubled since.
OFFERED_FROM, OFFERED_TAXA = 1000, 3
MOST_MINUTES, MOST_EPOCHS = 24 * 60, 500
# Of the training's largest images beside embedding one: forwards once instead of four times, backwards twice, smaller.
EMBEDDINGS_A_STEP = 75.0
DEVICES = ("auto", "cpu", "cuda")
SET_GONE = "The learning set of this training was deleted: choose another one, and train again."


@dataclass(frozen=True)
class Wish:
    """What to train: of a learning set, null for all that is validated here and in the reference projects; how it is
    called, what network it starts from, how long it may take or how many epochs, and on what."""

    learning_set_id: int | None = None
    name: str = ""
    network: str = DEFAULT_NETWORK
    minutes: float | None = plan.DEFAULT_MINUTES
    epochs: int | None = None
    device: str = "auto"


@dataclass(frozen=True)
class TrainingTold:
    """A training as one sees it. `report` has agreement_before, agreement_after, accuracy, ... once it is trained;
    `is_in_use`: the project has moved to its embedder."""

    id: int
    name: str
    wish: Wish
    learning_set_id: int | None
    embedder_id: int | None
    embedder: str | None
    report: dict[str, Any]
    job_id: int | None
    status: str | None
    error: str | None
    done: int | None
    total: int | None
    message: str | None
    move_job_id: int | None
    move_status: str | None
    move_done: int | None
    move_total: int | None
    is_in_use: bool
    before_id: int | None
    before: str | None
    created_at: datetime
    trained_at: datetime | None

    @property
    def is_at_work(self) -> bool:
        return self.status in ("queued", "running")

    @property
    def is_moving(self) -> bool:
        return self.move_status in ("queued", "running")


@dataclass(frozen=True)
class Offer:
    """Whether a training pays now: `is_due` says so, `n_missing` how many validated objects it takes until then."""

    n_validated: int
    n_taxa: int
    seconds: float
    is_due: bool
    n_missing: int
    has_torch: bool
    install: str = field(default=NO_TORCH)


def start_training(db: Db, project: Project, account_id: int | None, wish: Wish) -> tuple[int, int]:
    """Queue a training in the caller's transaction; returns its id and the job's.

    Refused where the wish makes no sense, torch is missing, or another training of the project is at work.
    """
    _check(wish)
    check_torch()
    # Two that are asked for at once come one after the other.
    db.execute("select from project where id = %s for no key update", [project.id])
    if any(one.is_at_work for one in list_trainings(db, project.id)):
        raise Conflict("An embedder is being trained for this project already: wait for it, or cancel it.")
    set_id = wish.learning_set_id or _begin_own(db, project, account_id)
    learning_set: Any = db.execute("select * from learning_set where id = %s", [set_id]).fetchone()
    if wish.learning_set_id is not None:
        check_teaches(learning_set)
    name = _free_name(db, wish.name.replace("\0", " ").strip() or f"{learning_set.title} {learning_set.version}")
    n_validated, _ = _validated(db, project.id)
    row: Any = db.execute(
        """
        insert into embedder_training (project_id, name, config, learning_set_id, n_validated, before_id, account_id)
        values (%s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [project.id, name, Jsonb(asdict(wish)), set_id, n_validated, project.embedder_id, account_id],
    ).fetchone()
    job_id = enqueue(db, "tune", f"Train the embedder {name}", project.id, account_id, {"training_id": row.id})
    db.execute("update embedder_training set job_id = %s where id = %s", [job_id, row.id])
    if wish.learning_set_id is None:
        sets.made_by(db, set_id, job_id)
    return row.id, job_id


def check_torch() -> None:
    """Refused where an embedder cannot be trained for want of torch, which is not loaded for that."""
    if not has_torch():
        raise Refused(NO_TORCH, status=409)


def has_torch() -> bool:
    return find_spec("torch") is not None


def _begin_own(db: Db, project: Project, account_id: int | None) -> int:
    """What is validated here and in the references; the job makes it: of millions that takes minutes."""
    _check_enough(*sets.validated_in(db, sets.own_choices(db, project, account_id).sources))
    return sets.begin_own(db, project, account_id)


def queue_again(db: Db, project_id: int, account_id: int | None, training_id: int) -> int:
    """Queue a training that was stopped or failed, which goes on from its last epoch; returns the job's id."""
    check_torch()
    training = find_training(db, project_id, training_id)
    if training.trained_at is not None:
        raise Conflict("This embedder is trained: there is nothing to go on with.")
    if training.is_at_work and training.job_id is not None:
        return training.job_id
    if training.learning_set_id is None:
        raise Refused(SET_GONE, status=409)
    sets.check_sources(db, training.learning_set_id, account_id, project_id)
    title = f"Train the embedder {training.name}"
    job_id = enqueue(db, "tune", title, project_id, account_id, {"training_id": training_id})
    db.execute("update embedder_training set job_id = %s where id = %s", [job_id, training_id])
    return job_id


def _free_name(db: Db, name: str) -> str:
    """The wished name, or with a number behind it where an embedder or a training has it: a name is one version."""
    rows = db.execute(
        """
        select name from embedder where starts_with(name, %(name)s)
        union
        select name from embedder_training where starts_with(name, %(name)s)
        """,
        {"name": name},
    ).fetchall()
    taken = {row.name for row in rows}
    numbered = (f"{name}, {number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def check_set(db: Db, viewer: Viewer, set_id: int) -> None:
    """Refuse a learning set that the viewer may not read, whole."""
    sets.find_set(db, viewer, set_id)


def _check(wish: Wish) -> None:
    if wish.device not in DEVICES:
        raise Refused(f"The device is auto, cpu or cuda, not {wish.device!r}.", status=422)
    if wish.minutes is not None and not 0 < wish.minutes <= MOST_MINUTES:
        raise Refused(f"A training may take up to {MOST_MINUTES:,} minutes, not {wish.minutes:g}.", status=422)
    if wish.epochs is not None and not 1 <= wish.epochs <= MOST_EPOCHS:
        raise Refused(f"A training has 1 to {MOST_EPOCHS} epochs, not {wish.epochs:,}.", status=422)
    if len(wish.name) > 100:
        raise Refused("Give the embedder a name of at most 100 letters.", status=422)
    kind = wish.network.partition(":")[0]
    if wish.network != DEFAULT_NETWORK and (kind not in ("timm", "open_clip") or ":" not in wish.network):
        raise Refused(
            f"There is no network {wish.network!r}: say {DEFAULT_NETWORK}, timm:NAME or open_clip:ARCH:PRETRAINED.",
            status=422,
        )


def check_teaches(learning_set: Any) -> None:
    """Refuse a row of `learning_set` that is not frozen, or has too little to learn from."""
    if learning_set is None:
        raise NotFound("There is no such learning set any more.")
    if learning_set.frozen_at is None:
        raise Conflict("This learning set is still being made: wait for its job.")
    _check_enough(learning_set.n_objects, learning_set.n_taxa)


def _check_enough(n: int, n_taxa: int) -> None:
    if n < data.FEWEST_IMAGES or n_taxa < 2:
        raise Refused(
            f"{n:,} validated images of {n_taxa:,} {'taxon' if n_taxa == 1 else 'taxa'} are too few to train an"
            f" embedder: it takes {data.FEWEST_IMAGES} of two taxa at least, and pays from about {OFFERED_FROM:,}.",
            status=422,
        )


TOLD = """
    select training.id, training.name, training.config, learning_set_id, training.embedder_id, after.name as embedder,
           report, training.job_id, job.status, job.error, job.done, job.total, job.message, move_job_id,
           move.status as move_status, move.done as move_done, move.total as move_total,
           coalesce(own.config ->> 'spec' = after.config ->> 'spec', false) as is_in_use,
           before_id, before.name as before, training.created_at, trained_at
    from embedder_training training
    join project on project.id = training.project_id
    left join embedder own on own.id = project.embedder_id
    left join embedder after on after.id = training.embedder_id
    left join embedder before on before.id = training.before_id
    left join job on job.id = training.job_id
    left join job move on move.id = training.move_job_id
    where training.project_id = %s
"""


def list_trainings(db: Db, project_id: int) -> list[TrainingTold]:
    """The newest first."""
    return [_told(row) for row in db.execute(TOLD + "order by training.id desc limit 100", [project_id])]


def find_training(db: Db, project_id: int, training_id: int) -> TrainingTold:
    row = db.execute(TOLD + "and training.id = %s", [project_id, training_id]).fetchone()
    if row is None:
        raise NotFound("This project has no such training of an embedder.")
    return _told(row)


def _told(row: Any) -> TrainingTold:
    told = row._asdict()
    return TrainingTold(wish=Wish(**told.pop("config")), **told)


def offer(db: Db, project_id: int) -> Offer:
    """What a training would take now, and whether it is worth it."""
    n, n_taxa = _validated(db, project_id)
    row = db.execute(
        "select max(n_validated) as n from embedder_training where project_id = %s and trained_at is not null",
        [project_id],
    ).fetchone()
    from_n = max(OFFERED_FROM, 2 * (row.n or 0))
    is_due = n >= from_n and n_taxa >= OFFERED_TAXA
    seconds = estimated_seconds(db, project_id, max(n, OFFERED_FROM))
    return Offer(n, n_taxa, seconds, is_due, max(0, from_n - n), has_torch())


def estimated_seconds(db: Db, project_id: int, n_images: int) -> float:
    """By the last training on these machines, or else by how fast the project's images were embedded."""
    row = db.execute(
        """
        select (report ->> 'seconds_a_step')::float8 as step
        from embedder_training
        where report ? 'seconds_a_step'
        order by trained_at desc
        limit 1
        """
    ).fetchone()
    if row is not None:
        step = row.step
    else:
        n, seconds = strips.seconds_to_embed(db, project_id)
        step = EMBEDDINGS_A_STEP * (seconds / n if n else 1 / strips.USUAL_RATE)
    return plan.expected_seconds(n_images, plan.Settings(), step)


def _validated(db: Db, project_id: int) -> tuple[int, int]:
    """How many objects of a project are validated, and of how many taxa with enough to learn from."""
    row: Any = db.execute(
        """
        select coalesce(sum(n), 0)::bigint as n, count(*) filter (where n >= %s) as n_taxa
        from (
            select taxon_id, sum(n) as n
            from count_delta
            where project_id = %s
              and status = 'V'
            group by taxon_id
        ) as taxa
        """,
        [data.FEWEST_OF_TAXON, project_id],
    ).fetchone()
    return int(row.n), int(row.n_taxa)
