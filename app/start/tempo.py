"""How long a person takes, in relation to what the same work usually takes: by kind of batch."""

from dataclasses import dataclass, field

from app.database import Db
from app.labels.pace import IDLE_S
from indexer.clusters import A_PAGE, GLANCE_S, NAME_S, PAGE_S

LATEST_ACTS = 500
PRIOR_S = 600.0  # of usual work, as much as which what is usual weighs


@dataclass(frozen=True)
class Tempo:
    """1 is as long as usual, 2 twice as long; a kind of batch that was never worked has the tempo of all."""

    of_all: float = 1.0
    by_kind: dict[str, float] = field(default_factory=dict)

    def of(self, kind: str) -> float:
        return self.by_kind.get(kind, self.of_all)


def tempo(db: Db, project_id: int, account_id: int) -> Tempo:
    """From one's latest acts in the project; what was accepted unseen was not looked at, and says nothing."""
    rows = db.execute(
        """
        with latest as (
            select act.id, act.at, act.n_objects, act.provenance, coalesce(batch.source, '') as kind,
                   lag(act.at) over (order by act.id) as before
              from (select id, at, n_objects, provenance, batch_id
                      from act
                     where project_id = %(project_id)s
                       and account_id = %(account_id)s
                       and kind in ('label', 'confirm', 'doubt')
                     order by id desc
                     limit %(most)s) as act
              left join batch on batch.id = act.batch_id
        )
        select kind,
               sum(extract(epoch from at - before))::float8 as seconds,
               sum(%(name_s)s + %(page_s)s * ceil(n_objects / %(a_page)s) + %(glance_s)s * n_objects)::float8 as usual
          from latest
         where at - before <= %(idle)s * interval '1 second'
           and provenance is distinct from 'audit'
         group by kind
        """,
        {
            "project_id": project_id, "account_id": account_id, "most": LATEST_ACTS, "idle": IDLE_S, "name_s": NAME_S,
            "page_s": PAGE_S, "a_page": float(A_PAGE), "glance_s": GLANCE_S,
        },
    ).fetchall()  # fmt: skip
    seconds, usual = sum(row.seconds for row in rows), sum(row.usual for row in rows)
    of_all = (PRIOR_S + seconds) / (PRIOR_S + usual)
    return Tempo(of_all, {row.kind: (PRIOR_S * of_all + row.seconds) / (PRIOR_S + row.usual) for row in rows})
