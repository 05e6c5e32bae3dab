"""Small projects written straight into the database, for tests of what is done with them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from app.database import Db
from app.labels.acts import Act, Outcome, apply
from app.labels.changes import seen_states, state_token


@dataclass
class SmallProject:
    """A project with objects 1 to n (ids from the sequence), and what tests ask of it."""

    db: Db
    id: int
    ids: list[int]
    taxa: dict[str, int]
    status: str = "annotate"
    people: dict[str, "Person"] = field(default_factory=dict)

    def states(self, ids: Iterable[int]) -> list[str]:
        ids = list(ids)
        seen = seen_states(self.db, self.id, ids)
        return [state_token(seen[i].version, seen[i].status, seen[i].run_id) if i in seen else "0.0" for i in ids]

    def act(self, who: "Person", ids: Iterable[int], kind: str = "label", taxon: str | None = None, **more: Any) -> Act:
        ids = list(ids)
        taxon_id = self.taxa[taxon] if taxon else None
        states = more.pop("states", None) or self.states(ids)
        return Act(more.pop("client_id", uuid4()), kind, ids, states, taxon_id, **more)

    def do(
        self, who: "Person", ids: Iterable[int], kind: str = "label", taxon: str | None = None, **more: Any
    ) -> Outcome:
        return apply(self.db, self, who, self.act(who, ids, kind, taxon, **more))

    def seen(self, object_id: int) -> tuple[str, str | None, str | None]:
        """Status, taxon and person of one object as one sees it."""
        state = seen_states(self.db, self.id, [object_id])[object_id]
        return state.status, state.taxon, state.by

    def label(self, object_id: int) -> Any:
        return self.db.execute(
            "select * from label where project_id = %s and object_id = %s", [self.id, object_id]
        ).fetchone()


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    email: str = ""
    is_application_manager: bool = False


@pytest.fixture
def ada(db: Db) -> Person:
    return make_person(db, "Ada")


@pytest.fixture
def ben(db: Db) -> Person:
    return make_person(db, "Ben")


TAXA = {  # name: (parent, display name, rank)
    "living": (None, "living", ""),
    "Copepoda": ("living", "Copepoda", "class"),
    "Calanoida": ("Copepoda", "Calanoida", "order"),
    "Oithona": ("Copepoda", "Oithona", "genus"),
    "Oithona similis": ("Oithona", "Oithona similis", "species"),
    "not-living": (None, "not-living", ""),
    "detritus": ("not-living", "detritus", ""),
    "fiber": ("detritus", "fiber < detritus", ""),
}


def make_person(db: Db, name: str) -> Person:
    email = f"{name.lower()}@example.org"
    row = db.execute("insert into account (email, name) values (%s, %s) returning id", [email, name]).fetchone()
    return Person(row[0], name, email)


def make_taxa(db: Db) -> dict[str, int]:
    """The tests' taxa, made once a database: ids by name."""
    found = {row.name: row.id for row in db.execute("select name, id from taxon where name = any(%s)", [list(TAXA)])}
    for name, (parent, display_name, rank) in TAXA.items():
        if name not in found:
            row = db.execute(
                """
                insert into taxon (parent_id, name, display_name, rank, type)
                values (%s, %s, %s, %s, %s)
                returning id
                """,
                [found.get(parent), name, display_name, rank, "M" if name in ("fiber", "detritus") else "P"],
            ).fetchone()
            found[name] = row[0]
    return found


