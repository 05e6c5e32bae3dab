"""Classifiers as pages show them: what each learned from, and its report in an order that people read."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.accounts.viewer import Viewer
from app.database import Db
from app.projects.references import READABLE
from app.taxonomy.names import is_italic
from indexer.orders import seriate

MOST_LISTED = 200
MOST_CONFUSED = 50
LEAST_SCORES = (0.5, 0.8, 0.9, 0.95)
GONE = "a taxon that is gone"
# The projects that a row of `classifier`, joined to its `learning_set`, learned from; also once that was deleted.
SOURCES = """
    coalesce(learning_set.source_ids, array(select jsonb_array_elements_text(classifier.report -> 'sources')::int))
"""
METHODS = {
    "auto": "the better of all",
    "forest": "random forest",
    "discriminant": "linear discriminant",
    "logistic": "logistic regression",
    "outside": "made elsewhere",
}


@dataclass(frozen=True)
class Name:
    """A taxon as it is written; `place`: where it stands in the tree, depth first."""

    name: str
    italic: bool
    place: int


@dataclass(frozen=True)
class TaxonLine:
    """What to expect of one taxon: `precision`, `recall` and `f1` are None where there is nothing to tell them from."""

    id: int
    name: str
    italic: bool
    n: int
    n_predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Confused:
    """So many held-out objects of the taxon `truth` were called `predicted`; `share`: of all held-out of that taxon."""

    truth: int
    predicted: int
    truth_name: str
    predicted_name: str
    n: int
    share: float


@dataclass(frozen=True)
class Sure:
    """Held-out objects with a score of `least` or more: their share of all, and how many of them are right."""

    least: float
    n: int
    share: float
    right: float | None


@dataclass(frozen=True)
class Matrix:
    """Taxa, cells [row, column, n] by their places in `ids`, and orders of these places to draw it in."""

    ids: list[int]
    names: list[str]
    cells: list[list[int]]
    orders: dict[str, list[int]]


def list_classifiers(db: Db, project_id: int, classifier_id: int | None = None) -> list[Any]:
    """A project's classifiers, the newest first, or one of them, without the large parts of their reports."""
    return db.execute(
        """
        select classifier.id, classifier.project_id, classifier.title, classifier.version, classifier.method,
               classifier.config, classifier.report - '{per_taxon,confusion}'::text[] as report, classifier.taxa,
               classifier.n_objects, classifier.created_at, classifier.trained_at, classifier.embedder_id,
               learning_set.id as set_id, learning_set.title as set_title, learning_set.version as set_version,
               embedder.name as embedder, account.name as author, job.id as job_id, job.status as job_status,
               job.error as job_error, job.message as job_message, false as is_closed
        from classifier
        left join learning_set on learning_set.id = classifier.learning_set_id
        left join embedder on embedder.id = classifier.embedder_id
        left join account on account.id = classifier.account_id
        left join job on job.id = classifier.job_id
        where classifier.project_id = %(project_id)s
          and (%(classifier_id)s::int is null or classifier.id = %(classifier_id)s)
        order by classifier.id desc
        limit %(most)s
        """,
        {"project_id": project_id, "classifier_id": classifier_id, "most": MOST_LISTED},
    ).fetchall()


def list_for(db: Db, viewer: Viewer, project_id: int) -> list[Any]:
    """A project's classifiers as a viewer may see them: where one learned from what the viewer may not read, its title
    and version only (`is_closed`), as its own page does not open either."""
    closed = closed_to(db, viewer, project_id)
    return [_veiled(row) if row.id in closed else row for row in list_classifiers(db, project_id)]


def closed_to(db: Db, viewer: Viewer, project_id: int) -> set[int]:
    """The project's classifiers that learned from what the viewer may not read."""
    rows = db.execute(
        f"""
        select classifier.id
        from classifier
        left join learning_set on learning_set.id = classifier.learning_set_id
        where classifier.project_id = %(project_id)s
          and exists (
              select
              from project p
              where p.id = any({SOURCES})
                and p.id <> classifier.project_id
                and not {READABLE}
          )
        """,  # noqa: S608 - constants
        {"project_id": project_id, "account_id": viewer.account_id},
    )
    return {row.id for row in rows}


def is_closed(db: Db, viewer: Viewer, classifier_id: int | None) -> bool:
    """Whether a classifier, of any project, was made in or learned from what the viewer may not read: then what it said
    of held-out objects is not told to them, in no figure."""
    row: Any = db.execute(
        f"""
        select exists (
            select
            from classifier
            left join learning_set on learning_set.id = classifier.learning_set_id
            join project p on p.id = classifier.project_id or p.id = any({SOURCES})
            where classifier.id = %(classifier_id)s
              and not {READABLE}
        ) as is_closed
        """,  # noqa: S608 - constants
        {"classifier_id": classifier_id, "account_id": viewer.account_id},
    ).fetchone()
    return bool(row.is_closed)


