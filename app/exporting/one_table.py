"""CSV and parquet: all objects in one table; as parquet with the vectors of any embedder."""

import csv
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from app import database
from app.database import Db
from app.errors import Refused
from app.exporting import about, card, objects
from app.exporting.bundle import copy_out
from app.exporting.columns import fields_of
from app.exporting.embedders import Vectors, find_embedders
from app.exporting.folders import open_pictures, written
from app.exporting.labelled import SPLITS, Seen, find_taxa, see
from app.exporting.objects import Cells
from app.exporting.tables import Counted
from app.search.arrays import fetch_numbers_of, fetch_vectors_of

if TYPE_CHECKING:
    from app.exporting.job import Work

PIECE = 5_000  # objects that are read at once, and stand together in parquet

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
    pa, parquet = _arrow()
    seen, cells = see(work), _cells(work)
    wanted = find_embedders(work.db, work.project.id, work.export.choices.vectors)
    counted = Counted(work, len(seen))
    free = {one.header: one.position for one in fields_of(work.db, work.project.id) if one.is_free_number}
    reader = _Reader(pa, [one for one in cells if one.name not in free])
    names = [one.column for one in wanted]
    told = reader.types | {one.column: pa.list_(pa.float32(), one.dimension) for one in wanted}
    schema = pa.schema([(name, told.get(name, pa.float64())) for name in [*(one.name for one in cells), *names]])
    schema = schema.with_metadata({"embedders": json.dumps([one.told for one in wanted])})
    statement = objects.query(reader.cells, guarded=False)
    with (
        work.bundle.as_is("objects.parquet") as stream,
        parquet.ParquetWriter(
            stream, schema, compression="zstd", compression_level=1, use_dictionary=list(reader.types),
            write_statistics=[one.name for one in cells],
            use_byte_stream_split=[f"{name}.list.element" for name in names],
        ) as writer,
    ):  # fmt: skip

        def read(db: Db, part: Seen) -> Any:
            page = io.BytesIO()
            copy_out(db, statement, _values(work, part), page)
            columns = reader.read(page)
            ids = columns["object_id"].to_numpy()
            columns |= _numbers(pa, db, work.project.id, free, ids)
            columns |= {one.column: _vectors(pa, db, work.project.id, one, ids) for one in wanted}
            return pa.table([columns[name] for name in schema.names], schema)

        with (
            database.connect(work.database_url, autocommit=True) as other,
            closing(_ahead(read, [work.db, other], _parts(seen))) as tables,
        ):
            for table in tables:
                writer.write_table(table, row_group_size=PIECE)
                counted.objects(len(table))
    vectors = [f"`{name}`: vectors of {one.name}, {one.dimension} numbers of unit length; null where an object has none"
               for name, one in zip(names, wanted, strict=True)]  # fmt: skip
    if wanted:
        vectors.append('as one array: `numpy.stack(objects.dropna(subset=["vector"])["vector"])`')
    _finish(work, seen, cells, ["`objects.parquet`: a row for each object, in pieces of 5,000", *vectors])
    return counted.n


def _ahead(read: Callable[[Db, Seen], Any], dbs: list[Db], parts: Iterable[Seen]) -> Iterator[Any]:
    """What is read of each part, in their order, while those before are worked on: a part by each connection, and one
    more that waits for its turn, so that none is idle."""
    free: SimpleQueue[Db] = SimpleQueue()
    for db in dbs:
        free.put(db)

    def read_one(part: Seen) -> Any:
        db = free.get()
        try:
            return read(db, part)
        finally:
            free.put(db)

    with ThreadPoolExecutor(len(dbs)) as pool:
        coming: deque[Future[Any]] = deque()
        for part in parts:
            coming.append(pool.submit(read_one, part))
            if len(coming) > len(dbs):
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()


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


def _numbers(pa: Any, db: Db, project_id: int, free: dict[str, int], ids: np.ndarray) -> dict[str, Any]:
    """The free numbers of objects by ascending id, as columns by name; null where one is missing or no number.

    free: the position of each in the objects' arrays.
    """
    found, numbers = fetch_numbers_of(db, project_id, ids.tolist(), max(free.values(), default=0))
    filled = np.full((numbers.shape[1], len(ids)), np.nan)
    filled[:, np.searchsorted(ids, found)] = numbers.T
    rows = {name: filled[position - 1] for name, position in free.items()}
    return {name: pa.array(row, mask=~np.isfinite(row)) for name, row in rows.items()}


def _vectors(pa: Any, db: Db, project_id: int, one: Vectors, ids: np.ndarray) -> Any:
    """The vectors of objects by ascending id, as a column; null where there is none."""
    found, vectors = fetch_vectors_of(db, one.id, project_id, ids.tolist(), one.dimension)
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
        self.cells = cells
        self.types = {one.name: kinds[one.kind] for one in cells}
        self._names = list(self.types)
        self._parses = arrow_csv.ParseOptions(newlines_in_values=True)
        self._converts = arrow_csv.ConvertOptions(
            column_types=self.types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        )

    def read(self, page: io.BytesIO) -> dict[str, Any]:
        # In one block, so that each column is one piece.
        block_size = page.seek(0, io.SEEK_END) + 1
        page.seek(0)
        reads = self._csv.ReadOptions(column_names=self._names, use_threads=False, block_size=block_size)
        table = self._csv.read_csv(page, reads, self._parses, self._converts)
        return dict(zip(table.column_names, table.columns, strict=True))


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise Refused("Writing parquet needs one more package on the server: pip install 'shoal[parquet]'") from error
    return pyarrow, parquet
