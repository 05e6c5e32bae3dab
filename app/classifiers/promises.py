"""What a classifier's report may promise where its embedder was trained on labels: of the images that taught it, all
are named rightly, and nothing of that is true of new ones."""

from typing import Any

import numpy as np

from app.database import Db
from app.search import embedders
from app.tuning import teachers
from indexer.embedders import tuned

FEWEST = 100  # images that are new to a trained embedder, before it is said what to expect


def taught(db: Db, set_id: int, embedder_id: int, numbers: np.ndarray) -> np.ndarray | None:
    """Which items of a learning set, bool [n] by their numbers, taught the embedder; None where nothing here did."""
    spec = str(embedders.find(db, embedder_id).config.get("spec", ""))
    if not spec.startswith(tuned.KIND) or not teachers.are_known(db, spec):
        return None
    return teachers.among(db, set_id, spec, numbers)


def careful(db: Db, embedder_id: int, report: dict[str, Any]) -> dict[str, Any]:
    """A report without the figures that too few images bear out, and with why: `no_promise` is "few".

    `knows_teachers`: false where the embedder was trained, and it is not known on what.
    """
    spec = str(embedders.find(db, embedder_id).config.get("spec", ""))
    if not spec.startswith(tuned.KIND):
        return report
    report = report | {"knows_teachers": teachers.are_known(db, spec)}
    if not report["n_taught"] or report["n_held_out"] >= FEWEST:
        return report
    n_right = sum(n for truth, said, n in report["confusion"] if truth == said)
    return report | {"accuracy": None, "ece": None, "no_promise": "few", "n_right": n_right}


def why_none(report: dict[str, Any], embedder: str | None) -> str:
    """Why a report promises nothing, and what to do; empty where it promises, or has nothing to promise from."""
    if report.get("no_promise") == "before":
        return (
            f"The embedder {embedder} was trained on labels, and this classifier was asked of images that had taught"
            " it: what it named of these says nothing of new ones. Train it again to learn what to expect."
        )
    if report.get("no_promise") == "few":
        n, n_right = report["n_held_out"], report["n_right"]
        asked = f"{n_right:,} of these {n:,} got the right name, which is too few to go by" if n else "nobody knows"
        return (
            f"What to expect of new images cannot be said: {report['n_taught']:,} of the {report['n']:,} images have"
            f" taught the embedder {embedder} already, and only {n:,} that are new to it could be asked: {asked}."
            f" Validate at least {FEWEST - n:,} more, and train again. Until then take its scores as an order, not as"
            " chances."
        )
    return ""
