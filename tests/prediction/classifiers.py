"""Classifiers as training leaves them, for tests of what is done with them."""

import numpy as np

from app.classifiers import versions
from app.database import Db
from app.settings import Settings
from indexer.classifier import Fitted, fit
from indexer.classifier import Settings as Method


def learnt(vectors: np.ndarray, taxa: list[int], columns: dict[str, np.ndarray] | None = None) -> Fitted:
    """A quick one."""
    method = Method(method="discriminant", columns=tuple(columns or ()))
    fields = np.stack(list(columns.values()), 1) if columns else None
    return fit(vectors, np.array(taxa), np.arange(len(taxa)) // 4, method, fields)


def keep_classifier(db: Db, settings: Settings, project_id: int, embedder_id: int, title: str, fitted: Fitted) -> int:
    return versions.keep(db, settings, project_id, embedder_id, title, fitted)
