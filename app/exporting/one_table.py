"""CSV and parquet: all objects in one table; as parquet with the vectors of any embedder."""

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import Refused
from app.exporting import about, card, objects
from app.exporting.bundle import copy_out
from app.exporting.columns import fields_of
from app.exporting.embedders import Vectors, find_embedders
from app.exporting.folders import open_pictures, written
from app.exporting.labelled import SPLITS, Seen, find_taxa, see
from app.exporting.objects import Cells
from app.exporting.selection import PIECE
from app.exporting.tables import Counted
from app.search.arrays import fetch_vectors_of

if TYPE_CHECKING:
    from app.exporting.job import Work

GUARD_SAYS = (
    "texts that begin with = + - or @ have a ' before them here, so that no spreadsheet takes them for a formula;"
    " EcoTaxa's tables and parquet have them as they are"
)


def write_csv(work: "Work") -> int:
    seen, cells = see(work), _cells(work)
    counted = Counted(work, len(seen))
    statement = objects.query(cells, guarded=True)
    n_rows = 0
    with work.bundle.entry("objects.csv") as stream:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([card.guarded(one.name) for one in cells])
        stream.write(out.getvalue().encode())
        for part in _parts(seen):
            n_rows += copy_out(work.db, statement, _values(work, part), stream)
            counted.objects(len(part))
    _finish(work, seen, cells, ["`objects.csv`: UTF-8, commas, a row for each object; " + GUARD_SAYS])
    return n_rows


def write_parquet(work: "Work") -> int:
    """Put together beside the bundle, since parquet ends with its table of contents."""
    pa, parquet = _arrow()
    seen, cells = see(work), _cells(work)
    wanted = find_embedders(work.db, work.project.id, work.export.choices.vectors)
    counted = Counted(work, len(seen))
    reader = _Reader(pa, cells)
    place = work.place / "objects.parquet"
    names = [one.column for one in wanted]
    schema = pa.schema([*reader.schema, *((one.column, pa.list_(pa.float32(), one.dimension)) for one in wanted)])
    schema = schema.with_metadata({"embedders": json.dumps([one.told for one in wanted])})
    statement = objects.query(cells, guarded=False)
    with parquet.ParquetWriter(
        place, schema, compression="zstd", compression_level=1, use_dictionary=[one.name for one in cells],
        write_statistics=[one.name for one in cells],
    ) as writer:  # fmt: skip
        for part in _parts(seen):
            page = io.BytesIO()
            copy_out(work.db, statement, _values(work, part), page)
            table = reader.read(page)
            for one in wanted:
                table = table.append_column(
                    schema.field(one.column), _vectors(pa, work, one, table["object_id"].to_numpy())
                )
            writer.write_table(table, row_group_size=PIECE)
            counted.objects(len(part))
    work.bundle.take("objects.parquet", place)
    place.unlink()
    vectors = [f"`{name}`: vectors of {one.name}, {one.dimension} numbers of unit length; null where an object has none"
               for name, one in zip(names, wanted, strict=True)]  # fmt: skip
    _finish(work, seen, cells, ["`objects.parquet`: a row for each object, in pieces of 10,000", *vectors])
    return counted.n


def _cells(work: "Work") -> list[Cells]:
    return objects.columns(fields_of(work.db, work.project.id), work.export.choices.images)


def _parts(seen: Seen) -> Iterator[Seen]:
    for first in range(0, len(seen), PIECE):
        yield seen.take(slice(first, first + PIECE))


def _values(work: "Work", part: Seen) -> dict[str, Any]:
    return objects.values(work.project, part.ids.tolist(), [SPLITS[place] for place in part.splits.tolist()])


def _finish(work: "Work", seen: Seen, cells: list[Cells], says: list[str]) -> None:
    """The images where they are wanted, the taxa and the card."""
    taxa = find_taxa(work.db, list(seen.counts()))
    if work.export.choices.images != "none":
        pictures = open_pictures(work)
        for _ in written(work, seen, taxa, pictures, "images/{name}"):
            work.report.checkpoint()
        about.tell_pictures(work, pictures)
        says = [*says, "`images/`: the files, by the object's number and the image's rank"]
    meanings = [f"`{one.name}`: {one.says}" for one in cells if one.says and not one.says.startswith("a column of")]
    card.write(work, seen, taxa, [*says, *meanings])


def _vectors(pa: Any, work: "Work", one: Vectors, ids: np.ndarray) -> Any:
    """The vectors of objects by ascending id, as a column; null where there is none."""
    found, vectors = fetch_vectors_of(work.db, one.id, work.project.id, ids.tolist(), one.dimension)
    filled = np.zeros((len(ids), one.dimension), np.float32)
    missing = np.ones(len(ids), bool)
    places = np.searchsorted(ids, found)
    filled[places], missing[places] = vectors, False
    return pa.FixedSizeListArray.from_arrays(pa.array(filled.ravel()), one.dimension, mask=pa.array(missing))


class _Reader:
    """Reads the CSV that PostgreSQL writes into typed columns."""

    def __init__(self, pa: Any, cells: list[Cells]) -> None:
        from pyarrow import csv as arrow_csv

        kinds = {
            "int": pa.int64(), "number": pa.float64(), "text": pa.string(), "day": pa.date32(), "clock": pa.time32("s"),
            "moment": pa.timestamp("us", tz="UTC"),
        }  # fmt: skip
        self._csv, self._pa = arrow_csv, pa
        self.schema = pa.schema([(one.name, kinds[one.kind]) for one in cells])
        names = self.schema.names
        self._reads = arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=1 << 26)
        self._parses = arrow_csv.ParseOptions(newlines_in_values=True)
        self._converts = arrow_csv.ConvertOptions(
            column_types=self.schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        )

    def read(self, page: io.BytesIO) -> Any:
        page.seek(0)
        return self._csv.read_csv(page, self._reads, self._parses, self._converts)


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise Refused("Writing parquet needs one more package on the server: pip install 'shoal[parquet]'") from error
    return pyarrow, parquet
