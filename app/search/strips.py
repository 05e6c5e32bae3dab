"""The strips of a project: proposed, accepted or refused, and what follows from the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.jobs.queue import enqueue
from indexer.embedders.cropping import as_json, from_png, to_png
from indexer.strips import SIDES, Found, Strip, same_strip

LARGEST_PX = 4000
EMBED_TITLE = "Embed without the strips"
LOOK_TITLE = "Look for burnt-in strips"
# Of images a second, where no embedding of this project tells.
USUAL_RATE = 60.0
FORGOTTEN_AT_ONCE = 20_000  # vectors a transaction, which may last half a minute


@dataclass(frozen=True)
class KnownStrip:
    """A strip of a project. `share` is of the images that were looked at; none: a person's own, on every image."""

    id: int
    state: str
    side: str
    size_px: int
    found_px: int | None
    share: float | None
    n_looked: int | None
    at: datetime


COLUMNS = "id, state, side, size_px, found_px, share, n_looked, at"


def read_all(db: Db, project_id: int) -> list[KnownStrip]:
    """Those to be decided first, then by age."""
    rows = db.execute(
        f"""
        select {COLUMNS}
        from strip
        where project_id = %s
        order by state <> 'proposed', state, id
        """,  # noqa: S608 - a constant
        [project_id],
    )
    return [KnownStrip(*row) for row in rows]


def read_one(db: Db, project_id: int, strip_id: int) -> KnownStrip:
    row = db.execute(
        f"select {COLUMNS} from strip where project_id = %s and id = %s",  # noqa: S608 - a constant
        [project_id, strip_id],
    ).fetchone()
    if row is None:
        raise NotFound("This project has no such strip any more. Open its page again.")
    return KnownStrip(*row)


def pixels_of(db: Db, project_id: int) -> dict[int, Strip]:
    """Every strip of a project as what finds it in an image, by id."""
    rows = db.execute("select id, side, size_px, align, pixels from strip where project_id = %s", [project_id])
    return {row.id: Strip(row.side, row.size_px, row.align, *from_png(row.pixels or b"")) for row in rows}


def accepted(db: Db, project_id: int) -> list[Strip]:
    """What is to be cut off the project's images before they are embedded, in a lasting order."""
    rows = db.execute(
        """
        select side, size_px, align, pixels
        from strip
        where project_id = %s
          and state = 'accepted'
        order by side, size_px, id
        """,
        [project_id],
    )
    return [Strip(row.side, row.size_px, row.align, *from_png(row.pixels or b"")) for row in rows]


