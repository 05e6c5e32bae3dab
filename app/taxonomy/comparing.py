"""What a list of taxa would change, or has changed: counted, and told by name."""

from dataclasses import dataclass, field
from typing import Any

from app.database import Db

MOST_TOLD = 100


@dataclass(frozen=True)
class Report:
    """What a list would change, or has changed; the first of each kind by name. `kept`: what was decided here stands,
    and what the list says instead. `matching`: classes at the root that could take a new taxon's place. `faults`: line
    and what is wrong. `n_presets`: those whose project is here, 0 once they were not wanted; `left_presets`: of which
    projects none is changed, and why."""

    n_rows: int = 0
    n_new: int = 0
    n_renamed: int = 0
    n_moved: int = 0
    n_deprecated: int = 0
    n_kept: int = 0
    n_matching: int = 0
    n_same: int = 0
    n_names: int = 0
    n_presets: int = 0
    n_faults: int = 0
    left_presets: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    renamed: list[str] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    deprecated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    matching: list[str] = field(default_factory=list)
    faults: list[list[Any]] = field(default_factory=list)


# What becomes of each row without fault. What was deprecated here stays so; what was changed here stands against
# portable lists (`stands`); `staged.status` N never takes back that somebody kept a class.
CHANGES = """
    select told.*, is_other_name and not stands as is_renamed, is_other_place and not stands as is_moved,
           is_out and not stands as is_deprecated,
           is_back or is_gone or (stands and (is_other_name or is_other_place or is_out)) as is_kept
    from (
        select staged.*, taxon.name as old_name, taxon.display_name, taxon.parent_id as old_parent_id,
               is_known and taxon.name <> staged.name as is_other_name,
               is_known and taxon.parent_id is distinct from staged.parent_id
                   and (staged.parent_key is not null or taxon_import.kind in ('ecotaxa', 'shoal')) as is_other_place,
               taxon.status <> 'D' and (staged.status = 'D' or is_synonym) as is_out,
               is_known and taxon.status = 'D' and staged.status <> 'D' as is_back,
               is_removed and staged.taxon_id is null as is_gone,
               taxon_import.kind = 'shoal' and taxon.changed_at is not null as stands
        from taxon_staged as staged
        join taxon_import on taxon_import.id = staged.import_id
        left join taxon on taxon.id = staged.taxon_id
        cross join lateral (select taxon.id is not null and not is_new and not is_synonym as is_known) as known
        where staged.import_id = %(import)s
          and staged.fault is null
    ) as told
"""


# Each preset taxon with the one project of its title.
PRESETS = """
    select project.id as project_id, preset.position, staged.taxon_id
    from taxon_staged_preset as preset
    join taxon_staged as staged on staged.import_id = preset.import_id
                               and staged.key = preset.key
                               and staged.fault is null
    left join taxon on taxon.id = staged.taxon_id
    join (select title, min(id) as id from project where hidden is null group by title having count(*) = 1) as project
      on project.title = preset.project
    where preset.import_id = %(import)s
      and staged.taxon_id is not null
      and coalesce(taxon.status, staged.status) <> 'D'
"""
# By kind of change: which rows, and how one is told.
_TOLD = {
    "new": ("is_new", "change.name || coalesce(' under ' || parent.name, '')"),
    "renamed": ("is_renamed", "old_name || ' becomes ' || change.name"),
    "moved": ("is_moved", "old_name || ' goes under ' || coalesce(parent.name, 'the root')"),
    "deprecated": ("is_deprecated", "coalesce(display_name, change.name)"),
    "matching": ("is_new and root_id is not null", "change.name || coalesce(' under ' || parent.name, '')"),
    "kept": (
        "is_kept",
        """
        case when is_gone then change.name || ': removed here'
             when is_back then display_name || ': kept deprecated here, the list has it in use'
             else display_name || ': changed here, the list ' || concat_ws(
                 ' and ', case when is_other_name then 'calls it ' || change.name end,
                 case when is_other_place then 'has it under ' || coalesce(parent.name, 'the root') end,
                 case when is_out then 'has it deprecated' end)
        end
        """,
    ),
}


def report(db: Db, values: dict[str, int]) -> Report:
    of_kinds = ", ".join(f"count(*) filter (where {condition}) as n_{kind}" for kind, (condition, _) in _TOLD.items())
    counts: Any = db.execute(
        f"""
        select {of_kinds},
               count(*) filter (where taxon_id is not null and not is_new and not is_renamed and not is_moved
                                  and not is_deprecated and not is_kept) as n_same,
               count(*) filter (where is_synonym)
                   + (select count(*) from taxon_staged_name where import_id = %(import)s) as n_names,
               (select count(*)
                from ({PRESETS}) as preset
                join taxon_import on taxon_import.id = %(import)s
                                 and (taxon_import.status <> 'bringing' or taxon_import.with_presets)) as n_presets,
               (select count(*) from taxon_staged where import_id = %(import)s) as n_rows,
               (select count(*) from taxon_staged where import_id = %(import)s and fault is not null) as n_faults
        from ({CHANGES}) as change
        """,  # noqa: S608 - constants
        values,
    ).fetchone()
    told = {kind: _examples(db, values, kind) for kind in _TOLD}
    return Report(
        **counts._asdict(), **told, left_presets=_left_presets(db, values),
        faults=list_faults(db, values["import"], MOST_TOLD),
    )  # fmt: skip


def list_faults(db: Db, import_id: int, most: int | None = None) -> list[list[Any]]:
    """Line and what is wrong, of a list that was not taken in yet."""
    rows = db.execute(
        """
        select line, case when name = '' then fault else name || ': ' || fault end as fault
        from taxon_staged
        where import_id = %s
          and fault is not null
        order by number
        limit %s
        """,
        [import_id, most],
    )
    return [list(row) for row in rows]


def _left_presets(db: Db, values: dict[str, int]) -> list[str]:
    """A sentence for each title that is not that of one project."""
    rows = db.execute(
        """
        select told.title, count(project.id) as n
        from (select distinct project as title from taxon_staged_preset where import_id = %(import)s) as told
        left join project on project.title = told.title and project.hidden is null
        group by told.title
        having count(project.id) <> 1
        order by told.title
        limit %(most)s
        """,
        values | {"most": MOST_TOLD},
    )
    return [
        f"{row.n} projects are called “{row.title}”: the preset list of none is changed"
        if row.n
        else f"no project is called “{row.title}”"
        for row in rows
    ]


def _examples(db: Db, values: dict[str, int], kind: str) -> list[str]:
    condition, words = _TOLD[kind]
    rows = db.execute(
        f"""
        select {words} as told
        from ({CHANGES}) as change
        left join (
            select id, name from taxon
            union all
            select taxon_id, name from taxon_staged where import_id = %(import)s and is_new
        ) as parent on parent.id = change.parent_id
        where {condition}
        order by change.number
        limit %(most)s
        """,  # noqa: S608 - constants
        values | {"most": MOST_TOLD},
    )
    return [row.told for row in rows]
