"""The page that trains a classifier: from which learning set, how, and what is done with it afterwards."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Account, Viewer
from app.classifiers import offers, versions
from app.classifiers.shown import METHODS
from app.classifiers.versions import Training
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.learning import automatic, sets
from app.prediction import runs_made
from app.projects.access import PREDICTS, Project

OWN = "own"
MOST_MISSING = 0.25  # of a column; more, and it is left out
MOST_MISSING_WORDS = "25 %"
WAYS = ("auto", "discriminant", "logistic", "forest")
USUAL_PCA = "50"


@dataclass
class TrainingForm:
    """`learning_set`: its id, or "own": a new version of what is validated here. `then`: show, look or nothing."""

    learning_set: str = OWN
    title: str = ""
    method: str = "auto"
    pca: str = USUAL_PCA
    columns: list[str] | str = field(default_factory=list)  # one alone comes as it is
    then: str = "show"
    embedder: str = ""  # its id; empty: the project's

    @property
    def chosen(self) -> tuple[str, ...]:
        return (self.columns,) if isinstance(self.columns, str) else tuple(self.columns)


@get("/projects/{project_id:int}/classifiers/new", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def show_training(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    learning_set: FromQuery[str | None] = None,
) -> Template:
    """Choose how to train, at first as it was chosen last; `learning_set`: the one that is chosen already."""
    form = remembered(project)
    if learning_set is not None and learning_set != form.learning_set:
        form = replace(form, learning_set=learning_set, title="")
    elif learning_set is None and form.learning_set not in _choosable(db, project, viewer):
        form = replace(form, learning_set=OWN)
    return training_page(db, project, viewer, form)


def remembered(project: Project) -> TrainingForm:
    """The form as it was sent last in this project."""
    kept = (project.settings.get("prediction") or {}).get("training") or {}
    known = {key: value for key, value in kept.items() if key in TrainingForm.__dataclass_fields__}
    return TrainingForm(**known)


def _remember(db: Db, project: Project, form: TrainingForm) -> None:
    """Of the embedder only one that is not the project's, which may have another by then."""
    own = str(project.embedder_id)
    kept = asdict(replace(form, columns=list(form.chosen), embedder="" if form.embedder == own else form.embedder))
    runs_made.keep_settings(db, project.id, {"training": kept})


def _choosable(db: Db, project: Project, viewer: Viewer) -> set[str]:
    """Of which learning sets the form has a line."""
    every = [*sets.list_sets(db, viewer, project.id), *sets.list_sets(db, viewer, project.id, elsewhere=True)]
    return {OWN} | {str(one.id) for one in every if one.frozen_at}


def training_page(
    db: Db, project: Project, viewer: Viewer, form: TrainingForm, error: str = "", status_code: int = 200
) -> Template:
    own = [one for one in sets.list_sets(db, viewer, project.id) if one.frozen_at]
    context = {
        "project": project,
        "form": form,
        "own_sets": automatic.without_former(own, number_of(form.learning_set)),
        "others": sets.list_sets(db, viewer, project.id, elsewhere=True),
        "ways": {way: METHODS[way] for way in WAYS},
        "error": error,
        **offered_for(db, project, viewer, form.learning_set),
    }
    return Template("classifiers/new.html", context=context, status_code=status_code)


def offered_for(db: Db, project: Project, viewer: Viewer, chosen: str) -> dict[str, Any]:
    """What templates/classifiers/_offered.html tells: whose vectors may be learned from, and the numeric columns that
    all sources and this project share."""
    set_id = number_of(chosen)
    if set_id:
        sets.find_set(db, viewer, set_id)
    return {
        "set_id": set_id,
        "embedders": offers.embedders(db, project, viewer.account_id, set_id),
        "fields": offers.columns(db, project, viewer.account_id, set_id),
        "most_missing": MOST_MISSING,
        "most_missing_words": MOST_MISSING_WORDS,
    }


def number_of(text: str) -> int | None:
    """A set's id; None for what is validated here."""
    if text == OWN:
        return None
    return _id(text, "learning set")


def _id(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refused(f"{text[:40]!r} is no {what}: choose one from the list.")
    return int(text)


@get("/projects/{project_id:int}/classifiers/offered", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def show_offered(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    learning_set: FromQuery[str] = OWN,
) -> Template:
    """The embedders and columns that may be learned from, of the set that is being chosen."""
    context = {"project": project, "form": remembered(project), **offered_for(db, project, viewer, learning_set)}
    return Template("classifiers/_offered.html", context=context, headers={"Cache-Control": "no-store"})


@post("/projects/{project_id:int}/classifiers", opt=PREDICTS, include_in_schema=False, sync_to_thread=True)
def train(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[TrainingForm],
) -> Response[Any]:
    try:
        with db.transaction():
            there = _start(db, project, actor(viewer), data)
    except Refused as refused:
        return training_page(db, project, viewer, data, refused.sentence, refused.status)
    return Redirect(f"/projects/{project.id}/{there}", status_code=303)


def _start(db: Db, project: Project, account: Account, form: TrainingForm) -> str:
    """Returns the page, within the project, that tells how far it is."""
    set_id = number_of(form.learning_set)
    training = Training(
        set_id, form.title.strip() or sets.title_of(db, set_id), form.method,
        form.pca.strip().replace(",", ".") or USUAL_PCA, form.chosen,
        then_predict=form.then in ("show", "look"), publish=form.then == "show",
        embedder_id=_id(form.embedder, "embedder") if form.embedder else None,
    )  # fmt: skip
    classifier_id, _ = versions.start_training(db, project, account.id, training)
    _remember(db, project, form)
    return f"classifiers/{classifier_id}"


def learn_here(db: Db, project: Project, account: Account, **training: Any) -> None:
    """A new version of what is validated here and in the reference projects, and what is trained with it."""
    versions.start_training(db, project, account.id, Training(None, **training))


@post(
    "/projects/{project_id:int}/classifiers/{classifier_id:int}/remove", opt=PREDICTS, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def remove(db: NamedDependency[Db], project: NamedDependency[Project], classifier_id: FromPath[int]) -> Redirect:
    """Delete a version; the runs that it made stay."""
    versions.remove(db, project.id, classifier_id)
    return Redirect(f"/projects/{project.id}/classifiers", status_code=303)


routes = [show_training, show_offered, train, remove]
