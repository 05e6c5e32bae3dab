"""A project with something on every page: people, labels, comments, acts, samples with positions, jobs and imports."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from app import database
from app.accounts.links import make_link
from app.accounts.viewer import Account, Viewer
from app.batches import plain_sources  # noqa: F401 (registers its kinds)
from app.batches.audit_draw import draw
from app.batches.audit_state import Wish
from app.batches.make import make_batch
from app.batches.piles import make_pile
from app.batches.sources import Source
from app.database import Db
from app.edits.tables import take_in
from app.edits.values import edit_values
from app.edits.wishes import ValuesWish
from app.exporting import files
from app.exporting.choices import Wish as ExportWish
from app.jobs.run import run_queued
from app.labels.acts import Act, apply
from app.labels.changes import seen_states, state_token
from app.learning.sets import own_set
from app.prediction import outside
from app.projects.access import Project, find_project
from app.projects.queries import make_project, set_member
from app.reshaping import merging
from app.reshaping.merging import Answers
from app.searches.kept import SearchWish, keep
from tests.browser.conftest import Person, Site
from tests.classifiers.written import Said, write_classifier
from tests.small_projects import SmallProject, predict


@dataclass(frozen=True)
class Content:
    """What fills the parameters of an address, by name, and who may open them all."""

    manager: Person
    project: SmallProject
    parameters: dict[str, Any]


def fill(site: Site, person: Callable[[str], Person], make_board: Callable[..., SmallProject]) -> Content:
    """Makes it."""
    manager, ben = person("Ada"), person("Ben")
    project = make_board(manager, ben, n=30, embedded=True)
    with database.connect(site.database_url) as db:
        db.execute("update account set is_application_manager = true where id = %s", [manager.id])
        set_member(db, project.id, manager.id, "manager")
        _label(db, project, ben)
        parameters = _parents(db, project) | _jobs(db, project, ben) | _imports(db, project, ben)
        taxon = db.execute(
            "insert into taxon (parent_id, name, display_name, type, status, created_by) "
            "values (%s, %s, %s, 'M', 'N', %s) returning id",
            [project.taxa["detritus"], f"rolled {project.id}", f"rolled {project.id}", ben.id],
        ).fetchone()
        batch = make_batch(db, _seen_by(db, manager, project.id), manager, Source("filter", {"query": "status=U"}))
        pile_id = make_pile(db, project, ben, uuid4(), "worm-like, to be asked", project.ids[20:25])
        audit = draw(db, project, manager, Wish(uuid4(), "pile", pile_id, project.taxa["Calanoida"]))
        search_id = _kept_search(db, manager, project)
        parameters |= _learned(db, project, manager)
        parameters |= _edited(db, project, manager)
        token = make_link(db, ben.id, "invitation", site.address).rsplit("/", 1)[1]
        db.commit()
    parameters |= {"export_id": _summary(site, project, manager)}
    parameters |= {"reshaping_id": _merged(site, project, manager)}
    parameters |= {"project_id": project.id, "object_id": project.ids[0], "taxon_id": project.taxa["Copepoda"],
                   "account_id": ben.id, "created_id": taxon.id, "token": token,
                   "search_id": search_id, "pile_id": pile_id, "audit_id": audit.id, "batch_id": batch.id}  # fmt: skip
    return Content(manager, project, parameters)


def _summary(site: Site, project: SmallProject, who: Person) -> int:
    """A finished one, by sample."""
    with database.connect(site.database_url) as db:
        wish = ExportWish("summary", {"by": "sample", "quantities": ["abundance"]})
        asked = files.ask(db, _seen_by(db, who, project.id), who.id, wish)
    run_queued(asked.job_id or 0, site.settings, site.database_url, threading.Event())
    return asked.id


def _merged(site: Site, project: SmallProject, who: Person) -> int:
    """An empty project that went into this one, which is as it was."""
    with database.connect(site.database_url) as db:
        coming = _seen_by(db, who, make_project(db, who.id, f"Empty beside {project.id}"))
        asked = merging.ask(db, _seen_by(db, who, project.id), coming, who.id, Answers())
    run_queued(asked.job_id or 0, site.settings, site.database_url, threading.Event())
    return asked.id


def _seen_by(db: Db, who: Person, project_id: int) -> Project:
    account = Account(who.id, who.email, who.name, is_application_manager=True)
    return find_project(db, Viewer(account), project_id)


def _learned(db: Db, made: SmallProject, who: Person) -> dict[str, Any]:
    """A learning set, two classifiers, and a shown run by one of them."""
    project, home = replace(made, db=db), _seen_by(db, who, made.id)
    set_id = own_set(db, home, who.id)
    names = ["Oithona similis"] * 4 + ["fiber"] * 4
    said = [Said(made.ids[k], truth, names[k - 3], 0.4 + k / 20) for k, truth in enumerate(names)]
    classifier_id, _ = (write_classifier(project, said, version=version) for version in (1, 2))
    db.execute("update classifier set learning_set_id = %s, embedder_id = %s", [set_id, home.embedder_id])
    run_id = predict(project, dict.fromkeys(made.ids[10:20], "Oithona"), title="Bay, version 1")
    db.execute("update run set classifier_id = %s where id = %s", [classifier_id, run_id])
    outside.show(db, home, run_id)
    return {"set_id": set_id, "classifier_id": classifier_id}


def _edited(db: Db, project: SmallProject, who: Person) -> dict[str, Any]:
    """A column that was changed in mass, and a table of new values with a line that names nothing."""
    done = edit_values(db, project, who.id, uuid4(), ValuesWish("object", "formula", "area", formula="object.area / 2"))
    content = b"object_id,note\nobject1,=1+1\nghost,x\n"
    return {"edit_id": done.act_id, "table_id": take_in(db, project.id, who.id, "object", "new.csv", content).id}


def _kept_search(db: Db, who: Person, project: SmallProject) -> int:
    """One that has found two objects, of which one was looked at."""
    wish = SearchWish("Mnemiopsis", examples=project.ids[:2], max_distance=0.3)
    search = keep(db, _seen_by(db, who, project.id), who, wish)
    db.execute(
        """
        insert into kept_search_match (search_id, project_id, object_id, distance, looked_at)
        select %s, %s, id, 0.1, case when id = %s then now() end
          from unnest(%s::bigint[]) as id
        """,
        [search.id, project.id, project.ids[3], project.ids[3:5]],
    )
    return search.id


def _label(db: Db, project: SmallProject, who: Person) -> None:
    """Five validated, two dubious, and comments."""
    for ids, taxon, status in ((project.ids[:5], "Oithona similis", "V"), (project.ids[5:7], "fiber", "D")):
        seen = seen_states(db, project.id, list(ids))
        states = [state_token(seen[i].version, seen[i].status, seen[i].run_id) if i in seen else "0.0" for i in ids]
        apply(db, project, who, Act(uuid4(), "label", list(ids), states, project.taxa[taxon], status))
    db.execute(
        "insert into comment (project_id, object_id, account_id, text) values (%s, %s, %s, 'two of them?')",
        [project.id, project.ids[0], who.id],
    )


def _parents(db: Db, project: SmallProject) -> dict[str, Any]:
    """Samples with positions, dates, columns and a process."""
    rows = db.execute("select id from sample where project_id = %s order by id", [project.id]).fetchall()
    for k, row in enumerate(rows):
        db.execute(
            "update sample set latitude = %s, longitude = %s, fields = fields || %s where id = %s",
            [43.2 + k / 3, 5.5 + k / 2, json.dumps({"tot_vol": "131.5", "bottomdepth": "300"}), row.id],
        )
        db.execute(
            "insert into process (acquisition_id, project_id, orig_id, fields) values (%s, %s, 'zooprocess', %s)",
            [row.id, project.id, json.dumps({"software": "8.1"})],
        )
    db.execute("update object set date = '2024-06-01' where project_id = %s", [project.id])
    db.execute("update project set data_version = data_version + 1 where id = %s", [project.id])
    return {"sample_id": rows[0].id, "acquisition_id": rows[0].id}


def _jobs(db: Db, project: SmallProject, who: Person) -> dict[str, Any]:
    """One that runs, one that failed with a log, and enough ended ones for a second page."""
    db.execute(
        """
        insert into job (kind, title, project_id, account_id, status, done, total, unit, error, started_at, ended_at)
        select 'import', 'Import ' || n, %(p)s, %(a)s, case n %% 2 when 0 then 'done' else 'failed' end, 10, 10,
               'images', case n %% 2 when 0 then '' else 'table.tsv, line 17: object_lat is no number.' end,
               now() - interval '2 h', now() - interval '1 h'
        from generate_series(1, 60) n
        """,
        {"p": project.id, "a": who.id},
    )
    row = db.execute(
        """
        insert into job (kind, title, project_id, account_id, status, done, total, unit, rate, started_at, seen_at)
        values ('embed', 'Embed new images', %s, %s, 'running', 450, 1797, 'images', 85, now(), now())
        returning id
        """,
        [project.id, who.id],
    ).fetchone()
    db.execute("insert into job_log (job_id, line) values (%s, 'table.tsv, line 17: no number')", [row.id])
    return {"job_id": row.id}


def _imports(db: Db, project: SmallProject, who: Person) -> dict[str, Any]:
    """An import that asks, from an upload."""
    row = db.execute(
        """
        insert into import (project_id, account_id, source, fingerprint, status, report)
        values (%s, %s, 'cruise12.zip', 'none', 'done', '{}')
        returning id
        """,
        [project.id, who.id],
    ).fetchone()
    upload = db.execute(
        """
        insert into upload (project_id, account_id, name, kind, size)
        values (%s, %s, 'cruise12.zip', 'zip', 5000000)
        returning id
        """,
        [project.id, who.id],
    ).fetchone()
    return {"import_id": row.id, "upload_id": upload.id}
