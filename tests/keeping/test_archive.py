"""A whole project goes into one file and comes out the same, here and elsewhere."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from app import database
from app.batches.make import make_batch
from app.batches.sources import Source
from app.classifiers import versions
from app.classifiers.versions import Training
from app.database import Db
from app.errors import NotFound, Refused
from app.jobs import foreground
from app.keeping import archive_tables
from app.keeping.archive import MANIFEST, archive, columns_of
from app.keeping.archive_inside import address, renumbered
from app.keeping.archive_restore import restore
from app.keeping.archive_tables import LEFT_OUT, NUMBERED, TABLES, Table
from app.labels.undo import undo
from app.learning import sets
from app.learning.choices import Choices
from app.objects.store import open_store
from app.settings import Settings, load_settings
from tests.classifiers.test_training import QUICK
from tests.keeping.conftest import unheard
from tests.learning.conftest import Seas, seas
from tests.search.conftest import make_embedder, own_home
from tests.small_projects import ada, ben, make_person, make_taxa, predict

__all__ = ["ada", "ben", "own_home", "seas"]


@dataclass(frozen=True)
class Kept:
    """A project with something in each corner, in a Shoal of its own."""

    settings: Settings
    seas: Seas

    @property
    def id(self) -> int:
        return self.seas.bay.id

    def into(self, file: Path) -> Path:
        self.seas.db.commit()
        with database.connect(self.settings.database_url, autocommit=True) as db:
            archive(self.settings, db, self.id, file, unheard)
        return file


def out_of(settings: Settings, file: Path) -> int:
    with database.connect(settings.database_url, autocommit=True) as db:
        return restore(settings, db, file, unheard)


@pytest.fixture
def kept(seas: Seas, settings: Settings) -> Kept:
    """Labels, an undone act, a comment, piles, a batch, predictions, a learning set, a classifier, presets, slots."""
    db, bay, who = seas.db, seas.bay, seas.ada
    store_images(settings, db)
    bay.do(who, bay.ids[40:45], taxon="Copepoda")
    done = bay.do(who, bay.ids[45:48], taxon="detritus")
    undo(db, seas.project(), who, uuid4(), done.act_id)
    bay.do(seas.ben, bay.ids[2:4], kind="doubt")
    run_id = predict(bay, {number: "Oithona similis" for number in bay.ids[48:58]})
    db.execute("update project set current_run_id = %s where id = %s", [run_id, bay.id])
    db.execute("update run set config = %s, summary = %s where id = %s",
               [json.dumps({"filter": f"taxon={bay.taxa['Oithona']}&status=U"}),
                json.dumps({"n": 10, "taxa": {str(bay.taxa["Oithona similis"]): {"n": 10}}}), run_id])  # fmt: skip
    db.execute("insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, %s)",
               [bay.id, bay.ids[0], who.id, "tab\there, line\nthere, back\\slash"])  # fmt: skip
    db.execute("insert into preset_taxon values (%s, %s, 1)", [bay.id, bay.taxa["fiber"]])
    db.execute("insert into board_preference values (%s, %s, %s)",
               [bay.id, who.id, json.dumps({"size": 90, "slots": {"1": bay.taxa["Calanoida"]}})])  # fmt: skip
    pile = db.execute(
        "insert into pile (project_id, client_id, name, account_id) values (%s, %s, 'worms', %s) returning id",
        [bay.id, uuid4(), who.id],
    ).fetchone().id  # fmt: skip
    db.execute("insert into pile_object values (%s, %s, %s)", [pile, bay.ids[59], who.id])
    db.execute(
        """
        insert into audit (project_id, client_id, source, source_id, taxon_id, status, object_ids, account_id)
        values (%s, %s, 'pile', %s, %s, 'V', %s, %s)
        """,
        [bay.id, uuid4(), pile, bay.taxa["Oithona"], bay.ids[50:59], who.id],
    )
    make_batch(db, seas.project(), who, Source("examples", {"ids": bay.ids[:2]}))
    both = Choices(sources=(bay.id, seas.gulf.id), taxa={bay.taxa["Oithona similis"]: bay.taxa["Oithona"]})
    set_id = sets.freeze(db, seas.project(), who.id, "Both seas", both)
    db.commit()
    _, job_id = versions.start_training(db, seas.project(), who.id, Training(set_id, "Both seas", QUICK.method))
    db.commit()
    foreground.run_waiting(settings, settings.database_url, job_id)
    return Kept(settings, seas)


def store_images(settings: Settings, db: Db) -> None:
    """Bytes behind the small projects' contents, the first one's in a file of its own."""
    packs = open_store(settings).pack_writer()
    rows = db.execute("select hash from content order by hash").fetchall()
    for number, row in enumerate(rows):
        blob = packs.add(b"image %d" % number)
        if not number:
            large = b"large"
            blob = open_store(settings).put_image(__import__("hashlib").sha256(large).digest(), large)
        db.execute("update content set blob = %s, thumbnail = %s where hash = %s",
                   [blob, packs.add(b"thumbnail %d" % number), row.hash])  # fmt: skip
    packs.finish()


@pytest.fixture
def elsewhere(server: Any, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Another Shoal, whose numbers are others: with Ada, some of the taxa, and projects of its own."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"create database {name} template {template} strategy file_copy")
    url = server.url.replace("///shoal", f"///{name}")
    settings = load_settings({"SHOAL_HOME": str(tmp_path / "elsewhere"), "DATABASE_URL": url})
    settings.home.mkdir()
    with database.connect(url) as db:
        make_person(db, "Zoe")
        make_person(db, "Ada")
        db.execute("select setval('taxon_id_seq', 5000000)")
        make_taxa(db)
        db.execute("delete from taxon where name in ('fiber', 'Oithona similis')")
        for sequence, start in (("project_id_seq", 70), ("object_id_seq", 9000), ("act_id_seq", 333)):
            db.execute("select setval(%s, %s)", [sequence, start])
    yield settings
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)")


# What a restore changes: what was learned with taxa of other numbers is another file; that a project changed is told.
CHANGED = {("project", "data_version"), ("classifier", "blob"), ("classifier", "digest")}


class Natural:
    """A project's rows with names for numbers: what is the same in any Shoal."""

    def __init__(self, db: Db, project_id: int) -> None:
        self.db, self.project_id = db, project_id
        self.names: dict[str, dict[int, Any]] = {
            "taxon": self._names("select id, display_name as name from taxon") | {0: "none"},
            "account": self._names("select id, email as name from account"),
            "embedder": self._names("select id, name from embedder"),
            "object": self._names(f"select id, orig_id as name from object where project_id = {project_id}"),
            "project": {project_id: "the project"},
        }
        for kind in NUMBERED.keys() - {"object"}:
            tables = [table for table in TABLES if table.kinds.get("id") == kind]
            ids = sorted(row.id for table in tables for row in db.execute(self.rows_of(table)))
            self.names[kind] = {number: f"{kind} {place}" for place, number in enumerate(ids)}

    def _names(self, query: str) -> dict[int, Any]:
        return {row.id: row.name for row in self.db.execute(query)}

    def rows_of(self, table: Table) -> str:
        said = [table.said.get(name, f"t.{name}") + f" as {name}" for name in columns_of(self.db, table)]
        return f"select {', '.join(said)} from {table.name} t where {table.of}".replace(
            "{project}", str(self.project_id)
        )

    def name(self, kind: str, number: int) -> Any:
        return self.names[kind].get(number) if number else number

    def value(self, table: Table, column: str, row: Any) -> Any:
        kind, value = table.kind(column), getattr(row, column)
        if kind == "audited":
            return self.name(row.source, value)
        if kind == "json":
            return json.dumps(renumbered(value, self.name), sort_keys=True)
        if kind == "address":
            return address(value, self.name)
        if kind == "next_tx" or (table.name, column) in CHANGED:
            return None
        if kind.removesuffix("[]") in self.names and value is not None:
            kind = kind.removesuffix("[]")
            return [self.name(kind, one) for one in value] if isinstance(value, list) else self.name(kind, value)
        return bytes(value) if isinstance(value, memoryview) else value

    def told(self) -> dict[str, list[str]]:
        found = {}
        for table in TABLES:
            columns = columns_of(self.db, table)
            rows = self.db.execute(self.rows_of(table)).fetchall()
            found[table.name] = sorted(repr([self.value(table, column, row) for column in columns]) for row in rows)
        return found


