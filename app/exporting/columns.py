"""The columns of EcoTaxa's tables, each with the SQL that gives its cells."""

from dataclasses import dataclass
from typing import Any

from app.database import Db
from app.exporting.choices import Choices
from app.exporting.selection import UNNAMED
from app.labels.changes import array

PREFIXES = {"object": "object_", "sample": "sample_", "acquisition": "acq_", "process": "process_"}
PARENTS = {"sample": "sample", "acquisition": "acquisition", "process": "process"}
SAID = "case label.status when 'V' then 'validated' when 'D' then 'dubious' end"
STATUS = f"coalesce({SAID}, case when prediction.taxon_id is not null then 'predicted' end)"
# Imports compare names without the blanks that Shoal sets around “<”.
CATEGORY = "replace(taxon.display_name, ' < ', '<')"
# Imports find people by name, then by address: whoever shares a name is named by the address.
PERSON = "case when account.id = any(%(namesakes)s::int[]) then account.email else account.name end"
# What lies above a taxon, from the root down to itself.
LINEAGE = """(
    with recursive above as (
        select taxon.id, taxon.parent_id, taxon.name, 0 as depth
        union all
        select upper.id, upper.parent_id, upper.name, depth + 1
        from above
        join taxon as upper on upper.id = above.parent_id
        where depth < 100
    )
    select string_agg(name, '>' order by depth desc)
    from above
    where taxon.id is not null
)"""
# Who said each and when, the next one keeps, and the label the last: what was brought in is not its importer's word.
HISTORY = """(
    select string_agg(
        concat_ws(' ', to_char(coalesce(said_at, act.at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), new_status,
                  was.display_name, 'by ' || who.name),
        '; ' order by new_version)
    from (
        select past.*, coalesce(lead(past.old_account_id) over following, own.account_id) as said_by,
               coalesce(lead(past.old_at) over following, own.at) as said_at
        from history as past
        left join label as own on own.project_id = past.project_id
                              and own.object_id = past.object_id
                              and own.version = past.new_version
        where past.project_id = object.project_id
          and past.object_id = object.id
        window following as (order by past.new_version)
    ) as told
    join act on act.id = told.act_id
    left join taxon as was on was.id = new_taxon_id
    left join account as who on who.id = coalesce(said_by, act.account_id)
)"""


def some(table: str, of: str = "object_id", more: str = "") -> str:
    """The rows of some objects in one of the partitioned tables, found by their key whatever else is joined: a join on
    the object alone reads the whole project again for every piece.

    `offset 0` has them read once: otherwise small pieces look each object up, and go through all ids for each.
    """
    asked = f"project_id = %(project_id)s {more} and {of} = any(%(ids)s::bigint[])"
    return f"(select * from {table} where {asked} offset 0) as {table}"  # noqa: S608 - constants


JOINS = f"""
from {some("object", "id")}
join sample on sample.id = object.sample_id
join acquisition on acquisition.id = object.acquisition_id
left join process on process.acquisition_id = object.acquisition_id
left join {some("object_field")} on object_field.object_id = object.id
{{images}}
left join {some("label")} on label.object_id = object.id
                         and label.status in ('D', 'V')
left join {some("prediction", more="and run_id = %(run_id)s")} on prediction.object_id = object.id
left join taxon on taxon.id = coalesce(label.taxon_id, prediction.taxon_id)
left join account on account.id = label.account_id
{{more}}
"""


@dataclass(frozen=True)
class Column:
    """A column: its header, the SQL of its cells, and whether these are numbers, written without quotation marks."""

    header: str
    sql: str
    is_number: bool = False

    @property
    def type(self) -> str:
        return "[f]" if self.is_number else "[t]"


@dataclass(frozen=True)
class FieldName:
    """A free column of the project."""

    level: str
    name: str
    type: str
    position: int

    @property
    def header(self) -> str:
        return PREFIXES[self.level] + self.name

    @property
    def is_free_number(self) -> bool:
        """Whether it stands in the objects' arrays of numbers."""
        return self.level == "object" and self.type == "number"


def fields_of(db: Db, project_id: int) -> list[FieldName]:
    """The free columns, level by level; numbers before texts, each in the project's order."""
    rows = db.execute(
        """
        select level, name, type, position
        from field
        where project_id = %s
        order by level, type, position
        """,
        [project_id],
    )
    return [FieldName(*row) for row in rows]


def has_texts(db: Db, project_id: int) -> bool:
    """Whether any object says something in complement_info."""
    found = db.execute(
        "select 1 from object where project_id = %s and complement_info <> '' limit 1", [project_id]
    ).fetchone()
    return found is not None


