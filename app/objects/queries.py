"""What pages show of objects: tiles of many, or everything of one."""

from collections.abc import Sequence
from typing import Any

from app.database import Db


def read_tiles(db: Db, project_id: int, object_ids: Sequence[int], scale: dict[str, Any]) -> dict[int, Any]:
    """Label, prediction, first image, numbers of images and comments, whether aside, and pixel size of objects, by id.

    `scale` names where the pixel size stands: a level, and a name or (for objects) a position.
    """
    rows = db.execute(
        """
        select object.id, object.orig_id, label.status as label_status, coalesce(label.version, 0) as version,
               label.account_id, label.provenance, label.at, project.current_run_id as run_id,
               case when label.status in ('D', 'V') then label.status when prediction.taxon_id is not null then 'P'
                    else 'U' end as status,
               taxon.id as taxon_id, taxon.display_name as taxon, taxon.name as taxon_name, taxon.rank, taxon.type,
               prediction.score, image.hash, image.n_images, content.width_px, content.height_px,
               (select count(*)
                  from comment
                 where comment.project_id = object.project_id and comment.object_id = object.id) as n_comments,
               exists (select
                         from pile_object
                         join pile on pile.id = pile_object.pile_id
                        where pile_object.object_id = object.id and pile.closed_at is null) as is_aside,
               case %(level)s
                    when 'object' then (select numbers[%(position)s]::text
                                          from object_field
                                         where object_field.project_id = object.project_id
                                           and object_field.object_id = object.id)
                    when 'acquisition' then (select fields ->> %(name)s
                                               from acquisition
                                              where acquisition.id = object.acquisition_id)
                    when 'process' then (select fields ->> %(name)s
                                           from process
                                          where process.acquisition_id = object.acquisition_id)
                    when 'sample' then (select fields ->> %(name)s from sample where sample.id = object.sample_id)
               end as pixel
          from object
          join project on project.id = object.project_id
          left join label on label.project_id = object.project_id and label.object_id = object.id
          left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                              and prediction.run_id = project.current_run_id
          left join taxon on taxon.id = case when label.status in ('D', 'V') then label.taxon_id
                                             else prediction.taxon_id end
          left join lateral (select (array_agg(image.hash order by image.rank))[1] as hash, count(*) as n_images
                               from image
                              where image.project_id = object.project_id
                                and image.object_id = object.id) as image on true
          left join content on content.hash = image.hash
         where object.project_id = %(project_id)s
           and object.id = any(%(ids)s)
        """,
        {"project_id": project_id, "ids": list(object_ids), **scale},
    )
    return {row.id: row for row in rows}


def find_object(db: Db, project_id: int, object_id: int) -> Any:
    """One object with its parents' names and predefined columns, label and prediction; None if it is not there."""
    return db.execute(
        """
        select object.*, sample.orig_id as sample, acquisition.orig_id as acquisition,
               acquisition.instrument, process.orig_id as process, sample.dataportal_descriptor,
               sample.latitude as sample_latitude, sample.longitude as sample_longitude,
               sample.fields as sample_fields, acquisition.fields as acquisition_fields,
               process.fields as process_fields, object_field.numbers, object_field.texts,
               label.status as label_status, coalesce(label.version, 0) as version, label.provenance,
               label.at as label_at, account.name as labelled_by,
               case when label.status in ('D', 'V') then label.status when prediction.taxon_id is not null then 'P'
                    else 'U' end as status,
               taxon.id as taxon_id, taxon.display_name as taxon, taxon.name as taxon_name, taxon.rank, taxon.type,
               project.current_run_id as run_id, prediction.score,
               prediction.taxon_id as choice_1_id, choice_1.display_name as choice_1, prediction.score as score_1,
               prediction.taxon_2_id as choice_2_id, choice_2.display_name as choice_2, prediction.score_2,
               prediction.taxon_3_id as choice_3_id, choice_3.display_name as choice_3, prediction.score_3,
               run.kind = 'import' and run.classifier_id is null as is_imported
          from object
          join project on project.id = object.project_id
          join sample on sample.id = object.sample_id
          join acquisition on acquisition.id = object.acquisition_id
          left join process on process.acquisition_id = object.acquisition_id
          left join object_field on object_field.project_id = object.project_id and object_field.object_id = object.id
          left join label on label.project_id = object.project_id and label.object_id = object.id
          left join prediction on prediction.project_id = object.project_id and prediction.object_id = object.id
                              and prediction.run_id = project.current_run_id
          left join taxon on taxon.id = case when label.status in ('D', 'V') then label.taxon_id
                                             else prediction.taxon_id end
          left join run on run.id = project.current_run_id
          left join taxon as choice_1 on choice_1.id = prediction.taxon_id
          left join taxon as choice_2 on choice_2.id = prediction.taxon_2_id
          left join taxon as choice_3 on choice_3.id = prediction.taxon_3_id
          left join account on account.id = label.account_id
         where object.project_id = %s
           and object.id = %s
        """,
        [project_id, object_id],
    ).fetchone()


def list_images(db: Db, project_id: int, object_id: int) -> list[Any]:
    """An object's images in the order of their ranks."""
    return db.execute(
        """
        select image.rank, image.file_name, encode(image.hash, 'hex') as hash, content.format, content.mode,
               content.width_px, content.height_px, content.n_bytes
          from image
          join content on content.hash = image.hash
         where image.project_id = %s
           and image.object_id = %s
         order by image.rank
        """,
        [project_id, object_id],
    ).fetchall()


def field_positions(db: Db, project_id: int) -> list[Any]:
    """The free columns of a project as stored: level, name, type and position."""
    return db.execute(
        "select level, name, type, position from field where project_id = %s order by level, type, position",
        [project_id],
    ).fetchall()


def object_sizes(db: Db, project_id: int, object_ids: Sequence[int]) -> list[int]:
    """Longest sides, in pixels, of these objects' first images."""
    rows = db.execute(
        """
        select max(greatest(content.width_px, content.height_px)) as side
          from image
          join content on content.hash = image.hash
         where image.project_id = %s
           and image.object_id = any(%s)
         group by image.object_id
        """,
        [project_id, list(object_ids)],
    )
    return [row.side for row in rows]


def taxon_names(db: Db, taxon_ids: Sequence[int]) -> list[Any]:
    return db.execute(
        "select id, display_name, name, rank, type, status from taxon where id = any(%s)", [list(taxon_ids)]
    ).fetchall()


def nearest_common_ancestor(db: Db, taxon_ids: Sequence[int]) -> int | None:
    """The lowest taxon at or above all of these; None where only a root of the tree is."""
    row = db.execute(
        """
        with recursive above as (
            select id as of_id, id, parent_id, 0 as height
              from taxon
             where id = any(%(ids)s)
            union all
            select above.of_id, taxon.id, taxon.parent_id, above.height + 1
              from above
              join taxon on taxon.id = above.parent_id
        )
        select id
          from above
         where parent_id is not null
         group by id
        having count(*) = %(n)s
         order by sum(height)
         limit 1
        """,
        {"ids": list(taxon_ids), "n": len(set(taxon_ids))},
    ).fetchone()
    return row.id if row else None
