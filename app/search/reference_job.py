"""The job that makes a reference project comparable: vectors of some of its validated objects, by the asking project's
embedder.

They are kept as any vector is, with the objects that they are of: what was computed is never computed again, other
projects with this embedder find it, and the reference itself uses its own as before.
"""

import numpy as np

from app import database, search
from app.database import Db
from app.errors import Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.projects.references import find_reference
from app.search import embedders
from app.search.embed import embed_project
from app.search.likeness import NO_EMBEDDER
from app.search.mirror import open_mirror
from app.search.vector_ids import vector_ids
from app.search.voters import rank_within, turns_within, validated

USUAL, MOST = 100, 10_000  # objects of a taxon


def ask(
    db: Db, project_id: int, embedder_id: int | None, account_id: int | None, reference_id: int, per_taxon: int
) -> int:
    """Queue it; returns the job's id."""
    reference = find_reference(db, project_id, account_id, reference_id)
    if not 1 <= per_taxon <= MOST:
        raise Refused(f"Between 1 and {MOST:,} objects of each taxon can be embedded, not {per_taxon:,}.", status=422)
    if embedder_id is None:
        raise Refused(NO_EMBEDDER)
    if not embedders.find(db, embedder_id).embeds_images:
        raise Refused(
            "This project's vectors were made elsewhere, so Shoal cannot make such of the reference's images. Bring"
            " vectors of the same name into the reference project, or let this one use another embedder.",
            status=409,
        )
    title = f"Embed {per_taxon:,} of each taxon of {reference.title}"
    return enqueue(
        db, "reference", title, project_id, account_id, {"reference_id": reference_id, "per_taxon": per_taxon}
    )


@job_body("reference")
def run(job: JobContext) -> None:
    """Embed at most `per_taxon` validated objects of each taxon of `reference_id`, if its asker still may read it."""
    search.configure(job.settings)
    with database.connect(job.database_url) as db:
        reference = find_reference(db, job.project_id or 0, job.account_id, job.args["reference_id"])
        embedder = embedders.of_project(db, job.project_id or 0)
        if embedder is None:
            raise Refused(NO_EMBEDDER)
        wanted = chosen(db, reference.id, embedder.id, job.args["per_taxon"])
    n = embed_project(job.database_url, job.settings, reference.id, job, embedder.id, only=wanted.tolist())
    job.log(f"{len(wanted):,} validated objects of {reference.title} can be compared with now; {n:,} of them are new.")


def chosen(db: Db, reference_id: int, embedder_id: int, per_taxon: int) -> np.ndarray:
    """Ids of at most so many validated objects of each taxon, int64; first those that have a vector already."""
    mirror, places = validated(open_mirror(db, reference_id))
    has = np.zeros(len(mirror), bool)
    has[mirror.ordinals(vector_ids(db, embedder_id, reference_id))] = True
    order = np.lexsort((turns_within(mirror, places), ~has[places]))
    ranks = rank_within(mirror.taxon[places][order])
    return np.sort(mirror.ids[places[order[ranks < per_taxon]]])
