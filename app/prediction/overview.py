"""What the page of predictions tells: what there is to learn from and to predict, what works on it, what is shown."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.accounts.viewer import Viewer
from app.classifiers.shown import GONE, Name, is_closed, names
from app.database import Db
from app.jobs import queries as jobs
from app.labels.counts import project_counts
from app.prediction.summaries import Summary, read, veiled
from app.projects import references
from app.projects.access import Project

MOST_A_TAXON = 5000  # that a learning set takes of each
LEAST_TAXA = 2
ENOUGH = 100  # validated objects; fewer teach little
WORTH_SHARE = 0.25  # of what there is to learn from, labelled since
NEW_FOR = timedelta(days=1)
KINDS = ("learning", "train", "predict")
# Measured on two cores, default embedder: a start, then by learned and by predicted object.
START_S, LEARN_S, PREDICT_S = 8.0, 0.0012, 0.00024
MOST_OFFERED = 3


@dataclass(frozen=True)
class Outlook:
    """What one click would learn from and predict, and about how long it would take. `n_rare`: taxa of fewer than ten
    validated objects."""

    n_learned: int
    n_taxa: int
    n_rare: int
    n_references: int
    n_to_predict: int
    n_objects: int
    seconds: float

    @property
    def is_enough(self) -> bool:
        return self.n_taxa >= LEAST_TAXA


def outlook(db: Db, project: Project, viewer: Viewer) -> Outlook:
    own = project_counts(db, project.id)
    others = references.sources(db, project.id, project.embedder_id, viewer.account_id)
    by_taxon = _validated(db, [project.id, *(one.id for one in others)])
    n_learned = sum(min(n, MOST_A_TAXON) for n in by_taxon.values())
    n_to_predict = sum(n for (_, status), n in own.items() if status in "UP")
    return Outlook(
        n_learned, len(by_taxon), sum(n < 10 for n in by_taxon.values()), len(others), n_to_predict,
        sum(own.values()),
        _training_seconds(db, project.id, n_learned) + PREDICT_S * n_to_predict,
    )  # fmt: skip


def could_teach(db: Db, project: Project, viewer: Viewer, look: Outlook) -> list[references.Offered]:
    """The projects that would teach most if a manager named them as references, while none is named."""
    if look.n_references or not project.may("manager"):
        return []
    found = references.offered(db, project, viewer.account_id, "")
    return [one for one in found if one.has_same_embedder and one.n_validated >= ENOUGH][:MOST_OFFERED]


def _training_seconds(db: Db, project_id: int, n: int) -> float:
    """As the latest training here took, in proportion to what there is to learn from; else as measured elsewhere."""
    row = db.execute(
        """
        select (report ->> 'seconds')::float8 as seconds, n_objects
        from classifier
        where project_id = %s
          and report ? 'seconds'
          and n_objects > 0
        order by id desc
        limit 1
        """,
        [project_id],
    ).fetchone()
    return row.seconds * max(1.0, n / row.n_objects) if row else START_S + LEARN_S * n


def _validated(db: Db, project_ids: list[int]) -> dict[int, int]:
    rows = db.execute(
        """
        select taxon_id, sum(n)::bigint as n
        from count_delta
        where project_id = any(%s)
          and status = 'V'
        group by taxon_id
        having sum(n) > 0
        """,
        [project_ids],
    )
    return {row.taxon_id: row.n for row in rows}


def at_work(db: Db, viewer: Viewer, project_id: int) -> list[jobs.SeenJob]:
    """Jobs that learn, train or predict here now, in the order in which they run."""
    found = [
        job for kind in KINDS for job in jobs.list_active(db, viewer, jobs.Wanted(kind=kind, project_id=project_id))
    ]
    return sorted(found, key=lambda job: (job.status != "running", job.id))


def ahead(db: Db, viewer: Viewer, working: list[jobs.SeenJob]) -> dict[int, jobs.Ahead | None]:
    """What the first of these jobs waits for, where none of them runs; the others wait for that one."""
    return {job.id: jobs.ahead_of(db, viewer, job) for job in working[:1]}


def went_wrong(db: Db, viewer: Viewer, project_id: int) -> jobs.SeenJob | None:
    """The latest of these jobs, where it failed."""
    ended = [
        job
        for kind in KINDS
        for job in jobs.list_ended(db, viewer, jobs.Wanted(kind=kind, project_id=project_id), limit=1)
    ]
    latest = max(ended, key=lambda job: job.id, default=None)
    return latest if latest and latest.status == "failed" else None


@dataclass(frozen=True)
class TaxonOfRun:
    """A predicted taxon: what the run said when it was made, and how many nobody has labelled since."""

    id: int
    called: Name
    n_left: int
    n: int
    n_confident: int
    mean_score: float | None
    n_novel: int


@dataclass(frozen=True)
class RunTold:
    """A run with its summary, the classifier that made it and how it is held to be right."""

    id: int
    title: str
    kind: str
    is_shown: bool
    made_at: datetime
    shown_at: datetime | None
    by: str | None
    config: dict[str, Any]
    classifier: Any | None
    summary: Summary
    taxa: list[TaxonOfRun]
    n_left: int
    n_since: int  # labelled since it was made

    @property
    def edits(self) -> list[str]:
        """What was done to it in mass since, as a taxon replaced; a program's own config may say anything."""
        said = self.config.get("edits")
        return said if isinstance(said, list) else []


