"""One gesture of a person is one act: labels, history and counts in one transaction, and never twice."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from psycopg.types.json import Jsonb

from app.database import Db
from app.errors import Conflict, Forbidden, Refused
from app.labels import changes
from app.labels.changes import Changed, Seen, state_token
from app.labels.latest import Latest, latest_changes
from app.labels.undo_state import UndoState, undo_state
from app.taxonomy.names import UNKNOWN_TAXON, is_italic

MOST_OBJECTS = 10_000
NO_ACT = "This project has no such act. The page of acts lists those that there are."
OTHER_ACT = "This client_id was used for another act. Send each act under an id of its own."


class Labeller(Protocol):
    """Who acts."""

    @property
    def id(self) -> int: ...


class Labelled(Protocol):
    """The project whose objects are labelled."""

    @property
    def id(self) -> int: ...

    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class InBatch:
    """Where an act was done: its batch, and what that keeps of it, such as the page. `request`: the digest of what
    was asked, where that is more than the act says."""

    batch_id: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    request: str | None = None


NO_BATCH = InBatch()


@dataclass(frozen=True)
class Said:
    """A gesture of a program: objects with the states in which they were listed, and the word on them. It is recorded
    as a program's, of provenance `api`: what somebody saw is labelled in a batch, with what was seen reported there."""

    client_id: UUID
    kind: Literal["label", "confirm", "doubt"]
    objects: list[int]
    states: list[str]
    taxon_id: int | None = None
    status: Literal["V", "D"] = "V"


@dataclass(frozen=True)
class Act(Said):
    """A gesture as the browser sends it: objects with the states in which they were shown, and the word on them."""

    provenance: Literal["single", "batch", "api"] | None = None


@dataclass(slots=True)
class Now:
    """An object that the act changed, as one sees it now. Not frozen, since thousands are made at once."""

    id: int
    state: str
    status: str
    taxon_id: int | None
    taxon: str | None
    italic: bool
    score: float | None


@dataclass(frozen=True)
class Left:
    """An object that was left as it is, and why: changed since by someone, unclassified, unknown here, never in the
    state with which it was sent, of a deprecated taxon that was to be confirmed, or, by an undo, in the bin: once it is
    back, the act may be undone again. `edit`: the mass edit by which it was changed, in words."""

    id: int
    why: Literal["changed", "unclassified", "unknown", "never", "deprecated", "in_bin"]
    by: str | None = None
    by_id: int | None = None
    at: str | None = None
    status: str | None = None
    taxon_id: int | None = None
    taxon: str | None = None
    state: str | None = None
    edit: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of an act: told to the browser, the same every time that the act is sent."""

    act_id: int
    changed: list[Now]
    refused: list[Left]
    n_unchanged: int = 0
    undo: UndoState = field(default_factory=UndoState)
    batch_id: int | None = None  # of an act in a batch, and of what undid it: with the page that it was on
    page: int | None = None


def apply(db: Db, project: Labelled, account: Labeller, act: Act, place: InBatch = NO_BATCH) -> Outcome:
    """Do what the act says, on every object that is still as it was shown."""
    check_open(project)
    shown = _shown(act)
    taxon_id = named_taxon(db, act.taxon_id) if act.kind == "label" else None
    status = "D" if act.kind == "doubt" else "V" if act.kind == "confirm" else act.status
    provenance = act.provenance or ("single" if len(act.objects) == 1 else "batch")
    place = place if place.request else replace(place, request=digest(act))
    act_id = begin(db, project.id, account.id, act.client_id, act.kind, taxon_id, status, provenance, place)
    if act_id is None:
        return repeated(db, project.id, account.id, act.client_id, place.request)
    changed = changes.say(db, project.id, act_id, account.id, shown, status, taxon_id, provenance)
    refused, n_unchanged = _left(db, project.id, account.id, act, changed, status, taxon_id)
    if not changed and not n_unchanged and {left.why for left in refused} == {"deprecated"}:
        named_taxon(db, refused[0].taxon_id)  # refused in the words that its label would be
    return finish(db, project.id, account.id, act_id, changed, refused, n_unchanged)


def check_open(project: Labelled) -> None:
    """Refuse where nobody may label, comment or make classes."""
    if project.status == "explore":
        raise Forbidden("This project can only be explored: a manager can open it for labelling in its settings.")


def begin(
    db: Db,
    project_id: int,
    account_id: int,
    client_id: UUID,
    kind: str,
    taxon_id: int | None = None,
    status: str | None = None,
    provenance: str = "single",
    place: InBatch = NO_BATCH,
) -> int | None:
    """The new act's id, or None if it was sent before. An identical request in flight is waited for."""
    row = db.execute(
        """
        insert into act (project_id, client_id, account_id, kind, taxon_id, status, provenance, n_objects, batch_id,
                         detail, request)
        values (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s)
        on conflict (project_id, client_id) do nothing
        returning id
        """,
        [
            project_id, client_id, account_id, kind, taxon_id, status, provenance, place.batch_id, Jsonb(place.detail),
            place.request,
        ],
    ).fetchone()  # fmt: skip
    return row.id if row else None


