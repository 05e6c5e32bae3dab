"""Copies of an imported and embedded project, so that each run finds the same one untouched, in a second."""

from app.database import Db


def clone(db: Db, of: int, title: str) -> int:
    """A project with the same objects in the same order, images, fields and vectors, and not one label."""
    row = db.execute(
        """
        insert into project (title, embedder_id, settings, created_by)
        select %s, embedder_id, settings, created_by from project where id = %s
        returning id
        """,
        [title, of],
    ).fetchone()
    keys = {"old": of, "new": row.id}
    _number_anew(db, keys)
    _copy_parents(db, keys)
    _copy_objects(db, keys)
    db.execute(
        """
        insert into count_delta (project_id, taxon_id, status, n)
        select %(new)s, 0, 'U', count(*) from object where project_id = %(new)s
        """,
        keys,
    )
    return int(row.id)


def _number_anew(db: Db, keys: dict[str, int]) -> None:
    """New ids for samples, acquisitions and objects, in the order of the old ones."""
    for table, sequence in (("sample", "parent_id_seq"), ("acquisition", "parent_id_seq"), ("object", "object_id_seq")):
        db.execute(f"drop table if exists new_{table}")
        db.execute(
            f"""
            create temp table new_{table} as
            select old, nextval('{sequence}') as id
            from (select id as old from {table} where project_id = %(old)s order by id) as ordered
            """,
            keys,
        )


def _copy_parents(db: Db, keys: dict[str, int]) -> None:
    db.execute(
        """
        insert into sample (id, project_id, orig_id, latitude, longitude, dataportal_descriptor, fields)
        select new_sample.id, %(new)s, orig_id, latitude, longitude, dataportal_descriptor, fields
        from sample
        join new_sample on old = sample.id
        """,
        keys,
    )
    db.execute(
        """
        insert into acquisition (id, project_id, sample_id, orig_id, instrument, fields)
        select new_acquisition.id, %(new)s, new_sample.id, orig_id, instrument, fields
        from acquisition
        join new_acquisition on new_acquisition.old = acquisition.id
        join new_sample on new_sample.old = acquisition.sample_id
        """,
        keys,
    )
    db.execute(
        """
        insert into field (project_id, level, name, type, position)
        select %(new)s, level, name, type, position from field where project_id = %(old)s
        """,
        keys,
    )


def _copy_objects(db: Db, keys: dict[str, int]) -> None:
    db.execute(
        """
        insert into object (id, project_id, sample_id, acquisition_id, orig_id)
        select new_object.id, %(new)s, new_sample.id, new_acquisition.id, orig_id
        from object
        join new_object on new_object.old = object.id
        join new_sample on new_sample.old = object.sample_id
        join new_acquisition on new_acquisition.old = object.acquisition_id
        where project_id = %(old)s
        order by new_object.id
        """,
        keys,
    )
    for table, columns in (
        ("object_field", "numbers, texts"),
        ("image", "rank, hash, file_name"),
        ("object_vector", "embedder_id, v"),
    ):
        db.execute(
            f"""
            insert into {table} (project_id, object_id, {columns})
            select %(new)s, new_object.id, {columns}
            from {table}
            join new_object on old = object_id
            where project_id = %(old)s
            order by new_object.id
            """,
            keys,
        )
