"""The common ancestor of the taxa between which a card is split, for many cards with one look at the tree of taxa."""

from collections.abc import Iterable

from app.database import Db

Votes = list[tuple[int, int]]  # taxa and their votes, the most frequent first


def lineages(db: Db, taxon_ids: Iterable[int]) -> dict[int, list[int]]:
    """Each taxon with all above it, itself first; the roots of the tree, which say nothing, are left out."""
    rows = db.execute(
        """
        with recursive above as (
            select id as of_id, id, parent_id, 0 as height
            from taxon
            where id = any(%s)
            union all
            select above.of_id, taxon.id, taxon.parent_id, above.height + 1
            from above
            join taxon on taxon.id = above.parent_id
        )
        select of_id, array_agg(id order by height) as ids
        from above
        where parent_id is not null
        group by of_id
        """,
        [list(taxon_ids)],
    )
    return {row.of_id: row.ids for row in rows}


def with_ancestor(votes: Votes, n: int, above: dict[int, list[int]]) -> Votes:
    """Votes of a card, of `n` in all, headed by the common ancestor of the taxa that together have half of them, where
    no single one has."""
    taxa: list[int] = []
    while len(taxa) < len(votes) and 2 * sum(count for _, count in votes[: len(taxa)]) < n:
        taxa.append(votes[len(taxa)][0])
    if len(taxa) < 2:
        return votes
    common = set.intersection(*(set(above.get(taxon, [])) for taxon in taxa))
    ancestor = next((taxon for taxon in above.get(taxa[0], []) if taxon in common), None)
    if ancestor is None:
        return votes
    together = sum(count for taxon, count in votes if ancestor in above.get(taxon, []))
    return [(ancestor, together), *(pair for pair in votes if pair[0] != ancestor)]