def digest(*asked: Any) -> str:
    """Of a request, so that the same one sent again is known from another under the same `client_id`."""
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return value.__dict__ if is_dataclass(value) else str(value)


def check_same(sent: Any, account_id: int, request: str | None) -> None:
    """Whether an act that carries the `client_id` of an earlier one is that one, of the same person."""
    if sent is None or sent.account_id != account_id or (sent.request is not None and sent.request != request):
        raise Conflict(OTHER_ACT)


def finish(
    db: Db,
    project_id: int,
    account_id: int,
    act_id: int,
    changed: Sequence[Changed],
    refused: list[Left],
    n_unchanged: int = 0,
    n_refusals: int = 0,
) -> Outcome:
    """Note on the act what came of it, and tell it. One that labels nothing counts what it said not to be this."""
    told = [left.__dict__ for left in refused]
    act = db.execute(
        "update act set n_objects = %s, n_refused = %s, refused = %s where id = %s returning batch_id, detail",
        [len(changed) or n_refusals, len(refused), Jsonb(told), act_id],
    ).fetchone()
    return Outcome(
        act_id=act_id,
        changed=now(db, changed),
        refused=refused,
        n_unchanged=n_unchanged,
        undo=undo_state(db, project_id, account_id),
        batch_id=act.batch_id,
        page=act.detail.get("page"),
    )


def now(db: Db, changed: Sequence[Changed]) -> list[Now]:
    """Changed objects as the browser wants them."""
    rows = db.execute(
        "select id, display_name, name, rank, type from taxon where id = any(%s)",
        [list({row.taxon_id for row in changed})],
    )
    names = {row.id: (row.display_name, is_italic(row.name, row.rank or "", row.type or "")) for row in rows}
    nameless = (None, False)
    return [
        Now(
            id,
            f"{version}.{run_id if status == 'P' else 0}",
            status,
            taxon_id,
            *names.get(taxon_id, nameless),
            score,
        )
        for id, version, run_id, status, taxon_id, score in changed
    ]


def repeated(db: Db, project_id: int, account_id: int, client_id: UUID, request: str | None = None) -> Outcome:
    """The outcome of an act that was sent before, read from its history."""
    act = db.execute(
        "select id, account_id, refused, batch_id, detail, request from act where project_id = %s and client_id = %s",
        [project_id, client_id],
    ).fetchone()
    check_same(act, account_id, request)
    rows = db.execute(
        """
        select history.object_id, history.new_version, project.current_run_id,
               case when history.new_status <> 'U' then history.new_status
                    when prediction.taxon_id is not null then 'P' else 'U' end as status,
               coalesce(history.new_taxon_id, prediction.taxon_id) as taxon_id, prediction.score
          from history
          join project on project.id = history.project_id
          left join prediction on prediction.project_id = history.project_id
                              and prediction.object_id = history.object_id
                              and prediction.run_id = project.current_run_id
         where history.project_id = %s
           and history.act_id = %s
         order by history.object_id
        """,
        [project_id, act.id],
    )
    return Outcome(
        act_id=act.id,
        changed=now(db, [Changed(*row) for row in rows]),
        refused=[Left(**left) for left in act.refused],
        undo=undo_state(db, project_id, account_id),
        batch_id=act.batch_id,
        page=act.detail.get("page"),
    )


def tell_left(db: Db, project_id: int, object_ids: Sequence[int], seen: Mapping[int, Seen]) -> list[Left]:
    """Who changed objects that were to be changed, when, and to what. `seen`: what one sees of them now."""
    latest = latest_changes(db, project_id, object_ids)
    return [_left_as_is(id, seen[id], latest.get(id)) if id in seen else Left(id, "unknown") for id in object_ids]