def number(position: int) -> str:
    """A free number; those that no table can hold are missing."""
    return f"nullif(nullif(nullif(object_field.numbers[{position}], 'NaN'), 'Infinity'), '-Infinity')"


def literal(text: str) -> str:
    """A text inside SQL that is given to COPY; percent signs are parameters there."""
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def free(fields: list[FieldName], level: str) -> list[Column]:
    """The free columns of one level."""
    found = []
    for one in fields:
        if one.level != level:
            continue
        if level != "object":
            # Also what was imported as a number is kept as it was written.
            found.append(Column(one.header, f"{level}.fields ->> {literal(one.name)}"))
        elif one.type == "number":
            found.append(Column(one.header, number(one.position), True))
        else:
            found.append(Column(one.header, f"object_field.texts[{one.position}]"))
    return found


def named(level: str) -> str:
    """What a parent is called; empty where an import had to make its name up, as the next one does again."""
    return f"case when {level}.orig_id not like '{UNNAMED.replace('_', chr(92) + '_')}%' then {level}.orig_id end"


def parents(fields: list[FieldName]) -> dict[str, list[Column]]:
    descriptor = Column("sample_dataportal_descriptor", "sample.dataportal_descriptor")
    instrument = Column("acq_instrument", "acquisition.instrument")
    return {
        "sample": [Column("sample_id", named("sample")), descriptor, *free(fields, "sample")],
        "process": [Column("process_id", named("process")), *free(fields, "process")],
        "acquisition": [Column("acq_id", named("acquisition")), instrument, *free(fields, "acquisition")],
    }


IMAGE = [
    Column("img_file_name", "%(image_folder)s || coalesce(renamed.path, image.file_name)"),
    Column("img_rank", "image.rank", True),
]


def head(for_import: bool) -> list[Column]:
    """What every object has; dates without hyphens where a table is for imports."""
    day, clock = ("YYYYMMDD", "HH24MISS") if for_import else ("YYYY-MM-DD", "HH24:MI:SS")
    return [
        Column("object_id", "object.orig_id"),
        Column("object_lat", "object.latitude", True),
        Column("object_lon", "object.longitude", True),
        Column("object_date", f"to_char(object.date, '{day}')"),
        Column("object_time", f"to_char(object.time, '{clock}')"),
        Column("object_link", "nullif(object.link, '')"),
        Column("object_depth_min", "object.depth_min_m", True),
        Column("object_depth_max", "object.depth_max_m", True),
    ]


def annotation(for_import: bool, with_emails: bool) -> list[Column]:
    """Status, who and when; of predictions, as EcoTaxa does, neither person nor date."""
    day, clock = ("YYYYMMDD", "HH24MISS") if for_import else ("YYYY-MM-DD", "HH24:MI:SS")
    found = [
        Column("object_annotation_status", STATUS),
        Column("object_annotation_person_name", PERSON if with_emails else "account.name"),
        Column("object_annotation_person_email", "account.email" if with_emails else "null::text"),
        Column("object_annotation_date", f"to_char(label.at at time zone 'UTC', '{day}')"),
        Column("object_annotation_time", f"to_char(label.at at time zone 'UTC', '{clock}')"),
        Column("object_annotation_category", CATEGORY),
    ]
    if for_import:
        return [*found, Column("object_annotation_category_id", "taxon.ecotaxa_id", True)]
    return [*found, Column("object_annotation_hierarchy", LINEAGE)]


COMPLEMENT = Column("complement_info", "nullif(object.complement_info, '')")


def backup_columns(fields: list[FieldName], with_complement: bool) -> list[Column]:
    """The columns of a backup, in EcoTaxa's order."""
    of = parents(fields)
    complement = [COMPLEMENT] if with_complement else []
    return [
        *IMAGE, *head(True), *annotation(True, True), *complement, *free(fields, "object"),
        *of["sample"], *of["process"], *of["acquisition"],
    ]  # fmt: skip


def annotation_columns(with_emails: bool) -> list[Column]:
    return [Column("object_id", "object.orig_id"), *annotation(True, with_emails)]


INTERNAL = [
    Column("objid", "object.id", True),
    Column("processid_internal", "process.acquisition_id", True),
    Column("acq_id_internal", "object.acquisition_id", True),
    Column("sample_id_internal", "object.sample_id", True),
    Column("classif_id", "taxon.id", True),
    Column("classif_who", "label.account_id", True),
    Column("classif_auto_id", "prediction.taxon_id", True),
    Column("classif_auto_name", "guessed.display_name"),
    Column("classif_auto_score", "prediction.score", True),
    Column("classif_auto_when", "to_char(run.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')"),
    # A number that stays the same, to draw objects by chance.
    Column("object_random_value", "abs(hashint8extended(object.id, 0) %% 100000000)", True),
    Column("object_sunpos", "object.sun_position"),
    Column("sample_lat", "sample.latitude", True),
    Column("sample_long", "sample.longitude", True),
]

