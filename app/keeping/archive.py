"""A whole project as one file: a tar of its tables, its images in packs, its classifiers and trained embedders.

All of one moment. The manifest comes first, so that what cannot be read is refused at once; the sums of all members
come last, so that a file without them is known as broken off.
"""

import gzip
import hashlib
import io
import json
import os
import secrets
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from app.database import Db
from app.errors import NotFound, Refused
from app.keeping.archive_inside import address, renumbered
from app.keeping.archive_tables import TABLES, Table
from app.keeping.backup_folder import writable
from app.keeping.manifest import Report
from app.objects.store import PACK_BYTES, SWEEP_LOCK, Store, open_store
from app.settings import Settings

KIND, FORMAT = "shoal project", 1
MANIFEST, END = "manifest.json", "end.json"
CONTENT = "content.tsv.gz"
PIECE = 200
FULL = "The disk of {folder} is full: nothing of this archive was left. Make room there, or write it to a larger disk."


class Writer:
    """A tar whose members are summed as they are written."""

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self.tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)
        self.folder = folder  # for what has to be whole before its size is known
        self.sums: dict[str, str] = {}

    def add(self, name: str, data: bytes) -> None:
        self._add(name, len(data), io.BytesIO(data), hashlib.sha256(data).hexdigest())

    def add_file(self, name: str, file: IO[bytes]) -> None:
        """All of a file that stands at its beginning or anywhere else."""
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)
        self._add(name, size, file, digest)

    def _add(self, name: str, size: int, file: IO[bytes], digest: str) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self.tar.addfile(info, file)
        self.sums[name] = digest

    def close(self) -> None:
        self.add(END, json.dumps(self.sums).encode())
        self.tar.close()


def archive(settings: Settings, db: Db, project_id: int, target: Path, report: Report) -> None:
    """Write a project into `target`, which is there only once it is whole. The connection commits by itself."""
    if target.exists():
        raise Refused(f"{target} is there already: give the archive another name.")
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    db.execute("select pg_advisory_lock_shared(%s)", [SWEEP_LOCK])
    try:
        with writable(target.parent, FULL), draft.open("xb") as file:
            draft.chmod(0o600)
            writer = Writer(file, target.parent)
            with db.transaction():
                db.execute("set transaction isolation level repeatable read, read only")
                _write(settings, db, project_id, writer, report)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except FileNotFoundError as error:
        raise Refused(f"The folder {target.parent} does not exist: make it first.") from error
    finally:
        draft.unlink(missing_ok=True)
        with suppress(Exception):
            db.execute("select pg_advisory_unlock_shared(%s)", [SWEEP_LOCK])


def _write(settings: Settings, db: Db, project_id: int, writer: Writer, report: Report) -> None:
    project: Any = db.execute("select id, title from project where id = %s", [project_id]).fetchone()
    if project is None:
        raise NotFound("There is no such project.")
    writer.add(MANIFEST, json.dumps(_manifest(db, project)).encode())
    named = _Named(project_id)
    for n, table in enumerate(TABLES):
        _write_table(db, table, project_id, writer)
        named.note(db, table)
        report("tables", n + 1, len(TABLES))
    writer.add("taxa.json", json.dumps(_taxa(db, named.numbers["taxon"])).encode())
    writer.add("people.json", json.dumps(_people(db, named.numbers["account"])).encode())
    embedders = _embedders(db, named.numbers["embedder"])
    writer.add("embedders.json", json.dumps(embedders).encode())
    store = open_store(settings)
    _write_files(db, store, project_id, embedders, writer)
    _write_images(db, store, project_id, writer, report)


