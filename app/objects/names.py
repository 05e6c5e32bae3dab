"""The names of what a filter's address names by id, looked up together; what the viewer may not know has none."""

from collections.abc import Sequence

import numpy as np

from app.database import Db
from app.objects.readings import is_id
from app.search.mirror import open_mirror
from app.templating import parent_name

IDS = ("taxon", "predicted", "sample", "acquisition", "import", "act", "pile", "who", "ever")

KINDS = {"who": "person", "ever": "person", "predicted": "taxon"}


def names_of(db: Db, project_id: int, said: Sequence[tuple[str, str]], anonymous: bool) -> dict[tuple[str, str], str]:
    """Names by (key, text of the address): of taxa, of what is in the project, of people who belong to it or
    labelled in it."""
    ids = {key: [int(raw) for k, raw in said if k == key and is_id(key, raw)] for key in IDS}
    people = [*ids.pop("who"), *ids.pop("ever")]
    ids["taxon"] += ids.pop("predicted")
    instruments = [raw for key, raw in said if key == "instrument"]
    if not (people or instruments or any(ids.values())):
        return {}
    found = _found(db, {"project_id": project_id, "instrument": instruments, "anonymous": anonymous, **ids})
    found["taxon", "0"] = "unclassified"
    if people:
        found |= _people(db, project_id, people)
    names = {}
    for key, raw in said:
        kind = KINDS.get(key, key)
        name = found.get((kind, raw if key == "instrument" else str(int(raw)) if is_id(key, raw) else ""))
        if name is not None:
            names[key, raw] = name
    return names


def _found(db: Db, values: dict[str, object]) -> dict[tuple[str, str], str]:
    """Anonymous people learn the names of those samples and acquisitions only that hold validated objects."""
    rows = db.execute(
        """
        select 'taxon' as kind, id::text as id, display_name as name
          from taxon
         where id = any(%(taxon)s::int[])
        union all
        select 'sample', id::text, orig_id
          from sample
         where project_id = %(project_id)s
           and id = any(%(sample)s::bigint[])
           and (not %(anonymous)s or exists (
                   select from object
                     join label on label.project_id = object.project_id and label.object_id = object.id
                    where object.sample_id = sample.id and object.project_id = sample.project_id
                      and label.status = 'V'))
        union all
        select 'acquisition', id::text, orig_id
          from acquisition
         where project_id = %(project_id)s
           and id = any(%(acquisition)s::bigint[])
           and (not %(anonymous)s or exists (
                   select from object
                     join label on label.project_id = object.project_id and label.object_id = object.id
                    where object.acquisition_id = acquisition.id and object.project_id = acquisition.project_id
                      and label.status = 'V'))
        union all
        select distinct 'instrument', instrument, case when instrument = '' then 'none named' else instrument end
          from acquisition
         where project_id = %(project_id)s
           and instrument = any(%(instrument)s::text[])
        union all
        select 'import', id::text,
               case when %(anonymous)s then 'of ' || to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')
                    else regexp_replace(source, '^.*/(?=[^/])', '') || ', '
                         || to_char(started_at at time zone 'UTC', 'YYYY-MM-DD') end
          from import
         where project_id = %(project_id)s
           and id = any(%(import)s::int[])
        union all
        select 'act', act.id::text, coalesce(taxon.display_name, act.kind) || ' on ' || act.n_objects || ' objects'
          from act
          left join taxon on taxon.id = act.taxon_id
         where act.project_id = %(project_id)s
           and act.id = any(%(act)s::bigint[])
        union all
        select 'pile', id::text, name
          from pile
         where project_id = %(project_id)s
           and id = any(%(pile)s::bigint[])
        """,
        values,
    )
    return {
        (row.kind, row.id): parent_name(row.name) if row.kind in ("sample", "acquisition") else row.name for row in rows
    }


def _people(db: Db, project_id: int, ids: list[int]) -> dict[tuple[str, str], str]:
    """Who acted in the project, and whom its labels name, which have no index by person."""
    rows = db.execute(
        """
        select id, name,
               exists (select from act where act.account_id = account.id and project_id = %(project_id)s) as belongs
          from account
         where id = any(%(ids)s)
        """,
        {"project_id": project_id, "ids": ids},
    ).fetchall()
    labelled = () if all(row.belongs for row in rows) else open_mirror(db, project_id).account
    return {("person", str(row.id)): row.name for row in rows if row.belongs or np.any(labelled == row.id)}