def propose(db: Db, project_id: int, found: list[Found], n_looked: int, examples: list[list[dict[str, Any]]]) -> int:
    """Keep what was found; returns how many strips are new. What was answered already is not asked again."""
    known = pixels_of(db, project_id)
    n_new = 0
    for one, shown in zip(found, examples, strict=True):
        values = [len(one.members) / n_looked, n_looked, Jsonb(shown)]
        same = next((strip_id for strip_id, strip in known.items() if same_strip(strip, one.strip)), None)
        if same is not None:
            db.execute("update strip set share = %s, n_looked = %s, examples = %s where id = %s", [*values, same])
            continue
        n_new += 1
        db.execute(
            """
            insert into strip (project_id, state, side, size_px, found_px, align, pixels, share, n_looked, examples)
            values (%s, 'proposed', %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                project_id, one.strip.side, one.strip.size_px, one.strip.size_px, one.strip.align,
                to_png(one.strip), *values,
            ],
        )  # fmt: skip
    return n_new


def decide(
    db: Db, project_id: int, strip_id: int, state: str, account_id: int | None, size_px: int | None = None
) -> int | None:
    """Accept or refuse a strip; the job that computes the vectors anew, where they change."""
    if state not in ("accepted", "refused"):
        raise Refused(f"A strip is accepted or refused; not {state!r}.", status=422)
    before = read_one(db, project_id, strip_id)
    size = before.size_px if size_px is None else checked_size(size_px)
    db.execute(
        "update strip set state = %s, size_px = %s, account_id = %s, at = now() where id = %s",
        [state, size, account_id, strip_id],
    )
    changed = (before.state == "accepted", before.size_px) != (state == "accepted", size)
    if not changed or "accepted" not in (before.state, state):
        return None
    return follow(db, project_id, account_id)


def define(db: Db, project_id: int, side: str, size_px: int, account_id: int | None) -> tuple[int, int | None]:
    """A strip of every image, as a person says it; its id, and the job that computes the vectors anew."""
    if side not in SIDES:
        raise Refused(f"A side is {', '.join(SIDES)}; not {side!r}.", status=422)
    size = checked_size(size_px)
    twin = db.execute(
        "select from strip where project_id = %s and side = %s and pixels is null and state = 'accepted'",
        [project_id, side],
    ).fetchone()
    if twin is not None:
        raise Conflict(f"A strip at the {side} of all images is cut off already: change its size instead.")
    row = db.execute(
        """
        insert into strip (project_id, state, side, size_px, account_id)
        values (%s, 'accepted', %s, %s, %s)
        returning id
        """,
        [project_id, side, size, account_id],
    ).fetchone()
    return row.id, follow(db, project_id, account_id)


def remove(db: Db, project_id: int, strip_id: int, account_id: int | None) -> int | None:
    """Forget a strip: it may be proposed again. The job that computes the vectors anew, where it was cut off."""
    before = read_one(db, project_id, strip_id)
    db.execute("delete from strip where id = %s", [strip_id])
    return follow(db, project_id, account_id) if before.state == "accepted" else None


def checked_size(size_px: int) -> int:
    if not 1 <= size_px <= LARGEST_PX:
        raise Refused(f"A strip is 1 to {LARGEST_PX:,} pixels deep.", status=422)
    return size_px


def follow(db: Db, project_id: int, account_id: int | None) -> int | None:
    """Queue the embedding that a changed answer asks for; None where there are no vectors of images to change."""
    row = db.execute(
        """
        select embeds_images
        from project
        left join embedder on embedder.id = embedder_id
        where project.id = %s
        """,
        [project_id],
    ).fetchone()
    if row is None or row.embeds_images is False:
        return None
    return enqueue(db, "embed", EMBED_TITLE, project_id, account_id, {"strips": True})


def look(db: Db, project_id: int, account_id: int | None) -> int:
    """Queue a search for strips; returns the job's id."""
    return enqueue(db, "strips", LOOK_TITLE, project_id, account_id, {})


def has_vectors(db: Db, embedder_id: int, project_id: int) -> bool:
    return (
        db.execute(
            "select from object_vector where embedder_id = %s and project_id = %s limit 1", [embedder_id, project_id]
        ).fetchone()
        is not None
    )


def forget_vectors(db: Db, project_id: int, in_use: int) -> None:
    """Remove vectors of images that were cut otherwise than for the embedder in use, on a connection that commits each
    piece by itself. Those of whole images stay, and serve again at once.
    """
    others = db.execute(
        """
        select other.id
        from embedder as used
        join embedder as other on other.config->>'spec' = used.config->>'spec'
        where used.id = %s
          and other.id <> used.id
          and other.config ? 'strips'
        """,
        [in_use],
    ).fetchall()
    for other in others:
        while _forget_some(db, other.id, project_id):
            pass


def _forget_some(db: Db, embedder_id: int, project_id: int) -> int:
    return db.execute(
        """
        delete from object_vector
        where embedder_id = %(embedder)s
          and project_id = %(project)s
          and object_id = any(array(
              select object_id
              from object_vector
              where embedder_id = %(embedder)s
                and project_id = %(project)s
              limit %(most)s
          ))
        """,
        {"embedder": embedder_id, "project": project_id, "most": FORGOTTEN_AT_ONCE},
    ).rowcount


def is_in_force(db: Db, project_id: int) -> bool:
    """Whether the project's vectors are without just those strips that are accepted; also where there are none."""
    row = db.execute(
        """
        select config->'strips' as strips
        from project
        join embedder on embedder.id = embedder_id
        where project.id = %s
          and embeds_images
        """,
        [project_id],
    ).fetchone()
    if row is None:
        return True
    return (row.strips or []) == [as_json(strip) for strip in accepted(db, project_id)]


def seconds_to_embed(db: Db, project_id: int) -> tuple[int, float]:
    """How many images there are to embed, and about how long that takes, by the slowest of the latest embeddings."""
    row = db.execute(
        """
        select (select coalesce(sum(n), 0)::bigint from count_delta where project_id = %(project)s) as n,
               (
                   select min(done / extract(epoch from ended_at - started_at))
                   from (
                       select done, started_at, ended_at
                       from job
                       where project_id = %(project)s
                         and kind = 'embed'
                         and status = 'done'
                         and done >= 100
                         and ended_at > started_at
                       order by id desc
                       limit 3
                   ) as latest
               ) as rate
        """,
        {"project": project_id},
    ).fetchone()
    return row.n, row.n / float(row.rate or USUAL_RATE)
