"""One sample: its fields, its acquisitions with their processes, and the taxa of its objects."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.database import Db
from app.errors import NotFound
from app.projects.access import Project
from app.samples.listing import ListedSample, listed
from app.samples.sheet import Sheet, open_sheet, tally
from app.search.codes import STATUSES, VALIDATED
from app.search.mirror import Mirror, open_mirror
from app.taxonomy.names import is_italic

MOST_TAXA = 200
MOST_ACQUISITIONS = 200


@dataclass(frozen=True)
class SampleTaxon:
    """Objects of one taxon in the sample, by status; taxon 0: none."""

    taxon_id: int
    display_name: str
    italic: bool
    n: int
    counts: dict[str, int]


@dataclass(frozen=True)
class SampleAcquisition:
    """An acquisition with its process, their free columns, and the objects that the caller may see by status."""

    id: int
    name: str
    instrument: str
    process: str | None
    fields: dict[str, Any]
    process_fields: dict[str, Any]
    n_objects: int
    counts: dict[str, int]


@dataclass(frozen=True)
class WholeSample:
    """A sample with everything known of it; long lists end after 200 rows, and the numbers say how many there are."""

    sample: ListedSample
    descriptor: str
    fields: dict[str, Any]
    acquisitions: list[SampleAcquisition] = field(default_factory=list)
    taxa: list[SampleTaxon] = field(default_factory=list)
    n_taxa: int = 0


def read_sample(db: Db, project: Project, sample_id: int) -> WholeSample:
    """The sample, or NotFound; to anonymous people exists what holds validated objects."""
    mirror = open_mirror(db, project.id)
    sheet = open_sheet(db, mirror)
    at = sheet.find(sample_id)
    counted = tally(sheet, mirror, project.validated_only)
    if at is None or (project.validated_only and not counted.n[at, VALIDATED]):
        raise NotFound("This project has no such sample. It may have been removed.")
    row = db.execute("select dataportal_descriptor, fields from sample where id = %s", [sample_id]).fetchone()
    if row is None:
        raise NotFound("This sample has just been removed.")
    own = sheet.place == at
    if project.validated_only:
        own &= mirror.status == VALIDATED
    own = np.flatnonzero(own)
    taxa = taxa_of(db, mirror, own)
    return WholeSample(
        sample=listed(sheet, counted, at),
        descriptor=row.dataportal_descriptor,
        fields=filled(row.fields),
        acquisitions=_acquisitions(db, project, sheet, mirror, own, sample_id),
        taxa=taxa[:MOST_TAXA],
        n_taxa=len(taxa),
    )


def taxa_of(db: Db, mirror: Mirror, own: np.ndarray) -> list[SampleTaxon]:
    """The taxa of these objects, the most frequent first."""
    taxa, places = np.unique(mirror.taxon[own], return_inverse=True)
    n = np.bincount(places * 4 + mirror.status[own], minlength=4 * len(taxa)).reshape(-1, 4)
    rows = db.execute("select id, name, display_name, rank, type from taxon where id = any(%s)", [taxa.tolist()])
    names = {row.id: (row.display_name, is_italic(row.name, row.rank, row.type)) for row in rows}
    found = [
        SampleTaxon(
            taxon_id, *names.get(taxon_id, ("unclassified", False)), sum(counts),
            dict(zip(STATUSES, counts, strict=True)),
        )
        for taxon_id, counts in zip(taxa.tolist(), n.tolist(), strict=True)
    ]  # fmt: skip
    return sorted(found, key=lambda taxon: (-taxon.n, taxon.display_name))


def _acquisitions(
    db: Db, project: Project, sheet: Sheet, mirror: Mirror, own: np.ndarray, sample_id: int
) -> list[SampleAcquisition]:
    """In the order of their names; those without an object that the caller may see are not for anonymous people."""
    places, local = np.unique(sheet.acquisition[own], return_inverse=True)
    n = np.bincount(local * 4 + mirror.status[own], minlength=4 * len(places)).reshape(-1, 4)
    example = np.zeros(len(places), np.int64)
    example[local] = mirror.ids[own]
    rows = db.execute(
        """
        with used as (
            select object.acquisition_id, n
            from unnest(%(examples)s::bigint[], %(n)s::int[]) as given (object_id, n)
            join object on object.project_id = %(project_id)s and object.id = given.object_id
        )
        select acquisition.id, acquisition.orig_id, acquisition.instrument, acquisition.fields,
               process.orig_id as process, process.fields as process_fields, coalesce(used.n, -1) as n
        from acquisition
        left join process on process.acquisition_id = acquisition.id
        left join used on used.acquisition_id = acquisition.id
        where acquisition.sample_id = %(sample_id)s
          and (not %(used_only)s or used.acquisition_id is not null)
        order by lower(acquisition.orig_id), acquisition.id
        limit %(limit)s
        """,
        {
            "examples": example.tolist(), "n": list(range(len(places))), "project_id": project.id,
            "sample_id": sample_id, "used_only": project.validated_only, "limit": MOST_ACQUISITIONS,
        },
    )  # fmt: skip
    none = [0] * 4
    return [
        SampleAcquisition(
            row.id, row.orig_id, row.instrument, row.process, filled(row.fields), filled(row.process_fields or {}),
            int(sum(n[row.n])) if row.n >= 0 else 0,
            dict(zip(STATUSES, n[row.n].tolist() if row.n >= 0 else none, strict=True)),
        )
        for row in rows
    ]  # fmt: skip


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """Columns that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
