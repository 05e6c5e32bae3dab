"""How fast a batch is worked, measured by its acts."""

from dataclasses import dataclass

from app.database import Db

LONGEST_S = 120  # a longer pause between two acts is no work


@dataclass(frozen=True)
class Pace:
    """What was labelled in a batch so far: by how many acts, in how many seconds of work."""

    n_images: int
    n_acts: int
    seconds: float

    @property
    def images_per_hour(self) -> int | None:
        return round(3600 * self.n_images / self.seconds) if self.n_images and self.seconds else None

    @property
    def acts_per_image(self) -> float | None:
        return self.n_acts / self.n_images if self.n_images else None


def pace_of(db: Db, batch_id: int) -> Pace:
    """Acts that stand; the work on the first began when the batch was made."""
    row = db.execute(
        """
        select coalesce(sum(n_objects), 0)::int as n_images,
               count(*)::int as n_acts,
               coalesce(sum(least(extract(epoch from at - before), %(longest)s)), 0)::float as seconds
          from (select act.n_objects, act.at, lag(act.at, 1, batch.made_at) over (order by act.id) as before
                  from act
                  join batch on batch.id = act.batch_id
                 where act.batch_id = %(batch_id)s
                   and act.kind in ('label', 'confirm', 'doubt')
                   and act.reversed_by is null) as timed
        """,
        {"batch_id": batch_id, "longest": LONGEST_S},
    ).fetchone()
    return Pace(row.n_images, row.n_acts, row.seconds)
