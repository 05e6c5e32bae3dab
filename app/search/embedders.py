"""The embedders that this database knows, their partitions of vectors, and which one a project uses.

What is cut off a project's images is part of its embedder: so vectors with and without a strip never mix, none is
copied between projects that crop otherwise, and images searched by are cropped as those of the project.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.database import Db
from app.errors import Conflict, NotFound, Refused
from app.search import strips
from app.settings import Settings
from app.tuning import files
from indexer import embedders
from indexer.embedders import Embedder, EmbedderError, tuned
from indexer.embedders.cropping import Cropping, from_json
from indexer.strips import Strip

PARTITIONS = 16
# A row must fit its page of 8 kB to be stored plainly.
LARGEST_PLAIN = 3900


def open_embedder(settings: Settings, spec: str) -> Embedder:
    """The embedder that the registry gives for `spec`, loaded once a process; Refused if it cannot be."""
    if spec.startswith(tuned.KIND):
        files.fetch(settings, spec)
    try:
        return _open(spec, settings.home / "embedders", settings.device, settings.embed_threads)
    except EmbedderError as error:
        raise Refused(str(error)) from error


@lru_cache(maxsize=4)
def _open(spec: str, weights_dir: Path, device: str, threads: int) -> Embedder:
    return embedders.get(spec, weights_dir, device, threads)


def load(settings: Settings, row: Any) -> Embedder:
    """The embedder of a row of `embedder`, checked to be the very one that made the vectors which are there."""
    known = [from_json(stored) for stored in row.config.get("strips", [])]
    embedder = without_strips(open_embedder(settings, row.config["spec"]), known)
    if embedder.digest != row.digest:
        raise Conflict(
            f"The embedder {row.name} is not what it was when its vectors were made: its weights or preprocessing have"
            " changed. Put the former files back, or give the new ones another name and choose that for the project."
        )
    return embedder


def without_strips(embedder: Embedder, known: Sequence[Strip]) -> Embedder:
    """The embedder, made not to see what is burnt into the edges of a project's images."""
    return Cropping(embedder, known) if known and embedder.embeds_images else embedder


def register(db: Db, embedder: Embedder) -> int:
    """The id of an embedder, which is made known together with its partitions of vectors if it is new."""
    # Looked for first, since an insert that does nothing uses up a number all the same.
    known = _named(db, embedder.name) or _insert(db, embedder) or _named(db, embedder.name)
    if known.digest != embedder.digest:
        raise Conflict(
            f"An embedder {embedder.name} with other weights or preprocessing is known already, and has vectors."
            " Give this one another name: two embedders never share vectors."
        )
    embedder_id: int = known.id
    return embedder_id


def _named(db: Db, name: str) -> Any | None:
    return db.execute("select id, digest from embedder where name = %s", [name]).fetchone()


def _insert(db: Db, embedder: Embedder) -> Any | None:
    """The new row, with its partitions of vectors; None if somebody was quicker."""
    told = {
        name: getattr(embedder, name)
        for name in ("name", "digest", "dimension", "description", "config", "embeds_images", "embeds_text")
    }
    return make_row(db, told, 1 if isinstance(embedder, Cropping) else PARTITIONS)


def make_row(db: Db, told: dict[str, Any], n_parts: int = PARTITIONS) -> Any | None:
    """A new row of `embedder` as it is told, with its partitions of vectors; None where the name is known."""
    added = db.execute(
        """
        insert into embedder (name, digest, dimension, description, config, embeds_images, embeds_text)
        values (%(name)s, %(digest)s, %(dimension)s, %(description)s, %(config)s, %(embeds_images)s, %(embeds_text)s)
        on conflict (name) do nothing
        returning id, digest
        """,
        told | {"config": json.dumps(told["config"])},
    ).fetchone()
    if added:
        _make_partitions(db, added.id, told["dimension"], n_parts)
    return added