def same(mine: dict[str, list[str]], theirs: dict[str, list[str]]) -> None:
    for name, rows in mine.items():
        assert theirs[name] == rows, name


def told(settings: Settings, project_id: int) -> dict[str, list[str]]:
    with database.connect(settings.database_url) as db:
        return Natural(db, project_id).told()


def pictures(settings: Settings, project_id: int) -> list[bytes]:
    with database.connect(settings.database_url) as db:
        rows = db.execute(
            """
            select blob, thumbnail
            from image
            join content using (hash)
            where project_id = %s
            order by object_id
            """,
            [project_id],
        ).fetchall()
    return open_store(settings).read_many([ref for row in rows for ref in row])


def test_restored_elsewhere_it_is_the_same(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    restored = out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))
    assert restored == 71
    before = told(kept.settings, kept.id)
    after = told(elsewhere, restored)
    # Ben has no account there: he is a name, without a right.
    before["member"] = [row for row in before["member"] if "ben@" not in row]
    same(before, after)
    for table in ("label", "history", "act", "comment", "prediction", "object_vector", "held_out", "batch", "audit",
                  "learning_item", "board_preference", "preset_taxon", "image", "object_field"):  # fmt: skip
        assert after[table], f"nothing was asked of {table}"
    assert pictures(elsewhere, restored) == pictures(kept.settings, kept.id)


