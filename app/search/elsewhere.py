"""Likeness beyond one project: examples from any project that one may read, and the most alike in several of them.

Who may read what is asked in the query itself. Vectors of other embedders are never compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.database import Db
from app.errors import NotFound, Refused
from app.objects.filters import Filter, Pairs, read_filter
from app.projects.references import READABLE, Source
from app.search.arrays import fetch_arrays, fetch_vectors
from app.search.likeness import NO_EMBEDDER, Searched, Visible, most_alike, own_examples
from app.search.mirror import Mirror, open_mirror
from app.spaces.current import mapped, space_of

ABOUT_LABELS = frozenset({"status", "taxon", "children"})  # what a filter may say of every project


@dataclass(frozen=True)
class Examples:
    """Examples from other projects: ids int64 [n], vectors float32 [n, d], and the taxon each is validated as, 0 for
    none."""

    ids: np.ndarray
    vectors: np.ndarray
    taxa: np.ndarray


def visible_examples(
    db: Db, project: Visible, account_id: int | None, ids: Sequence[int], mirror: Mirror
) -> np.ndarray:
    """Vectors of those of the objects that the caller may see, here or in other projects: float32 [n, d], with sizes
    beside them where these count and all are of this project. NotFound where there are none.
    """
    own = own_examples(db, project, ids, mirror)
    foreign = of_others(db, project, account_id, ids, mirror)
    if foreign is None or not len(foreign.ids):
        if not len(own):
            raise NotFound("None of these examples has a vector here. Choose others, or wait until they are embedded.")
        return own
    return without_sizes(own, foreign.vectors)


def of_others(db: Db, project: Searched, account_id: int | None, ids: Sequence[int], mirror: Mirror) -> Examples | None:
    """Those of the examples that are no objects of the project; None where all are."""
    rest = sorted(set(ids) - set(mirror.ids[mirror.ordinals(np.array(fitting(ids), np.int64))].tolist()))
    if not rest or project.embedder_id is None:
        return None
    return foreign_examples(db, project, account_id, rest)


def without_sizes(own: np.ndarray, foreign: np.ndarray) -> np.ndarray:
    """Both together: what a pixel is in one project says nothing of another, so sizes do not count among these."""
    if not len(own):
        return foreign
    own = own[:, : foreign.shape[1]]
    lengths = np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12)
    return np.concatenate([own / lengths, foreign]).astype(np.float32)


def fitting(ids: Sequence[int]) -> list[int]:
    """Those that can be an object's."""
    return [one for one in ids if abs(one) < 2**63]


def foreign_examples(db: Db, project: Searched, account_id: int | None, ids: Sequence[int]) -> Examples:
    """Those of the objects that are in other projects which the account may read, and have a vector of the project's
    embedder; in the project's space.

    Who is not logged in sees validated objects only, and compares with these only.
    """
    asked = {
        "project_id": project.id, "embedder_id": project.embedder_id, "account_id": account_id,
        "ids": "{" + ",".join(map(str, fitting(ids))) + "}",
    }  # fmt: skip
    from_where = f"""
        from project p
        join object_vector on object_vector.embedder_id = %(embedder_id)s
                          and object_vector.project_id = p.id
                          and object_vector.object_id = any(%(ids)s::bigint[])
        left join label on label.project_id = p.id
                       and label.object_id = object_vector.object_id
                       and label.status = 'V'
        where p.id <> %(project_id)s
          and {READABLE}
          and (%(account_id)s::int is not null or label.object_id is not null)
    """
    dimension = db.execute("select dimension from embedder where id = %s", [project.embedder_id]).fetchone().dimension
    found, vectors = fetch_vectors(
        db,
        f"select array_agg(object_vector.object_id order by object_vector.object_id),"
        f" array_agg(v order by object_vector.object_id) {from_where}",
        asked,
        dimension,
    )
    (taxa,) = fetch_arrays(
        db,
        f"select array_agg(coalesce(label.taxon_id, 0) order by object_vector.object_id) {from_where}",
        asked,
    )
    vectors = mapped(db, project, vectors.astype(np.float32))
    return Examples(found, vectors, np.empty(0, np.int32) if taxa is None else taxa)


