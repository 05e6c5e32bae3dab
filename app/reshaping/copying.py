"""Copies objects from one project to another, a piece at a time: images share their files, vectors are never computed
again. Each table is one statement over the piece."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.reshaping import counting
from app.reshaping.columns import Columns

PIECE = 20_000


@dataclass(frozen=True)
class Copying:
    """From where to where, with what. `embedder_id`: whose vectors go along; `run_id`: of the target, into which its
    source's shown predictions go; `act_id`: of the target, which stands for all that was labelled where the history is
    not copied; null: it is copied. `suffix`: comes behind the original ids that the target had already, before its
    objects from `first_id` on came; empty: they stay as they are."""

    reshaping_id: int
    source_id: int
    target_id: int
    columns: Columns
    embedder_id: int | None = None
    source_run_id: int | None = None
    run_id: int | None = None
    with_labels: bool = True
    with_comments: bool = True
    act_id: int | None = None
    suffix: str = ""
    first_id: int = 0

    @property
    def keys(self) -> dict[str, Any]:
        return {
            "reshaping": self.reshaping_id, "source": self.source_id, "target": self.target_id,
            "embedder": self.embedder_id, "source_run": self.source_run_id, "run": self.run_id, "act": self.act_id,
            "suffix": self.suffix, "first": self.first_id,
        }  # fmt: skip


def copy_next(db: Db, copying: Copying, after: int) -> tuple[int, int]:
    """Copy the objects that come after a number, some thousands, in the caller's transaction: the last one's number and
    how many these were; none where all are copied."""
    last, n = take_piece(db, copying.reshaping_id, after)
    if n:
        counting.share(db, copying.target_id)
        copy_objects(db, copying)
    return last, n


def copy_objects(db: Db, copying: Copying) -> None:
    """The objects in `piece` (old_id, object_id: the new one) with all that is said of them."""
    _copy_heads(db, copying)
    _copy_fields(db, copying)
    _copy_images(db, copying)
    if copying.embedder_id is not None:
        _copy_vectors(db, copying)
    if copying.with_labels and copying.act_id is None:
        _copy_history(db, copying)
    elif copying.with_labels:
        _copy_labels(db, copying)
    if copying.run_id is not None:
        _copy_predictions(db, copying)
    if copying.with_comments:
        _copy_comments(db, copying)
    counting.count_piece(db, copying.target_id, 1)


def take_piece(db: Db, reshaping_id: int, after: int) -> tuple[int, int]:
    """The next objects as the temporary table `piece` (old_id: of the one that is copied, object_id: of its copy): the
    last one's number, and how many."""
    db.execute("drop table if exists piece")
    n = db.execute(
        """
        create temp table piece on commit drop as
        select object_id as old_id, new_id as object_id
          from reshaped_object
         where reshaping_id = %s
           and object_id > %s
         order by object_id
         limit %s
        """,
        [reshaping_id, after, PIECE],
    ).rowcount
    db.execute("analyze piece")
    row: Any = db.execute("select coalesce(max(old_id), %s) as last from piece", [after]).fetchone()
    return int(row.last), n


def _copy_heads(db: Db, copying: Copying) -> None:
    db.execute(
        """
        insert into object (
            id, project_id, sample_id, acquisition_id, orig_id, latitude, longitude, date, time,
            depth_min_m, depth_max_m, sun_position, link, complement_info
        )
        select piece.object_id, %(target)s, of_sample.new_id, of_acquisition.new_id,
               case when %(suffix)s <> '' and exists (select
                                                        from object as other
                                                       where other.project_id = %(target)s
                                                         and other.orig_id = object.orig_id
                                                         and other.id < %(first)s)
                    then orig_id || %(suffix)s
                    else orig_id end,
               latitude, longitude, date, time, depth_min_m, depth_max_m, sun_position, link, complement_info
          from piece
          join object on object.project_id = %(source)s
                     and object.id = piece.old_id
          join reshaped_number as of_sample on of_sample.reshaping_id = %(reshaping)s
                                           and of_sample.kind = 'sample'
                                           and of_sample.old_id = object.sample_id
          join reshaped_number as of_acquisition on of_acquisition.reshaping_id = %(reshaping)s
                                                and of_acquisition.kind = 'acquisition'
                                                and of_acquisition.old_id = object.acquisition_id
         order by piece.object_id
        """,
        copying.keys,
    )


def _copy_fields(db: Db, copying: Copying) -> None:
    """The arrays as they are where the columns are the same, else put into the order of the target's."""
    db.execute(
        f"""
        insert into object_field (project_id, object_id, numbers, texts)
        select %(target)s, piece.object_id, {copying.columns.numbers}, {copying.columns.texts}
          from piece
          join object_field on object_field.project_id = %(source)s
                           and object_field.object_id = piece.old_id
         order by piece.object_id
        """,  # noqa: S608 - made of column numbers
        copying.keys,
    )


