"""The parquet table of a learning set that is brought, read piece by piece: a small file may unpack without end."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.errors import Refused, install
from app.nouns import counted

MOST_OBJECTS = 2_000_000
MOST_TABLE_BYTES = 2_500_000_000  # of all its columns that are read, unpacked
LONGEST_TEXT = 10_000  # letters: of a name, which a packed table may repeat in every row
ROWS_AT_ONCE = 10_000
TEXTS = "taxon", "orig_id", "image"
NUMBERS = {"object_id": np.int64, "project_id": np.int32, "group_id": np.int64}
VECTOR = "vector"
NEEDED = (
    "A learning set comes as a parquet table with a column `taxon` and one of `vector` (or `object_id`, `project_id`"
    " and `orig_id` of objects of this server), or as a zip of images with a folder for each taxon."
)


class Table:
    """An opened parquet file that has the column `taxon`; Refused where it is none, or too large."""

    def __init__(self, source: Any) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise Refused(f"Reading parquet needs one more package: {install('parquet')}.") from error
        self.failures: Any = (ArrowException, OSError)
        try:
            told = parquet.read_metadata(source)
            columns = [told.schema.column(place) for place in range(told.num_columns)]
            # Texts stay as places in a dictionary: unpacked, a long one is as large as it is often repeated.
            texts = [one.path for one in columns if one.path in TEXTS and one.physical_type == "BYTE_ARRAY"]
            self.file = parquet.ParquetFile(
                source, metadata=told, read_dictionary=texts, pre_buffer=False, buffer_size=1 << 20
            )
        except self.failures as error:
            raise Refused(f"This file cannot be read ({error}). {NEEDED}", status=422) from error
        self.names = set(self.file.schema_arrow.names)
        self._check_taxon()
        self._check_size()

    def __len__(self) -> int:
        return int(self.file.metadata.num_rows)

    @property
    def embedder(self) -> dict[str, Any] | None:
        """Whose vectors the table says that it has: name, digest."""
        try:
            told = json.loads((self.file.schema_arrow.metadata or {}).get(b"embedder", b"null"))
        except ValueError:
            return None
        return told if isinstance(told, dict) else None

    def _check_taxon(self) -> None:
        from pyarrow.types import is_dictionary, is_large_string, is_string

        if "taxon" not in self.names:
            raise Refused(f"The table has no column `taxon`. {NEEDED}", status=422)
        kind = self.file.schema_arrow.field("taxon").type
        kind = kind.value_type if is_dictionary(kind) else kind
        if not (is_string(kind) or is_large_string(kind)):
            raise Refused(f"The column `taxon` holds {kind}, not the names of taxa. {NEEDED}", status=422)

    def _check_size(self) -> None:
        """By what the file says of itself, before anything is unpacked."""
        told = self.file.metadata
        if told.num_rows > MOST_OBJECTS:
            raise Refused(
                f"The table has {counted(told.num_rows, 'row')}: {MOST_OBJECTS:,} at most make a learning set."
            )
        groups = [told.row_group(place) for place in range(told.num_row_groups)]
        chunks = [group.column(place) for group in groups for place in range(group.num_columns)]
        read = {*TEXTS, *NUMBERS, VECTOR}
        self._check_bytes(
            # A repeated number takes nothing packed, and four bytes each in a vector.
            sum(
                max(chunk.total_uncompressed_size, 4 * chunk.num_values)
                for chunk in chunks
                if chunk.path_in_schema.split(".")[0] in read
            )
        )

    def _check_bytes(self, n: int) -> None:
        if n > MOST_TABLE_BYTES:
            raise Refused(f"The table unpacks to more than {MOST_TABLE_BYTES:,} bytes: bring it in parts.", status=422)

    def pieces(self, *names: str) -> Iterator[dict[str, Any]]:
        """Some columns, as many rows at once as fit: lists of str, arrays of int, and vectors (see `_vectors`).

        ValueError where values are none of their column's.
        """
        wanted = [name for name in names if name in self.names]
        n_bytes = 0
        batches = self.file.iter_batches(ROWS_AT_ONCE, columns=wanted, use_threads=False)
        while (batch := self._next(batches)) is not None:
            n_bytes += batch.nbytes
            self._check_bytes(n_bytes)
            try:
                piece = {name: _read(name, batch.column(name)) for name in wanted}
            except self.failures as error:
                raise ValueError(str(error)) from error
            yield piece

    def _next(self, batches: Iterator[Any]) -> Any:
        try:
            return next(batches, None)
        except self.failures as error:
            raise Refused(f"This table is damaged ({error}). {NEEDED}", status=422) from error


def _read(name: str, column: Any) -> Any:
    if name in TEXTS:
        return _texts(column)
    if name == VECTOR:
        return _vectors(column)
    kind = NUMBERS[name]
    return column.cast(np.dtype(kind).name).fill_null(0).to_numpy(zero_copy_only=False).astype(kind)


def _texts(column: Any) -> list[str]:
    from pyarrow.types import is_dictionary

    if not is_dictionary(column.type):
        column = column.cast("string").dictionary_encode()
    words = [(word or "").replace("\0", " ") for word in column.dictionary.to_pylist()]
    if longest := max((len(word) for word in words if len(word) > LONGEST_TEXT), default=0):
        raise ValueError(f"a name of {longest:,} letters")
    words.append("")  # of -1: none
    return [words[place] for place in column.indices.fill_null(-1).to_pylist()]


def _vectors(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Places of the rows that have a usable vector, and these, float32 [n, d]."""
    from pyarrow import compute

    lengths = compute.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    numbers = column.flatten()
    if numbers.null_count:
        raise ValueError("a vector that lacks a number")
    there = np.flatnonzero(lengths)
    if not len(there):
        return there, np.empty((0, 0), np.float32)
    check_lengths(lengths[there].tolist())
    rows = numbers.cast("float32", safe=False).to_numpy(zero_copy_only=False).reshape(len(there), -1)
    fine = np.isfinite(rows).all(axis=1) & rows.any(axis=1)
    return there[fine], rows[fine]


def check_lengths(lengths: list[int]) -> None:
    if min(lengths) != max(lengths):
        raise Refused(f"The vectors have {min(lengths)} to {max(lengths)} numbers: all must have as many.", status=422)