def test_restored_beside_itself_it_is_the_same_and_the_first_is_untouched(kept: Kept, tmp_path: Path) -> None:
    before = told(kept.settings, kept.id)
    restored = out_of(kept.settings, kept.into(tmp_path / "bay.shoal"))
    assert restored != kept.id
    same(before, told(kept.settings, restored))
    assert told(kept.settings, kept.id) == before
    again = out_of(kept.settings, tmp_path / "bay.shoal")
    same(before, told(kept.settings, again))


def test_its_classifier_says_there_what_it_said_here(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    restored = out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))

    def said(settings: Settings, project_id: int) -> list[Any]:
        with database.connect(settings.database_url) as db:
            row = db.execute("select *, 'x' as embedder from classifier where project_id = %s", [project_id]).fetchone()
            model = versions.open_model(settings, row)
            vectors = db.execute(
                "select v from object_vector where project_id = %s order by object_id limit 20", [project_id]
            ).fetchall()
            import numpy as np

            found = model.predict(np.array([one.v.to_numpy() for one in vectors], np.float32))
            names = {one.id: one.display_name for one in db.execute("select id, display_name from taxon")}
            assert row.taxa == model.taxa.tolist()
            return [[names.get(int(taxon)) for taxon in taxa] for taxa in found.taxa]

    assert said(elsewhere, restored) == said(kept.settings, kept.id)


def test_there_what_was_done_can_be_undone(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    restored = out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))
    with database.connect(elsewhere.database_url) as db:
        act = db.execute(
            "select id, account_id from act where project_id = %s and kind = 'label' and n_objects = 5", [restored]
        ).fetchone()
        project: Any = db.execute("select * from project where id = %s", [restored]).fetchone()
        person: Any = db.execute("select * from account where id = %s", [act.account_id]).fetchone()
        undo(db, project, person, uuid4(), act.id)
        left = db.execute(
            "select count(*) as n from label join taxon on taxon.id = taxon_id"
            " where project_id = %s and name = 'Copepoda'",
            [restored],
        ).fetchone()
    assert left.n == 0


def test_people_are_found_by_e_mail_and_others_kept_as_names(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    restored = out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))
    with database.connect(elsewhere.database_url) as db:
        people = {row.name: row for row in db.execute("select * from account")}
        members = [
            row.account_id for row in db.execute("select account_id from member where project_id = %s", [restored])
        ]
    assert set(people) == {"Zoe", "Ada", "Ben"}
    assert members == [people["Ada"].id]
    assert people["Ben"].password_hash is None and people["Ben"].named_by_import


def test_taxa_that_are_there_are_found_and_others_made_in_their_place(
    kept: Kept, elsewhere: Settings, tmp_path: Path
) -> None:
    def lineages(db: Db) -> dict[str, str | None]:
        rows = db.execute(
            "select taxon.display_name as name, parent.name as parent from taxon left join taxon parent"
            " on parent.id = taxon.parent_id"
        )
        return {row.name: row.parent for row in rows}

    with database.connect(elsewhere.database_url) as db:
        known = {row.id: row.name for row in db.execute("select id, name from taxon")}
    out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))
    with database.connect(elsewhere.database_url) as db:
        assert lineages(db) == lineages(kept.seas.db)
        after = {row.id: row.name for row in db.execute("select id, name from taxon")}
    assert known.items() <= after.items() and len(after) == len(known) + 2


def test_names_that_mean_something_else_there_are_not_taken_over(
    kept: Kept, elsewhere: Settings, tmp_path: Path
) -> None:
    with database.connect(elsewhere.database_url) as db:
        db.execute(
            """
            insert into taxon (parent_id, name, display_name)
            select id, 'fiber', 'fiber < detritus'
            from taxon
            where name = 'living'
            """
        )
        make_embedder(db, 8)
        db.execute("update embedder set digest = 'other'")
    restored = out_of(elsewhere, kept.into(tmp_path / "bay.shoal"))
    with database.connect(elsewhere.database_url) as db:
        preset = db.execute(
            """
            select taxon.name, parent.name as parent, taxon.display_name
            from preset_taxon
            join taxon on taxon.id = taxon_id
            join taxon as parent on parent.id = taxon.parent_id
            where project_id = %s
            """,
            [restored],
        ).fetchone()
        embedder = db.execute(
            "select embedder.* from embedder join project on project.embedder_id = embedder.id where project.id = %s",
            [restored],
        ).fetchone()
        shown = [row.display_name for row in db.execute("select display_name from taxon where name = 'fiber'")]
    assert (preset.name, preset.parent) == ("fiber", "detritus")
    assert len(set(shown)) == 2 and all(name.startswith("fiber < ") for name in shown)
    assert (embedder.name, embedder.dimension) == ("test (x)", 16)


