"""Three steps to a learning set: whose labels teach, what each taxon is to appear as, and what that would be."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.answers import wants_part
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.learning import job, offered, previews
from app.learning.choices import Choices, check
from app.learning.drafts import draft_of, drop_draft, keep_draft, read_draft
from app.projects.access import MANAGER, Project
from app.search import embedders

LEARNS = MANAGER | {"does": "make learning sets in"}
LIST = "/projects/{project_id:int}/learning-sets"
MOST_TYPED = 2_000_000
RANKS = ("genus", "family", "order", "class", "phylum", "kingdom")
NUMBERS = {"per_taxon": "At most so many objects of each taxon", "seed": "The seed"}


@dataclass
class SourcesForm:
    source: list[str] | str = field(default_factory=list)  # one alone comes as it is

    @property
    def chosen(self) -> tuple[int, ...]:
        texts = [self.source] if isinstance(self.source, str) else self.source
        return tuple(number(text, "A project") for text in dict.fromkeys(texts))


@dataclass
class TaxaForm:
    """`taxa`: a JSON object of what own taxa appear as, where not as themselves; 0: nothing. Empty: as before."""

    taxa: str = ""
    per_taxon: str = ""
    pick: str = "varied"
    seed: str = "1"
    with_unseen: str = ""
    filters: str = ""
    go: str = "preview"


@dataclass
class MakeForm:
    title: str = ""
    embed_missing: str = ""


def number(text: str, what: str) -> int:
    text = text.strip().replace(" ", "").replace("\u202f", "").replace(",", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Refused(f"{what} is a whole number, not “{text[:20]}”.", status=422)
    return int(text)


@get(f"{LIST}/new", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def show_sources(
    request: Request[Any, Any, Any],
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    title: FromQuery[str] = "",
    instrument: FromQuery[str] = "",
    fewest: FromQuery[str] = "",
) -> Template:
    """Step 1. While one filters, the part with the list is asked for with what is ticked on it."""
    account = actor(viewer)
    ticked = request.query_params.getall("source", [])
    is_part = wants_part(request)
    chosen = SourcesForm(ticked).chosen if is_part else read_draft(db, project, account.id).sources
    return sources_page(db, project, account.id, chosen, title, instrument, fewest, is_part=is_part)


def sources_page(
    db: Db,
    project: Project,
    account_id: int,
    chosen: tuple[int, ...],
    title: str = "",
    instrument: str = "",
    fewest: str = "",
    *,
    is_part: bool = False,
    error: str = "",
) -> Template:
    least = number(fewest, "The number of validated objects") if fewest.strip() else 1
    found = offered.find_teachers(db, project, account_id, chosen, title=title, instrument=instrument, fewest=least)
    context = {
        "project": project,
        "found": found,
        "title": title,
        "instrument": instrument,
        "fewest": fewest,
        "error": error,
        "draft": draft_of(db, project.id, account_id),
    }
    name = "learning/_sources.html" if is_part else "learning/sources.html"
    return Template(name, context=context, status_code=422 if error else 200)


@post(f"{LIST}/new", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def save_sources(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[SourcesForm],
) -> Response[Any]:
    account = actor(viewer)
    if not data.chosen:
        return sources_page(db, project, account.id, (), error="Choose at least one project that is to teach.")
    keep_draft(db, project.id, account.id, replace(read_draft(db, project, account.id), sources=data.chosen))
    return Redirect(f"/projects/{project.id}/learning-sets/new/taxa", status_code=303)


@post(f"{LIST}/new/afresh", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def begin_afresh(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Redirect:
    """What one had begun is let go."""
    drop_draft(db, project.id, actor(viewer).id)
    return Redirect(f"/projects/{project.id}/learning-sets/new", status_code=303)


@get(f"{LIST}/new/taxa", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def show_taxa(db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]) -> Template:
    """Step 2."""
    account = actor(viewer)
    return taxa_page(db, project, account.id, read_draft(db, project, account.id))


def taxa_page(db: Db, project: Project, account_id: int, choices: Choices, error: str = "") -> Template:
    readable = offered.readable_ids(db, project.id, account_id, choices.sources)
    taught = offered.find_taught(db, readable)
    shown = {taxon.id for taxon in taught}
    meant = {own: taxon for own, taxon in choices.taxa.items() if own in shown}
    above = [taxon_id for taxon in taught for taxon_id in taxon.above]
    names = offered.names_of_taxa(db, [*above, *(taxon for taxon in meant.values() if taxon)])
    ranks = offered.ranks_of_taxa(db, names)
    lines = {
        "above": {taxon.id: taxon.above for taxon in taught if taxon.above},
        "names": names,
        "ranks": ranks,
        "used": offered.used_here(db, project.id),
    }
    context = {
        "project": project,
        "choices": choices,
        "taught": taught,
        "meant": meant,
        "names": names,
        "ranks": [rank for rank in RANKS if rank in ranks.values()],
        "n": sum(taxon.n for taxon in taught),
        "n_sources": len(readable),
        "lines": json.dumps(lines).replace("<", "\\u003c"),
        "error": error,
    }
    return Template("learning/taxa.html", context=context, status_code=422 if error else 200)


@post(f"{LIST}/new/taxa", opt=LEARNS, include_in_schema=False, sync_to_thread=True, request_max_body_size=MOST_TYPED)
def save_taxa(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[TaxaForm],
) -> Response[Any]:
    account = actor(viewer)
    draft = read_draft(db, project, account.id)
    try:
        choices = read_taxa_form(draft, data)
        check(choices)
    except Refused as refused:
        return taxa_page(db, project, account.id, draft, refused.sentence)
    keep_draft(db, project.id, account.id, choices)
    step = "/preview" if data.go == "preview" else ""
    return Redirect(f"/projects/{project.id}/learning-sets/new{step}", status_code=303)


def read_taxa_form(draft: Choices, form: TaxaForm) -> Choices:
    """The draft with what the second step says."""
    return replace(
        draft,
        taxa=draft.taxa if not form.taxa else read_taxa(form.taxa),
        per_taxon=number(form.per_taxon, NUMBERS["per_taxon"]) if form.per_taxon.strip() else None,
        pick="random" if form.pick == "random" else "varied",
        seed=number(form.seed, NUMBERS["seed"]),
        with_unseen=bool(form.with_unseen),
        filters=form.filters.strip().lstrip("?")[:2000],
        only_listed=False,
    )


def read_taxa(text: str) -> dict[int, int | None]:
    try:
        return {int(own): int(taxon) or None for own, taxon in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        raise Refused("What the taxa appear as did not arrive whole. Load the page again.", status=422) from None


@get(f"{LIST}/new/preview", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def show_preview(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """Step 3."""
    account = actor(viewer)
    return preview_page(db, project, account.id, "")


def preview_page(db: Db, project: Project, account_id: int, title: str, error: str = "") -> Template:
    choices = read_draft(db, project, account_id)
    readable = offered.readable_ids(db, project.id, account_id, choices.sources)
    told, is_too_large = None, previews.is_too_large(db, readable)
    try:
        told = None if is_too_large else previews.preview(db, project, account_id, choices)
    except Refused as refused:
        error = error or refused.sentence
    own = embedders.of_project(db, project.id)
    draft = draft_of(db, project.id, account_id)
    context = {
        "project": project,
        "choices": choices,
        "told": told,
        "is_too_large": is_too_large,
        "titles": {project.id: project.title} | ({one.id: one.title for one in told.sources} if told else {}),
        "embedder": own,
        "can_embed": own is not None and own.embeds_images,
        "title": title or (draft.title if draft else "") or "Learning set",
        "rare": previews.RARE,
        "error": error,
    }
    return Template("learning/preview.html", context=context, status_code=422 if error else 200)


@get(f"{LIST}/new/comparison", opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def show_comparison(
    db: NamedDependency[Db], project: NamedDependency[Project], viewer: NamedDependency[Viewer]
) -> Template:
    """What the projects say of each other: a part of the preview that takes some seconds."""
    account = actor(viewer)
    told = previews.comparison(db, project, account.id, read_draft(db, project, account.id))
    context = {"told": told, "most": previews.MOST_COMPARED}
    return Template("learning/_comparison.html", context=context, headers={"Cache-Control": "no-store"})


@post(LIST, opt=LEARNS, include_in_schema=False, sync_to_thread=True)
def make_set(
    db: NamedDependency[Db],
    project: NamedDependency[Project],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[MakeForm],
) -> Response[Any]:
    account = actor(viewer)
    choices = replace(read_draft(db, project, account.id), embed_missing=bool(data.embed_missing))
    keep_draft(db, project.id, account.id, choices)
    try:
        set_id, _ = job.ask(db, project, account.id, data.title, choices)
    except Refused as refused:
        return preview_page(db, project, account.id, data.title, refused.sentence)
    drop_draft(db, project.id, account.id)
    return Redirect(f"/projects/{project.id}/learning-sets/{set_id}", status_code=303)


routes = [show_sources, save_sources, begin_afresh, show_taxa, save_taxa, show_preview, show_comparison, make_set]
