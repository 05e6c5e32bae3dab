"""Takes a compared list of taxa in: new ones in parts, parents first, then all changes at once, or none of them."""

from pathlib import Path
from typing import Any

from app import database
from app.database import Db
from app.errors import Conflict, Refused
from app.jobs.bodies import job_body
from app.jobs.context import JobContext
from app.jobs.queue import enqueue
from app.taxonomy.comparing import CHANGES, PRESETS, Report
from app.taxonomy.naming import hold_structure, name_uniquely, names_around
from app.taxonomy.planning import plan
from app.taxonomy.presets import MOST_PRESETS, set_presets
from app.taxonomy.staging import stage

PART_ROWS = 20_000
LOCK = "taxonomy"


def ask_plan(db: Db, account_id: int | None, path: Path, source: str) -> tuple[int, int]:
    """Read a file and compare it, as a job: the import's id and the job's. Nothing changes by that."""
    row: Any = db.execute(
        "insert into taxon_import (account_id, source, path) values (%s, %s, %s) returning id",
        [account_id, source[:200], str(path)],
    ).fetchone()
    return row.id, _queue(db, account_id, row.id, f"Compare the taxa of {source[:100]}", "plan")


def ask_bring(
    db: Db,
    account_id: int | None,
    import_id: int,
    with_presets: bool = False,
    without_faulty: bool = False,
    match_roots: bool = False,
) -> int:
    """Take in what was compared, as a job. `match_roots`: classes without a place take those of the same name."""
    row: Any = db.execute("select * from taxon_import where id = %s for update", [import_id]).fetchone()
    if row.status not in ("planned", "failed") or not row.report:
        raise Conflict(f"{row.source} is {row.status}: only a list that was compared is taken in, once.")
    if row.report["n_faults"] and not without_faulty:
        raise Refused(_faulty(row.report["n_faults"]), status=422)
    db.execute(
        """
        update taxon_import
        set with_presets = %s, without_faulty = %s, match_roots = %s, status = 'bringing'
        where id = %s
        """,
        [with_presets, without_faulty, match_roots, import_id],
    )
    return _queue(db, account_id, import_id, f"Take in the taxa of {row.source[:100]}", "bring")


def _faulty(n: int) -> str:
    return (
        f"{n:,} line{' has a fault' if n == 1 else 's have faults'}: correct the list and send it again, or say that"
        " these lines, and what stands below them, are to be left out. Nothing was changed."
    )


def _queue(db: Db, account_id: int | None, import_id: int, title: str, step: str) -> int:
    args = {"import_id": import_id, "step": step}
    job_id = enqueue(db, "taxa", title, None, account_id, args, lock=LOCK)
    db.execute("update taxon_import set job_id = %s where id = %s", [job_id, import_id])
    return job_id


@job_body("taxa")
def run(job: JobContext) -> None:
    """`step`: plan reads and compares, bring takes in. Begun again, both do what is left."""
    import_id = job.args["import_id"]
    with database.connect(job.database_url, autocommit=True) as db:
        row: Any = db.execute("select * from taxon_import where id = %s", [import_id]).fetchone()
        if row is None:
            raise Refused("This list of taxa was removed.")
        try:
            if job.args["step"] == "plan":
                stage(db, import_id, Path(row.path), job)
                plan(db, import_id)
                db.execute("update taxon_import set status = 'planned' where id = %s", [import_id])
            else:
                bring(db, import_id, job)
        except Refused as refusal:
            _fail(db, import_id, refusal.sentence)
            raise
    job.log("Compared." if job.args["step"] == "plan" else "Taken in.")


def _fail(db: Db, import_id: int, sentence: str) -> None:
    db.execute(
        "update taxon_import set status = 'failed', ended_at = now(),"
        " report = report || jsonb_build_object('error', %s::text) where id = %s",
        [sentence, import_id],
    )


def bring(db: Db, import_id: int, job: JobContext) -> Report:
    """`db` in autocommit. Compared once more first: what somebody changed meanwhile is not overlooked."""
    report = plan(db, import_id)
    row: Any = db.execute("select * from taxon_import where id = %s", [import_id]).fetchone()
    if report.n_faults and not row.without_faulty:
        raise Refused(_faulty(report.n_faults), status=422)
    values = {"import": import_id, "part": PART_ROWS}
    done, more = 0, True
    while more:
        job.progress(done, report.n_new, "taxa")
        with db.transaction():
            hold_structure(db)
            more = _make(db, values)
        done += more
    with db.transaction():
        hold_structure(db)
        _change(db, values)
        _give_names(db, values)
        if row.with_presets:
            _set_presets(db, import_id)
        db.execute("update taxon_import set status = 'done', ended_at = now() where id = %s", [import_id])
    for table in ("taxon_staged", "taxon_staged_name", "taxon_staged_preset"):
        db.execute(f"delete from {table} where import_id = %s", [import_id])  # noqa: S608 - constants
    return report


def _make(db: Db, values: dict[str, Any]) -> int:
    """The next new ones, parents first; returns how many."""
    made = db.execute(
        """
        with part as (
            select staged.*
            from taxon_staged as staged
            where import_id = %(import)s
              and is_new
              and fault is null
              and not exists (select from taxon where taxon.id = staged.taxon_id)
            order by depth, number
            limit %(part)s
        ),
        apart as (
            select part.*,
                   count(*) over (partition by lower(name)) > 1
                       or exists (select from taxon where lower(taxon.name) = lower(part.name))
                       or exists (select from taxon where lower(taxon.display_name) = lower(part.name)) as is_taken,
                   row_number() over (partition by ecotaxa_id order by number) = 1
                       and not exists (select from taxon where taxon.ecotaxa_id = part.ecotaxa_id) as is_its_number
            from part
        )
        insert into taxon (id, parent_id, name, display_name, type, status, rank, aphia_id, ecotaxa_id, uid)
        select taxon_id, parent_id, name, case when is_taken then name || ' < #' || taxon_id else name end,
               type, status, rank, aphia_id, case when is_its_number then ecotaxa_id end,
               coalesce(uid, gen_random_uuid())
        from apart
        order by depth, number
        returning name, display_name
        """,
        values,
    ).fetchall()
    clashing = {row.name for row in made if row.name != row.display_name}
    if clashing:
        name_uniquely(db, clashing)
    return len(made)


