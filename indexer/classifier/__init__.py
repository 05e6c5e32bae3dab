"""Classifiers on vectors: fitted on a learning set with a report of what to expect, kept as plain arrays, no pickle."""

from indexer.classifier.base import HeldOut, NotTrainable, Predicted, Settings, components
from indexer.classifier.fitting import Fitted, fit
from indexer.classifier.model import BadModel, Model

__all__ = ["BadModel", "Fitted", "HeldOut", "Model", "NotTrainable", "Predicted", "Settings", "components", "fit"]
