"""Projects as laboratories have them, of any size, written by COPY: 80 free columns, Zipf taxa, people and history."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from uuid import uuid4

import numpy as np

from app.database import Db, connect
from app.labels.acts import Act, apply
from app.labels.changes import seen_states, state_token
from app.search.embedders import register
from tests.benchmarks.binary_copy import arrays, copy_rows, halves
from tests.benchmarks.recipes import CHUNK, Array, chunks, classes_of

N_NUMBERS, N_TEXTS, N_TAXA, N_SAMPLES = 60, 20, 300, 200
TEXT_CHARS = 8
SMALL_SAMPLE = 0.001  # share of the first sample; the others are alike
# By share of all objects.
STATUSES = {"V": 0.50, "D": 0.01, "P": 0.39, "U": 0.10}
PEOPLE = [0.10, 0.01, 0.001]  # of these; the rest of what is labelled is the first person's
TEXTS_PER_COLUMN = [2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]
EPOCH_US = 800_000_000_000_000  # of labels: microseconds since 2000


@dataclass(frozen=True)
class Made:
    """A generated project."""

    id: int
    embedder_id: int
    first_id: int
    objects: int
    accounts: list[int]
    taxa: list[int]  # the most frequent first
    samples: list[int]  # the smallest first
    recipe: str
    dimension: int

    @property
    def ids(self) -> Array:
        return np.arange(self.first_id, self.first_id + self.objects)


def make_project(
    db: Db,
    objects: int,
    dimension: int = 256,
    recipe: str = "clustered",
    title: str = "Benchmark",
    seed: int = 20261121,
) -> Made:
    """A project with `objects` objects, their vectors, labels, predictions and a row of history each. Commits."""
    project_id = db.execute("insert into project (title) values (%s) returning id", [title]).fetchone().id
    accounts, taxa = _people(db, project_id), _taxa(db)
    samples = _samples(db, project_id)
    _fields(db, project_id)
    first_id = _reserved(db, objects)
    made = Made(project_id, 0, first_id, objects, accounts, taxa, samples, recipe, dimension)
    run_id = _run(db, project_id)
    _acts(db, made)
    for number, start in enumerate(range(0, objects, CHUNK)):
        rng = np.random.default_rng((seed, number, 7))
        ids = first_id + np.arange(start, min(start + CHUNK, objects))
        _heads(db, made, ids)
        _free_columns(db, made, ids, rng)
        _labels(db, made, ids, run_id, np.array(taxa)[classes_of(number, len(ids))], rng)
        db.commit()
    db.execute("update project set current_run_id = %s where id = %s", [run_id, project_id])
    _counts(db, made, run_id)
    return add_vectors(db, made, dimension, recipe)


def add_vectors(db: Db, made: Made, dimension: int, recipe: str) -> Made:
    """The same project with vectors of another embedder, which it uses from now on. Commits."""
    name = f"{recipe}-{dimension}"
    embedder = SimpleNamespace(
        name=name, digest=name, dimension=dimension, description="generated", spec=name,
        config={},
        embeds_images=False, embeds_text=False,
    )  # fmt: skip
    embedder_id = register(db, embedder)
    id = made.first_id
    for chunk in chunks(recipe, made.objects, dimension):
        n = len(chunk.vectors)
        copy_rows(
            db, "object_vector", ["embedder_id", "project_id", "object_id", "v"],
            [(">i2", embedder_id), (">i4", made.id), (">i8", np.arange(id, id + n)), halves(chunk.vectors)], n,
        )  # fmt: skip
        id += n
    use_vectors(db, made.id, embedder_id)
    _settle(db)
    return Made(**(made.__dict__ | {"embedder_id": embedder_id, "recipe": recipe, "dimension": dimension}))


def use_vectors(db: Db, project_id: int, embedder_id: int) -> None:
    """Let the project use an embedder's vectors. Commits."""
    db.execute("update project set embedder_id = %s where id = %s", [embedder_id, project_id])
    db.commit()


