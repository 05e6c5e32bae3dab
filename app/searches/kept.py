"""Kept searches: what is looked for, how near it must be, and where; each is its owner's alone."""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from app.batches.batch import find_batch
from app.batches.calibrating import calibration
from app.batches.wanted import wanted
from app.database import Db
from app.errors import NotFound, Refused
from app.labels.acts import Labeller
from app.projects.access import Project
from app.projects.references import READABLE
from app.search.elsewhere import visible_examples
from app.search.likeness import NO_EMBEDDER
from app.search.mirror import open_mirror
from app.search.query_image import query_vector
from app.search.sizes import Space
from app.spaces.current import space_of
from indexer.neighbours import mean_direction

MOST = 200  # of one person in one project
MOST_EXAMPLES, LONGEST_TITLE = 1000, 200
FARTHEST = 2.0
NO_SEARCH = "You keep no such search in this project. It may have been deleted."
WHAT = "Say what is looked for: `examples`, the `query` of an image or text, or the `batch_id` of a batch of likeness."
HOW_NEAR = "Say either `max_distance` or `chance`: how near a match must be."


@dataclass(frozen=True)
class SearchWish:
    """What to keep: `examples`, ids of objects; or `query`, the key of an image or text; or `batch_id`, for what that
    batch looks for by likeness. A match is no farther than `max_distance`, or has the `chance` of the same label that
    validated objects tell. `everywhere`: in all projects that one may read, as long as one may."""

    title: str = ""
    examples: list[int] | None = None
    query: str | None = None
    batch_id: int | None = None
    max_distance: float | None = None
    chance: float | None = None
    everywhere: bool = False


@dataclass(frozen=True)
class SearchChange:
    """What is to be otherwise; what is null stays. Another distance or chance counts for what comes from now on."""

    title: str | None = None
    max_distance: float | None = None
    chance: float | None = None
    everywhere: bool | None = None
    paused: bool | None = None


@dataclass(frozen=True)
class KeptSearch:
    """`n_new`: matches that its owner has not looked at, in all projects; `n_here`: those of them in its own project.
    `is_outdated`: the project has another embedder by now, so that nothing is compared any more."""

    id: int
    title: str
    n_examples: int
    examples: list[int]
    max_distance: float
    chance: float | None
    everywhere: bool
    paused_at: datetime | None
    made_at: datetime
    looked_at: datetime | None
    n_looked: int
    n_matches: int
    n_new: int
    n_here: int
    is_outdated: bool


# Constants. Counted is what is still there, in the projects that the owner may read.
_COUNTS = f"""
    select count(*) as n, count(*) filter (where found.looked_at is null) as n_new,
           count(*) filter (where found.looked_at is null and found.project_id = kept_search.project_id) as n_here
      from kept_search_match found
      join project p on p.id = found.project_id
      join object on object.project_id = found.project_id and object.id = found.object_id
     where found.search_id = kept_search.id
       and {READABLE}
"""  # noqa: S608
_SEARCHES = f"""
    select kept_search.id, kept_search.title, n_examples, examples, max_distance::float8, chance::float8, everywhere,
           paused_at, made_at, looked.at as looked_at, coalesce(looked.n, 0)::bigint as n_looked, counts.n as n_matches,
           counts.n_new, counts.n_here, own.embedder_id is distinct from kept_search.embedder_id as is_outdated
      from kept_search
      join project own on own.id = kept_search.project_id
      left join lateral (select max(looked_at) as at, sum(n_looked) as n
                           from kept_search_looked
                          where search_id = kept_search.id) looked on true
      left join lateral ({_COUNTS}) counts on true
     where kept_search.project_id = %(project_id)s
       and kept_search.account_id = %(account_id)s
"""  # noqa: S608


def list_searches(db: Db, project_id: int, account_id: int) -> list[KeptSearch]:
    """One's own that were kept in the project, those with new matches first."""
    rows = db.execute(
        f"{_SEARCHES} order by counts.n_new > 0 desc, kept_search.id desc",
        {"project_id": project_id, "account_id": account_id},
    )
    return [KeptSearch(*row) for row in rows]


def find_search(db: Db, project_id: int, account_id: int, search_id: int) -> KeptSearch:
    row = db.execute(
        f"{_SEARCHES} and kept_search.id = %(search_id)s",
        {"project_id": project_id, "account_id": account_id, "search_id": search_id},
    ).fetchone()
    if row is None:
        raise NotFound(NO_SEARCH)
    return KeptSearch(*row)


def count_new(db: Db, project_id: int, account_id: int) -> int:
    """New matches in the project, of all of one's searches wherever they were kept."""
    row = db.execute(
        """
        select count(distinct object.id) as n
          from kept_search
          join kept_search_match found on found.search_id = kept_search.id
          join object on object.project_id = found.project_id and object.id = found.object_id
         where kept_search.account_id = %s
           and found.project_id = %s
           and found.looked_at is null
        """,
        [account_id, project_id],
    ).fetchone()
    return int(row.n)


def keep(db: Db, project: Project, account: Labeller, wish: SearchWish) -> KeptSearch:
    """Keep a search, which looks at everything that gets its vector from now on."""
    title = _checked_title(wish.title)
    row = db.execute(
        "select count(*) as n from kept_search where project_id = %s and account_id = %s", [project.id, account.id]
    ).fetchone()
    if row.n >= MOST:
        raise Refused(f"You keep {MOST} searches in this project already: delete one that you do not need any more.")
    direction, space, examples, n_examples = _looked_for(db, project, account, wish)
    distance = _distance(db, space, n_examples, wish.max_distance, wish.chance)
    if distance is None:
        raise Refused(HOW_NEAR)
    search_id = db.execute(
        """
        insert into kept_search (project_id, account_id, title, embedder_id, direction, size_weight, n_examples,
                                 examples, max_distance, chance, everywhere, space_id)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        returning id
        """,
        [
            project.id, account.id, title, space.embedder_id, direction.tolist(), space.size_weight, n_examples,
            examples, distance, wish.chance, wish.everywhere, space.space_id,
        ],
    ).fetchone()[0]  # fmt: skip
    return find_search(db, project.id, account.id, search_id)