def _veiled(row: Any) -> Any:
    return row._replace(
        is_closed=True, config={}, report={}, taxa=[], n_objects=0, set_id=None, set_title=None, set_version=None,
        job_error=None, job_message=None,
    )  # fmt: skip


def read_report(db: Db, classifier_id: int) -> dict[str, Any]:
    row = db.execute("select report from classifier where id = %s", [classifier_id]).fetchone()
    return row.report if row else {}


def names(db: Db, taxon_ids: list[int]) -> dict[int, Name]:
    """How taxa are written and where they stand in the tree."""
    rows = db.execute(
        """
        with recursive above as (
            select id, parent_id, array[name] as path from taxon where id = any(%(ids)s)
            union all
            select above.id, taxon.parent_id, taxon.name || above.path
            from above
            join taxon on taxon.id = above.parent_id
        )
        select taxon.id, taxon.display_name, taxon.rank, taxon.type,
               (row_number() over (order by above.path))::int as place
        from above
        join taxon on taxon.id = above.id
        where above.parent_id is null
        """,
        {"ids": taxon_ids},
    )
    return {row.id: Name(row.display_name, is_italic(row.display_name, row.rank, row.type), row.place) for row in rows}


def taxon_lines(report: dict[str, Any], called: dict[int, Name]) -> list[TaxonLine]:
    """Every taxon of the report, the commonest first."""
    lines = []
    for one in sorted(report.get("per_taxon", ()), key=lambda one: -one["n"]):
        precision, recall = one.get("precision"), one.get("recall")
        known = called.get(one["taxon"], Name(GONE, False, 0))
        f1 = None if precision is None or recall is None else 2 * precision * recall / max(precision + recall, 1e-9)
        lines.append(
            TaxonLine(
                one["taxon"], known.name, known.italic, one["n"], one.get("n_predicted", 0), precision, recall, f1
            )
        )
    return lines


def most_confused(report: dict[str, Any], called: dict[int, Name]) -> list[Confused]:
    """The largest cells beside the diagonal."""
    totals: dict[int, int] = {}
    for truth, _, n in report.get("confusion", ()):
        totals[truth] = totals.get(truth, 0) + n
    wrong = sorted((cell for cell in report.get("confusion", ()) if cell[0] != cell[1]), key=lambda cell: -cell[2])

    def name(taxon_id: int) -> str:
        return called[taxon_id].name if taxon_id in called else GONE

    return [
        Confused(truth, predicted, name(truth), name(predicted), n, n / totals[truth])
        for truth, predicted, n in wrong[:MOST_CONFUSED]
    ]


def sureness(db: Db, classifier_id: int) -> list[Sure]:
    """What stands above some scores among held-out objects."""
    rows = db.execute(
        """
        select least, count(*) as n_all, count(*) filter (where score >= least) as n,
               count(*) filter (where score >= least and first = truth) as n_right
        from held_out, unnest(truths, firsts, scores) as one (truth, first, score), unnest(%s::real[]) as least
        where classifier_id = %s
        group by least
        order by least
        """,
        [list(LEAST_SCORES), classifier_id],
    )
    return [
        Sure(round(float(row.least), 2), row.n, row.n / row.n_all, row.n_right / row.n if row.n else None)
        for row in rows
    ]


def matrix(report: dict[str, Any], called: dict[int, Name]) -> Matrix:
    """The confusions as a picture wants them: in an order in which confused taxa stand together, in the tree's, and the
    commonest first."""
    cells = report.get("confusion", ())
    ids = sorted({taxon for truth, predicted, _ in cells for taxon in (truth, predicted)})
    place = {taxon_id: k for k, taxon_id in enumerate(ids)}
    placed = [[place[truth], place[predicted], n] for truth, predicted, n in cells]
    known = [called.get(taxon_id, Name(GONE, False, 0)) for taxon_id in ids]
    counts = np.zeros(len(ids), np.int64)
    for truth, _, n in placed:
        counts[truth] += n
    orders = {
        "confused": confused_order(placed, len(ids)).tolist(),
        "tree": sorted(range(len(ids)), key=lambda k: known[k].place),
        "number": np.argsort(-counts, kind="stable").tolist(),
    }
    return Matrix(ids, [one.name for one in known], placed, orders)


def confused_order(cells: list[list[int]], n: int) -> np.ndarray:
    """Places 0 to n - 1 in an order in which taxa that are taken for each other stand together: int64 [n].

    A taxon is described by what its objects are called and what is called by its name, so that taxa with common
    confusions are alike; these are ordered as images are.
    """
    table = np.zeros((n, n))
    for truth, predicted, count in cells:
        table[truth, predicted] += count
    shares = np.sqrt(table / np.maximum(table.sum(1, keepdims=True), 1))
    both = shares + shares.T + np.eye(n)
    return seriate((both / np.linalg.norm(both, axis=1, keepdims=True)).astype(np.float32)) if n else np.empty(0, int)
