"""Which kinds of jobs there are, and the function that does each kind's work."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from app.errors import Refused
from app.jobs.context import JobContext

Body = Callable[[JobContext], None]


@dataclass(frozen=True)
class Kind:
    """The name that people see, and the module whose import registers the body."""

    label: str
    module: str


KINDS = {
    "import": Kind("Import", "app.exchange.job"),
    "undo_update": Kind("Undo", "app.exchange.update_undo"),
    "embed": Kind("Embed", "app.search.embed"),
    "strips": Kind("Strips", "app.search.strips_job"),
    "reference": Kind("Reference", "app.search.reference_job"),
    "index": Kind("Index", "app.search.generations"),
    "clusters": Kind("Cards", "app.clusters.job"),
    "searches": Kind("Searches", "app.searches.look"),
    "undo": Kind("Undo", "app.labels.undo_all"),
    "edit": Kind("Mass edit", "app.edits.work"),
    "taxa": Kind("Taxa", "app.taxonomy.bringing"),
    "accept": Kind("Accept", "app.batches.audit_job"),
    "learning": Kind("Learning set", "app.learning.job"),
    "train": Kind("Train", "app.classifiers.training"),
    "predict": Kind("Predict", "app.prediction.predicting"),
    "clear": Kind("Remove", "app.prediction.clearing"),
    "space": Kind("Space", "app.spaces.job"),
    "export": Kind("Export", "app.exporting.job"),
    "tune": Kind("Train embedder", "app.tuning.job"),
    "ecotaxa": Kind("EcoTaxa", "app.ecotaxa.job"),
    "freeze": Kind("Versions", "app.frozen.doing"),
    "reshape": Kind("Reshape", "app.reshaping.job"),
    "disk": Kind("Disk use", "app.keeping.disk_job"),
}

_bodies: dict[str, Body] = {}


def job_body(kind: str) -> Callable[[Body], Body]:
    """Register the decorated function as what a job of this kind does. It must be restartable at any point."""

    def register(body: Body) -> Body:
        _bodies[kind] = body
        return body

    return register


def find_body(kind: str) -> Body:
    """The function for a kind; its module is imported now, since most processes never need it."""
    if kind not in _bodies and kind in KINDS:
        import_module(KINDS[kind].module)
    if kind not in _bodies:
        raise Refused(f"This Shoal knows no jobs of the kind {kind!r}: update it on the machine that runs the worker.")
    return _bodies[kind]
