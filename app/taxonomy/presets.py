"""A project's preset taxa: those its managers want offered first, in their order, whether objects have them or not."""

from dataclasses import dataclass

from app.database import Db
from app.errors import Refused
from app.taxonomy.names import is_italic

MOST_PRESETS = 1000


@dataclass(frozen=True)
class PresetTaxon:
    """A preset taxon as the settings show it."""

    id: int
    display_name: str
    italic: bool


def preset_taxa(db: Db, project_id: int) -> list[int]:
    """The ids in their order, without those that were deprecated since."""
    return [taxon.id for taxon in list_presets(db, project_id)]


def list_presets(db: Db, project_id: int) -> list[PresetTaxon]:
    rows = db.execute(
        """
        select taxon.id, taxon.name, taxon.display_name, taxon.rank, taxon.type
        from preset_taxon
        join taxon on taxon.id = preset_taxon.taxon_id
        where preset_taxon.project_id = %s
          and taxon.status <> 'D'
        order by preset_taxon.position, taxon.id
        """,
        [project_id],
    )
    return [PresetTaxon(row.id, row.display_name, is_italic(row.name, row.rank, row.type)) for row in rows]


def set_presets(db: Db, project_id: int, taxon_ids: list[int]) -> list[PresetTaxon]:
    """Replace the list. Each taxon counts once, where it is first named."""
    wanted = list(dict.fromkeys(taxon_ids))
    if len(wanted) > MOST_PRESETS:
        raise Refused(f"A preset list holds at most {MOST_PRESETS} taxa, and these are {len(wanted)}.", status=422)
    known = db.execute("select id from taxon where id = any(%s::bigint[]) and status <> 'D'", [wanted]).fetchall()
    unknown = sorted(set(wanted) - {row.id for row in known})
    if unknown:
        raise Refused(f"There is no taxon {unknown[0]}, or it is deprecated. Nothing was saved.", status=422)
    put_presets(db, project_id, wanted)
    return list_presets(db, project_id)


def preset_ids(db: Db, project_id: int) -> list[int]:
    """The whole list, also what was deprecated since."""
    rows = db.execute(
        "select taxon_id from preset_taxon where project_id = %s order by position, taxon_id", [project_id]
    )
    return [row.taxon_id for row in rows]


def put_presets(db: Db, project_id: int, taxon_ids: list[int]) -> None:
    # Two managers who save at once: the later one's list holds, whole.
    db.execute("select 1 from project where id = %s for update", [project_id])
    db.execute("delete from preset_taxon where project_id = %s", [project_id])
    db.execute(
        """
        insert into preset_taxon (project_id, taxon_id, position)
        select %s, taxon_id, position
        from unnest(%s::int[]) with ordinality as given (taxon_id, position)
        """,
        [project_id, taxon_ids],
    )


def validated_taxa(db: Db, project_id: int) -> list[PresetTaxon]:
    """The taxa with validated objects in the project, most objects first: what a new list may start from."""
    rows = db.execute(
        """
        with validated as (
            select taxon_id, sum(n) as n
            from count_delta
            where project_id = %s
              and status = 'V'
              and taxon_id > 0
            group by taxon_id
            having sum(n) > 0
        )
        select taxon.id, taxon.name, taxon.display_name, taxon.rank, taxon.type
        from validated
        join taxon on taxon.id = validated.taxon_id
        where taxon.status <> 'D'
        order by validated.n desc, lower(taxon.display_name)
        limit %s
        """,
        [project_id, MOST_PRESETS],
    )
    return [PresetTaxon(row.id, row.display_name, is_italic(row.name, row.rank, row.type)) for row in rows]
