"""The forms that keep the taxonomy in order, and the same for programs."""

from dataclasses import dataclass
from typing import Any, Literal

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, URLEncodedBody
from litestar.response import Redirect, Template

from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.labels.pages import actor
from app.openapi import refusals
from app.taxonomy import changing
from app.taxonomy.browse import Listed, OtherName, children_of, other_names_of, search
from app.taxonomy.created import n_waiting, refuse_taxon
from app.taxonomy.merging import Merged, MergeLook, look_at_merge, merge_taxa

ONE = "/taxonomy/{taxon_id:int}"
SAID = {
    "moved": "Moved.",
    "deprecated": "Deprecated: projects that use it are offered to replace it.",
    "restored": "In use again.",
    "kept": "Kept as it is.",
    "merged": "Merged: what was labelled with the other is labelled with this one, by acts of each project.",
    "merging": "Merged: larger projects follow by a job, which tells how far it is.",
    "numbers": "The numbers are kept.",
    "names": "The names are kept.",
}


@dataclass
class TargetForm:
    to: str = ""


@dataclass
class PlaceForm:
    to: str = ""
    at_root: str = ""


@dataclass
class NumbersForm:
    aphia_id: str = ""
    ecotaxa_id: str = ""


@dataclass
class NameForm:
    kind: Literal["synonym", "common"] = "synonym"
    name: str = ""
    language: str = ""


@dataclass(frozen=True)
class Place:
    """The id of the parent; null: at the root."""

    parent_id: int | None


@dataclass(frozen=True)
class Instead:
    """The id of the taxon to use instead; null: none is advised."""

    use_instead: int | None = None


@dataclass(frozen=True)
class Into:
    """The id of the taxon that takes the other's place everywhere."""

    into: int


@dataclass(frozen=True)
class Numbers:
    """Of WoRMS and of EcoTaxa; null: none."""

    aphia_id: int | None = None
    ecotaxa_id: int | None = None


@dataclass(frozen=True)
class NewOtherName:
    """`language`: of a common name, such as fr."""

    name: str
    kind: Literal["synonym", "common"] = "synonym"
    language: str = ""


@dataclass(frozen=True)
class FoundNames:
    """`spelt_alike`: no name begins so; these are nearly it."""

    taxa: list[Listed]
    spelt_alike: bool


def _back(taxon_id: int, said: str) -> Redirect:
    return Redirect(f"/taxonomy/{taxon_id}?said={said}", status_code=303)


@post(f"{ONE}/move", include_in_schema=False, sync_to_thread=True)
def move(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[PlaceForm],
) -> Redirect:
    if not data.to.strip() and not data.at_root:
        raise Refused("Say under which taxon it is to stand, or tick “at the root of the tree”.", status=422)
    parent_id = changing.named(db, data.to).id if data.to.strip() else None
    changing.move_taxon(db, viewer, taxon_id, parent_id)
    return _back(taxon_id, "moved")


@post(f"{ONE}/deprecate", include_in_schema=False, sync_to_thread=True)
def deprecate(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[TargetForm],
) -> Redirect:
    changing.deprecate_taxon(db, viewer, taxon_id, changing.named(db, data.to).id if data.to.strip() else None)
    return _back(taxon_id, "deprecated")


