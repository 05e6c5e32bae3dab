"""The images of a part of an export: what each is called in the bundle, and the files themselves."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from app.database import Db
from app.errors import NotFound
from app.exporting.bundle import Bundle
from app.exporting.selection import Part
from app.objects.store import Store

TOGETHER = 100  # images read at once
READ_BY_ECOTAXA = {"PNG", "JPEG", "GIF", "MPO"}
LEADS_OUTSIDE = re.compile(r"^/|(^|[/\\])\.\.?([/\\]|$)|[\x00-\x1f\\:]|//|^$|/$")
FIRST_ONLY = """
  and image.rank = (
      select min(rank)
      from image as other
      where other.project_id = image.project_id
        and other.object_id = image.object_id
  )
"""


@dataclass
class Paths:
    """What images are called where that is not their own name, and those that stand there already."""

    paths: dict[int, dict[int, str]] = field(default_factory=dict)  # by object and rank
    again: set[tuple[int, int]] = field(default_factory=set)
    folder: str = ""

    def under(self, folder: str) -> "Paths":
        """The same below a folder, which all names of a table begin with."""
        return Paths(self.paths, self.again, folder)

    def path(self, row: Any) -> str:
        return self.folder + self.paths.get(row.object_id, {}).get(row.rank, row.file_name)

    def values(self, ids: list[int]) -> dict[str, Any]:
        """The parameters of app/exporting/columns.py's query."""
        rows = [(id, rank, path) for id in ids for rank, path in self.paths.get(id, {}).items()] if self.paths else []
        return {
            "image_ids": [row[0] for row in rows],
            "image_ranks": [row[1] for row in rows],
            "image_paths": [row[2] for row in rows],
            "image_folder": self.folder,
        }


def find_paths(db: Db, project_id: int, part: Part, images: str) -> Paths:
    """Names that several images of a part share, or that would lead out of the bundle.

    The same name with the same pixels is one file; another image of that name goes into a folder beside.
    """
    rows = db.execute(
        f"""
        select object_id, rank, hash, file_name
        from (
            select object_id, rank, hash, file_name, count(*) over (partition by lower(file_name)) as n
            from image
            where project_id = %(project_id)s
              and object_id = any(%(ids)s::bigint[])
              {FIRST_ONLY if images == "first" else ""}
        ) as counted
        where n > 1
           or file_name ~ '^/|(^|[/\\\\])\\.\\.?([/\\\\]|$)|[\\x01-\\x1f\\\\:]|//|^$|/$'
        order by object_id, rank
        """,  # noqa: S608 - constants
        {"project_id": project_id, "ids": part.ids.tolist()},
    )
    found = Paths()
    taken: dict[str, bytes] = {}
    for row in rows:
        path, number = inside(row.file_name), 1
        while taken.get(path.lower(), row.hash) != row.hash:
            number += 1
            path = f"same_name_{number}/{inside(row.file_name)}"
        key = (row.object_id, row.rank)
        if path.lower() in taken:
            found.again.add(key)
        if path != row.file_name:
            found.paths.setdefault(row.object_id, {})[row.rank] = path
        taken[path.lower()] = row.hash
    return found


def inside(name: str) -> str:
    """A name that stays inside the bundle, in a folder of its own where it had to be changed."""
    if not LEADS_OUTSIDE.search(name):
        return name
    steps = [re.sub(r"[\x00-\x1f:]", "_", step) for step in re.split(r"[/\\]", name)]
    return "/".join(["renamed", *([step for step in steps if step not in ("", ".", "..")] or ["image"])])


class Pictures:
    """Writes images into a bundle; what the store has lost is counted and left out."""

    def __init__(
        self, db: Db, bundle: Bundle, store: Store, convert: bool, tell: Callable[[int, int, int], None]
    ) -> None:
        self.db, self.bundle, self.store, self.convert, self.tell = db, bundle, store, convert, tell
        self.n = self.n_objects = self.n_lost = self.n_converted = 0
        self.kept_as: set[str] = set()  # formats that EcoTaxa does not read and that could not be made PNG

    def put(self, project_id: int, part: Part, folder: str, paths: Paths, images: str) -> None:
        """The images of a part, under the names that its table gives them."""
        for ids in part.pieces():
            rows = read_images(self.db, project_id, ids, images)
            wanted = [row for row in rows if (row.object_id, row.rank) not in paths.again]
            for row, data in self.each(wanted):
                if data is not None:
                    self.bundle.file(folder + paths.path(row), self._for_ecotaxa(row.format, data))
                    self.n += 1
                self.tell(self.n, self.n_objects + bisect_right(ids, row.object_id), self.n_lost)
            self.n_objects += len(ids)
            self.tell(self.n, self.n_objects, self.n_lost)

    def each(self, rows: list[Any]) -> Iterator[tuple[Any, bytes | None]]:
        """Rows with their images' bytes, some read together."""
        for first in range(0, len(rows), TOGETHER):
            some = rows[first : first + TOGETHER]
            yield from zip(some, self.read(some), strict=True)

    def read(self, rows: list[Any]) -> list[bytes | None]:
        """The bytes of each; None where the store has lost them."""
        try:
            return list(self.store.read_many([row.blob for row in rows]))
        except NotFound:
            return [self._read(row.blob) for row in rows]

    def _read(self, blob: str) -> bytes | None:
        try:
            return self.store.read(blob)
        except NotFound:
            self.n_lost += 1
            return None

    def _for_ecotaxa(self, format: str, data: bytes) -> bytes:
        """EcoTaxa goes by the contents of a file, not by its name: the name stays."""
        if not self.convert or format in READ_BY_ECOTAXA:
            return data
        out = BytesIO()
        try:
            with Image.open(BytesIO(data)) as image:
                image.save(out, "PNG")
        except (OSError, ValueError, UnidentifiedImageError):
            self.kept_as.add(format)
            return data
        self.n_converted += 1
        return out.getvalue()


def read_images(db: Db, project_id: int, ids: list[int], images: str) -> list[Any]:
    """Rows of some objects' images, with what they are of."""
    return db.execute(
        f"""
        select image.object_id, rank, file_name, blob, format, width_px, height_px, object.orig_id,
               sample.orig_id as sample
        from image
        join content using (hash)
        join object on object.project_id = image.project_id
                   and object.id = image.object_id
        join sample on sample.id = object.sample_id
        where image.project_id = %s
          and image.object_id = any(%s::bigint[])
          {FIRST_ONLY if images == "first" else ""}
        order by image.object_id, rank
        """,  # noqa: S608 - constants
        [project_id, ids],
    ).fetchall()
