"""A project's page of summaries: what to sum up and by which formulas, and what came of it as a plot and as tables."""

from dataclasses import asdict, dataclass, field
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.exporting import files
from app.exporting.api import EXPORTS
from app.exporting.choices import Wish
from app.exporting.files import Export
from app.labels.pages import actor
from app.projects.access import Project
from app.summaries.api import totals_of
from app.summaries.formulas import (
    LABELS,
    QUANTITIES,
    VOLUME_UNITS,
    WATER_UNITS,
    Formulas,
    formulas_of,
    read_formulas,
    save_formulas,
    try_formulas,
)
from app.summaries.plot import number, plot
from app.summaries.readme import WORDS
from app.summaries.regroup import read_lines

LIST = "/projects/{project_id:int}/summaries"
KIND = "summary"
EXAMPLES = {
    "subsample_coef": "1 / acq.sub_part",
    "total_water_volume": "sam.tot_vol",
    "individual_volume": "4/3 * pi * (obj.area/pi) ** 1.5 * process.pixel ** 3",
}


@dataclass
class SummaryForm:
    """As the page sends it: ticks are there or not, one alone comes as it is."""

    by: str = "sample"
    with_status: str = ""
    zero_rows: str = ""
    quantities: list[str] | str = field(default_factory=list)
    statuses: list[str] | str = field(default_factory=list)
    filters: str = ""
    regroup: str = ""
    subsample_coef: str = ""
    total_water_volume: str = ""
    individual_volume: str = ""
    water_unit: str = "m3"
    volume_unit: str = "mm3"
    remember: str = ""

    def formulas(self) -> Formulas:
        return read_formulas({name: getattr(self, name) for name in Formulas.__dataclass_fields__})

    def wish(self) -> Wish:
        return Wish(
            KIND,
            {
                "by": self.by,
                "with_status": bool(self.with_status),
                "zero_rows": bool(self.zero_rows),
                "quantities": _several(self.quantities),
                "statuses": _several(self.statuses),
                "filters": self.filters.strip(),
                "regroup": read_lines(self.regroup),
                "formulas": asdict(self.formulas()),
            },
        )


def _several(value: list[str] | str) -> list[str]:
    return [value] if isinstance(value, str) and value else list(value)


@get(LIST, opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_summaries(
    request: Request, db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """`filters`: of the board that one comes from, by way of the exports."""
    usual = {"with_status": "yes", "zero_rows": "yes", "quantities": ["abundance"]}
    filters = request.query_params.get("filters", "")
    return _page(db, project, viewer, SummaryForm(**usual, **asdict(formulas_of(project)), filters=filters))


def _page(db: Db, project: Project, viewer: Viewer, form: SummaryForm, error: str = "", status: int = 200) -> Template:
    made = [one for one in files.list_exports(db, project, actor(viewer).id) if one.kind == KIND]
    context = {
        "project": project, "form": form, "error": error, "summaries": made, "quantities": QUANTITIES,
        "statuses": dict(reversed(WORDS.items())), "labels": LABELS, "examples": EXAMPLES, "water_units": WATER_UNITS,
        "volume_units": VOLUME_UNITS, "kept_days": files.KEPT_DAYS,
    }  # fmt: skip
    return Template("summaries/page.html", context=context, status_code=status)


@post(LIST, opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def ask_page(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[SummaryForm],
) -> Response[Any]:
    """Make a summary; with `remember` a manager also keeps its formulas for the project."""
    try:
        if data.remember and project.may("manager"):
            save_formulas(db, project, data.formulas())
        made = files.ask(db, project, actor(viewer).id, data.wish())
    except Refused as refused:
        if refused.status != 422:
            raise
        db.rollback()
        return _page(db, project, viewer, data, refused.sentence, refused.status)
    return Redirect(f"/projects/{project.id}/summaries/{made.id}", status_code=303)


@get(f"{LIST}/trial", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_trial(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    subsample_coef: FromQuery[str] = "",
    total_water_volume: FromQuery[str] = "",
    individual_volume: FromQuery[str] = "",
) -> Template:
    """What the formulas that are being written give for the project's first objects."""
    trials = try_formulas(db, project.id, Formulas(subsample_coef, total_water_volume, individual_volume))
    context = {"trials": trials, "number": number}
    return Template("summaries/_trial.html", context=context, headers={"Cache-Control": "no-store"})


@get(f"{LIST}/{{export_id:int}}", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_summary(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
    quantity: FromQuery[str] = "",
) -> Template:
    one = files.find_own(db, project, actor(viewer).id, export_id)
    return Template("summaries/one.html", context=_shown(db, project, one, quantity))


@get(f"{LIST}/{{export_id:int}}/result", opt=EXPORTS, include_in_schema=False, sync_to_thread=True)
def show_result(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    export_id: FromPath[int],
    quantity: FromQuery[str] = "",
) -> Template:
    """How far it is, asked again by itself, and then the plot."""
    one = files.find_own(db, project, actor(viewer).id, export_id)
    context = _shown(db, project, one, quantity)
    return Template("summaries/_result.html", context=context, headers={"Cache-Control": "no-store"})


def _shown(db: Db, project: Project, one: Export, quantity: str) -> dict[str, Any]:
    told = totals_of(db, one)
    return {
        "project": project,
        "export": one,
        "told": told,
        "plot": plot(told, quantity) if told else None,
        "number": number,
        "statuses": WORDS,
        "job": _progress(db, one) if told is None else None,
    }


def _progress(db: Db, one: Export) -> Any:
    return db.execute("select done, total, unit, message from job where id = %s", [one.job_id]).fetchone()


routes = [show_summaries, ask_page, show_trial, show_summary, show_result]
