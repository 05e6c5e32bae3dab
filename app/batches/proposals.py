"""What a batch's objects may be called: what most of them are predicted as, the taxa of the validated objects most
alike to them, with their agreement, and what else the shown run holds for likely.

Those of reference projects have a vote too, for who may read these; the farther they are, the less it counts. Where no
taxon has half of the votes, the common ancestor of those that together have is proposed first.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.batches.lineages import branch_of, names_in_use
from app.batches.ordering import Compared
from app.batches.vectors import vectors_of
from app.database import Db
from app.labels.changes import array
from app.objects.queries import nearest_common_ancestor
from app.projects.references import sources
from app.search.voices import voices_of
from app.search.voters import Voters, nearest_voters
from app.spaces.current import space_of

MOST = 6  # a key each
LOUDEST = 3  # of each who proposes, before others are heard
LIKELY_FROM = 0.05  # a share by the run's scores
LIKELY = "{:.0%} by the run's scores"
MOST_ASKED = 30  # of the marked, by whom it is told how near a reference is
FAINT = 0.1  # a share of votes from afar, below which nothing is proposed


@dataclass(frozen=True)
class Proposal:
    """A taxon for the marked, and how many of the nearest validated objects have it, or one below it.

    `references`: the projects whose objects are among these, beside the batch's own. `share`: of the votes, where those
    of references count the less the farther these are from the marked; or by the scores of the run (`by_scores`).
    """

    taxon_id: int
    taxon: str
    votes: int
    of: int
    why: str
    references: list[int]
    share: float
    by_scores: bool = False


def propose(
    db: Db, project: Compared, ids: np.ndarray, account_id: int | None, predicted: bool = True
) -> list[dict[str, Any]]:
    """At most MOST, of which the right name is one more often than of three: on PlanktonSet, with 500 labels, for 77
    instead of 66 of 100 objects, with 2,000 for 88 instead of 80 (of ten alike ones for 95 instead of 87). What most of
    them are predicted as, if that may be told, comes first, then what most of their neighbours say, what else the run
    holds for likely, and what else neighbours say."""
    first, likely = _predicted(db, project.id, ids) if predicted else ([], [])
    others = _by_neighbours(db, project, ids, account_id)
    every: dict[int, Proposal] = {}
    for proposal in [*first, *others[: LOUDEST - len(first)], *likely, *others]:
        every.setdefault(proposal.taxon_id, proposal)
    return [asdict(proposal) for proposal in list(every.values())[:MOST]]


def _predicted(db: Db, project_id: int, ids: np.ndarray) -> tuple[list[Proposal], list[Proposal]]:
    """The current run's taxon of at least half of the objects; and the likeliest of its first three choices for each,
    by their scores."""
    rows = db.execute(
        """
        select choice.taxon_id, taxon.display_name as taxon, count(*) filter (where choice.place = 1) as n,
               sum(choice.score) / %(n)s as share
          from prediction
          join project on project.id = prediction.project_id
         cross join lateral (values (1, taxon_id, score), (2, taxon_2_id, score_2), (3, taxon_3_id, score_3))
               as choice (place, taxon_id, score)
          join taxon on taxon.id = choice.taxon_id
         where prediction.project_id = %(project_id)s
           and prediction.run_id = project.current_run_id
           and prediction.object_id = any(%(ids)s::bigint[])
           and taxon.status <> 'D'
         group by choice.taxon_id, taxon.display_name
         order by share desc, choice.taxon_id
        """,
        {"project_id": project_id, "ids": array(ids.tolist()), "n": len(ids)},
    ).fetchall()
    of = len(ids)
    most = [
        Proposal(row.taxon_id, row.taxon, row.n, of, f"predicted for {row.n} of {of}", [], row.n / of)
        for row in sorted(rows, key=lambda row: -row.n)
        if 2 * row.n >= of
    ]
    likely = [
        Proposal(row.taxon_id, row.taxon, round(row.share * of), of, LIKELY.format(row.share), [], row.share, True)
        for row in rows
        if row.share >= LIKELY_FROM
    ]
    return most, likely[:LOUDEST]


def _by_neighbours(db: Db, project: Compared, ids: np.ndarray, account_id: int | None) -> list[Proposal]:
    """The best first; none where nothing is validated near these, or nothing can be compared."""
    vectors, has = vectors_of(db, project, ids)
    if not has.any():
        return []
    voters = nearest_voters(db, project, account_id, vectors[has], ids)
    references = voters.references(project.id)
    votes, heard = voters.votes(), voters.votes(_loudness(db, project, account_id, voters, vectors[has]))
    above, of = _above(db, heard), len(voters.ids)
    found = list(dict.fromkeys([*above, *sorted(heard, key=lambda taxon_id: -heard[taxon_id])]))
    names = names_in_use(db, found)
    said = []
    for taxon_id in found:
        taxa = set(branch_of(db, taxon_id).tolist()) if taxon_id in above else {taxon_id}
        n = round(sum(votes[one] for one in taxa & votes.keys()))
        share = round(sum(heard[one] for one in taxa & heard.keys()) / of, 3)
        if taxon_id in names and not (share < FAINT and is_far(n, of, share)):
            said.append(Proposal(taxon_id, names[taxon_id], n, of, _why(n, of, share, references), references, share))
    return said[:MOST]


def _loudness(db: Db, project: Compared, account_id: int | None, voters: Voters, vectors: np.ndarray) -> np.ndarray:
    """What the vote of each counts, float32: those of the project itself in full."""
    loudness = np.ones(len(voters.ids), np.float32)
    references = voters.references(project.id)
    if not references:
        return loudness
    some = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_ASKED)).astype(np.int64)]
    named = [
        one
        for one in sources(db, project.id, project.embedder_id, account_id, space_of(project))
        if one.id in references
    ]
    for project_id, voice in voices_of(db, named).items():
        loudness[voters.projects == project_id] = voice.loudness(some).mean()
    return loudness


def _why(n: int, of: int, share: float, references: list[int]) -> str:
    where = " here and in reference projects" if references else ""
    words = f"{n} of the {of} validated objects most alike{where}"
    return f"{words}, of which those far from these count less: {share:.0%}" if is_far(n, of, share) else words


def is_far(votes: int, of: int, share: float) -> bool:
    """Whether most of what votes say is said from afar."""
    return 2 * share * of < votes


def as_seen(
    db: Db,
    project: Compared,
    proposals: list[dict[str, Any]],
    ids: np.ndarray,
    account_id: int | None,
    predicted: bool = True,
) -> list[dict[str, Any]]:
    """Proposals that were made for somebody else, or a while ago: made anew where a reference voted that this person
    may not read, or that is none any more, and without taxa that were deprecated since."""
    in_use = names_in_use(db, [proposal["taxon_id"] for proposal in proposals])
    proposals = [proposal for proposal in proposals if proposal["taxon_id"] in in_use]
    asked = {reference for proposal in proposals for reference in proposal.get("references", [])}
    if not asked:
        return proposals
    readable = {source.id for source in sources(db, project.id, project.embedder_id, account_id, space_of(project))}
    return proposals if asked <= readable else propose(db, project, ids, account_id, predicted)


def _above(db: Db, votes: dict[int, float]) -> list[int]:
    """The common ancestor of the taxa that together have half of the votes, if these are several."""
    half = sum(votes.values()) / 2
    taxa: list[int] = []
    n_together = 0.0
    for taxon_id in sorted(votes, key=lambda one: -votes[one]):
        taxa.append(taxon_id)
        n_together += votes[taxon_id]
        if n_together >= half:
            break
    if len(taxa) < 2 or (ancestor := nearest_common_ancestor(db, taxa)) is None:
        return []
    return [ancestor]
