"""Classifiers written straight into the database, with a report and held-out objects, for tests of what shows them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from tests.small_projects import SmallProject

TRIALS = {"discriminant, shrinkage 0.2": 0.8, "discriminant, shrinkage 0.6": 0.7, "forest, 300 trees": 0.75}


@dataclass(frozen=True)
class Said:
    """A held-out object: what it is, what the classifier called it, and how surely."""

    object_id: int
    truth: str
    first: str
    score: float = 0.8
    project_id: int | None = None


def write_classifier(project: SmallProject, said: list[Said], title: str = "Bay", version: int = 1) -> int:
    """A trained classifier that said this of its held-out objects."""
    db, taxa = project.db, project.taxa
    report = report_of(project, said)
    classifier_id: int = db.execute(
        """
        insert into classifier (project_id, title, version, method, report, taxa, n_objects, trained_at)
        values (%s, %s, %s, 'discriminant', %s, %s, %s, now())
        returning id
        """,
        [project.id, title, version, Jsonb(report), sorted({taxa[one.truth] for one in said}), 3 * len(said)],
    ).fetchone()[0]
    db.execute(
        """
        insert into held_out (classifier_id, object_ids, project_ids, truths, firsts, scores, seconds, second_scores,
                              novelties)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            classifier_id, [one.object_id for one in said],
            [project.id if one.project_id is None else one.project_id for one in said],
            [taxa[one.truth] for one in said], [taxa[one.first] for one in said], [one.score for one in said],
            [0] * len(said), [0.1] * len(said), [0.2] * len(said),
        ],
    )  # fmt: skip
    return classifier_id


def report_of(project: SmallProject, said: list[Said]) -> dict[str, Any]:
    """What a training would report of this."""
    taxa = project.taxa
    cells = Counter((taxa[one.truth], taxa[one.first]) for one in said)
    right = sum(n for (truth, first), n in cells.items() if truth == first)
    lines = []
    for taxon_id in sorted({taxon_id for cell in cells for taxon_id in cell}):
        n, n_predicted = (sum(k for cell, k in cells.items() if cell[side] == taxon_id) for side in (0, 1))
        hits = cells[taxon_id, taxon_id]
        lines.append(
            {
                "taxon": taxon_id, "n": n, "n_predicted": n_predicted,
                "precision": hits / n_predicted if n_predicted else None, "recall": hits / n if n else None,
            }
        )  # fmt: skip
    mean = sum(one.score for one in said) / len(said)
    return {
        "n": 3 * len(said), "n_taxa": len(lines), "n_held_out": len(said), "by_group": True, "method": "discriminant",
        "chosen_because": {"candidates": {name: _trial(name, accuracy) for name, accuracy in TRIALS.items()}},
        "accuracy": right / len(said), "average_precision": 0.75, "average_recall": 0.7, "ece": 0.03, "seconds": 4.2,
        "per_taxon": lines, "confusion": [[*cell, n] for cell, n in cells.items()],
        "calibration": [{"from": 0.0, "to": 1.0, "n": len(said), "mean_score": mean, "share_right": right / len(said)}],
    }  # fmt: skip


def _trial(name: str, accuracy: float) -> dict[str, Any]:
    return {"name": name, "method": name.partition(",")[0], "accuracy": accuracy, "n_held_out": 4}
