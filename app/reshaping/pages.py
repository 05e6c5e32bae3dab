"""The pages Subset, Merge and Bin of a project, and the list of deleted projects."""

from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.objects.conditions import STATUS_WORDS
from app.projects.access import Project, find_project
from app.reshaping import apart, asked, collisions, emptying, hiding, merging, removing, subset
from app.reshaping.api import BASE, DELETES, MERGES, SUBSETS
from app.reshaping.bodies import DeleteForm, MergeForm, SubsetForm, TypedForm
from app.reshaping.choosing import Chosen, choose

PER_WORDS = {
    "project": "all together",
    "taxon": "each taxon",
    "sample": "each sample",
    "acquisition": "each acquisition",
}
KINDS = {"subset": ["subset"], "merge": ["merge"], "bin": ["objects"]}
TOLD = {400, 409, 422}  # refusals that the page itself tells, with what was typed


@get(f"{BASE}/subset", opt=SUBSETS, include_in_schema=False, sync_to_thread=True)
def show_subset(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    look: FromQuery[bool] = False,
    filters: FromQuery[str] = "",
    share: FromQuery[str] = "",
    number: FromQuery[str] = "",
    per: FromQuery[str] = "project",
    seed: FromQuery[str] = "1",
    title: FromQuery[str] = "",
    labels: FromQuery[str] = "",
    history: FromQuery[str] = "",
    predictions: FromQuery[str] = "",
    comments: FromQuery[str] = "",
) -> Template:
    """`look`: with what would be taken."""
    form = SubsetForm(filters, share, number, per, seed, title, labels, history, predictions, comments)
    if not look:
        form = SubsetForm(filters, share, number, per, seed, title, "yes", "yes", "yes", "yes")
        return _subset_page(db, project, form)
    try:
        return _subset_page(db, project, form, choose(db, project.id, actor(viewer).id, form.wish()))
    except Refused as refused:
        return _subset_page(db, project, form, error=_told(refused))


def _told(refused: Refused) -> Refused:
    """Raised on where no page can tell it."""
    if refused.status not in TOLD:
        raise refused
    return refused


def _subset_page(
    db: Db, project: Project, form: SubsetForm, chosen: Chosen | None = None, error: Refused | None = None
) -> Template:
    context = {"project": project, "form": form, "chosen": chosen, "per_words": PER_WORDS, **_common(error)}
    return Template(
        "reshaping/subset.html",
        context=context | {"made": asked.list_of(db, project.id, KINDS["subset"])},
        status_code=error.status if error else 200,
    )


def _common(error: Refused | None) -> dict[str, Any]:
    return {
        "error": error.sentence if error else "",
        "kept_days": asked.KEPT_DAYS,
        "status_words": STATUS_WORDS,
    }


@post(f"{BASE}/subset", opt=SUBSETS, include_in_schema=False, sync_to_thread=True)
def make_subset(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[SubsetForm],
) -> Response[Any]:
    try:
        subset.ask(db, project, actor(viewer).id, data.title, data.wish(), data.what())
    except Refused as refused:
        return _subset_page(db, project, data, error=_told(refused))
    return Redirect(f"/projects/{project.id}/subset", status_code=303)


@get(f"{BASE}/reshapings", opt=SUBSETS, include_in_schema=False, sync_to_thread=True)
def show_list(db: NamedDependency[Db], project: NamedDependency[Project], kind: FromQuery[str] = "subset") -> Template:
    """What was made and how far it is: asks again by itself while any job goes on."""
    kind = kind if kind in KINDS else "subset"
    found = emptying.list_bin(db, project.id) if kind == "bin" else asked.list_of(db, project.id, KINDS[kind])
    context = {"project": project, "made": found, "kind": kind, "jobs": _progress(db, found)}
    return Template("reshaping/_list.html", context=context, headers={"Cache-Control": "no-store"})