def find(db: Db, embedder_id: int) -> Any:
    """A row of `embedder`."""
    row = db.execute("select * from embedder where id = %s", [embedder_id]).fetchone()
    if row is None:
        raise NotFound("This embedder is not known any more.")
    return row


def of_project(db: Db, project_id: int) -> Any | None:
    """The project's row of `embedder`, or None while none is chosen."""
    return db.execute(
        """
        select embedder.*
        from embedder
        join project on project.embedder_id = embedder.id
        where project.id = %s
        """,
        [project_id],
    ).fetchone()


def assign(db: Db, settings: Settings, project_id: int, spec: str = embedders.DEFAULT) -> int:
    """Let a project use the embedder `spec`; vectors that another one made for it stay, unused. Returns its id.

    Vectors that were brought are meant by the name they have here: their file may be gone.
    """
    brought = db.execute("select id from embedder where name = %s and not embeds_images", [spec]).fetchone()
    embedder_id = brought.id if brought else registered(db, settings, project_id, spec)
    use(db, project_id, embedder_id)
    return embedder_id


def registered(db: Db, settings: Settings, project_id: int, spec: str) -> int:
    """The id of the embedder `spec`, made not to see the strips that the project cuts off."""
    return register(db, without_strips(open_embedder(settings, spec), strips.accepted(db, project_id)))


def wanted(db: Db, settings: Settings, project_id: int) -> Any:
    """The row of `embedder` that the project should have: its own, made not to see the strips that are accepted now."""
    row = of_project(db, project_id)
    if row is None or not row.embeds_images:
        return row
    return find(db, registered(db, settings, project_id, row.config["spec"]))


def use(db: Db, project_id: int, embedder_id: int) -> None:
    """Make an embedder that is known the project's own, in its plain space: maps are of one embedder's vectors."""
    changed = db.execute(
        """
        update project
        set embedder_id = %(embedder)s,
            space_id = null,
            data_version = data_version + 1
        where id = %(project)s
          and embedder_id is distinct from %(embedder)s
        """,
        {"embedder": embedder_id, "project": project_id},
    )
    if changed.rowcount:
        db.execute("update space set status = 'former' where project_id = %s and status = 'adopted'", [project_id])
    if changed.rowcount == 0 and not db.execute("select 1 from project where id = %s", [project_id]).fetchone():
        raise NotFound("The project does not exist any more.")


def assign_default(db: Db, settings: Settings, project_id: int) -> Any:
    """The project's row of `embedder`; a project without one gets what was chosen for it, else the default."""
    row = of_project(db, project_id)
    if row is None:
        chosen: Any = db.execute("select settings ->> 'embedder' as spec from project where id = %s", [project_id])
        wish = chosen.fetchone()
        assign(db, settings, project_id, (wish and wish.spec) or embedders.DEFAULT)
        row = of_project(db, project_id)
    return row


def _make_partitions(db: Db, embedder_id: int, dimension: int, n_parts: int) -> None:
    """Made apart and then attached: that stops nobody who reads vectors, as `create ... partition of` would.

    An embedder made for the strips of one project or a few has one part only, however many such there are.
    """
    storage = "plain" if dimension <= LARGEST_PLAIN else "external"
    db.execute(
        f"""
        do $$
        declare
            whole text := 'object_vector_{int(embedder_id)}';
            part text;
        begin
            execute format('create table %I (like object_vector including defaults,'
                           ' check (vector_dims(v) = {int(dimension)})) partition by hash (project_id)', whole);
            for n in 0..{n_parts - 1} loop
                part := whole || '_' || n;
                execute format('create table %I partition of %I for values with (modulus {n_parts}, remainder %s)',
                               part, whole, n);
                execute format('alter table %I alter v set storage {storage}', part);
            end loop;
            execute format('alter table object_vector attach partition %I for values in ({int(embedder_id)})', whole);
        end
        $$
        """
    )