def _settle(db: Db) -> None:
    """As autovacuum leaves the tables some minutes later."""
    db.autocommit = True
    db.execute("vacuum analyze object, object_field, image, label, history, prediction, object_vector")
    db.autocommit = False


def _people(db: Db, project_id: int) -> list[int]:
    rows = db.execute(
        """
        insert into account (email, name)
        select 'person' || i || '.' || %(project_id)s || '@example.org', 'Person ' || i
        from generate_series(1, %(n)s) i
        returning id
        """,
        {"project_id": project_id, "n": 1 + len(PEOPLE)},
    ).fetchall()
    db.execute(
        "insert into member (project_id, account_id, role) select %s, unnest(%s::int[]), 'annotator'",
        [project_id, [row.id for row in rows]],
    )
    return [row.id for row in rows]


def _taxa(db: Db) -> list[int]:
    """300 taxa in 20 branches, made once a database."""
    rows = db.execute("select id from taxon where name ~ '^Genus[0-9]+$' order by id").fetchall()
    if not rows:
        branches = db.execute(
            """
            insert into taxon (name, display_name, rank)
            select 'Order' || i, 'Order' || i, 'order'
            from generate_series(1, 20) i
            returning id
            """
        ).fetchall()
        rows = db.execute(
            """
            insert into taxon (name, display_name, rank, parent_id)
            select 'Genus' || i, 'Genus' || i, 'genus', (%s::int[])[1 + i %% 20]
            from generate_series(1, %s) i
            returning id
            """,
            [[row.id for row in branches], N_TAXA],
        ).fetchall()
    return [row.id for row in rows]


def _samples(db: Db, project_id: int) -> list[int]:
    ids = [
        row.id
        for row in db.execute("select nextval('parent_id_seq') as id from generate_series(1, %s)", [2 * N_SAMPLES])
    ]
    db.execute(
        """
        insert into sample (id, project_id, orig_id, latitude, longitude, fields)
        select id, %s, 'station ' || i, i %% 90, i %% 180,
               jsonb_build_object('volume', i * 1.5, 'net', 'net ' || i %% 5, 'ship', 'Tara')
        from unnest(%s::bigint[]) with ordinality as s (id, i)
        """,
        [project_id, ids[:N_SAMPLES]],
    )
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id, instrument, fields)
        select id, %s, sample_id, 'acquisition ' || id, 'ZooScan', jsonb_build_object('sub_part', id %% 7)
        from unnest(%s::bigint[], %s::bigint[]) as a (id, sample_id)
        """,
        [project_id, ids[N_SAMPLES:], ids[:N_SAMPLES]],
    )
    db.execute(
        """
        insert into process (acquisition_id, project_id, orig_id)
        select id, %s, 'p' || id
        from unnest(%s::bigint[]) id
        """,
        [project_id, ids[N_SAMPLES:]],
    )
    return ids[:N_SAMPLES]


def _fields(db: Db, project_id: int) -> None:
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %(p)s, 'object', 'number' || i, 'number', i from generate_series(1, %(numbers)s) i
        union all
        select %(p)s, 'object', 'text' || i, 'text', i from generate_series(1, %(texts)s) i
        union all
        select %(p)s, 'sample', name, type, position
        from (values ('volume', 'number', 1), ('net', 'text', 1), ('ship', 'text', 2)) as f (name, type, position)
        union all
        select %(p)s, 'acquisition', 'sub_part', 'number', 1
        """,
        {"p": project_id, "numbers": N_NUMBERS, "texts": N_TEXTS},
    )


def _reserved(db: Db, n: int) -> int:
    """The first of `n` ids in a row."""
    last = db.execute("select setval('object_id_seq', nextval('object_id_seq') + %s) as id", [n]).fetchone().id
    return last - n + 1


def _run(db: Db, project_id: int) -> int:
    row = db.execute(
        "insert into run (project_id, kind) values (%s, 'classifier') returning id", [project_id]
    ).fetchone()
    return row.id


