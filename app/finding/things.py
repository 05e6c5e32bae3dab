"""What a few words, a number or an address stand for, among what the caller may see.

Objects are asked for by ids only, which the key and the index of original ids answer for each project that may be
seen; samples by a part of their name, projects by words, taxa by the beginnings of words of any of their names.
"""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from app.accounts import people
from app.accounts.people import pattern
from app.accounts.viewer import Viewer
from app.database import Db
from app.projects.listing import VISIBLE, list_projects
from app.taxonomy.queries import find_taxa
from app.templating import parent_name, thousands

KINDS = ("projects", "samples", "objects", "taxa", "people")
USUAL, MOST = 8, 100
LONGEST = 300
SHORTEST_PART = 3  # of a sample's name: fewer letters have no trigram
MOST_ID = 2**63 - 1
NUMBER = re.compile(r"(?:#|id )?(\d{1,19})", re.ASCII | re.IGNORECASE)
HASH = re.compile(r"[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
# The number at the end of an address, ours or EcoTaxa's: /projects/3/objects/12, /prj/3, /object/12.
ADDRESS = re.compile(r"/(objects?|projects?|prj|samples?|taxonomy|taxa)/(\d{1,18})(?=/|$)", re.ASCII)
NAMED_IN_ADDRESS = {"object": "objects", "project": "projects", "prj": "projects", "sample": "samples"}
NAMED_IN_ADDRESS |= {"taxonomy": "taxa", "taxa": "taxa"}


@dataclass(frozen=True)
class Thing:
    """One thing: where its page is, and in `about` what tells it from others of its name."""

    kind: str
    id: int
    name: str
    about: str
    url: str


@dataclass
class Found:
    """What was found of each kind, best first, and of which kinds there is more than was asked for."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(self.things.values())


@dataclass(frozen=True)
class Asked:
    """What was typed: words, and what they are where they are an id, an address or the digest of an image."""

    words: str
    names: tuple[str, ...]  # original ids that may be meant
    numbers: tuple[tuple[str, int], ...]  # kind and id
    hash: bytes | None = None


def read(typed: str) -> Asked:
    """An address stands for the last thing that it names; a file's name also for the object that it is the image of."""
    words = " ".join(typed.replace("\0", " ").split())[:LONGEST]
    if "://" in words or words.startswith("/"):
        path = unquote(re.sub(r"^\w+://[^/]*", "", words).split("?")[0].split("#")[0])
        named = ADDRESS.findall(path)
        if named:
            kind = NAMED_IN_ADDRESS.get(named[-1][0].removesuffix("s"), "") or NAMED_IN_ADDRESS[named[-1][0]]
            return Asked("", (), ((kind, int(named[-1][1])),))
        words = PurePosixPath(path).name
    names = [words]
    if "." in words or "/" in words or "\\" in words:
        file = PurePosixPath(words.replace("\\", "/"))
        names += [file.name, file.stem, str(file.with_suffix("")) if file.name else ""]
    number = NUMBER.fullmatch(words)
    numbered = int(number[1]) if number and int(number[1]) <= MOST_ID else None
    return Asked(
        words,
        tuple(dict.fromkeys(filter(None, names))),
        tuple((kind, numbered) for kind in KINDS if kind != "people") if numbered is not None else (),
        bytes.fromhex(words) if HASH.fullmatch(words) else None,
    )


def find(db: Db, viewer: Viewer, typed: str, kinds: tuple[str, ...] = KINDS, most: int = USUAL) -> Found:
    """At most `most` of each kind. Nothing is told of what the caller may not see, not that it is there."""
    asked, found = read(typed), Found()
    if not asked.words and not asked.numbers:
        return found
    for kind in kinds:
        things = FINDERS[kind](db, viewer, asked, most + 1)
        found.things[kind] = things[:most]
        if len(things) > most:
            found.more.append(kind)
    return found


def _number(asked: Asked, kind: str) -> int:
    """The id that is asked for; 0 where none is, which nothing has."""
    return dict(asked.numbers).get(kind, 0)


def _rights(viewer: Viewer) -> dict[str, Any]:
    return {"account": viewer.account_id, "all": viewer.is_application_manager, "anonymous": viewer.account is None}


# Ids of the projects that the caller may see; few thousands at most.
SEEN = f"""
    seen as (
        select p.id, p.title
        from project p
        left join member m on m.project_id = p.id and m.account_id = %(account)s
        where {VISIBLE}
    )
"""  # noqa: S608 - constants


def find_projects(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    by_id = db.execute(
        f"with {SEEN} select id from seen where id = %(number)s",  # noqa: S608 - constants
        _rights(viewer) | {"number": min(_number(asked, "projects"), 2**31 - 1)},
    ).fetchone()
    things = [] if by_id is None else [_numbered_project(db, viewer, by_id.id)]
    if asked.words:
        listed = list_projects(db, viewer, asked.words, limit=most).projects
        things += [_project(one) for one in listed if by_id is None or one["id"] != by_id.id]
    return things[:most]


def _numbered_project(db: Db, viewer: Viewer, project_id: int) -> Thing:
    row: Any = db.execute("select id, title, instrument from project where id = %s", [project_id]).fetchone()
    return Thing("projects", row.id, row.title, f"project {row.id}", f"/projects/{row.id}")


def _project(one: dict[str, Any]) -> Thing:
    about = " · ".join(filter(None, [one["instrument"], f"{thousands(one['n_objects'])} objects"]))
    return Thing("projects", one["id"], one["title"], about, f"/projects/{one['id']}")


def find_samples(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """By a part of the name, those that begin with it first; without a login, those that have validated objects."""
    words = asked.words.lower()
    rows = db.execute(
        f"""
        with {SEEN}
        select sample.id, sample.orig_id, sample.project_id, seen.title
        from sample
        join seen on seen.id = sample.project_id
        where (sample.id = %(number)s or (%(words)s <> '' and lower(sample.orig_id) like %(pattern)s))
          and (not %(anonymous)s or exists (
              select
              from object
              join label on label.project_id = object.project_id and label.object_id = object.id
              where object.sample_id = sample.id
                and object.project_id = sample.project_id
                and label.status = 'V'
          ))
        order by sample.id <> %(number)s, not starts_with(lower(sample.orig_id), %(words)s), length(sample.orig_id),
                 sample.orig_id, sample.id
        limit %(most)s
        """,  # noqa: S608 - constants
        _rights(viewer)
        | {
            "number": _number(asked, "samples"), "most": most, "pattern": pattern(words),
            "words": words if len(words) >= SHORTEST_PART else "",
        },
    )  # fmt: skip
    return [
        Thing("samples", row.id, parent_name(row.orig_id), row.title, f"/projects/{row.project_id}/samples/{row.id}")
        for row in rows
    ]


def find_objects(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """By number, by original id (a file's name without its ending too), or by an image's SHA-256."""
    rows = db.execute(
        f"""
        with {SEEN},
        ids as (
            select project_id, id
            from object
            where project_id = any(array(select id from seen))
              and id = %(number)s
            union
            (select project_id, id
             from object
             where project_id = any(array(select id from seen))
               and orig_id = any(%(names)s)
             limit %(most)s)
            union
            (select project_id, object_id
             from image
             where hash = %(hash)s
               and project_id = any(array(select id from seen))
             limit %(most)s)
        )
        select object.id, object.project_id, object.orig_id, sample.orig_id as sample, seen.title,
               coalesce(label.status, 'U') as status, taxon.display_name as taxon
        from ids
        join object on object.project_id = ids.project_id and object.id = ids.id
        join seen on seen.id = ids.project_id
        join sample on sample.id = object.sample_id
        left join label on label.project_id = ids.project_id
                       and label.object_id = ids.id
                       and label.status in ('V', 'D')
        left join taxon on taxon.id = label.taxon_id
        where not %(anonymous)s or label.status = 'V'
        order by object.id <> %(number)s, object.id
        limit %(most)s
        """,  # noqa: S608 - constants
        _rights(viewer)
        | {"number": _number(asked, "objects"), "names": list(asked.names), "hash": asked.hash, "most": most},
    )
    return [
        Thing(
            "objects", row.id, row.orig_id,
            " · ".join(filter(None, [row.taxon, parent_name(row.sample), row.title])),
            f"/projects/{row.project_id}/objects/{row.id}",
        )
        for row in rows
    ]  # fmt: skip


def find_taxa_by_words(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """The taxonomy is for those who are logged in."""
    number = _number(asked, "taxa")
    if viewer.account is None or not (asked.words or number):
        return []
    found = find_taxa(db, asked.words or str(number))[:most]
    return [Thing("taxa", one.id, one.display_name, one.also, f"/taxonomy/{one.id}") for one in found]


def find_people(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """Application managers find everybody, by e-mail too; others by name who is in a project of theirs."""
    beginning = pattern(asked.words)[1:]
    if viewer.account is None or beginning == "%":
        return []
    if viewer.is_application_manager:
        return [
            Thing(
                "people",
                one.id,
                one.name,
                " · ".join(filter(None, [one.email, one.organisation])),
                f"/accounts/{one.id}",
            )
            for one in people.find_people(db, asked.words)[:most]
        ]
    rows = db.execute(
        """
        select account.id, account.name, account.organisation, min(theirs.project_id) as project_id
        from member mine
        join project on project.id = mine.project_id and project.hidden is null
        join member theirs on theirs.project_id = mine.project_id
        join account on account.id = theirs.account_id
        where mine.account_id = %(account)s
          and account.removed_at is null
          and ' ' || lower(account.name) like '%% ' || %(beginning)s
        group by account.id
        order by lower(account.name), account.id
        limit %(most)s
        """,
        {"account": viewer.account_id, "beginning": beginning, "most": most},
    )
    return [
        Thing("people", row.id, row.name, row.organisation, f"/projects/{row.project_id}?who={row.id}") for row in rows
    ]


FINDERS = {
    "projects": find_projects,
    "samples": find_samples,
    "objects": find_objects,
    "taxa": find_taxa_by_words,
    "people": find_people,
}
