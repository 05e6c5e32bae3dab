"""What a run says in short: per taxon how many objects, how surely, and how many are unlike the learning set."""

from dataclasses import dataclass, field, replace
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db

CONFIDENT_FROM = 0.9  # a calibrated score: nine of ten are right


@dataclass(frozen=True)
class TaxonSummary:
    """One predicted taxon in a run: objects on which no person has spoken."""

    taxon_id: int
    n: int
    n_confident: int
    mean_score: float
    n_novel: int
    n_carried: int = 0


@dataclass(frozen=True)
class Summary:
    """A run in short. `novel_from`: the novelty from which an object is unlike the learning set; none where the run
    tells no novelty. `n_carried`: as an earlier run said, since this one says nothing of them itself."""

    n: int = 0
    n_confident: int = 0
    n_novel: int = 0
    n_carried: int = 0
    n_labelled: int = 0
    n_without_vector: int = 0
    confident_from: float = CONFIDENT_FROM
    novel_from: float | None = None
    score_cap: float | None = None
    seconds: float | None = None
    taxa: list[TaxonSummary] = field(default_factory=list)


def read(stored: dict[str, Any]) -> Summary:
    """What run.summary holds; taxa with most objects first. Empty where a run is not complete, or an import."""
    known = {name: value for name, value in stored.items() if name in Summary.__dataclass_fields__ and name != "taxa"}
    taxa = [TaxonSummary(int(taxon_id), **told) for taxon_id, told in stored.get("taxa", {}).items()]
    return Summary(**known, taxa=sorted(taxa, key=lambda one: (-one.n, one.taxon_id)))


def veiled(summary: Summary) -> Summary:
    """As it is told to who may not read what taught the classifier: without what held-out objects bore out."""
    return replace(summary, score_cap=None)


def write(db: Db, project_id: int, run_id: int, **told: Any) -> None:
    """Count the run's rows on which no person has spoken, and keep that with what else is `told`."""
    novel_from = told.get("novel_from")
    rows = db.execute(
        """
        select taxon_id, count(*) as n, count(*) filter (where score >= %(confident)s) as n_confident,
               avg(score)::float8 as mean_score, count(*) filter (where novelty >= %(novel)s::real) as n_novel,
               count(said_by) as n_carried
        from prediction
        where project_id = %(project)s
          and run_id = %(run)s
          and not exists (select
                          from label
                          where label.project_id = %(project)s
                            and label.object_id = prediction.object_id
                            and label.status in ('D', 'V'))
        group by taxon_id
        order by taxon_id
        """,
        {"project": project_id, "run": run_id, "confident": CONFIDENT_FROM, "novel": novel_from},
    ).fetchall()
    taxa = {
        str(row.taxon_id): {
            "n": row.n,
            "n_confident": row.n_confident,
            "mean_score": round(row.mean_score, 4),
            "n_novel": row.n_novel,
            "n_carried": row.n_carried,
        }
        for row in rows
    }
    totals = {name: sum(one[name] for one in taxa.values()) for name in ("n", "n_confident", "n_novel", "n_carried")}
    summary = told | totals | {"confident_from": CONFIDENT_FROM, "taxa": taxa}
    db.execute("update run set summary = summary || %s where id = %s", [Jsonb(summary), run_id])