def _progress(db: Db, found: list[asked.Reshaping]) -> dict[int, Any]:
    rows = db.execute(
        "select id, done, total, unit from job where id = any(%s) and status = 'running'",
        [[one.job_id for one in found if one.is_active]],
    )
    return {row.id: row for row in rows}


@get(f"{BASE}/merge", opt=MERGES, include_in_schema=False, sync_to_thread=True)
def show_merge(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    source: FromQuery[str] = "",
    samples: FromQuery[str] = "refuse",
    columns: FromQuery[str] = "refuse",
    objects: FromQuery[str] = "refuse",
) -> Template:
    """`source`: with what would collide."""
    return _merge_page(db, project, viewer, MergeForm(source, samples, columns, objects))


def _merge_page(db: Db, project: Project, viewer: Viewer, form: MergeForm, error: Refused | None = None) -> Template:
    found = chosen = None
    try:
        if form.source.strip():
            chosen = find_project(db, viewer, form.source_id())
            chosen.needs("manager", "merge away")
            found = collisions.find(db, chosen.id, project.id)
    except Refused as refused:
        error, chosen = error or refused, None
    context = {
        "project": project, "form": form, "source": chosen, "found": found, "managed": _managed(db, viewer, project.id),
        "made": asked.list_of(db, project.id, KINDS["merge"]), **_common(error),
    }  # fmt: skip
    return Template("reshaping/merge.html", context=context, status_code=error.status if error else 200)


def _managed(db: Db, viewer: Viewer, but_id: int) -> list[Any]:
    """The projects that may be merged in, by title."""
    return db.execute(
        """
        select project.id, title
          from project
          left join member on member.project_id = project.id
                          and member.account_id = %(account)s
         where hidden is null
           and project.id <> %(but)s
           and (%(all)s or member.role = 'manager')
         order by lower(title), project.id
         limit 1000
        """,
        {"account": viewer.account_id, "but": but_id, "all": viewer.is_application_manager},
    ).fetchall()


@post(f"{BASE}/merge", opt=MERGES, include_in_schema=False, sync_to_thread=True)
def make_merge(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[MergeForm],
) -> Response[Any]:
    try:
        source = find_project(db, viewer, data.source_id())
        merging.ask(db, project, source, actor(viewer).id, data.answers())
    except Refused as refused:
        return _merge_page(db, project, viewer, data, _told(refused))
    return Redirect(f"/projects/{project.id}/merge", status_code=303)


@get(f"{BASE}/merge/{{reshaping_id:int}}/apart", opt=MERGES, include_in_schema=False, sync_to_thread=True)
def look_apart(db: NamedDependency[Db], project: NamedDependency[Project], reshaping_id: FromPath[int]) -> Template:
    """What would go, and what goes along."""
    since = apart.look(db, project, reshaping_id)
    context = {"project": project, "merge": asked.find(db, reshaping_id), "since": since}
    return Template("reshaping/apart.html", context=context)


@post(f"{BASE}/merge/{{reshaping_id:int}}/apart", opt=MERGES, include_in_schema=False, sync_to_thread=True)
def take_apart(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reshaping_id: FromPath[int],
) -> Redirect:
    made = apart.take_apart(db, project, actor(viewer).id, reshaping_id)
    return _after_apart(made)


def _after_apart(made: asked.Reshaping) -> Redirect:
    """To the project that is back, or to where one sees how far it is."""
    home = f"/projects/{made.to_id}/merge" if made.kind == "merge" and made.state != "back" else ""
    return Redirect(home or f"/projects/{made.project_id}", status_code=303)


@get(f"{BASE}/bin", opt=DELETES, include_in_schema=False, sync_to_thread=True)
def show_bin(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    look: FromQuery[bool] = False,
    filters: FromQuery[str] = "",
    ids: FromQuery[str] = "",
) -> Template:
    """`look`: with what would be deleted."""
    form = DeleteForm(filters=filters, ids=ids)
    try:
        chosen = choose(db, project.id, actor(viewer).id, form.wish()) if look else None
    except Refused as refused:
        return _bin_page(db, project, form, error=_told(refused))
    return _bin_page(db, project, form, chosen)