EXTRA = {
    "score": [Column("score", "prediction.score", True)],
    "choices": [
        Column("predicted_1", "guessed.display_name"), Column("score_1", "prediction.score", True),
        Column("predicted_2", "second.display_name"), Column("score_2", "prediction.score_2", True),
        Column("predicted_3", "third.display_name"), Column("score_3", "prediction.score_3", True),
    ],
    "provenance": [
        Column("provenance",
               "coalesce(label.provenance, case when prediction.taxon_id is not null then 'predicted' end)")
    ],
    "batch": [Column("batch", "labelled.batch_id", True)],
    "history": [Column("history", HISTORY)],
}  # fmt: skip

# Joined where a column asks for them.
MORE = {
    "guessed": "left join taxon as guessed on guessed.id = prediction.taxon_id",
    "second": "left join taxon as second on second.id = prediction.taxon_2_id",
    "third": "left join taxon as third on third.id = prediction.taxon_3_id",
    "run": "left join run on run.id = prediction.run_id",
    "labelled": "left join act as labelled on labelled.id = label.act_id",
}


def general_columns(fields: list[FieldName], choices: Choices, with_emails: bool) -> list[Column]:
    """All that a general export can have, before columns are chosen, in EcoTaxa's order.

    With a types row neither the lineage is there, which stops EcoTaxa's import, nor the dates' hyphens.
    """
    of = parents(fields)
    extra = [column for name in choices.extras for column in EXTRA[name]]
    return [
        *(IMAGE if choices.images != "none" else []), *head(choices.types_row),
        *annotation(choices.types_row, with_emails), COMPLEMENT, *free(fields, "object"),
        *of["sample"], *of["process"], *of["acquisition"], *(INTERNAL if choices.internal_ids else []), *extra,
    ]  # fmt: skip


def chosen(columns: list[Column], wanted: tuple[str, ...]) -> tuple[list[Column], list[str]]:
    """Those of the columns that are wanted, all where none is named, and the headers that are none of them."""
    if not wanted:
        return columns, []
    known = {column.header for column in columns}
    return [column for column in columns if column.header in wanted], [name for name in wanted if name not in known]


def query(columns: list[Column], images: str) -> str:
    """The COPY that writes the rows of some objects. `images`: none, first or all; a row for each image.

    Parameters: those of `values_of`; with images also image_folder, and image_ids, image_ranks and image_paths of
    images that are written under another name than their own.
    """
    cells = " ".join(column.sql for column in columns)
    more = "\n".join(join for name, join in MORE.items() if f"{name}." in cells)
    quoted = ", ".join(f'"{place}"' for place, column in enumerate(columns) if not column.is_number)
    aliased = ",\n".join(f'{column.sql} as "{place}"' for place, column in enumerate(columns))
    options = "format csv, delimiter E'\\t', null ''" + (f", force_quote ({quoted})" if quoted else "")
    order = "order by object.id" + (", image.rank" if images != "none" else "")
    return f"copy (select {aliased} {JOINS.format(images=IMAGES[images], more=more)} {order}) to stdout ({options})"


RENAMED = """
left join unnest(%(image_ids)s::bigint[], %(image_ranks)s::int[], %(image_paths)s::text[])
     as renamed (object_id, rank, path) on renamed.object_id = image.object_id and renamed.rank = image.rank
"""
JOINED = f"join {some('image')} on image.object_id = object.id"
FIRST = """
and image.rank = (
    select min(rank)
    from image as other
    where other.project_id = %(project_id)s
      and other.object_id = object.id
)
"""
IMAGES = {"none": "", "all": JOINED + RENAMED, "first": JOINED + FIRST + RENAMED}


def namesakes(db: Db) -> list[int]:
    """Accounts whose name is another's as well."""
    row: Any = db.execute(
        """
        select coalesce(array_agg(id), '{}') as ids
        from (
            select id, count(*) over (partition by lower(name)) as n
            from account
        ) as counted
        where n > 1
        """
    ).fetchone()
    return list(row.ids)


def values_of(project: Any, ids: list[int], namesakes: list[int]) -> dict[str, Any]:
    return {"project_id": project.id, "run_id": project.current_run_id, "ids": array(ids), "namesakes": namesakes}
