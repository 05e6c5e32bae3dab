"""Taxa by what is typed: the beginnings of words of any of their names, numbers, and names that are nearly it.

A taxonomy may hold a million names, and is asked with every letter. The database keeps what remains of each name from
each of its words on, with a rank (migrations/0064): words that are typed begin such a rest, and of the many that one to
three letters begin, the best are read in the order of their rank.
"""

import re
from difflib import SequenceMatcher
from typing import Any

from app.database import Db
from app.taxonomy.names import folded

MOST_WORDS = 10
LONGEST_TYPED = 200
DEPRECATED_FROM = 1_000_000  # ranks, see refresh_name_starts
OTHER_NAME_FROM = 100_000
ALIKE = 0.6  # of 1: how much of a misspelt name must be right
MOST_ALIKE = 20
# By how many letters begin the first word: the condition that the index of that length answers.
_BEGINS = {
    1: '"left"(tail, 1) = %(first)s',
    2: '"left"(tail, 2) = %(first)s',
    3: '"left"(tail, 3) = %(first)s',
    4: "tail >= %(first)s and tail < %(first)s || chr(1114111)",
}


def as_typed(text: str) -> str:
    """What was typed, comparable with the rests of names; a star stands for the rest of a word."""
    return folded(text.replace("\0", " ").replace("*", " ")[: 4 * LONGEST_TYPED])[:LONGEST_TYPED].lstrip("< ")


def pattern_of(typed: str) -> str:
    """Words, each of which begins a word, in their order; `typed` as from `as_typed`, which has no signs of LIKE."""
    return "% ".join(typed.split()[:MOST_WORDS]) + "%"


def is_begun(typed: str, name: str) -> bool:
    """Whether the typed words begin words of this name, in their order."""
    words = ".* ".join(map(re.escape, typed.split()[:MOST_WORDS]))
    return re.search(f"(?:^| ){words}", folded(name)) is not None


def begun(db: Db, typed: str, most: int, with_deprecated: bool = False) -> dict[int, int]:
    """Ids and ranks of the best taxa in one of whose names the words begin words, or that have this number. “egg < cal”
    begins the name of a taxon with that of its parent, also of one that is shown without it."""
    first = typed.split(" ", 1)[0]
    own, _, above = typed.partition(" <")
    rows = db.execute(
        f"""
        with begun as (
            select taxon_id, rank
            from name_start
            where {_BEGINS[min(len(first), 4)]}
              {"and tail like %(pattern)s" if " " in typed else ""}
              and rank < %(rank)s
            order by rank
            limit %(most)s
        ),
        exact as (
            select id as taxon_id, (status = 'D')::int * {DEPRECATED_FROM} as rank
            from taxon
            where folded_name(name) = %(typed)s
            union all
            select taxon_id, 1
            from other_name
            where folded_name(name) = %(typed)s
            union all
            select taxon.id, (taxon.status = 'D')::int * {DEPRECATED_FROM}
            from taxon
            join taxon as parent on parent.id = taxon.parent_id
            where folded_name(taxon.name) = %(own)s
              and folded_name(parent.name) like %(above)s
            union all
            select id, 0
            from taxon
            where id = %(number)s
               or aphia_id = %(number)s
               or ecotaxa_id = %(number)s
        )
        select taxon_id, min(rank) as rank
        from (select * from begun union all select * from exact) as found
        group by taxon_id
        order by min(rank), taxon_id
        limit %(most)s
        """,  # noqa: S608 - constants
        {
            "first": first, "pattern": pattern_of(typed), "typed": typed, "number": number_of(typed),
            "own": own if above else None, "above": f"{above.partition(' <')[0].strip()}%",
            "rank": 2 * DEPRECATED_FROM if with_deprecated else DEPRECATED_FROM, "most": 4 * most,
        },
    )  # fmt: skip
    return {row.taxon_id: row.rank for row in rows.fetchmany(most)}


def number_of(typed: str) -> int | None:
    """The id that was typed, ours, EcoTaxa's or AphiaID."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else None


def matching(db: Db, typed: str, taxon_ids: list[int]) -> dict[int, int]:
    """Ids and ranks of those of these taxa in one of whose names the words begin words."""
    rows = db.execute(
        """
        select taxon_id, min(rank) as rank
        from name_start
        where taxon_id = any(%s)
          and tail like %s
          and rank < %s
        group by taxon_id
        """,
        [taxon_ids, pattern_of(typed), DEPRECATED_FROM],
    )
    return {row.taxon_id: row.rank for row in rows}


def other_names(db: Db, typed: str, taxon_ids: list[int]) -> dict[int, str]:
    """By which synonym or common name each of these taxa was found, the shortest."""
    rows = db.execute(
        """
        select distinct on (taxon_id) taxon_id, name
        from other_name
        where taxon_id = any(%s)
          and ' ' || folded_name(name) like %s
        order by taxon_id, length(name), name
        """,
        [taxon_ids, f"% {pattern_of(typed)}"],
    )
    return {row.taxon_id: row.name for row in rows}


def spelt_alike(db: Db, typed: str) -> list[int]:
    """Taxa one of whose names is nearly this one, the most alike first."""
    with db.transaction():
        # The more must be alike, the fewer names the index gives to look at.
        db.execute(
            "select set_config('pg_trgm.similarity_threshold', %s, true)", ["0.35" if len(typed) < 12 else "0.45"]
        )
        rows = _alike(db, typed)
    rated: dict[int, float] = {}
    for row in rows:
        ratio = SequenceMatcher(None, typed, row.name).ratio()
        rated[row.taxon_id] = max(ratio, rated.get(row.taxon_id, 0.0))
    likely = sorted((-ratio, taxon_id) for taxon_id, ratio in rated.items() if ratio >= ALIKE)
    return [taxon_id for _, taxon_id in likely[:MOST_ALIKE]]


def _alike(db: Db, typed: str) -> list[Any]:
    return db.execute(
        """
        select taxon_id, name
        from (
            select id as taxon_id, folded_name(name) as name
            from taxon
            where folded_name(name) %% %(typed)s
            union all
            select taxon_id, folded_name(name)
            from other_name
            where folded_name(name) %% %(typed)s
        ) as near
        order by similarity(name, %(typed)s) desc, taxon_id
        limit 200
        """,
        {"typed": typed},
    ).fetchall()
