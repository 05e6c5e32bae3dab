"""One table of objects with everything: its columns, and the COPY that reads them."""

from dataclasses import dataclass
from typing import Any

from app.exporting.columns import JOINS, FieldName, literal, named, number
from app.exporting.columns import STATUS as _SAID
from app.labels.changes import array

# Text that a spreadsheet would take for a formula gets a quotation mark before it.
GUARDED = "case when {cell} ~ '^[=+@\\t\\r-]' then '''' || {cell} else {cell} end"
PROVENANCES = "single, batch, audit (accepted unseen), imported, api (by a program) or predicted"
STATUS = f"coalesce({_SAID}, 'unclassified')"


@dataclass(frozen=True)
class Cells:
    """A column: its name, its SQL, what it holds (int, number, text, day, clock or moment), and what that means."""

    name: str
    sql: str
    kind: str
    says: str


def columns(fields: list[FieldName], images: str) -> list[Cells]:
    """All columns of the table of objects."""
    return [*_HEAD, *(_IMAGE if images != "none" else []), *_LABEL, *_PREDICTION, *(_free(one) for one in fields)]


_HEAD = [
    Cells("object_id", "object.id", "int", "Shoal's number of the object"),
    Cells("orig_id", "object.orig_id", "text", "its name, as it was imported"),
    Cells("sample", named("sample"), "text", "the sample; empty where it has no name"),
    Cells("sample_id", "object.sample_id", "int", "Shoal's number of the sample"),
    Cells("acquisition", named("acquisition"), "text", "the acquisition"),
    Cells("process", named("process"), "text", "the process"),
    Cells("instrument", "acquisition.instrument", "text", "the acquisition's instrument"),
    Cells("latitude", "object.latitude", "number", "degrees north"),
    Cells("longitude", "object.longitude", "number", "degrees east"),
    Cells("date", "to_char(object.date, 'YYYY-MM-DD')", "day", "UTC"),
    Cells("time", "to_char(object.time, 'HH24:MI:SS')", "clock", "UTC"),
    Cells("depth_min_m", "object.depth_min_m", "number", "metres"),
    Cells("depth_max_m", "object.depth_max_m", "number", "metres"),
    Cells("sun_position", "object.sun_position", "text", "D day, U dusk, N night, A dawn, ? not known"),
    Cells("link", "nullif(object.link, '')", "text", "the object's address elsewhere"),
    Cells("complement_info", "nullif(object.complement_info, '')", "text", "what was said of it"),
    Cells("split", "given.split", "text", "train, validation or test: whole samples"),
]
_IMAGE = [
    Cells("image", "image.path", "text", "the first image's file in this archive"),
    Cells("width_px", "image.width_px", "int", "of the first image"),
    Cells("height_px", "image.height_px", "int", "of the first image"),
    Cells("sha256", "encode(image.hash, 'hex')", "text", "of the first image's bytes"),
]
_LABEL = [
    Cells("status", STATUS, "text", "validated, dubious, predicted or unclassified"),
    Cells("taxon_id", "taxon.id", "int", "Shoal's number of the taxon; more in taxa.csv"),
    Cells("taxon", "taxon.display_name", "text", "what the object is called now, by a person or else by prediction"),
    Cells("annotator", "account.name", "text", "who labelled it last"),
    Cells(
        "annotated_at",
        "to_char(label.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        "moment",
        "when, UTC",
    ),
    Cells(
        "provenance",
        "coalesce(label.provenance, case when prediction.taxon_id is not null then 'predicted' end)",
        "text",
        PROVENANCES,
    ),
]
_PREDICTION = [
    Cells("predicted_1", "guessed.display_name", "text", "the prediction's first choice, also where a person spoke"),
    Cells("score_1", "prediction.score", "number", "its calibrated probability; 1 where an import told none"),
    Cells("predicted_2", "second.display_name", "text", "its second choice"),
    Cells("score_2", "prediction.score_2", "number", "the probability of the second choice"),
    Cells("predicted_3", "third.display_name", "text", "its third choice"),
    Cells("score_3", "prediction.score_3", "number", "the probability of the third choice"),
]


def _free(one: FieldName) -> Cells:
    if one.level != "object":
        return Cells(one.header, f"{one.level}.fields ->> {literal(one.name)}", "text", f"a column of the {one.level}")
    if one.type == "number":
        return Cells(one.header, number(one.position), "number", "a column of the object")
    return Cells(one.header, f"object_field.texts[{one.position}]", "text", "a column of the object")


# The lowest-ranked image, where one is told of; its file is written only where images are.
_IMAGE_JOIN = """
left join lateral (
    select content.hash, width_px, height_px,
           'images/' || object.id || '_' || rank || '.' ||
           case format when 'JPEG' then 'jpg' when 'MPO' then 'jpg' when 'TIFF' then 'tif' else lower(format) end
           as path
    from image
    join content on content.hash = image.hash
    where image.project_id = object.project_id
      and image.object_id = object.id
    order by rank
    limit 1
) as image on true
"""
MORE = """
left join taxon as guessed on guessed.id = prediction.taxon_id
left join taxon as second on second.id = prediction.taxon_2_id
left join taxon as third on third.id = prediction.taxon_3_id
join unnest(%(ids)s::bigint[], %(splits)s::text[]) as given (id, split) on given.id = object.id
"""


def query(cells: list[Cells], guarded: bool) -> str:
    """The COPY of some objects' rows by id, as CSV. `guarded`: no text is a formula to a spreadsheet."""
    said = []
    for place, one in enumerate(cells):
        cell = GUARDED.format(cell=f"({one.sql})") if guarded and one.kind == "text" else one.sql
        said.append(f'{cell} as "{place}"')
    texts = ", ".join(f'"{place}"' for place, one in enumerate(cells) if one.kind == "text")
    image = _IMAGE_JOIN if any(one.sql.startswith(("image.", "encode(image")) for one in cells) else ""
    selected = ",\n".join(said)
    return (
        f"copy (select {selected} {JOINS.format(images=image, more=MORE)} order by object.id) to stdout"
        f" (format csv, null '', force_quote ({texts}))"
    )


def values(project: Any, ids: list[int], splits: list[str]) -> dict[str, Any]:
    """The parameters of `query`; splits: a plain word for each object."""
    return {
        "project_id": project.id,
        "run_id": project.current_run_id,
        "ids": array(ids),
        "splits": "{" + ",".join(splits) + "}",
    }