@post(f"{ONE}/restore", include_in_schema=False, sync_to_thread=True)
def restore(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> Redirect:
    changing.restore_taxon(db, viewer, taxon_id)
    return _back(taxon_id, "restored")


@post(f"{ONE}/keep", include_in_schema=False, sync_to_thread=True)
def keep(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> Redirect:
    changing.keep_taxon(db, viewer, taxon_id)
    return _back(taxon_id, "kept")


@post(f"{ONE}/refuse", include_in_schema=False, sync_to_thread=True)
def refuse(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[TargetForm],
) -> Redirect:
    gone = refuse_taxon(db, viewer, taxon_id, changing.named(db, data.to).id if data.to.strip() else None)
    return Redirect("/taxonomy#created", status_code=303) if gone else _back(taxon_id, "deprecated")


@get(f"{ONE}/merge", include_in_schema=False, sync_to_thread=True)
def show_merge(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], to: FromQuery[str] = ""
) -> Template:
    """What a merge would change, before it is done."""
    actor(viewer)
    if not to.strip():
        raise Refused("Say into which taxon it is to be merged.", status=422)
    look = look_at_merge(db, viewer, taxon_id, changing.named(db, to).id)
    return Template("taxonomy/merge.html", context={"look": look})


@post(f"{ONE}/merge", include_in_schema=False, sync_to_thread=True)
def merge(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[TargetForm],
) -> Redirect:
    merged = merge_taxa(db, viewer, taxon_id, changing.named(db, data.to).id)
    by_job = any(one.job_id for one in merged.replaced.values())
    return _back(merged.to_id, "merging" if by_job else "merged")


@post(f"{ONE}/numbers", include_in_schema=False, sync_to_thread=True)
def set_numbers(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[NumbersForm],
) -> Redirect:
    changing.set_numbers(db, viewer, taxon_id, _number(data.aphia_id), _number(data.ecotaxa_id))
    return _back(taxon_id, "numbers")


def _number(text: str) -> int | None:
    text = text.strip()
    if text and not (text.isascii() and text.isdecimal() and len(text) < 11):
        raise Refused(f"“{text[:40]}” is no number of WoRMS or EcoTaxa: these are whole numbers.", status=422)
    return int(text) if text else None


@post(f"{ONE}/names", include_in_schema=False, sync_to_thread=True)
def add_name(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: URLEncodedBody[NameForm],
) -> Redirect:
    changing.add_name(db, viewer, taxon_id, data.kind, data.name, data.language)
    return _back(taxon_id, "names")


@post(f"{ONE}/names/{{name_id:int}}/remove", include_in_schema=False, sync_to_thread=True)
def remove_name(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], name_id: FromPath[int]
) -> Redirect:
    changing.remove_name(db, viewer, taxon_id, min(name_id, changing.LARGEST_ID - 1))
    return _back(taxon_id, "names")


@get("/taxonomy/waiting", include_in_schema=False, sync_to_thread=True)
def show_waiting(db: NamedDependency[Db], viewer: NamedDependency[Viewer]) -> Template:
    """A line for managers: new classes wait to be looked at. Nothing where none do."""
    actor(viewer)
    return Template("taxonomy/_waiting.html", context={"n": n_waiting(db, viewer)})


API = "/taxa/{taxon_id:int}"


@get(
    "/taxa/search", sync_to_thread=True, tags=["taxa"], responses=refusals(401),
    summary="Look through the taxonomy, deprecated taxa and misspelt names included",
)  # fmt: skip
def search_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], q: FromQuery[str] = "") -> FoundNames:
    """Nothing asked: the roots of the tree."""
    actor(viewer)
    return FoundNames(*search(db, viewer, q))


@get(
    f"{API}/children", sync_to_thread=True, tags=["taxa"], summary="What stands directly below a taxon",
    responses=refusals(401, 404),
)  # fmt: skip
def children_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> list[Listed]:
    actor(viewer)
    return children_of(db, viewer, taxon_id)


@get(f"{API}/names", sync_to_thread=True, tags=["taxa"], summary="Synonyms and common names", responses=refusals(401))
def names_api(db: NamedDependency[Db], taxon_id: FromPath[int]) -> list[OtherName]:
    return other_names_of(db, taxon_id)


@post(
    f"{API}/names", sync_to_thread=True, tags=["taxa"], summary="Give a taxon a synonym or a common name",
    responses=refusals(400, 403, 404),
)  # fmt: skip
def add_name_api(
    db: NamedDependency[Db],
    viewer: NamedDependency[Viewer],
    taxon_id: FromPath[int],
    data: JSONBody[NewOtherName],
) -> list[OtherName]:
    changing.add_name(db, viewer, taxon_id, data.kind, data.name, data.language)
    return other_names_of(db, taxon_id)