def projects_of(db: Db, account_id: int | None, ids: Sequence[int]) -> dict[int, int]:
    """The project of each of the objects that the account may see, by the object's id."""
    rows = db.execute(
        f"""
        select object.id, p.id as project_id
        from project p
        join object on object.project_id = p.id and object.id = any(%(ids)s::bigint[])
        where {READABLE}
        """,  # noqa: S608 - a constant
        {"account_id": account_id, "ids": "{" + ",".join(map(str, ids)) + "}"},
    )
    return {row.id: row.project_id for row in rows}


@dataclass(frozen=True)
class Searchable:
    """A project that may be searched. `is_comparable`: it has vectors of the asking project's embedder. `may_work`: its
    batches are made by these, and the account may label there."""

    id: int
    title: str
    is_comparable: bool
    may_work: bool


def searchable(db: Db, embedder_id: int | None, account_id: int | None) -> list[Searchable]:
    """Every project that the account may read, by title."""
    rows = db.execute(
        f"""
        select p.id, p.title,
               coalesce(p.embedder_id = %(embedder_id)s, false)
               or exists (select
                          from object_vector
                          where embedder_id = %(embedder_id)s and object_vector.project_id = p.id) as is_comparable,
               p.status <> 'explore'
               and coalesce(p.embedder_id = %(embedder_id)s, false)
               and exists (select
                           from account
                           left join member on member.account_id = account.id and member.project_id = p.id
                           where account.id = %(account_id)s
                             and (account.is_application_manager or member.role in ('annotator', 'manager')))
               as may_work
        from project p
        where {READABLE}
        order by lower(p.title), p.id
        """,  # noqa: S608 - a constant
        {"embedder_id": embedder_id, "account_id": account_id},
    )
    return [Searchable(row.id, row.title, row.is_comparable, row.may_work) for row in rows]


@dataclass(frozen=True)
class Alike:
    """Objects of several projects, the most (or least) alike first."""

    ids: np.ndarray  # int64
    distances: np.ndarray  # float32
    projects: np.ndarray  # int32
    n_without_vector: int
    recall: float  # of the project where least is to be expected
    exact: bool


def alike_in(
    db: Db,
    asking: Searched,
    account_id: int | None,
    project_ids: Sequence[int],
    vectors: np.ndarray,
    k: int,
    *,
    least: bool = False,
    without: Sequence[int] = (),
    filter: Pairs = (),
) -> Alike:
    """The `k` objects nearest to the query in those of the projects that the account may read, all in the space of the
    project that asks.

    filter: what it says of labels (status, taxon, children) is obeyed in each project; the rest is of one project only.
    """
    embedder_id, space_id = asking.embedder_id, space_of(asking)
    if embedder_id is None:
        raise Refused(NO_EMBEDDER)
    dimension = db.execute("select dimension from embedder where id = %s", [embedder_id]).fetchone().dimension
    vectors = without_sizes(np.atleast_2d(vectors), np.empty((0, dimension), np.float32))
    said = [pair for pair in filter if pair[0] in ABOUT_LABELS]
    readable = [one for one in searchable(db, embedder_id, account_id) if one.id in set(project_ids)]
    ids, distances, answers = [np.empty(0, np.int64)], [np.empty(0, np.float32)], []
    projects: list[int] = []
    for one in readable:
        mirror = open_mirror(db, one.id)
        kept = (
            read_filter(db, one.id, said, account_id is None, account_id)
            if said
            else Filter(validated_only=account_id is None)
        )
        mask = mirror.mask(db, kept).copy()
        mask[mirror.ordinals(np.array(without, np.int64))] = False
        found = most_alike(db, Source(one.id, one.title, embedder_id, space_id), vectors, mask, k, least, mirror)
        ids.append(found.ids)
        distances.append(found.distances)
        projects += [one.id] * len(found.ids)
        answers.append(found)
    every, apart = np.concatenate(ids), np.concatenate(distances)
    order = np.lexsort((every, -apart if least else apart))[:k]
    return Alike(
        every[order], apart[order], np.array(projects, np.int32)[order],
        sum(one.n_without_vector for one in answers),
        min((one.recall for one in answers), default=1.0), all(one.exact for one in answers),
    )  # fmt: skip