def test_a_broken_or_changed_file_leaves_nothing(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    file = kept.into(tmp_path / "bay.shoal")
    data = file.read_bytes()
    for name, broken, said in (
        ("cut", data[: len(data) // 2], "cannot be read|breaks off"),
        ("changed", data.replace(b"thumbnail 7", b"thumbnail 8", 1), "is damaged"),
        ("other", b"no tar at all" * 1000, "cannot be read"),
    ):
        (tmp_path / name).write_bytes(broken)
        with pytest.raises(Refused, match=said):
            out_of(elsewhere, tmp_path / name)
    with database.connect(elsewhere.database_url) as db:
        assert not db.execute("select 1 from project").fetchone()
        assert not db.execute("select 1 from content").fetchone()
    assert not list(open_store(elsewhere).paths())


def test_a_newer_shoals_archive_is_refused_at_once(kept: Kept, elsewhere: Settings, tmp_path: Path) -> None:
    file = kept.into(tmp_path / "bay.shoal")
    with tarfile.open(file) as tar:
        manifest = json.load(tar.extractfile(MANIFEST))
    for change in ({"format": 2}, {"migrations": [*manifest["migrations"], "9999_later.sql"]}):
        said = json.dumps(manifest | change).encode()
        with tarfile.open(tmp_path / "newer", "w") as tar:
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(said)
            tar.addfile(info, io.BytesIO(said))
        with pytest.raises(Refused, match="newer Shoal"):
            out_of(elsewhere, tmp_path / "newer")


def test_an_archive_takes_the_place_of_nothing_and_is_there_only_whole(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = kept.into(tmp_path / "bay.shoal")
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(Refused, match="is there already"):
        kept.into(file)
    with pytest.raises(Refused, match="does not exist"):
        kept.into(tmp_path / "nowhere" / "bay.shoal")
    lost = kept.seas.db.execute("select blob from content where blob like 'images/%'").fetchone().blob
    open_store(kept.settings).remove(lost)
    with pytest.raises((Refused, NotFound), match="lost"):
        kept.into(tmp_path / "second.shoal")
    assert {path.name for path in tmp_path.iterdir() if "shoal" in path.name} == {"bay.shoal"}


def test_every_table_of_a_project_is_archived_or_left_out_for_a_reason(db: Db) -> None:
    """A new table has to say which it is."""
    told = {table.name for table in TABLES} | LEFT_OUT.keys()
    found = {
        row.name
        for row in db.execute(
            """
            select relname as name
            from pg_class
            join pg_attribute on attrelid = pg_class.oid and attname = 'project_id'
            where relnamespace = 'public'::regnamespace
              and relkind in ('r', 'p')
              and not relispartition
            union
            select child.relname
            from pg_constraint
            join pg_class as child on child.oid = conrelid
            join pg_class as parent on parent.oid = confrelid
            where contype = 'f'
              and not child.relispartition
              and parent.relname = any(%s)
            """,
            [[table.name for table in archive_tables.TABLES]],
        )
    }
    assert found - told == set()


@pytest.mark.parametrize(
    ("said", "new"),
    [
        ({"taxon_id": 5, "n": 5}, {"taxon_id": 105, "n": 5}),
        ({"kind": "examples", "ids": [1, 2], "query": "taxon=5&sample=3&f.area=5..9"},
         {"kind": "examples", "ids": [101, 102], "query": "taxon=105&sample=103&f.area=5..9"}),
        ({"taxa": {"5": 6, "7": None}}, {"taxa": {"105": 106, "107": None}}),
        ({"taxa": {"5": {"n": 5}}}, {"taxa": {"105": {"n": 5}}}),
        ({"confusion": [[5, 6, 7]]}, {"confusion": [[105, 106, 7]]}),
        ({"audit": {"id": 5, "n": 5}}, {"audit": {"id": 105, "n": 5}}),
        ({"job_id": 5}, {"job_id": None}),
        ({"reached": 2**63 - 1}, {"reached": 2**63 - 1}),
        ([{"id": 5, "why": "changed", "by_id": None}], [{"id": 105, "why": "changed", "by_id": None}]),
    ],
)  # fmt: skip
def test_numbers_inside_json_are_renumbered_by_what_they_name(said: Any, new: Any) -> None:
    assert renumbered(said, lambda kind, number: number + 100) == new
