"""Makes a staged import visible, in the one transaction of the caller: all of it, or nothing."""

import uuid
from typing import Any

from app.database import Db
from app.errors import Conflict
from app.exchange.checks import STAND_IN
from app.exchange.plan import Plan
from app.exchange.ranks import choose_ranks
from app.exchange.report import ImportReport
from app.exchange.resolve import Choices
from app.jobs.queue import enqueue
from app.labels.changes import SEEN_STATE_LOCK
from app.search import strips

PARENT_LEVELS = ("sample", "acquisition", "process")


def publish(
    db: Db, project_id: int, account_id: int, import_id: int, plan: Plan, choices: Choices, report: ImportReport
) -> None:
    """Samples, acquisitions, processes, objects, fields, images, labels, predictions, counts, and the embedding job."""
    keys = {"project_id": project_id, "import_id": import_id, "account_id": account_id}
    _write_choices(db, choices)
    _write_fields(db, keys, plan)
    _write_objects_map(db, keys)
    _write_parents(db, keys)
    report.n_objects = _write_objects(db, keys)
    _write_free_columns(db, keys, plan)
    choose_ranks(db, project_id, import_id)
    report.n_images = _write_images(db, keys)
    report.n_labels = _write_labels(db, keys, report.n_objects)
    report.n_predictions = _write_predictions(db, keys)
    _write_counts(db, keys)
    db.execute("delete from staged_row where import_id = %(import_id)s", keys)
    db.execute("update project set data_version = data_version + 1 where id = %(project_id)s", keys)
    # First, since it takes seconds, and embedding may take hours.
    strips.look(db, project_id, account_id)
    enqueue(db, "embed", "Embed new images", project_id, account_id, {})


def _write_choices(db: Db, choices: Choices) -> None:
    db.execute("create temp table taxon_choice (key text primary key, taxon_id int not null) on commit drop")
    db.execute("create temp table person_choice (name text primary key, account_id int not null) on commit drop")
    db.execute(
        "insert into taxon_choice select * from unnest(%s::text[], %s::int[])",
        [list(choices.taxa), list(choices.taxa.values())],
    )
    db.execute(
        "insert into person_choice select * from unnest(%s::text[], %s::int[])",
        [list(choices.people), list(choices.people.values())],
    )


def _write_fields(db: Db, keys: dict[str, Any], plan: Plan) -> None:
    """Name the new free columns, after those that the project has."""
    wanted = [("object", name, "number") for name in plan.number_names]
    wanted += [("object", name, "text") for name in plan.text_names]
    parents = [
        (level, column.name) for table in plan.columns for level in PARENT_LEVELS for column in table.parents[level]
    ]
    wanted += [(level, name, "text") for level, name in dict.fromkeys(parents)]
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %(project_id)s, wanted.level, wanted.name, wanted.type,
               coalesce(last.position, 0) + row_number() over (partition by wanted.level, wanted.type order by number)
        from unnest(%(levels)s::text[], %(names)s::text[], %(types)s::text[]) with ordinality
             as wanted (level, name, type, number)
        left join (
            select level, type, max(position) as position
            from field
            where project_id = %(project_id)s
            group by level, type
        ) as last using (level, type)
        where not exists (
            select
            from field
            where project_id = %(project_id)s
              and field.level = wanted.level
              and field.name = wanted.name
        )
        """,
        keys
        | {
            "levels": [level for level, _, _ in wanted],
            "names": [name for _, name, _ in wanted],
            "types": [kind for _, _, kind in wanted],
        },
    )


def _write_objects_map(db: Db, keys: dict[str, Any]) -> None:
    """Every object of the source with its first row and its id; new ids follow the source's order."""
    db.execute(
        """
        create temp table object_map on commit drop as
        with first as (
            select object_orig_id as orig_id, min(number) as number, count(*) as n_rows
            from staged_row
            where import_id = %(import_id)s
            group by object_orig_id
        ),
        known as (
            select orig_id, min(object.id) as id
            from object
            join first using (orig_id)
            where project_id = %(project_id)s
            group by orig_id
        )
        select orig_id, number, n_rows, coalesce(id, nextval('object_id_seq')) as object_id, id is null as is_new
        from (
            select first.*, known.id
            from first
            left join known using (orig_id)
            order by first.number
        ) as ordered
        """,
        keys,
    )
    db.execute("create index on object_map (orig_id)")
    db.execute("create index on object_map (number)")
    db.execute("analyze object_map")