@delete(
    f"{API}/names/{{name_id:int}}", sync_to_thread=True, tags=["taxa"], summary="Remove such a name",
    responses=refusals(403, 404),
)  # fmt: skip
def remove_name_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], name_id: FromPath[int]
) -> None:
    changing.remove_name(db, viewer, taxon_id, min(name_id, changing.LARGEST_ID - 1))


@post(
    f"{API}/move", sync_to_thread=True, status_code=200, tags=["taxa"],
    summary="Put a taxon, with all below it, under another", responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def move_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[Place]
) -> dict[str, Any]:
    return dict(changing.move_taxon(db, viewer, taxon_id, data.parent_id)._asdict())


@post(
    f"{API}/deprecate", sync_to_thread=True, status_code=200, tags=["taxa"],
    summary="Take a taxon out of use, with the one to use instead", responses=refusals(403, 404, 422),
)  # fmt: skip
def deprecate_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[Instead]
) -> dict[str, Any]:
    return dict(changing.deprecate_taxon(db, viewer, taxon_id, data.use_instead)._asdict())


@post(
    f"{API}/restore", sync_to_thread=True, status_code=200, tags=["taxa"],
    summary="Put a deprecated taxon in use again", responses=refusals(403, 404, 409),
)  # fmt: skip
def restore_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> dict[str, Any]:
    return dict(changing.restore_taxon(db, viewer, taxon_id)._asdict())


@get(
    f"{API}/merge", sync_to_thread=True, tags=["taxa"], summary="What a merge of a taxon into another would change",
    responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def look_at_merge_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], into: FromQuery[int]
) -> MergeLook:
    """By project, and what stands below it. Nothing changes."""
    return look_at_merge(db, viewer, taxon_id, into)


@post(
    f"{API}/merge", sync_to_thread=True, status_code=202, tags=["taxa"],
    summary="Merge a taxon into another, in all projects", responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def merge_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[Into]
) -> Merged:
    """What stands below it and its names go to the other; it is deprecated in favour of that one."""
    return merge_taxa(db, viewer, taxon_id, data.into)


@post(
    f"{API}/keep", sync_to_thread=True, status_code=200, tags=["taxa"],
    summary="Say of a class that a person made that it is right as it is", responses=refusals(403, 404),
)  # fmt: skip
def keep_api(db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int]) -> dict[str, Any]:
    return dict(changing.keep_taxon(db, viewer, taxon_id)._asdict())


@post(
    f"{API}/refuse", sync_to_thread=True, status_code=200, tags=["taxa"],
    summary="Refuse a class that a person made", responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def refuse_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[Instead]
) -> dict[str, bool]:
    """`removed`: nothing used it, so it is gone; else it is deprecated."""
    return {"removed": refuse_taxon(db, viewer, taxon_id, data.use_instead)}


@put(
    f"{API}/numbers", sync_to_thread=True, tags=["taxa"], summary="WoRMS' and EcoTaxa's number of a taxon",
    responses=refusals(403, 404, 409, 422),
)  # fmt: skip
def numbers_api(
    db: NamedDependency[Db], viewer: NamedDependency[Viewer], taxon_id: FromPath[int], data: JSONBody[Numbers]
) -> dict[str, Any]:
    return dict(changing.set_numbers(db, viewer, taxon_id, data.aphia_id, data.ecotaxa_id)._asdict())


routes = [
    move, deprecate, restore, keep, refuse, show_merge, merge, set_numbers, add_name, remove_name, show_waiting,
]  # fmt: skip
api_routes = [
    search_api, children_api, names_api, add_name_api, remove_name_api, move_api, deprecate_api, restore_api,
    look_at_merge_api, merge_api,
    keep_api, refuse_api, numbers_api,
]  # fmt: skip
