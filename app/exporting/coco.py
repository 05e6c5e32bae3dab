"""COCO: the images, and for each split a file of annotations in which every image is one box."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from app.exporting import about, card
from app.exporting.folders import open_pictures, written
from app.exporting.labelled import SPLITS, Taxon, find_taxa, see

if TYPE_CHECKING:
    from app.exporting.job import Work

SAYS = [
    "`annotations/train.json` and so on: an annotation for each image, with the whole image as its box",
    "`images/`: the files; `categories` are taxa by their number, with the taxon above as supercategory",
]


def write(work: "Work") -> int:
    seen = see(work)
    taxa = find_taxa(work.db, list(seen.counts()))
    pictures = open_pictures(work)
    n_rows = 0
    lists = {name: _Lists(work.place, name) for name in SPLITS if (seen.splits == SPLITS.index(name)).any()}
    try:
        for split, taxon, row in written(work, seen, taxa, pictures, "images/{name}"):
            n_rows += 1
            lists[split].add(n_rows, taxon, row)
        for name, one in lists.items():
            with work.bundle.entry(f"annotations/{name}.json") as stream:
                one.write(stream, _head(work, [taxa[id] for id in np.unique(seen.taxa).tolist()]))
    finally:
        for one in lists.values():
            one.close()
    about.tell_pictures(work, pictures)
    card.write(work, seen, taxa, SAYS)
    return n_rows


class _Lists:
    """The images and annotations of a split, on the disk until all are known."""

    def __init__(self, place: Path, name: str) -> None:
        self.images = (place / f"{name}-images").open("w+", encoding="utf-8")
        self.annotations = (place / f"{name}-annotations").open("w+", encoding="utf-8")
        self.n = 0

    def add(self, number: int, taxon: Taxon, row: Any) -> None:
        width, height = row.width_px, row.height_px
        image = {"id": number, "file_name": row.path.removeprefix("images/"), "width": width, "height": height}
        own = {"object_id": row.object_id, "orig_id": row.orig_id, "sample": row.sample}
        box = {"bbox": [0, 0, width, height], "area": width * height, "iscrowd": 0, "segmentation": []}
        comma = ",\n" if self.n else ""
        self.images.write(comma + json.dumps(image | own, ensure_ascii=False))
        self.annotations.write(
            comma + json.dumps({"id": number, "image_id": number, "category_id": taxon.id} | box)
        )  # fmt: skip
        self.n += 1

    def write(self, stream: IO[bytes], head: dict[str, Any]) -> None:
        for name, value in head.items():
            stream.write(
                f'{"{" if name == "info" else ","}\n"{name}": {json.dumps(value, ensure_ascii=False)}'.encode()
            )
        for name, lines in (("images", self.images), ("annotations", self.annotations)):
            stream.write(f',\n"{name}": [\n'.encode())
            lines.seek(0)
            while block := lines.read(1 << 18):
                stream.write(block.encode())
            stream.write(b"\n]")
        stream.write(b"\n}\n")

    def close(self) -> None:
        self.images.close()
        self.annotations.close()


def _head(work: "Work", taxa: list[Taxon]) -> dict[str, Any]:
    now = datetime.now(UTC)
    licence = work.export.choices.licence or str(work.project.settings.get("licence") or "not stated")
    return {
        "info": {
            "description": work.project.title, "year": now.year, "version": "1.0", "contributor": "", "url": "",
            "date_created": f"{now:%Y-%m-%d}",
        },
        "licenses": [{"id": 1, "name": licence, "url": ""}],
        "categories": [{"id": taxon.id, "name": taxon.name, "supercategory": taxon.parent} for taxon in taxa],
    }  # fmt: skip