def _write_parents(db: Db, keys: dict[str, Any]) -> None:
    """Samples, acquisitions and processes that the project lacks, with the values of their first row."""
    keys = keys | {"stand_in": STAND_IN.format(keys["project_id"])}
    _create_samples(db, keys)
    _create_acquisitions(db, keys)
    _create_processes(db, keys)
    db.execute(
        """
        update sample
        set latitude = least(latitude, south), longitude = least(longitude, west)
        from (
            select sample_id, min(staged_row.latitude) as south, min(staged_row.longitude) as west
            from staged_row
            join parent_map using (sample_orig_id, acquisition_orig_id)
            where import_id = %(import_id)s
            group by sample_id
        ) as place
        where sample.id = place.sample_id
        """,
        keys,
    )


def _create_samples(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        insert into sample (id, project_id, orig_id, dataportal_descriptor, fields, import_id)
        select nextval('parent_id_seq'), %(project_id)s, coalesce(nullif(sample_orig_id, ''), %(stand_in)s),
               coalesce(parents ->> 'dataportal_descriptor', ''), coalesce(parents -> 'sample', '{}'), %(import_id)s
        from (
            select distinct on (sample_orig_id) sample_orig_id, parents, number
            from staged_row
            where import_id = %(import_id)s
            order by sample_orig_id, parents is null, number
        ) as first
        order by number
        on conflict (project_id, orig_id) do nothing
        """,
        keys,
    )


def _create_acquisitions(db: Db, keys: dict[str, Any]) -> None:
    """An unnamed acquisition is called after its sample's id, so that it is the same one next time."""
    db.execute(
        """
        create temp table parent_map on commit drop as
        select distinct on (sample_orig_id, acquisition_orig_id)
               sample_orig_id, acquisition_orig_id, process_orig_id, parents, number, sample.id as sample_id,
               coalesce(nullif(acquisition_orig_id, ''), '__DUMMY_ID__' || sample.id || '__') as orig_id,
               null::bigint as acquisition_id
        from staged_row
        join sample on sample.project_id = %(project_id)s
                   and sample.orig_id = coalesce(nullif(sample_orig_id, ''), %(stand_in)s)
        where staged_row.import_id = %(import_id)s
        order by sample_orig_id, acquisition_orig_id, parents is null, number
        """,
        keys,
    )
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id, instrument, fields)
        select nextval('parent_id_seq'), %(project_id)s, sample_id, orig_id,
               coalesce(parents ->> 'instrument', ''), coalesce(parents -> 'acquisition', '{}')
        from parent_map
        order by number
        on conflict (sample_id, orig_id) do nothing
        """,
        keys,
    )
    db.execute(
        """
        update parent_map
        set acquisition_id = acquisition.id
        from acquisition
        where acquisition.sample_id = parent_map.sample_id
          and acquisition.orig_id = parent_map.orig_id
        """
    )
    db.execute("analyze parent_map")


def _create_processes(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        insert into process (acquisition_id, project_id, orig_id, fields)
        select distinct on (acquisition_id) acquisition_id, %(project_id)s,
               coalesce(nullif(process_orig_id, ''), '__DUMMY_ID__' || acquisition_id || '__'),
               coalesce(parents -> 'process', '{}')
        from parent_map
        order by acquisition_id, number
        on conflict (acquisition_id) do nothing
        """,
        keys,
    )


def _write_objects(db: Db, keys: dict[str, Any]) -> int:
    return db.execute(
        """
        insert into object (
            id, project_id, sample_id, acquisition_id, import_id, orig_id, latitude, longitude, date, time,
            depth_min_m, depth_max_m, sun_position, link, complement_info
        )
        select object_id, %(project_id)s, sample_id, acquisition_id, %(import_id)s, object_map.orig_id,
               latitude, longitude, date, time, depth_min_m, depth_max_m, sun_position, link, complement_info
        from object_map
        join staged_row using (number)
        join parent_map using (sample_orig_id, acquisition_orig_id)
        where import_id = %(import_id)s
          and is_new
        order by object_id
        """,
        keys,
    ).rowcount


def _write_free_columns(db: Db, keys: dict[str, Any], plan: Plan) -> None:
    """The arrays as they are where the import's columns are the project's, else put into its order."""
    numbers = _array(db, keys, "number", plan.number_names)
    texts = _array(db, keys, "text", plan.text_names)
    db.execute(
        f"""
        insert into object_field (project_id, object_id, numbers, texts)
        select %(project_id)s, object_id, {numbers}, {texts}
        from object_map
        join staged_row using (number)
        where import_id = %(import_id)s
          and is_new
        order by object_id
        """,  # noqa: S608 - made of column numbers
        keys,
    )


