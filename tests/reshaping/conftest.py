"""Small projects with vectors, labels, predictions and comments, which are reshaped as requests and workers do it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import search
from app.accounts.viewer import Account, Viewer
from app.database import Db
from app.jobs.run import run_queued
from app.labels import runs
from app.projects.access import Project, find_project
from app.projects.queries import set_member
from app.reshaping import asked
from app.reshaping.asked import Reshaping
from app.search import embedders, mirror
from app.search.vector_copy import write_vectors
from app.settings import Settings
from indexer.embedders import Embedder
from tests.small_projects import Person, SmallProject, make_project, predict

WIDTH = 8


@pytest.fixture(autouse=True)
def own_home(settings: Settings) -> Iterator[Path]:
    search.configure(settings)
    mirror.forget()
    yield settings.home
    mirror.forget()


@dataclass
class Shore:
    """A person who manages projects, and what a test asks of them."""

    db: Db
    settings: Settings
    who: Person
    embedder_id: int

    @property
    def viewer(self) -> Viewer:
        return Viewer(Account(self.who.id, self.who.email, self.who.name, self.who.is_application_manager))

    def seen(self, project_id: int) -> Project:
        return find_project(self.db, self.viewer, project_id)

    def bay(self, n: int = 40, title: str = "Bay") -> SmallProject:
        """Managed by the person: half validated, two dubious, the rest predicted or nothing, with vectors."""
        made = make_project(self.db, n, title, embedder_id=self.embedder_id)
        set_member(self.db, made.id, self.who.id, "manager")
        self.db.execute(
            "update object set orig_id = replace(orig_id, 'object', %s) where project_id = %s", [title, made.id]
        )
        give_vectors(self.db, self.embedder_id, made)
        half = n // 2
        made.do(self.who, made.ids[:half:2], taxon="Copepoda")
        made.do(self.who, made.ids[1:half:2], taxon="Oithona similis")
        made.do(self.who, made.ids[half : half + 2], taxon="fiber", status="D")
        run_id = predict(made, dict.fromkeys(made.ids[half - 2 : n - 4], "detritus"))
        runs.publish(self.db, made, run_id)
        self.db.execute(
            "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, 'two of them?')",
            [made.id, made.ids[0], self.who.id],
        )
        self.db.commit()
        return made

    def work(self, made: Reshaping) -> Reshaping:
        """Do the job; what came of it."""
        assert (status := self.status_of(made)) == "done", status
        return asked.find(self.db, made.id)

    def status_of(self, made: Reshaping) -> str:
        """Do the job; how it ended."""
        assert made.job_id is not None
        return self.run(made.job_id)

    def run(self, job_id: int) -> str:
        self.db.commit()
        run_queued(job_id, self.settings, self.settings.database_url or "", threading.Event())
        # As the queue does once a job is over.
        self.db.execute(
            "delete from procrastinate_jobs where id = (select procrastinate_id from job where id = %s)", [job_id]
        )
        row = self.db.execute("select status, error from job where id = %s", [job_id]).fetchone()
        print(row.error)
        return str(row.status)

    def rows(self, query: str, *values: Any) -> list[Any]:
        return self.db.execute(query, values).fetchall()


class Given(Embedder):
    """Vectors that a test writes."""

    name = spec = "given"
    digest, dimension, embeds_images = "0", WIDTH, False


def give_vectors(db: Db, embedder_id: int, made: SmallProject) -> None:
    vectors = np.random.default_rng(made.id).normal(size=(len(made.ids), WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_vectors(db, embedder_id, made.id, np.array(made.ids), vectors)


@pytest.fixture
def shore(db: Db, settings: Settings, ada: Person) -> Shore:
    return Shore(db, settings, ada, embedders.register(db, Given()))


CARRIED = """
select object.orig_id, object.depth_min_m, sample.orig_id as sample, sample.fields as sample_fields,
       acquisition.orig_id as acquisition, label.status, taxon.display_name as taxon, account.name as person, label.at,
       label.provenance, label.version, label.act_id is not null as has_act, guess.display_name as predicted,
       prediction.score, v.v::text as vector,
       (select jsonb_object_agg(name, case type when 'number' then to_jsonb(nullif(numbers[position], 'NaN'))
                                                else to_jsonb(texts[position]) end)
          from field
         where field.project_id = object.project_id and field.level = 'object') as fields,
       (select jsonb_agg(jsonb_build_array(rank, file_name, encode(hash, 'hex')) order by rank)
          from image
         where image.project_id = object.project_id and image.object_id = object.id) as images,
       (select jsonb_agg(text order by id) from comment
         where comment.project_id = object.project_id and comment.object_id = object.id) as comments,
       (select count(*) from history
         where history.project_id = object.project_id and history.object_id = object.id) as n_history
  from object
  join object_field on object_field.project_id = object.project_id and object_field.object_id = object.id
  join sample on sample.id = object.sample_id
  join acquisition on acquisition.id = object.acquisition_id
  join project on project.id = object.project_id
  left join label on label.project_id = object.project_id and label.object_id = object.id
  left join taxon on taxon.id = label.taxon_id
  left join account on account.id = label.account_id
  left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                      and prediction.run_id = project.current_run_id
  left join taxon as guess on guess.id = prediction.taxon_id
  left join object_vector as v on v.embedder_id = project.embedder_id and v.project_id = object.project_id
                              and v.object_id = object.id
 where object.project_id = %s
 order by object.id
"""