def _acts(db: Db, made: Made) -> None:
    """One act for each thousand objects."""
    db.execute(
        """
        insert into act (project_id, client_id, account_id, kind, taxon_id, status, provenance, n_objects)
        select %s, gen_random_uuid(), %s, 'label', %s, 'V', 'batch', 1000
        from generate_series(1, %s)
        """,
        [made.id, made.accounts[0], made.taxa[0], -(-made.objects // 1000)],
    )


def _heads(db: Db, made: Made, ids: Array) -> None:
    """Objects, sample after sample, as imports bring them; and an image each, of 1,000 contents."""
    places = (ids - made.first_id) / made.objects
    which = np.where(places < SMALL_SAMPLE, 0, 1 + ((places - SMALL_SAMPLE) * (N_SAMPLES - 1) / (1 - SMALL_SAMPLE)))
    sample = np.array(made.samples)[np.minimum(which.astype(int), N_SAMPLES - 1)]
    names = np.char.add("object", np.char.zfill(ids.astype(str), 12)).astype("S18")
    copy_rows(
        db, "object",
        ["id", "project_id", "sample_id", "acquisition_id", "import_id", "orig_id", "latitude", "longitude", "date",
         "time", "depth_min_m", "depth_max_m", "sun_position"],
        [
            (">i8", ids), (">i4", made.id), (">i8", sample), (">i8", sample + N_SAMPLES),
            (">i4", 1 + (8 * places).astype(int)), ("S18", names), (">f8", ids % 90), (">f8", ids % 180),
            (">i4", 8000 + ids % 1000), (">i8", ids % 1440 * 60_000_000), (">f8", ids % 1000 / 2), (">f8", ids % 1000),
            ("S1", np.where(ids % 1440 // 720 == 0, b"N", b"D")),
        ],
        len(ids),
    )  # fmt: skip
    hashes = np.zeros((len(ids), 32), np.uint8)
    hashes[:, :2] = np.stack([ids % 1000 // 256, ids % 1000 % 256], 1)
    copy_rows(
        db, "image", ["project_id", "object_id", "rank", "hash", "file_name"],
        [
            (">i4", made.id), (">i8", ids), (">i2", 0), ("V32", hashes.view("V32")[:, 0]),
            ("S18", names),
        ],
        len(ids),
    )  # fmt: skip


def _free_columns(db: Db, made: Made, ids: Array, rng: np.random.Generator) -> None:
    n = len(ids)
    numbers = rng.gamma(2, 100, (n, N_NUMBERS))
    numbers[rng.random((n, N_NUMBERS)) < 0.02] = np.nan
    texts = np.empty((n, N_TEXTS), f"S{TEXT_CHARS}")
    for column in range(N_TEXTS):
        kinds = TEXTS_PER_COLUMN[column % len(TEXTS_PER_COLUMN)]
        words = np.char.zfill(np.arange(kinds).astype(str), TEXT_CHARS).astype(f"S{TEXT_CHARS}")
        texts[:, column] = words[rng.integers(kinds, size=n)]
    copy_rows(
        db, "object_field", ["project_id", "object_id", "numbers", "texts"],
        [(">i4", made.id), (">i8", ids), arrays(numbers, ">f8", 701), arrays(texts, f"S{TEXT_CHARS}", 25)], n,
    )  # fmt: skip


def _labels(db: Db, made: Made, ids: Array, run_id: int, taxon: Array, rng: np.random.Generator) -> None:
    """Nine of ten predictions are right; labels are."""
    n = len(ids)
    status = rng.choice(list(STATUSES), n, p=list(STATUSES.values()))
    labelled, predicted = np.isin(status, ["V", "D"]), np.isin(status, ["V", "D", "P"])
    share = rng.random(n) * (STATUSES["V"] + STATUSES["D"])
    person = np.array([*made.accounts[1:], made.accounts[0]])[np.searchsorted(np.cumsum(PEOPLE), share)]
    act = db.execute("select min(id) as id from act where project_id = %s", [made.id]).fetchone().id
    acts = act + (ids - made.first_id) // 1000
    guess = np.where(rng.random(n) < 0.9, taxon, rng.choice(made.taxa, n))
    copy_rows(
        db, "label",
        ["project_id", "object_id", "status", "taxon_id", "account_id", "at", "provenance", "version", "act_id"],
        [
            (">i4", made.id), (">i8", ids[labelled]), ("S1", status[labelled].astype("S1")),
            (">i4", taxon[labelled]), (">i4", person[labelled]), (">i8", EPOCH_US + acts[labelled] * 60_000_000),
            ("S5", b"batch"), (">i4", 1), (">i8", acts[labelled]),
        ],
        int(labelled.sum()),
    )  # fmt: skip
    copy_rows(
        db, "prediction", ["run_id", "project_id", "object_id", "taxon_id", "score"],
        [
            (">i4", run_id), (">i4", made.id), (">i8", ids[predicted]), (">i4", guess[predicted]),
            (">f4", rng.random(int(predicted.sum()))),
        ],
        int(predicted.sum()),
    )  # fmt: skip
    copy_rows(
        db, "history", ["project_id", "object_id", "act_id", "new_status", "new_taxon_id", "new_version"],
        [(">i4", made.id), (">i8", ids), (">i8", acts), ("S1", b"V"), (">i4", taxon), (">i4", 1)], n,
    )  # fmt: skip


def _counts(db: Db, made: Made, run_id: int) -> None:
    db.execute(
        """
        insert into count_delta (project_id, taxon_id, status, n)
        select object.project_id, coalesce(label.taxon_id, prediction.taxon_id, 0),
               coalesce(label.status, case when prediction.object_id is null then 'U' else 'P' end), count(*)
        from object
        left join label on label.project_id = object.project_id and label.object_id = object.id
        left join prediction on prediction.project_id = object.project_id
                            and prediction.run_id = %s
                            and prediction.object_id = object.id
        where object.project_id = %s
        group by 1, 2, 3
        """,
        [run_id, made.id],
    )
    db.commit()


LABELLER = "from tests.benchmarks.generate import label_for_ever; import sys; label_for_ever(*sys.argv[1:])"


@contextmanager
def labelling_client(url: str, made: Made, batch: int = 1000, pause_s: float = 0) -> Iterator[subprocess.Popen]:
    """A second process that labels batch after batch through acts, as long as the block lasts."""
    arguments = [url, made.id, made.accounts[0], made.first_id, made.objects, batch, pause_s]
    client = subprocess.Popen([sys.executable, "-c", LABELLER, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        client.stdout.readline()  # the first batch is labelled
        yield client
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def label_for_ever(
    url: str, project_id: str, account_id: str, first_id: str, objects: str, batch: str, pause_s: str
) -> None:
    """Move a batch of one taxon to another and back, again and again, at once or after a pause.

    So the shares of taxa, statuses and people, which filters are measured on, stay as they are.
    """
    project, account = SimpleNamespace(id=int(project_id), status="annotate"), SimpleNamespace(id=int(account_id))
    rng = np.random.default_rng(1)
    with connect(url) as db:
        taxa = [row.id for row in db.execute("select id from taxon where name ~ '^Genus[0-9]+$' order by id limit 20")]
        while True:
            taxon_id, other_id = rng.choice(taxa, 2, replace=False).tolist()
            start = int(first_id) + int(rng.integers(int(objects)))
            ids = _validated(db, project.id, account.id, taxon_id, start, int(batch))
            for to in (other_id, taxon_id) if ids else ():
                seen = seen_states(db, project.id, ids)
                states = [state_token(seen[i].version, seen[i].status, seen[i].run_id) for i in ids]
                apply(db, project, account, Act(uuid4(), "label", ids, states, to, "V", "batch"))
                db.commit()
                print(len(ids), flush=True)
                time.sleep(float(pause_s))


def _validated(db: Db, project_id: int, account_id: int, taxon_id: int, start: int, n: int) -> list[int]:
    rows = db.execute(
        """
        select object_id
        from label
        where project_id = %s
          and taxon_id = %s
          and status = 'V'
          and account_id = %s
          and object_id >= %s
        order by object_id
        limit %s
        """,
        [project_id, taxon_id, account_id, start, n],
    )
    return [row.object_id for row in rows]