def _array(db: Db, keys: dict[str, Any], kind: str, names: list[str]) -> str:
    """An SQL expression for one array in the order of the project's columns."""
    rows = db.execute(
        """
        select name
        from field
        where project_id = %(project_id)s
          and level = 'object'
          and type = %(kind)s
        order by position
        """,
        keys | {"kind": kind},
    )
    project_names = [row.name for row in rows]
    if set(names) - set(project_names):
        raise Conflict(
            "Another import has meanwhile given a column of this one another type. Import it again with --from-scratch."
        )
    column, missing, cast = ("numbers", "'NaN'", "float8[]") if kind == "number" else ("texts", "null", "text[]")
    if project_names == names:
        return column
    at = {name: index for index, name in enumerate(names, 1)}
    items = [f"{column}[{at[name]}]" if name in at else missing for name in project_names]
    return f"array[{', '.join(items)}]::{cast}"


def _write_images(db: Db, keys: dict[str, Any]) -> int:
    return db.execute(
        """
        insert into image (project_id, object_id, rank, hash, file_name)
        select %(project_id)s, object_id, coalesce(chosen.rank, image_rank, 0), image_hash, image_name
        from staged_row
        join object_map on orig_id = object_orig_id
        left join image_choice as chosen on chosen.number = staged_row.number
        where import_id = %(import_id)s
        order by object_id
        """,
        keys,
    ).rowcount


def _write_labels(db: Db, keys: dict[str, Any], n_objects: int) -> int:
    """Labels of people, with one act for the whole import and its history."""
    if not n_objects:
        return 0
    act = db.execute(
        """
        insert into act (project_id, client_id, account_id, kind, provenance, n_objects, detail)
        select %(project_id)s, %(client_id)s, %(account_id)s, 'import', 'imported', 0,
               jsonb_build_object('from', regexp_replace(rtrim(source, '/'), '^.*/', ''))
        from import
        where id = %(import_id)s
        returning id
        """,
        keys | {"client_id": uuid.uuid4()},
    ).fetchone()
    n_labels = db.execute(
        """
        with labelled as (
            insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)
            select %(project_id)s, object_id, status, taxon_id,
                   coalesce(person_choice.account_id, %(account_id)s), coalesce(annotated_at, now()),
                   'imported', 1
            from object_map
            join staged_row using (number)
            join taxon_choice on key = taxon_key
            left join person_choice on name = person_name
            where import_id = %(import_id)s
              and is_new
              and status in ('V', 'D')
            order by object_id
            returning object_id, status, taxon_id
        )
        insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)
        select %(project_id)s, object_id, %(act_id)s, status, taxon_id, 1
        from labelled
        """,
        keys | {"act_id": act.id},
    ).rowcount
    db.execute("update act set n_objects = %s where id = %s", [n_labels, act.id])
    return n_labels


def _write_predictions(db: Db, keys: dict[str, Any]) -> int:
    """Predicted rows go to the run that the project shows; EcoTaxa's tables have no score, and take 1."""
    n_predicted = db.execute(
        """
        create temp table predicted on commit drop as
        select object_id, taxon_id
        from object_map
        join staged_row using (number)
        join taxon_choice on key = taxon_key
        where import_id = %(import_id)s
          and is_new
          and status = 'P'
        """,
        keys,
    ).rowcount
    if not n_predicted:
        return 0
    return db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score)
        select %(run_id)s, %(project_id)s, object_id, taxon_id, 1
        from predicted
        order by object_id
        """,
        keys | {"run_id": _current_run(db, keys)},
    ).rowcount


def _current_run(db: Db, keys: dict[str, Any]) -> int:
    db.execute("select pg_advisory_xact_lock(%s, %s)", [SEEN_STATE_LOCK, keys["project_id"]])
    row = db.execute("select current_run_id as id from project where id = %(project_id)s", keys).fetchone()
    if row.id is not None:
        return row.id
    row = db.execute(
        """
        insert into run (project_id, kind, title, account_id)
        values (%(project_id)s, 'import', 'Imported predictions', %(account_id)s)
        returning id
        """,
        keys,
    ).fetchone()
    db.execute("update project set current_run_id = %s where id = %s", [row.id, keys["project_id"]])
    return row.id


def _write_counts(db: Db, keys: dict[str, Any]) -> None:
    db.execute(
        """
        insert into count_delta (project_id, taxon_id, status, n)
        select %(project_id)s, coalesce(taxon_id, 0), coalesce(status, 'U'), count(*)
        from object_map
        join staged_row using (number)
        left join taxon_choice on key = taxon_key
        where import_id = %(import_id)s
          and is_new
        group by 2, 3
        """,
        keys,
    )
