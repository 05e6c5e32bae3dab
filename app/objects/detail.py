"""Everything of one object: as its page shows it and as programs get it."""

from collections import Counter
from typing import Any

import numpy as np

from app.database import Db
from app.errors import NotFound, Refused
from app.labels.changes import state_token
from app.labels.history import Past, object_history
from app.objects import queries
from app.objects.board import Shown, query_vectors, tiles_of
from app.objects.comments import list_comments
from app.objects.fields import LEVELS
from app.objects.filters import Filter
from app.objects.images import image_url
from app.objects.orders import Order
from app.search import likeness
from app.search.codes import VALIDATED
from app.search.later import Rebuilding
from app.search.mirror import open_mirror
from app.taxonomy.names import is_italic
from app.taxonomy.queries import get_taxon

N_NEIGHBOURS = 12
MOST_SUGGESTIONS = 3
PROVENANCE_WORDS = {
    "single": "looked at singly", "batch": "seen in a batch", "audit": "accepted unseen under an audit",
    "api": "given by a program", "imported": "imported",
}  # fmt: skip


def find_object(db: Db, project: Shown, object_id: int) -> Any:
    """The object's row, if the caller may see it."""
    row = queries.find_object(db, project.id, object_id) if 0 <= object_id < 2**63 else None
    if row is None or (project.validated_only and row.status != "V"):
        raise NotFound("This project has no such object.")
    return row


def label_of(db: Db, project: Shown, row: Any) -> dict[str, Any]:
    """What one sees of the object, with who, when and how (but for anonymous people), and the machine's choices."""
    is_told = row.status in ("D", "V") and not project.validated_only
    taxon = get_taxon(db, row.taxon_id) if row.taxon_id else None
    score_1 = None if row.is_imported else row.score_1  # tables tell none, and 1 stands in its place
    choices = [(row.choice_1_id, row.choice_1, score_1), (row.choice_2_id, row.choice_2, row.score_2),
               (row.choice_3_id, row.choice_3, row.score_3)]  # fmt: skip
    return {
        "status": row.status,
        "taxon": row.taxon,
        "taxon_id": row.taxon_id,
        "taxon_italic": is_italic(row.taxon_name, row.rank or "", row.type or ""),
        "lineage": " › ".join(taxon.lineage) if taxon else None,
        "by": row.labelled_by if is_told else None,
        "at": row.label_at if is_told else None,
        "provenance": PROVENANCE_WORDS[row.provenance] if is_told else None,
        "score": None if row.is_imported else row.score,
        "state": state_token(row.version, row.status, row.run_id),
        "choices": [{"taxon_id": i, "taxon": name, "score": score} for i, name, score in choices if i],
    }


def images_of(db: Db, project: Shown, object_id: int) -> list[dict[str, Any]]:
    """An object's images, each with the address at which a browser can show it."""
    return [
        {**image._asdict(), "url": image_url(project.id, image)}
        for image in queries.list_images(db, project.id, object_id)
    ]


def history_of(db: Db, project: Shown, object_id: int) -> list[Past]:
    """Who labelled the object how, latest first. What led to a validated label is not for anonymous people."""
    return [] if project.validated_only else object_history(db, project.id, object_id)


def comments_of(db: Db, project: Shown, object_id: int) -> list[Any]:
    """What people said of the object to each other, so not for anonymous people."""
    return [] if project.validated_only else list_comments(db, project.id, object_id)


def values_of(db: Db, project: Shown, row: Any) -> dict[str, list[tuple[str, Any]]]:
    """Every value of the object and of its parents, by level: the predefined ones first, missing ones left out."""
    pairs: dict[str, list[tuple[str, Any]]] = {
        "object": [
            ("latitude", row.latitude), ("longitude", row.longitude), ("date", row.date), ("time", row.time),
            ("depth_min_m", row.depth_min_m), ("depth_max_m", row.depth_max_m),
            ("sun_position", None if row.sun_position == "?" else row.sun_position), ("link", row.link),
            ("complement_info", row.complement_info),
        ],
        "sample": [
            ("orig_id", row.sample), ("latitude", row.sample_latitude), ("longitude", row.sample_longitude),
            ("dataportal_descriptor", row.dataportal_descriptor),
        ],
        "acquisition": [("orig_id", row.acquisition), ("instrument", row.instrument)],
        "process": [("orig_id", row.process)],
    }  # fmt: skip
    parents = {
        "sample": row.sample_fields or {},
        "acquisition": row.acquisition_fields or {},
        "process": row.process_fields or {},
    }
    for column in queries.field_positions(db, project.id):
        if column.level == "object":
            values = (row.numbers if column.type == "number" else row.texts) or []
            value = values[column.position - 1] if column.position <= len(values) else None
        else:
            value = parents[column.level].get(column.name)
        pairs[column.level].append((column.name, value))
    return {level: [pair for pair in pairs[level] if not _is_missing(pair[1])] for level in LEVELS}


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def neighbours_of(
    db: Db, project: Shown, object_id: int, k: int = N_NEIGHBOURS, validated: bool = False
) -> list[dict[str, Any]]:
    """The objects of the project that are most alike, nearest first, with their labels; or the validated among them."""
    if project.embedder_id is None:
        return []
    mirror = open_mirror(db, project.id)
    try:
        vectors = query_vectors(db, project, Order("like", examples=(object_id,)), mirror)
    except Refused:
        return []
    filter = Filter(validated_only=project.validated_only)
    # A copy: the mirror keeps its own for whoever asks next.
    mask = mirror.mask(db, filter).copy()
    if validated:
        mask &= mirror.status == VALIDATED
    mask[mirror.ordinals(np.array([object_id]))] = False
    try:
        ranked = likeness.most_alike(db, project, vectors, mask, k, mirror=mirror)
    except Rebuilding:
        return []
    ids = [int(i) for i in ranked.ids]
    return tiles_of(db, project, filter, ids, [float(distance) for distance in ranked.distances])


def suggestions_of(db: Db, neighbours: list[dict[str, Any]], label: dict[str, Any]) -> list[dict[str, Any]]:
    """Taxa that an object may be of: its validated neighbours', the machine's choices, what its neighbours share."""
    votes = Counter(tile["taxon_id"] for tile in neighbours)
    reasons = {taxon_id: f"{n} of {len(neighbours)} neighbours" for taxon_id, n in votes.most_common(2)}
    for choice in label["choices"]:
        if choice["score"] is not None:
            reasons.setdefault(choice["taxon_id"], f"predicted {choice['score']:.2f}")
    shared = queries.nearest_common_ancestor(db, list(votes)) if len(votes) > 1 else None
    if shared:
        reasons.setdefault(shared, "common ancestor")
    taxa = {row.id: row for row in queries.taxon_names(db, list(reasons)) if row.status != "D"}
    return [
        {
            "id": taxon_id,
            "name": taxa[taxon_id].display_name,
            "italic": is_italic(taxa[taxon_id].name, taxa[taxon_id].rank or "", taxa[taxon_id].type or ""),
            "why": reasons[taxon_id],
        }
        for taxon_id in [one for one in reasons if one in taxa][:MOST_SUGGESTIONS]
    ]