def _bin_page(
    db: Db, project: Project, form: DeleteForm, chosen: Chosen | None = None, error: Refused | None = None
) -> Template:
    deleted = emptying.list_bin(db, project.id)
    context = {"project": project, "form": form, "chosen": chosen, "made": deleted, **_common(error)}
    return Template("reshaping/bin.html", context=context, status_code=error.status if error else 200)


@post(f"{BASE}/bin", opt=DELETES, include_in_schema=False, sync_to_thread=True)
def delete_objects(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[DeleteForm],
) -> Response[Any]:
    """Only what was looked at before, so many as were told."""
    try:
        n = data.number_told()
        if n is None:
            raise Refused("Look at what would be deleted first: its number is asked for.", status=422)
        removing.ask(db, project, actor(viewer).id, data.wish(), n)
    except Refused as refused:
        return _bin_page(db, project, data, error=_told(refused))
    return Redirect(f"/projects/{project.id}/bin", status_code=303)


@post(f"{BASE}/bin/{{reshaping_id:int}}/back", opt=DELETES, include_in_schema=False, sync_to_thread=True)
def bring_back(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    reshaping_id: FromPath[int],
) -> Redirect:
    removing.bring_back(db, project, actor(viewer).id, reshaping_id)
    return Redirect(f"/projects/{project.id}/bin", status_code=303)


@post(f"{BASE}/bin/empty", opt=DELETES, include_in_schema=False, sync_to_thread=True)
def empty_bin(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[TypedForm],
) -> Response[Any]:
    try:
        emptying.empty(db, project, actor(viewer).id, data.title)
    except Refused as refused:
        return _bin_page(db, project, DeleteForm(), error=_told(refused))
    return Redirect(f"/projects/{project.id}/bin", status_code=303)


@post(f"{BASE}/delete", opt=DELETES, include_in_schema=False, sync_to_thread=True)
def delete_project(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[TypedForm],
) -> Response[Any]:
    try:
        hiding.remove(db, project, actor(viewer).id, data.title)
    except Refused as refused:
        return _bin_page(db, project, DeleteForm(), error=_told(refused))
    return Redirect("/deleted", status_code=303)


@get("/deleted", include_in_schema=False, sync_to_thread=True)
def show_deleted(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Template:
    return _deleted_page(db, viewer)


def _deleted_page(db: Db, viewer: Viewer, error: Refused | None = None) -> Template:
    made = hiding.list_hidden(db, viewer)
    context = {"made": made, "merges": {one.id: apart.of_deleted(db, one) for one in made}, **_common(error)}
    return Template("reshaping/deleted.html", context=context, status_code=error.status if error else 200)


@post("/deleted/{reshaping_id:int}/back", include_in_schema=False, sync_to_thread=True)
def bring_project_back(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], reshaping_id: FromPath[int]
) -> Response[Any]:
    try:
        return _after_apart(apart.bring_project_back(db, viewer, reshaping_id))
    except Refused as refused:
        return _deleted_page(db, viewer, _told(refused))


@post("/deleted/{reshaping_id:int}/erase", include_in_schema=False, sync_to_thread=True)
def erase_project(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    reshaping_id: FromPath[int],
    data: URLEncodedBody[TypedForm],
) -> Response[Any]:
    try:
        hiding.erase(db, viewer, reshaping_id, data.title)
    except Refused as refused:
        return _deleted_page(db, viewer, _told(refused))
    return Redirect("/deleted", status_code=303)


routes: list[Any] = [
    show_subset, make_subset, show_list, show_merge, make_merge, look_apart, take_apart, show_bin, delete_objects,
    bring_back, empty_bin, delete_project, show_deleted, bring_project_back, erase_project,
]  # fmt: skip
