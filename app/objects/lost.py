"""Which files that the database names the store has lost: every pack, and some of the files that stand alone."""

from app.database import Db
from app.objects.store import Store

LOOKED_FOR = 200
PACKS = """
    select split_part(ref, ':', 1) as path,
           max(split_part(ref, ':', 2)::bigint + split_part(ref, ':', 3)::bigint) as n_bytes
    from content, unnest(array[blob, thumbnail]) as ref
    where ref like 'packs/%'
    group by 1
    order by 1
"""
FILES = """
    (select blob as path from content where blob like 'images/%%' order by hash limit %s)
    union all
    (select blob from classifier where blob is not null order by id desc limit %s)
"""


def lost_files(db: Db, store: Store) -> list[str]:
    """Packs that are gone or shorter than their parts say, and those that are gone of LOOKED_FOR files of each kind."""
    there = store.packs()
    lost = [row.path for row in db.execute(PACKS) if there.get(row.path, -1) < row.n_bytes]
    return lost + [row.path for row in db.execute(FILES, [LOOKED_FOR] * 2) if not store.holds(row.path)]