def _left_as_is(object_id: int, seen: Seen, latest: Latest | None) -> Left:
    if latest is None:
        latest = Latest(seen.account_id, seen.by, None)
    return Left(
        id=object_id,
        why="changed",
        by=latest.by,
        by_id=latest.by_id,
        edit=latest.edit,
        at=_iso(seen.at),
        status=seen.status,
        taxon_id=seen.taxon_id,
        taxon=seen.taxon,
        state=state_token(seen.version, seen.status, seen.run_id),
    )


def _shown(act: Act) -> tuple[list[int], list[int], list[int]]:
    """Ids in order, each once, with label versions and runs from the tokens that the browser was given."""
    if not act.objects or len(act.objects) != len(act.states):
        raise Refused("An act needs at least one object, and for each object the state in which it was shown.")
    if len(act.objects) > MOST_OBJECTS:
        raise Refused(f"One act labels at most {MOST_OBJECTS:,} objects: send {len(act.objects):,} in several.")
    if not all(0 <= object_id < 2**63 for object_id in act.objects):
        raise Refused("An act names an object by a number that no object has. Reload the page and do it again.")
    shown = sorted(dict(zip(act.objects, act.states, strict=True)).items())
    known = {token: _parsed(token) for token in set(act.states)}
    read = [known[token] for _, token in shown]
    return [id for id, _ in shown], [version for version, _ in read], [run_id for _, run_id in read]


def _parsed(token: str) -> tuple[int, int]:
    """Version and run of a state."""
    version, _, run_id = token.partition(".")
    if not (_is_count(version) and _is_count(run_id)):
        raise Refused(f"“{token[:40]}” is no state of an object. Reload the page and do it again.")
    return int(version), int(run_id)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def named_taxon(db: Db, taxon_id: int | None) -> int:
    """The taxon that a label names: one that is known and in use."""
    taxon = db.execute(
        """
        select taxon.id, taxon.display_name, taxon.status, advised.display_name as advised
          from taxon
          left join taxon as advised on advised.id = taxon.rename_to
         where taxon.id = %s
        """,
        [taxon_id],
    ).fetchone()
    if taxon is None:
        raise Refused(UNKNOWN_TAXON)
    if taxon.status == "D":
        instead = f"use {taxon.advised}" if taxon.advised else "choose another taxon"
        raise Refused(f"{taxon.display_name} is deprecated: {instead}.")
    return int(taxon.id)


def _left(
    db: Db,
    project_id: int,
    account_id: int,
    act: Act,
    changed: Sequence[Changed],
    status: str,
    taxon_id: int | None,
) -> tuple[list[Left], int]:
    """Those of the act's objects that it left, with what one sees of them, and how many needed no change."""
    done = {row.id for row in changed}
    shown = {
        object_id: token for object_id, token in zip(act.objects, act.states, strict=True) if object_id not in done
    }
    if not shown:
        return [], 0
    seen = changes.seen_states(db, project_id, list(shown))
    last_run = db.execute("select coalesce(max(id), 0) from run where project_id = %s", [project_id]).fetchone()[0]
    deprecated = _deprecated(db, seen) if act.kind == "confirm" else set()
    refused, n_unchanged = [], 0
    for left in tell_left(db, project_id, list(shown), seen):
        state, token = seen.get(left.id), shown[left.id]
        if state and _is_already(state, status, taxon_id, account_id):
            n_unchanged += 1
        elif state and state.status == "U" and left.state == token:
            refused.append(Left(left.id, "unclassified", status="U", state=token))
        elif state and _parsed(token) > (state.version, last_run):
            refused.append(replace(left, why="never"))
        elif state and state.taxon_id in deprecated and left.state == token:
            refused.append(replace(left, why="deprecated"))
        elif state and _parsed(token)[0] == state.version:
            refused.append(replace(left, by=None, by_id=None, edit=None))  # another prediction
        else:
            refused.append(left)
    return refused, n_unchanged


def _deprecated(db: Db, seen: dict[int, Seen]) -> set[int]:
    taxa = list({one.taxon_id for one in seen.values()})
    return {row.id for row in db.execute("select id from taxon where id = any(%s) and status = 'D'", [taxa])}


def _is_already(seen: Seen, status: str, taxon_id: int | None, account_id: int) -> bool:
    """Whether the same person said the same before."""
    return (seen.status, seen.account_id) == (status, account_id) and taxon_id in (None, seen.taxon_id)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