def tell_run(db: Db, project: Project, viewer: Viewer, run_id: int) -> RunTold | None:
    """A complete run of this project; how right its classifier is only where the viewer may read what taught it."""
    row = db.execute(
        """
        select run.id, run.title, run.kind, run.completed_at, run.published_at, run.config, run.summary,
               run.n_predictions, account.name as by, classifier.id as classifier_id, classifier.title as classifier,
               classifier.version, (classifier.report ->> 'accuracy')::float8 as accuracy,
               coalesce(jsonb_typeof(classifier.report -> 'limited') = 'object', false) as is_limited
        from run
        left join account on account.id = run.account_id
        left join classifier on classifier.id = run.classifier_id
        where run.id = %s
          and run.project_id = %s
          and run.completed_at is not null
          and run.removed_at is null
        """,
        [run_id, project.id],
    ).fetchone()
    if row is None:
        return None
    summary = read(row.summary)
    if is_closed(db, viewer, row.classifier_id):
        row, summary = row._replace(accuracy=None), veiled(summary)
    is_shown = row.id == project.current_run_id
    counts = project_counts(db, project.id)
    left = {taxon: n for (taxon, status), n in counts.items() if status == "P" and is_shown}
    n_labelled = sum(n for (_, status), n in counts.items() if status in "VD")
    return RunTold(
        row.id, row.title, row.kind, is_shown, row.completed_at, row.published_at, row.by,
        row.config, row if row.classifier_id else None, summary, _taxa(db, summary, left), sum(left.values()),
        max(0, n_labelled - summary.n_labelled) if row.kind == "classifier" else 0,
    )  # fmt: skip


def n_carried_left(db: Db, project_id: int, told: RunTold) -> int:
    """How many objects that nobody has labelled a run tells of as the one before it said."""
    if not told.summary.n_carried:
        return 0
    row: Any = db.execute(
        """
        select count(*) as n
        from prediction
        where project_id = %(project)s
          and run_id = %(run)s
          and said_by is not null
          and not exists (select
                          from label
                          where label.project_id = %(project)s
                            and label.object_id = prediction.object_id
                            and label.status in ('D', 'V'))
        """,
        {"project": project_id, "run": told.id},
    ).fetchone()
    return int(row.n)


def is_new(told: RunTold) -> bool:
    """Whether a run is seen since so lately that people are to be told."""
    return datetime.now(UTC) - (told.shown_at or told.made_at) < NEW_FOR


def worth_learning(look: Outlook, told: RunTold | None) -> Outlook | None:
    """What could be learned, where that would tell more than the shown run: there is none, or much came since."""
    if not look.is_enough or look.n_learned < ENOUGH or not look.n_to_predict:
        return None
    if told is None or told.classifier is None:
        return look
    return look if told.n_since >= max(ENOUGH, look.n_learned * WORTH_SHARE) else None


def _taxa(db: Db, summary: Summary, left: dict[int, int]) -> list[TaxonOfRun]:
    """Those of which most are left first. A run that has no summary, as an import, is told by what is left of it."""
    told = {one.taxon_id: one for one in summary.taxa}
    called = names(db, sorted(told.keys() | left.keys()))
    lines = []
    for taxon_id in told.keys() | left.keys():
        one, n_left = told.get(taxon_id), left.get(taxon_id, 0)
        said = (one.n, one.n_confident, one.mean_score, one.n_novel) if one else (n_left, 0, None, 0)
        lines.append(TaxonOfRun(taxon_id, called.get(taxon_id, Name(GONE, False, 0)), n_left, *said))
    return sorted(lines, key=lambda line: (-line.n_left, -line.n, line.called.name))