def change(db: Db, project: Project, account: Labeller, search_id: int, wish: SearchChange) -> KeptSearch:
    """Rename, pause or go on with a search, or change how near a match must be and where it is looked for."""
    before = find_search(db, project.id, account.id, search_id)
    title = before.title if wish.title is None else _checked_title(wish.title)
    row = db.execute("select embedder_id, size_weight, space_id from kept_search where id = %s", [search_id]).fetchone()
    space = Space(project.id, row.embedder_id, row.size_weight, row.space_id)
    distance = _distance(db, space, before.n_examples, wish.max_distance, wish.chance)
    if wish.everywhere and row.size_weight:
        raise Refused("This search weighs sizes, which mean something in its own project only. Keep another one.")
    db.execute(
        """
        update kept_search
           set title = %(title)s,
               max_distance = coalesce(%(distance)s::real, max_distance),
               chance = case when %(distance)s::real is null then chance else %(chance)s end,
               everywhere = coalesce(%(everywhere)s, everywhere),
               paused_at = case when %(paused)s::boolean is null then paused_at
                                when %(paused)s then coalesce(paused_at, now()) end
         where id = %(id)s
        """,
        {
            "id": search_id, "title": title, "distance": distance, "chance": wish.chance,
            "everywhere": wish.everywhere, "paused": wish.paused,
        },
    )  # fmt: skip
    return find_search(db, project.id, account.id, search_id)


def delete(db: Db, project: Project, account: Labeller, search_id: int) -> None:
    """Forget a search with its matches; labels stay as they are."""
    find_search(db, project.id, account.id, search_id)
    db.execute("delete from kept_search where id = %s", [search_id])


def _checked_title(title: str) -> str:
    title = title.strip()
    if not 1 <= len(title) <= LONGEST_TITLE or "\0" in title:
        raise Refused(f"A search needs a name of 1 to {LONGEST_TITLE} signs.")
    return title


def _looked_for(
    db: Db, project: Project, account: Labeller, wish: SearchWish
) -> tuple[np.ndarray, Space, list[int], int]:
    """The unit vector to compare with, what in, the examples that can be shown, and how many there were."""
    if project.embedder_id is None:
        raise Refused(NO_EMBEDDER)
    if sum(bool(one) for one in (wish.examples, wish.query, wish.batch_id)) != 1:
        raise Refused(WHAT)
    examples = list(dict.fromkeys(wish.examples or []))
    if len(examples) > MOST_EXAMPLES:
        raise Refused(f"A search has at most {MOST_EXAMPLES:,} examples, not {len(examples):,}.")
    # What a pixel is in one project says nothing of another.
    weight = 0.0 if wish.everywhere or wish.query else project.size_weight
    space = Space(project.id, project.embedder_id, weight, space_of(project))
    if wish.batch_id:
        return _of_batch(db, project, space, wish.batch_id)
    if wish.query:
        vectors = np.atleast_2d(query_vector(db, project, wish.query))
    else:
        seen = _Seen(project.id, project.embedder_id, weight, space.space_id, project.validated_only)
        vectors = visible_examples(db, seen, account.id, examples, open_mirror(db, project.id))
    return _aimed(db, space, vectors, examples, len(vectors))


@dataclass(frozen=True)
class _Seen(Space):
    """A space as its caller may see it."""

    validated_only: bool = False


def _of_batch(db: Db, project: Project, space: Space, batch_id: int) -> tuple[np.ndarray, Space, list[int], int]:
    batch = find_batch(db, project.id, batch_id)
    looks_for = wanted(db, space, batch.id)
    if looks_for is None:
        raise Refused(
            "This batch looks for nothing by likeness: keep a search of one that is like examples or an image."
        )
    return _aimed(db, looks_for.space, looks_for.positive, batch.source.get("ids", []), len(looks_for.positive))


def _aimed(
    db: Db, space: Space, vectors: np.ndarray, examples: list[int], n: int
) -> tuple[np.ndarray, Space, list[int], int]:
    dimension = db.execute("select dimension from embedder where id = %s", [space.embedder_id]).fetchone().dimension
    if vectors.shape[1] == dimension:
        space = replace(space, size_weight=0.0)
    return mean_direction(vectors), space, examples, n


def _distance(db: Db, space: Space, n_examples: int, distance: float | None, chance: float | None) -> float | None:
    """How far a match may be; None where nothing is said."""
    if distance is not None and chance is not None:
        raise Refused(HOW_NEAR)
    if distance is not None and not 0 < distance <= FARTHEST:
        raise Refused(f"A distance is above 0 (the same) and at most {FARTHEST:g} (the opposite), not {distance:g}.")
    return distance if chance is None else _distance_of(db, space, n_examples, chance)


def _distance_of(db: Db, space: Space, n_examples: int, chance: float) -> float:
    if not 0 < chance < 1:
        raise Refused(f"A chance is above 0 and below 1, not {chance:g}.")
    curve = calibration(db, space, n_examples)
    if curve is None:
        raise Refused(
            "Too little is validated in this project to tell chances by. Give the distance itself, such as 0.3."
        )
    found = curve.distance_of(chance)
    if found <= 0:
        raise Refused(
            f"Here no distance gives a chance of {chance:.0%}: the nearest objects have the same label in "
            f"{curve.chances.max():.0%} of the cases. Ask for a lower chance, or give the distance itself."
        )
    return found
