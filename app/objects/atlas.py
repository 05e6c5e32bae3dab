"""The thumbnails of a section of tiles as one body, under an address that names its objects and what they show.

The address holds the ids of the objects, each as its difference to the one before, and the digest of
their pictures' hashes. So the bytes under it never change, and a browser keeps them for ever. The body holds the number
of pictures, the length of each (four bytes each, the lowest first), and the WebP files after each other.
"""

import base64
import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from app.database import Db
from app.errors import NotFound
from app.objects.store import Store

DIGEST_BYTES = 8
MOST_PICTURES = 1000
GONE = "These pictures are not, or no longer, those of this project's objects."


def atlas_url(project_id: int, tiles: Iterable[dict[str, Any]]) -> str | None:
    """Where the thumbnails of these tiles are had at once; None where no tile has one."""
    shown = [(tile["id"], tile["hash"]) for tile in tiles if tile["hash"]]
    if not shown:
        return None
    name = write_name([id for id, _ in shown], [bytes.fromhex(hash) for _, hash in shown])
    return f"/projects/{project_id}/atlas/{name}"


def write_name(ids: Sequence[int], hashes: Sequence[bytes]) -> str:
    """The last part of an atlas's address."""
    data = bytearray(_digest(hashes))
    last = 0
    for id in ids:
        step, last = id - last, id
        rest = step << 1 if step >= 0 else (-step << 1) - 1
        while rest > 127:
            data.append(128 | rest & 127)
            rest >>= 7
        data.append(rest)
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def read_name(name: str) -> tuple[list[int], bytes]:
    """The ids and the digest in an atlas's name."""
    try:
        data = base64.b64decode(name + "=" * (-len(name) % 4), b"-_", validate=True)
    except ValueError:
        raise NotFound(GONE) from None
    ids, last, rest, shift = [], 0, 0, 0
    for byte in data[DIGEST_BYTES:]:
        rest |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            last += rest >> 1 if rest % 2 == 0 else -(rest + 1 >> 1)
            ids.append(last)
            rest = shift = 0
    if shift or not 0 < len(ids) <= MOST_PICTURES or not all(0 <= id < 2**63 for id in ids):
        raise NotFound(GONE)
    return ids, data[:DIGEST_BYTES]


def _digest(hashes: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(hashes)).digest()[:DIGEST_BYTES]


def find_thumbnails(db: Db, project_id: int, name: str, validated_only: bool) -> list[str]:
    """References of an atlas's thumbnails, in its order, if its objects (all of which one may see) still show them."""
    ids, digest = read_name(name)
    rows = db.execute(
        """
        select distinct on (image.object_id) image.object_id, image.hash, content.thumbnail
          from image
          join content on content.hash = image.hash
         where image.project_id = %(project_id)s
           and image.object_id = any(%(ids)s)
           and (not %(validated_only)s
                or exists (select
                             from label
                            where label.project_id = image.project_id
                              and label.object_id = image.object_id
                              and label.status = 'V'))
         order by image.object_id, image.rank
        """,
        {"project_id": project_id, "ids": ids, "validated_only": validated_only},
    )
    found = {row.object_id: row for row in rows}
    if not all(id in found for id in ids) or _digest(found[id].hash for id in ids) != digest:
        raise NotFound(GONE)
    return [found[id].thumbnail for id in ids]


def read_atlas(store: Store, thumbnails: Sequence[str]) -> bytes:
    """The body: number, lengths and files."""
    files = store.read_many(thumbnails)
    return struct.pack(f"<{1 + len(files)}I", len(files), *map(len, files)) + b"".join(files)