def make_project(db: Db, n_objects: int = 10, title: str = "Bay", **columns: Any) -> SmallProject:
    """A project with one sample per ten objects, an image each, and fields area (number) and note (text)."""
    taxa = make_taxa(db)
    names = ["title", *columns]
    project_id = db.execute(
        f"insert into project ({', '.join(names)}) values ({', '.join(['%s'] * len(names))}) returning id",
        [title, *columns.values()],
    ).fetchone()[0]
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        values (%(p)s, 'object', 'area', 'number', 1), (%(p)s, 'object', 'note', 'text', 1),
               (%(p)s, 'sample', 'station', 'text', 1)
        """,
        {"p": project_id},
    )
    ids = _add_objects(db, project_id, n_objects)
    db.execute(
        "insert into count_delta (project_id, taxon_id, status, n) values (%s, 0, 'U', %s)", [project_id, n_objects]
    )
    return SmallProject(db, project_id, ids, taxa, str(columns.get("status", "annotate")))


def _add_objects(db: Db, project_id: int, n_objects: int) -> list[int]:
    n_samples = (n_objects + 9) // 10
    parents = [row[0] for row in db.execute("select nextval('parent_id_seq') from generate_series(1, %s)", [n_samples])]
    ids = [row[0] for row in db.execute("select nextval('object_id_seq') from generate_series(1, %s)", [n_objects])]
    sample_ids = [parents[k // 10] for k in range(n_objects)]
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into sample (id, project_id, orig_id, fields) values (%s, %s, %s, %s::jsonb)",
            [(s, project_id, f"sample{k}", json.dumps({"station": f"st{k}"})) for k, s in enumerate(parents)],
        )
        cursor.executemany(
            "insert into acquisition (id, project_id, sample_id, orig_id) values (%s, %s, %s, %s)",
            [(s, project_id, s, f"acq{k}") for k, s in enumerate(parents)],
        )
    values = {"p": project_id, "ids": ids, "samples": sample_ids}
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id, depth_min_m)
        select id, %(p)s, sample_id, sample_id, 'object' || n, n
          from unnest(%(ids)s::bigint[], %(samples)s::bigint[]) with ordinality as given (id, sample_id, n)
        """,
        values,
    )
    db.execute(
        """
        insert into object_field (project_id, object_id, numbers, texts)
        select %(p)s, id, array[case when n %% 4 = 0 then 'NaN' else (n * 7 %% 13)::float8 end],
               array[case when n %% 5 = 0 then null else 'note ' || n %% 3 end]
          from unnest(%(ids)s::bigint[]) with ordinality as given (id, n)
        """,
        values,
    )
    db.execute(
        """
        insert into content (hash, n_bytes, format, mode, width_px, height_px, blob, thumbnail)
        select sha256(id::text::bytea), 1000, 'PNG', 'L', 200, 100, 'packs/none:0:1', 'packs/none:0:1'
          from unnest(%(ids)s::bigint[]) as given (id)
        """,
        values,
    )
    db.execute(
        """
        insert into image (project_id, object_id, rank, hash, file_name)
        select %(p)s, id, 0, sha256(id::text::bytea), id || '.png'
          from unnest(%(ids)s::bigint[]) as given (id)
        """,
        values,
    )
    return ids


def predict(project: SmallProject, taxa: dict[int, str], score: float = 0.8, title: str = "run") -> int:
    """A run that predicts these objects' taxa; not yet the current one."""
    db = project.db
    run_id = db.execute(
        "insert into run (project_id, kind, title) values (%s, 'classifier', %s) returning id", [project.id, title]
    ).fetchone()[0]
    db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score)
        select %s, %s, object_id, taxon_id, %s
          from unnest(%s::bigint[], %s::int[]) as given (object_id, taxon_id)
        """,
        [run_id, project.id, score, list(taxa), [project.taxa[name] for name in taxa.values()]],
    )
    return int(run_id)


def true_counts(project: SmallProject) -> dict[tuple[int, str], int]:
    """Objects by seen taxon and status, counted from the rows themselves."""
    rows = project.db.execute(
        """
        select case when label.status in ('D', 'V') then label.taxon_id else coalesce(prediction.taxon_id, 0) end,
               case when label.status in ('D', 'V') then label.status when prediction.taxon_id is not null then 'P'
                    else 'U' end, count(*)
          from object
          join project on project.id = object.project_id
          left join label on label.project_id = object.project_id and label.object_id = object.id
          left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                              and prediction.run_id = project.current_run_id
         where object.project_id = %s
         group by 1, 2
        """,
        [project.id],
    )
    return {(row[0], row[1]): row[2] for row in rows}