def _manifest(db: Db, project: Any) -> dict[str, Any]:
    return {
        "kind": KIND,
        "format": FORMAT,
        "shoal": version("shoal"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "migrations": [row.name for row in db.execute("select name from migration order by name")],
        "project": {"id": project.id, "title": project.title},
        "columns": {table.name: columns_of(db, table) for table in TABLES},
    }


def columns_of(db: Db, table: Table) -> list[str]:
    """A table's columns that an archive holds, in their order. Generated ones make themselves."""
    rows = db.execute(
        """
        select attname as name
        from pg_attribute
        where attrelid = %s::regclass
          and attnum > 0
          and not attisdropped
          and attgenerated = ''
        order by attnum
        """,
        [table.name],
    )
    return [row.name for row in rows if table.kind(row.name) != "none"]


def _select(db: Db, table: Table, project_id: int) -> str:
    said = [table.said.get(name, f"t.{name}") + f" as {name}" for name in columns_of(db, table)]
    text = f"select {', '.join(said)} from {table.name} as t where {table.of}"  # noqa: S608 - constants
    text += " order by t.id" if "id" in table.kinds else ""
    return text.replace("{project}", str(int(project_id)))


def _write_table(db: Db, table: Table, project_id: int, writer: Writer) -> None:
    """As COPY writes it, in pieces that are squeezed on their way to a file beside the archive."""
    with tempfile.TemporaryFile(dir=writer.folder) as file:
        with (
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as squeezed,
            db.cursor().copy(f"copy ({_select(db, table, project_id)}) to stdout") as copy,
        ):
            for piece in copy:
                squeezed.write(piece)
        writer.add_file(f"tables/{table.name}.gz", file)


class _Named:
    """Which taxa, people and embedders the rows of a project name."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        self.numbers: dict[str, set[int]] = {"taxon": set(), "account": set(), "embedder": set()}

    def note(self, db: Db, table: Table) -> None:
        for column in columns_of(db, table):
            kind = table.kind(column)
            if kind in ("json", "address"):
                self._note_inside(db, table, column, kind)
            elif kind.removesuffix("[]") in self.numbers:
                self._note_column(db, table, column, kind)

    def _note_column(self, db: Db, table: Table, column: str, kind: str) -> None:
        value = f"unnest({column})" if kind.endswith("[]") else column
        rows = db.execute(f"select distinct {value} as n from ({_select(db, table, self.project_id)}) as t")  # noqa: S608
        self.numbers[kind.removesuffix("[]")] |= {row.n for row in rows if row.n}

    def _note_inside(self, db: Db, table: Table, column: str, kind: str) -> None:
        query = _select(db, table, self.project_id)
        rows = db.execute(
            f"select {column} as said from ({query}) as t where {column}::text not in ('', '{{}}', '[]')"  # noqa: S608
        )
        for row in rows:
            if kind == "address":
                address(row.said, self._new)
            else:
                renumbered(row.said, self._new)

    def _new(self, kind: str, number: int) -> int:
        self.numbers.get(kind, set()).add(number)
        return number


def _taxa(db: Db, ids: set[int]) -> list[dict[str, Any]]:
    """These with all above them and those that took their place; parents first."""
    rows = db.execute(
        """
        with recursive wanted as (
            select id, parent_id, rename_to
            from taxon
            where id = any(%s)
            union
            select taxon.id, taxon.parent_id, taxon.rename_to
            from wanted
            join taxon on taxon.id in (wanted.parent_id, wanted.rename_to)
        ),
        deep as (
            select id, 0 as depth
            from wanted
            where parent_id is null
            union all
            select wanted.id, depth + 1
            from deep
            join wanted on wanted.parent_id = deep.id
        )
        select taxon.id, parent_id, name, display_name, type, status, rank, aphia_id, ecotaxa_id, external_ids,
               rename_to
        from deep
        join taxon using (id)
        order by depth, id
        """,
        [list(ids)],
    )
    return [row._asdict() for row in rows]


def _people(db: Db, ids: set[int]) -> list[dict[str, Any]]:
    rows = db.execute("select id, email, name, organisation, orcid from account where id = any(%s)", [list(ids)])
    return [row._asdict() for row in rows]


def _embedders(db: Db, ids: set[int]) -> list[dict[str, Any]]:
    rows = db.execute(
        """
        select id, name, digest, dimension, description, config, embeds_images, embeds_text
        from embedder
        where id = any(%s)
        """,
        [list(ids)],
    )
    return [row._asdict() for row in rows]


def _write_files(db: Db, store: Store, project_id: int, embedders: list[dict[str, Any]], writer: Writer) -> None:
    """Classifiers' arrays, and the files of embedders that were trained here."""
    rows = db.execute(
        "select distinct blob from classifier where project_id = %s and blob is not null order by blob", [project_id]
    )
    trained = {str(one["config"].get("spec", "")).removeprefix("tuned:") for one in embedders}
    files = [path for path in store.files_in("embedders") if Path(path).stem.removeprefix("tuned-") in trained]
    for path in [*(row.blob for row in rows), *files]:
        writer.add(path, _read(store, path))


def _read(store: Store, path: str) -> bytes:
    try:
        return store.read_file(path)
    except FileNotFoundError:
        raise Refused(
            f"The store has lost {path}, so that the archive would not be whole: bring it back from a backup."
        ) from None


class _Packs:
    """Small files put together, as in the store, under numbers of the archive's own."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.number, self.data = writer, 0, bytearray()

    def add(self, data: bytes) -> str:
        if self.data and len(self.data) + len(data) > PACK_BYTES:
            self.finish()
        ref = f"packs/{self.number}:{len(self.data)}:{len(data)}"
        self.data += data
        return ref

    def finish(self) -> None:
        if self.data:
            self.writer.add(f"packs/{self.number}", bytes(self.data))
            self.number, self.data = self.number + 1, bytearray()


def _write_images(db: Db, store: Store, project_id: int, writer: Writer, report: Report) -> None:
    """Every content once, small ones and thumbnails in packs; then the table that says where each is."""
    packs, done = _Packs(writer), 0
    total = db.execute("select count(distinct hash) as n from image where project_id = %s", [project_id]).fetchone().n
    with tempfile.TemporaryFile(dir=writer.folder) as table:
        with gzip.GzipFile(fileobj=table, mode="wb", compresslevel=1, mtime=0) as lines:
            for rows in _contents(db, project_id):
                lines.write("".join(_stored(store, rows, packs)).encode())
                done += len(rows)
                report("images", done, total)
        packs.finish()
        writer.add_file(CONTENT, table)


def _stored(store: Store, rows: list[Any], packs: _Packs) -> Iterator[str]:
    """Each content's line, once its bytes are in the archive."""
    refs = [row.blob for row in rows if row.blob.startswith("packs/")] + [row.thumbnail for row in rows]
    data = dict(zip(refs, store.read_many(refs), strict=True))
    for row in rows:
        blob = packs.add(data[row.blob]) if row.blob in data else row.blob
        if row.blob not in data:
            packs.writer.add(row.blob, _read(store, row.blob))
        told = (row.n_bytes, row.format, row.mode, row.width_px, row.height_px, blob, packs.add(data[row.thumbnail]))
        yield "\t".join([f"\\\\x{row.hash.hex()}", *map(str, told)]) + "\n"


def _contents(db: Db, project_id: int) -> Iterator[list[Any]]:
    """What the project shows, in the order in which it lies in the store."""
    with db.cursor(name="contents") as cursor:
        cursor.execute(
            """
            select content.*
            from content
            where hash in (select hash from image where project_id = %(project_id)s)
               or hash in (
                   select decode(example->>'hash', 'hex')
                   from strip, jsonb_array_elements(examples) as example
                   where project_id = %(project_id)s
                     and example ? 'hash'
               )
            order by split_part(blob, ':', 1), nullif(split_part(blob, ':', 2), '')::bigint
            """,
            {"project_id": project_id},
        )
        while rows := cursor.fetchmany(PIECE):
            yield rows
