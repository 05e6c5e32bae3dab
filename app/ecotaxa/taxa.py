"""Categories of EcoTaxa's and taxa of ours: what is unknown here is taken in with its ancestors; a manager says which
category stands for a taxon that has no number there."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.database import Db
from app.ecotaxa import reading
from app.ecotaxa.client import EcoTaxa
from app.errors import Refused
from app.jobs.context import JobContext
from app.taxonomy.bringing import bring
from app.taxonomy.planning import plan
from app.taxonomy.staging import stage

LARGEST_ID = 2**31
MOST_ANCESTORS = 100_000
TOLD = ("id", "name", "type", "status", "rank", "aphia_id", "id_lineage")


def bring_unknown(db: Db, remote: EcoTaxa, project_id: int, account_id: int, job: JobContext) -> int:
    """Take the categories in that EcoTaxa's objects have and nobody knows here; those that are known stay as they are.

    `db` in autocommit. Returns how many are new.
    """
    numbers = reading.numbers_in_use(db, project_id)
    told = remote.taxa(numbers)
    reading.keep_categories(db, project_id, numbers, told)
    above = {int(number) for one in told for number in one.get("id_lineage") or []}
    if len(above) > MOST_ANCESTORS:
        raise Refused("EcoTaxa tells more categories than a project can have: look whether the address is right.")
    wanted = _unknown(db, sorted({int(one["id"]) for one in told} | above))
    if not wanted:
        return 0
    known = {int(one["id"]): one for one in told}
    known |= {int(one["id"]): one for one in remote.taxa([number for number in wanted if number not in known])}
    return _bring(db, account_id, [_plain(known[number]) for number in wanted if number in known], job)


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in TOLD if name in one} | {"id_lineage": one.get("id_lineage") or [one["id"]]}


def _unknown(db: Db, numbers: list[int]) -> list[int]:
    rows = db.execute(
        """
        select number
        from unnest(%s::int[]) as number
        where not exists (select from taxon where ecotaxa_id = number)
        order by number
        """,
        [numbers],
    )
    return [row.number for row in rows]


def _bring(db: Db, account_id: int, told: list[dict[str, Any]], job: JobContext) -> int:
    """As any list of EcoTaxa's is taken in: matched by name under the same parent, else made."""
    with tempfile.TemporaryDirectory(prefix="shoal-ecotaxa-") as folder:
        path = Path(folder) / "taxa.json"
        path.write_text(json.dumps(told))
        row: Any = db.execute(
            """
            insert into taxon_import (account_id, source, path, without_faulty)
            values (%s, 'Categories of an EcoTaxa project', %s, true)
            returning id
            """,
            [account_id, str(path)],
        ).fetchone()
        stage(db, row.id, path, job)
        plan(db, row.id)
        return bring(db, row.id, job).n_new


def say(db: Db, project_id: int, said: dict[int, int | None]) -> None:
    """Which category stands for each taxon; nothing takes the answer back. Holds from the next comparison on."""
    wrong = [number for number in said.values() if number is not None and not 0 < number < LARGEST_ID]
    if wrong:
        raise Refused(f"{wrong[0]} is no number of a category of EcoTaxa's.", status=422)
    known = db.execute("select id from taxon where id = any(%s)", [[id for id in said if 0 < id < LARGEST_ID]])
    unknown = set(said) - {row.id for row in known}
    if unknown:
        raise Refused(f"There is no taxon {min(unknown)} here.", status=422)
    db.execute("delete from ecotaxa_taxon where project_id = %s and taxon_id = any(%s)", [project_id, list(said)])
    given = {taxon_id: number for taxon_id, number in said.items() if number is not None}
    db.execute(
        "insert into ecotaxa_taxon (project_id, taxon_id, remote_id) select %s, * from unnest(%s::int[], %s::int[])",
        [project_id, list(given), list(given.values())],
    )


def said(db: Db, project_id: int, taxa: list[int]) -> dict[int, int | None]:
    """What was said of these taxa, as `say` takes it."""
    rows = db.execute(
        "select taxon_id, remote_id from ecotaxa_taxon where project_id = %s and taxon_id = any(%s)", [project_id, taxa]
    )
    return dict.fromkeys(taxa) | {row.taxon_id: row.remote_id for row in rows}


def read_numbers(said: Mapping[str, Any]) -> dict[int, int | None]:
    """Numbers of taxa, as text, and what stands for them, as a form or a program sends it."""
    try:
        return {int(taxon_id): int(number) if number not in ("", None) else None for taxon_id, number in said.items()}
    except ValueError:
        raise Refused(
            "A category is named by EcoTaxa’s number, which stands on its page there: write digits alone.", status=422
        ) from None
