"""Images in a folder for each class, below one for each split, with a table of what they are."""

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from app.exporting import about, card
from app.exporting.labelled import SPLITS, Seen, Taxon, find_taxa, see
from app.exporting.names import suffix
from app.exporting.pictures import Pictures, read_images
from app.exporting.selection import PIECE
from app.exporting.tables import Counted
from app.objects.store import open_store

if TYPE_CHECKING:
    from app.exporting.job import Work

COLUMNS = ["file_name", "split", "taxon_id", "taxon", "object_id", "orig_id", "sample", "rank", "width_px", "height_px"]


def write(work: "Work") -> int:
    seen = see(work)
    taxa = find_taxa(work.db, list(seen.counts()))
    pictures = open_pictures(work)
    n_rows = 0
    with (work.place / "objects.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for split, taxon, row in written(work, seen, taxa, pictures, "{split}/{folder}/{name}"):
            cells = [split, taxon.id, taxon.name, row.object_id, row.orig_id, row.sample, row.rank, row.width_px]
            table.writerow([card.guarded(cell) for cell in (row.path, *cells, row.height_px)])
            n_rows += 1
    work.bundle.shrink("objects.csv", work.place / "objects.csv")
    about.tell_pictures(work, pictures)
    card.write(work, seen, taxa, ["`objects.csv`: each image with its taxon, object, sample and size"])
    return n_rows


def open_pictures(work: "Work") -> Pictures:
    return Pictures(work.db, work.bundle, open_store(work.settings), False, lambda n, n_objects, n_lost: None)


class Written:
    """An image that was written, and where."""

    __slots__ = ("height_px", "object_id", "orig_id", "path", "rank", "sample", "width_px")

    def __init__(self, row: Any, path: str) -> None:
        self.path, self.object_id, self.rank = path, row.object_id, row.rank
        self.orig_id, self.sample, self.width_px, self.height_px = row.orig_id, row.sample, row.width_px, row.height_px


def written(
    work: "Work", seen: Seen, taxa: dict[int, Taxon], pictures: Pictures, form: str
) -> Iterator[tuple[str, Taxon, Written]]:
    """Put the images of all objects into the bundle; each one that is there, with its split and taxon."""
    counted = Counted(work, len(seen))
    for first in range(0, len(seen), PIECE):
        part = seen.take(slice(first, first + PIECE))
        said = dict(zip(part.ids.tolist(), zip(part.splits.tolist(), part.taxa.tolist(), strict=True), strict=True))
        rows = read_images(work.db, work.project.id, part.ids.tolist(), work.export.choices.images)
        for row, data in pictures.each(rows):
            split, taxon = SPLITS[said[row.object_id][0]], taxa[said[row.object_id][1]]
            name = f"{row.object_id}_{row.rank}.{suffix(row.format)}"
            path = form.format(split=split, folder=taxon.folder, name=name)
            if data is not None:
                work.bundle.file(path, data)
                yield split, taxon, Written(row, path)
            n_objects = first + int(np.searchsorted(part.ids, row.object_id, "right"))
            counted.images(counted.n_images + (data is not None), n_objects, pictures.n_lost)
