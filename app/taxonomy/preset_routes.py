"""A project's preset taxa over HTTP: read by all who see the project, replaced by its managers."""

from dataclasses import dataclass

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from app.database import Db
from app.openapi import refusals
from app.projects.access import MANAGER, VISITOR, Project
from app.taxonomy.presets import PresetTaxon, list_presets, set_presets, validated_taxa


@dataclass(frozen=True)
class Presets:
    """The taxa by id, in the order in which they are to be offered."""

    taxa: list[int]


@put("/projects/{project_id:int}/presets", opt=MANAGER, include_in_schema=False, sync_to_thread=True)
def save_presets(
    db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Presets]
) -> list[PresetTaxon]:
    return set_presets(db, project.id, data.taxa)


@get(
    "/projects/{project_id:int}/presets/validated", opt=MANAGER, include_in_schema=False,
    sync_to_thread=True,
)  # fmt: skip
def offer_validated(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[PresetTaxon]:
    return validated_taxa(db, project.id)


@get(
    "/projects/{project_id:int}/presets", opt=VISITOR, sync_to_thread=True, tags=["taxa"],
    summary="A project's preset taxa, in their order", responses=refusals(401, 404),
)  # fmt: skip
def read_presets_api(db: NamedDependency[Db], project: NamedDependency[Project]) -> list[PresetTaxon]:
    return list_presets(db, project.id)


@put(
    "/projects/{project_id:int}/presets", opt=MANAGER, sync_to_thread=True, tags=["taxa"],
    summary="Replace a project's preset taxa", responses=refusals(400, 401, 403, 404, 422),
)  # fmt: skip
def set_presets_api(
    db: NamedDependency[Db], project: NamedDependency[Project], data: JSONBody[Presets]
) -> list[PresetTaxon]:
    """Each taxon counts once, where it is first named; an empty list ends the preset list."""
    return set_presets(db, project.id, data.taxa)


pages = [save_presets, offer_validated]
api = [read_presets_api, set_presets_api]
