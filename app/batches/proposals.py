"""What a batch's objects may be called: what most of them are predicted as, and the taxa of the validated objects most
alike to them, with their agreement.

Those of reference projects have a vote too, for who may read these. Where no taxon
has half of the votes, the common ancestor of those that together have is proposed first.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.batches.lineages import branch_of, names_of_taxa
from app.batches.ordering import Compared
from app.batches.vectors import vectors_of
from app.database import Db
from app.labels.changes import array
from app.objects.queries import nearest_common_ancestor
from app.projects.references import sources
from app.search.voters import nearest_voters

MOST = 3


@dataclass(frozen=True)
class Proposal:
    """A taxon for the marked, and how many of the nearest validated objects have it, or one below it.

    `references`: the projects whose objects are among these, beside the batch's own.
    """

    taxon_id: int
    taxon: str
    votes: int
    of: int
    why: str
    references: list[int]


def propose(
    db: Db, project: Compared, ids: np.ndarray, account_id: int | None, predicted: bool = True
) -> list[dict[str, Any]]:
    """At most three: what most of them are predicted as, if that may be told, then what their neighbours say."""
    first = _predicted(db, project.id, ids) if predicted else []
    known = {proposal["taxon_id"] for proposal in first}
    others = _by_neighbours(db, project, ids, account_id)
    return (first + [proposal for proposal in others if proposal["taxon_id"] not in known])[:MOST]


def _predicted(db: Db, project_id: int, ids: np.ndarray) -> list[dict[str, Any]]:
    """The current run's taxon of at least half of the objects."""
    rows = db.execute(
        """
        select prediction.taxon_id, taxon.display_name as taxon, count(*) as n
          from prediction
          join project on project.id = prediction.project_id
          join taxon on taxon.id = prediction.taxon_id
         where prediction.project_id = %s
           and prediction.run_id = project.current_run_id
           and prediction.object_id = any(%s::bigint[])
         group by prediction.taxon_id, taxon.display_name
        having 2 * count(*) >= %s
         order by n desc, prediction.taxon_id
        """,
        [project_id, array(ids.tolist()), len(ids)],
    )
    return [
        asdict(Proposal(row.taxon_id, row.taxon, row.n, len(ids), f"predicted for {row.n} of {len(ids)}", []))
        for row in rows
    ]


def _by_neighbours(db: Db, project: Compared, ids: np.ndarray, account_id: int | None) -> list[dict[str, Any]]:
    """The best first; none where nothing is validated, or nothing can be compared."""
    vectors, has = vectors_of(db, project, ids)
    if not has.any():
        return []
    voters = nearest_voters(db, project, account_id, vectors[has], ids)
    votes, references = voters.votes(), voters.references(project.id)
    if not votes:
        return []
    above = _above(db, votes)
    found = above + [pair for pair in votes.most_common() if pair[0] not in dict(above)]
    names = names_of_taxa(db, [taxon_id for taxon_id, _ in found])
    of = votes.total()
    return [
        asdict(Proposal(taxon_id, names[taxon_id], n, of, _why(n, of, references), references))
        for taxon_id, n in found[:MOST]
        if taxon_id in names
    ]


def _why(n: int, of: int, references: list[int]) -> str:
    where = " here and in reference projects" if references else ""
    return f"{n} of the {of} validated objects most alike{where}"


def as_seen(
    db: Db,
    project: Compared,
    proposals: list[dict[str, Any]],
    ids: np.ndarray,
    account_id: int | None,
    predicted: bool = True,
) -> list[dict[str, Any]]:
    """Proposals that were made for somebody else, or a while ago: made anew where a reference voted that this person
    may not read, or that is none any more."""
    asked = {reference for proposal in proposals for reference in proposal.get("references", [])}
    if not asked:
        return proposals
    readable = {source.id for source in sources(db, project.id, project.embedder_id, account_id)}
    return proposals if asked <= readable else propose(db, project, ids, account_id, predicted)


def _above(db: Db, votes: Counter[int]) -> list[tuple[int, int]]:
    """The common ancestor of the taxa that together have half of the votes, with those of its whole branch."""
    half = votes.total() / 2
    taxa: list[int] = []
    n_together = 0
    for taxon_id, n in votes.most_common():
        taxa.append(taxon_id)
        n_together += n
        if n_together >= half:
            break
    if len(taxa) < 2 or (ancestor := nearest_common_ancestor(db, taxa)) is None:
        return []
    below = set(branch_of(db, ancestor).tolist())
    return [(ancestor, sum(n for taxon_id, n in votes.items() if taxon_id in below))]
