"""A project with a few thousand objects, labels and vectors, written straight into the tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from app import search
from app.database import Db
from app.search import mirror
from app.settings import load_settings


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path) -> Iterator[Path]:
    """Indexes in a folder of this test's own, and nothing left over in memory."""
    home = tmp_path / "home"
    search.configure(load_settings({"SHOAL_HOME": str(home)}))
    mirror.forget()
    yield home
    mirror.forget()


@dataclass(frozen=True)
class World:
    """What a test knows of the project that it works on."""

    project_id: int
    account_id: int
    run_id: int
    ids: list[int]
    taxa: list[int]
    samples: list[int]


@pytest.fixture
def world(db: Db) -> World:
    """1,000 objects in four samples: every third labelled (V), every fifth dubious, the first 500 predicted."""
    made = make_world(db, 1000)
    db.commit()
    return made


def make_world(db: Db, n: int) -> World:
    """`n` objects whose ids start at a gap, as after imports into other projects."""
    account_id = db.execute("insert into account (email, name) values ('a@x.org', 'A') returning id").fetchone().id
    project_id = db.execute("insert into project (title) values ('Bay') returning id").fetchone().id
    run = db.execute("insert into run (project_id, kind) values (%s, 'import') returning id", [project_id]).fetchone()
    run_id = run.id
    db.execute("update project set current_run_id = %s where id = %s", [run_id, project_id])
    taxa = [
        row.id
        for row in db.execute(
            "insert into taxon (name, display_name) select 't' || i, 't' || i from generate_series(1, 5) i returning id"
        )
    ]
    samples = [1, 2, 3, 4]
    db.execute(
        """
        insert into sample (id, project_id, orig_id, fields)
        select i, %s, 's' || i,
               jsonb_build_object('volume', i * 10, 'net', case when i %% 2 = 0 then 'WP2' else 'JB' end)
        from unnest(%s::bigint[]) i
        """,
        [project_id, samples],
    )
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id)
        select i, %s, i, 'a' || i
        from unnest(%s::bigint[]) i
        """,
        [project_id, samples],
    )
    ids = list(range(101, 101 + n))
    add_objects(db, project_id, ids)
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        values (%(p)s, 'object', 'area', 'number', 1), (%(p)s, 'object', 'esd', 'number', 2),
               (%(p)s, 'object', 'remark', 'text', 1),
               (%(p)s, 'sample', 'volume', 'number', 1), (%(p)s, 'sample', 'net', 'text', 1)
        """,
        {"p": project_id},
    )
    db.execute(
        """
        insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)
        select %s, id, case when id %% 15 = 0 then 'D' else 'V' end, %s, %s, now(), 'single', 1
        from unnest(%s::bigint[]) id
        where id %% 3 = 0
        """,
        [project_id, taxa[0], account_id, ids],
    )
    db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score)
        select %s, %s, id, %s, (id %% 100) / 100.0
        from unnest(%s::bigint[]) id
        """,
        [run_id, project_id, taxa[1], ids[: n // 2]],
    )
    return World(project_id, account_id, run_id, ids, taxa, samples)


def add_objects(db: Db, project_id: int, ids: list[int]) -> None:
    """Objects with two numbers and a text: area is the id, esd is missing on odd ids, remark on ids not even."""
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id, depth_min_m)
        select id, %s, id %% 4 + 1, id %% 4 + 1, 'o' || id, id / 10.0
        from unnest(%s::bigint[]) id
        """,
        [project_id, ids],
    )
    db.execute(
        """
        insert into object_field (project_id, object_id, numbers, texts)
        select %s, id, array[id, case when id %% 2 = 0 then id / 2.0 else 'NaN' end],
               array[case when id %% 2 = 0 then 'Remark ' || id %% 10 end]
        from unnest(%s::bigint[]) id
        """,
        [project_id, ids],
    )


def label(db: Db, world: World, ids: list[int], status: str, taxon_id: int | None) -> None:
    """Label rows and history as an act writes them."""
    act_id = db.execute(
        """
        insert into act (project_id, client_id, account_id, kind, provenance, n_objects)
        values (%s, gen_random_uuid(), %s, 'label', 'single', %s)
        returning id
        """,
        [world.project_id, world.account_id, len(ids)],
    ).fetchone().id  # fmt: skip
    db.execute(
        """
        insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)
        select %s, id, %s, %s, %s, now(), 'single', 1
        from unnest(%s::bigint[]) id
        on conflict (project_id, object_id) do update
        set status = excluded.status, taxon_id = excluded.taxon_id, account_id = excluded.account_id,
            version = label.version + 1
        """,
        [world.project_id, status, taxon_id, world.account_id, ids],
    )
    db.execute(
        """
        insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)
        select %s, id, %s, %s, %s, 1
        from unnest(%s::bigint[]) id
        """,
        [world.project_id, act_id, status, taxon_id, ids],
    )


def unit_vectors(n: int, dimension: int = 16, seed: int = 1) -> np.ndarray:
    """Random directions, float32."""
    vectors = np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_embedder(db: Db, dimension: int, name: str = "test") -> int:
    """An embedder of vectors brought from elsewhere, with its partition."""
    row = db.execute(
        "insert into embedder (name, digest, dimension, embeds_images) values (%s, 'x', %s, false) returning id",
        [name, dimension],
    ).fetchone()
    db.execute(f"create table object_vector_{row.id} partition of object_vector for values in ({row.id})")
    return row.id


def add_vectors(db: Db, embedder_id: int, project_id: int, ids: list[int], vectors: np.ndarray) -> None:
    """Vectors of objects, as embedding writes them."""
    db.execute(
        """
        insert into object_vector (embedder_id, project_id, object_id, v)
        select %s, %s, id, v::halfvec
        from unnest(%s::bigint[], %s::text[]) as row (id, v)
        """,
        [embedder_id, project_id, ids, [str(vector.tolist()) for vector in vectors]],
    )