def _change(db: Db, values: dict[str, Any]) -> None:
    """Names, places and what else a list says of known ones; what is deprecated, with what to use instead."""
    touched = db.execute(
        f"select taxon_id as id from ({CHANGES}) as change where is_renamed or is_moved or is_deprecated",  # noqa: S608
        values,
    )
    ids = [row.id for row in touched]
    before = names_around(db, ids)
    _keep_old_names(db, values)
    db.execute(
        f"""
        update taxon
        set name = case when is_renamed then change.name else taxon.name end,
            display_name = case when is_renamed then change.name || ' < #' || taxon.id else taxon.display_name end,
            parent_id = case when is_moved then change.parent_id else taxon.parent_id end,
            type = case when change.is_synonym or kind = 'darwin_core' then taxon.type else change.type end,
            status = case when is_deprecated then 'D'
                          when taxon.status = 'D' or change.status = 'N' or change.is_synonym then taxon.status
                          else change.status end,
            changed_at = case when kind <> 'shoal' and (is_renamed or is_moved or is_deprecated) then now()
                              else taxon.changed_at end,
            rank = case when change.rank = '' then taxon.rank else change.rank end,
            aphia_id = coalesce(change.aphia_id, taxon.aphia_id),
            ecotaxa_id = case when exists (select from taxon as other
                                           where other.ecotaxa_id = change.ecotaxa_id and other.id <> taxon.id)
                              then taxon.ecotaxa_id else coalesce(change.ecotaxa_id, taxon.ecotaxa_id) end,
            uid = case when exists (select from taxon as other
                                    where other.uid = change.uid and other.id <> taxon.id)
                       then taxon.uid else coalesce(change.uid, taxon.uid) end
        from ({CHANGES}) as change
        join taxon_import on taxon_import.id = change.import_id
        where taxon.id = change.taxon_id
          and not change.is_new
          and not stands
          and (is_renamed or is_moved or is_deprecated
               or (taxon.type <> change.type and kind <> 'darwin_core' and not change.is_synonym)
               or (taxon.status = 'N' and change.status = 'A' and not change.is_synonym)
               or (change.rank <> '' and taxon.rank <> change.rank)
               or change.aphia_id <> coalesce(taxon.aphia_id, 0)
               or change.ecotaxa_id <> coalesce(taxon.ecotaxa_id, 0)
               or change.uid <> taxon.uid)
        """,  # noqa: S608 - constants
        values,
    )
    _advise(db, values)
    name_uniquely(db, before | names_around(db, ids))


def _keep_old_names(db: Db, values: dict[str, Any]) -> None:
    """What is renamed is still found by the name that it had."""
    db.execute(
        f"""
        insert into other_name (taxon_id, kind, name)
        select taxon_id, 'synonym', old_name
        from ({CHANGES}) as change
        where is_renamed
        on conflict do nothing
        """,  # noqa: S608 - constants
        values,
    )


def _advise(db: Db, values: dict[str, Any]) -> None:
    db.execute(
        """
        update taxon
        set rename_to = staged.instead_id
        from taxon_staged as staged
        where staged.import_id = %(import)s
          and staged.fault is null
          and staged.taxon_id = taxon.id
          and taxon.status = 'D'
          and (taxon.rename_to is null or taxon.reviewed_at is null)
          and staged.instead_id <> taxon.id
          and taxon.rename_to is distinct from staged.instead_id
        """,
        values,
    )


def _give_names(db: Db, values: dict[str, Any]) -> None:
    """Synonyms and common names; a synonym's own row is a name of the accepted taxon."""
    db.execute(
        """
        insert into other_name (taxon_id, kind, name, language)
        select taxon_id, kind, left(name, 200), max(language)
        from (
            select staged.taxon_id, told.kind, told.name, told.language, staged.name as own
            from taxon_staged_name as told
            join taxon_staged as staged on staged.import_id = told.import_id and staged.key = told.key
            where told.import_id = %(import)s
              and staged.fault is null
              and not staged.is_synonym
            union all
            select accepted.taxon_id, 'synonym', staged.name, '', accepted.name
            from taxon_staged as staged
            join taxon_staged as accepted on accepted.import_id = staged.import_id
                                         and accepted.key = staged.instead_key
            where staged.import_id = %(import)s
              and staged.is_synonym
              and staged.fault is null
              and accepted.fault is null
        ) as told
        where taxon_id is not null
          and name not in ('', own)
          and kind in ('synonym', 'common')
        group by taxon_id, kind, left(name, 200)
        on conflict (taxon_id, kind, name) do nothing
        """,
        values,
    )


def _set_presets(db: Db, import_id: int) -> None:
    """Of projects that are called as in the list, where only one is."""
    rows = db.execute(
        f"""
        select project_id, array_agg(taxon_id order by position) as taxa
        from ({PRESETS}) as preset
        group by project_id
        order by project_id
        """,  # noqa: S608 - constants
        {"import": import_id},
    ).fetchall()
    for row in rows:
        set_presets(db, row.project_id, row.taxa[:MOST_PRESETS])