def _copy_images(db: Db, copying: Copying) -> None:
    db.execute(
        """
        insert into image (project_id, object_id, rank, hash, file_name)
        select %(target)s, piece.object_id, rank, hash, file_name
          from piece
          join image on image.project_id = %(source)s
                    and image.object_id = piece.old_id
         order by piece.object_id
        """,
        copying.keys,
    )


def _copy_vectors(db: Db, copying: Copying) -> None:
    db.execute(
        """
        insert into object_vector (embedder_id, project_id, object_id, v)
        select %(embedder)s, %(target)s, piece.object_id, v
          from piece
          join object_vector on object_vector.embedder_id = %(embedder)s
                            and object_vector.project_id = %(source)s
                            and object_vector.object_id = piece.old_id
         order by piece.object_id
        """,
        copying.keys,
    )
    db.execute(
        """
        insert into embedding_failure (embedder_id, project_id, object_id, reason, at)
        select %(embedder)s, %(target)s, piece.object_id, reason, at
          from piece
          join embedding_failure as failure on failure.embedder_id = %(embedder)s
                                           and failure.project_id = %(source)s
                                           and failure.object_id = piece.old_id
        """,
        copying.keys,
    )


def _copy_history(db: Db, copying: Copying) -> None:
    """Labels and how they came, in one statement: nobody's act comes between the two."""
    db.execute(
        """
        with labelled as (
            insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version, act_id)
            select %(target)s, piece.object_id, status, taxon_id, account_id, at, provenance, version, numbered.new_id
              from piece
              join label on label.project_id = %(source)s
                        and label.object_id = piece.old_id
              left join reshaped_number as numbered on numbered.reshaping_id = %(reshaping)s
                                                   and numbered.kind = 'act'
                                                   and numbered.old_id = label.act_id
             order by piece.object_id
        )
        insert into history (project_id, object_id, act_id, old_status, old_taxon_id, old_account_id, old_at,
                             old_provenance, old_act_id, old_predicted_taxon_id, old_score, new_status, new_taxon_id,
                             new_version)
        select %(target)s, piece.object_id, numbered.new_id, old_status, old_taxon_id, old_account_id, old_at,
               old_provenance, former.new_id, old_predicted_taxon_id, old_score, new_status, new_taxon_id, new_version
          from piece
          join history on history.project_id = %(source)s
                      and history.object_id = piece.old_id
          join reshaped_number as numbered on numbered.reshaping_id = %(reshaping)s
                                          and numbered.kind = 'act'
                                          and numbered.old_id = history.act_id
          left join reshaped_number as former on former.reshaping_id = %(reshaping)s
                                             and former.kind = 'act'
                                             and former.old_id = history.old_act_id
         order by numbered.new_id, piece.object_id
        """,
        copying.keys,
    )
    db.execute(
        """
        insert into refusal (project_id, object_id, taxon_id, act_id, account_id, at, lapsed_at)
        select %(target)s, piece.object_id, taxon_id, numbered.new_id, account_id, at, lapsed_at
          from piece
          join refusal on refusal.project_id = %(source)s
                      and refusal.object_id = piece.old_id
          join reshaped_number as numbered on numbered.reshaping_id = %(reshaping)s
                                          and numbered.kind = 'act'
                                          and numbered.old_id = refusal.act_id
        """,
        copying.keys,
    )


def _copy_labels(db: Db, copying: Copying) -> None:
    """What stands, as one act of all that came: by whom, when and how each label was given is kept."""
    db.execute(
        """
        with labelled as (
            insert into label (project_id, object_id, status, taxon_id, account_id, at, provenance, version)
            select %(target)s, piece.object_id, status, taxon_id, account_id, at, provenance, 1
              from piece
              join label on label.project_id = %(source)s
                        and label.object_id = piece.old_id
                        and label.status in ('D', 'V')
             order by piece.object_id
            returning object_id, status, taxon_id
        ),
        logged as (
            insert into history (project_id, object_id, act_id, new_status, new_taxon_id, new_version)
            select %(target)s, object_id, %(act)s, status, taxon_id, 1
              from labelled
        )
        update act
           set n_objects = n_objects + (select count(*) from labelled)
         where id = %(act)s
        """,
        copying.keys,
    )


def _copy_predictions(db: Db, copying: Copying) -> None:
    db.execute(
        """
        insert into prediction (run_id, project_id, object_id, taxon_id, score, taxon_2_id, score_2, taxon_3_id,
                                score_3, novelty)
        select %(run)s, %(target)s, piece.object_id, taxon_id, score, taxon_2_id, score_2, taxon_3_id, score_3, novelty
          from piece
          join prediction on prediction.project_id = %(source)s
                         and prediction.run_id = %(source_run)s
                         and prediction.object_id = piece.old_id
         order by piece.object_id
        """,
        copying.keys,
    )


def _copy_comments(db: Db, copying: Copying) -> None:
    db.execute(
        """
        insert into comment (project_id, object_id, account_id, text, at)
        select %(target)s, piece.object_id, account_id, text, at
          from piece
          join comment on comment.project_id = %(source)s
                      and comment.object_id = piece.old_id
         order by comment.id
        """,
        copying.keys,
    )
