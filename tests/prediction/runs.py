"""Runs of a classifier written straight into the database, with what was held out of its learning."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.labels.runs import publish
from tests.small_projects import SmallProject

NOVEL_FROM = 0.9


@dataclass(frozen=True)
class Said:
    """What a run says of one object, or a classifier of one that was held out and is `truth`."""

    taxon: str
    score: float
    second: float = 0.0
    novelty: float | None = 0.1  # null: not told
    truth: str = ""


def classify(project: SmallProject, held_out: Sequence[Said] = ()) -> int:
    """A trained classifier of the project, with these held-out objects."""
    db = project.db
    row = db.execute(
        """
        insert into classifier (project_id, title, version, method, report, trained_at)
        select %s, 'Bay', 1 + count(*), 'discriminant', '{"novelty": {"threshold": 0.9}}', now()
          from classifier
        returning id
        """,
        [project.id],
    ).fetchone()
    taxa = [project.taxa[one.taxon] for one in held_out]
    n = len(held_out)
    db.execute(
        "insert into held_out values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            row[0], [0] * n, [project.id] * n, [project.taxa[one.truth] for one in held_out], taxa,
            [one.score for one in held_out], taxa, [one.second for one in held_out], [one.novelty for one in held_out],
        ],
    )  # fmt: skip
    return int(row[0])


def show_run(project: SmallProject, said: Sequence[Said], classifier_id: int | None = None) -> int:
    """A run that says this of the project's first objects, and that the project shows."""
    db, second = project.db, project.taxa["fiber"]
    run_id = db.execute(
        """
        insert into run (project_id, kind, title, classifier_id, n_predictions)
        values (%s, 'classifier', 'A run', %s, %s)
        returning id
        """,
        [project.id, classifier_id, len(said)],
    ).fetchone()[0]
    with db.cursor() as cursor:
        cursor.executemany(
            """
            insert into prediction (run_id, project_id, object_id, taxon_id, score, taxon_2_id, score_2, novelty)
            values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (run_id, project.id, id, project.taxa[one.taxon], one.score, second, one.second, one.novelty)
                for id, one in zip(project.ids, said, strict=False)
            ],
        )
    publish(db, project, run_id)
    return int(run_id)


def falling(taxon: str, n: int, wrong: Sequence[int] = (), novelty: float = 0.1) -> list[Said]:
    """So many held-out objects called a taxon, their scores falling from 0.99 by a hundredth; some were fibers."""
    return [
        Said(taxon, round(0.99 - k / 100, 2), 0.0, novelty, "fiber" if k in wrong else taxon) for k in range(n)
    ]  # fmt: skip
