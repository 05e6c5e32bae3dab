"""What a few words, a number or an address stand for, among what the caller may see.

Objects are asked for by ids and names of files, which the key and indexes answer for each project that may be seen;
samples and acquisitions by a part of their name, projects by words, taxa, place, days and members, taxa by the
beginnings of words of any of their names. Where nothing goes by what was typed, what is spelt alike is found.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from app.accounts import people
from app.accounts.people import pattern
from app.accounts.viewer import Viewer
from app.database import Db
from app.errors import Refused
from app.finding.asked import KINDS, Asked, read, wishes
from app.projects.listing import VISIBLE, list_projects
from app.taxonomy import finding
from app.templating import parent_name, thousands

USUAL, MOST = 8, 100
SHORTEST_PART = 3  # of a sample's name: fewer letters have a trigram only where a word begins with them
SHORTEST_ALIKE = 5


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
    """What was found of each kind, best first, and of which kinds there is more than was asked for. `alike`: nothing
    goes by what was typed, and these are spelt nearly so."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)
    alike: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(self.things.values())


Finder = Callable[[Db, Viewer, Asked, int], list[Thing]]


def find(db: Db, viewer: Viewer, typed: str, kinds: tuple[str, ...] = KINDS, most: int = USUAL) -> Found:
    """At most `most` of each kind. Nothing is told of what the caller may not see, not that it is there."""
    asked = read(typed)
    if not asked.words and not asked.numbers and not asked.remote:
        return Found()
    found = _found(db, viewer, asked, FINDERS, kinds, most)
    if not found.is_empty or len(asked.words) < SHORTEST_ALIKE:
        return found
    return replace(_found(db, viewer, asked, ALIKE, kinds, most), alike=True)


def _found(
    db: Db, viewer: Viewer, asked: Asked, finders: dict[str, Finder], kinds: tuple[str, ...], most: int
) -> Found:
    found = Found()
    for kind in kinds:
        things = finders[kind](db, viewer, asked, most + 1) if kind in finders else []
        found.things[kind] = things[:most]
        if len(things) > most:
            found.more.append(kind)
    return found


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
    """By number, ours or EcoTaxa's; by words of the title; then by a taxon, a place, days or a member of it."""
    things = _numbered_projects(db, viewer, asked)
    if asked.words:
        things += [_project(one) for one in list_projects(db, viewer, asked.words, limit=most).projects]
        for words, wish, why in wishes(viewer, asked.words):
            try:
                listed = list_projects(db, viewer, words, limit=most, wish=wish).projects
            except Refused:
                continue  # no taxon of this name, no such day: then it is not what was meant
            things += [_project(one, why) for one in listed]
    return list({one.id: one for one in things}.values())[:most]


def _numbered_projects(db: Db, viewer: Viewer, asked: Asked) -> list[Thing]:
    rows = db.execute(
        f"""
        with {SEEN}
        select seen.id, seen.title, link.remote_id
        from seen
        left join ecotaxa_link link on link.project_id = seen.id
                                   and link.remote_id = %(remote)s
                                   and not %(anonymous)s
        where seen.id = %(number)s
           or link.remote_id is not null
        order by seen.id <> %(number)s, lower(seen.title), seen.id
        """,  # noqa: S608 - constants
        _rights(viewer) | {"number": asked.number("projects"), "remote": asked.remote_number("projects")},
    )
    return [
        Thing(
            "projects", row.id, row.title,
            f"project {row.id}" + (f" · linked to EcoTaxa's project {row.remote_id}" if row.remote_id else ""),
            f"/projects/{row.id}",
        )
        for row in rows
    ]  # fmt: skip


def _project(one: dict[str, Any], why: str = "") -> Thing:
    about = " · ".join(filter(None, [why, one["instrument"], f"{thousands(one['n_objects'])} objects"]))
    return Thing("projects", one["id"], one["title"], about, f"/projects/{one['id']}")


def find_alike_projects(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """Words of the title are nearly these."""
    rows = db.execute(
        f"""
        with {SEEN}
        select id, title
        from seen
        where %(words)s <%% lower(title)
        order by word_similarity(%(words)s, lower(title)) desc, lower(title), id
        limit %(most)s
        """,  # noqa: S608 - constants
        _rights(viewer) | {"words": asked.words.lower(), "most": most},
    )
    return [Thing("projects", row.id, row.title, f"project {row.id}", f"/projects/{row.id}") for row in rows]


def find_samples(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    return _find_parents(db, viewer, asked, most, "sample", "lower(parent.orig_id) like %(pattern)s")


def find_acquisitions(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    return _find_parents(db, viewer, asked, most, "acquisition", "lower(parent.orig_id) like %(pattern)s")


def find_alike_samples(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    return _find_parents(db, viewer, asked, most, "sample", "%(words)s <%% lower(parent.orig_id)")


def find_alike_acquisitions(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    return _find_parents(db, viewer, asked, most, "acquisition", "%(words)s <%% lower(parent.orig_id)")


def _find_parents(db: Db, viewer: Viewer, asked: Asked, most: int, level: str, named: str) -> list[Thing]:
    """Those that are named so, or have this number; those that begin with the words first, and of one or two letters
    these alone. Without a login, those that have validated objects."""
    words = asked.words.lower() if any(map(str.isalnum, asked.words)) else ""
    rows = db.execute(
        f"""
        with {SEEN}
        select parent.id, parent.orig_id, parent.project_id, seen.title
        from {level} as parent
        join seen on seen.id = parent.project_id
        where (parent.id = %(number)s or (%(words)s <> '' and {named}))
          and (not %(anonymous)s or exists (
              select
              from object
              join label on label.project_id = object.project_id and label.object_id = object.id
              where object.{level}_id = parent.id
                and object.project_id = parent.project_id
                and label.status = 'V'
          ))
        order by parent.id <> %(number)s, not starts_with(lower(parent.orig_id), %(words)s), length(parent.orig_id),
                 parent.orig_id, parent.id
        limit %(most)s
        """,  # noqa: S608 - constants
        _rights(viewer)
        | {
            "number": asked.number(f"{level}s"), "most": most, "words": words,
            "pattern": pattern(words) if len(words) >= SHORTEST_PART else pattern(words)[1:],
        },
    )  # fmt: skip
    return [
        Thing(
            f"{level}s", row.id, parent_name(row.orig_id), row.title,
            f"/projects/{row.project_id}/{level}s/{row.id}",
        )
        for row in rows
    ]  # fmt: skip


def find_objects(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """By number, ours or EcoTaxa's, by original id, by the name of an image's file with or without its ending, or by
    an image's SHA-256."""
    files = [PurePosixPath(name.replace("\\", "/")) for name in asked.names]
    stems = {name.lower() for file in files for name in (file.name, file.stem) if name}
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
            union
            (select project_id, object_id
             from image
             where project_id = any(array(select id from seen))
               and file_stem(file_name) = any(%(stems)s)
             limit %(most)s)
            union
            select project_id, object_id
            from ecotaxa_object
            where project_id = any(array(select id from seen))
              and remote_id = %(remote)s
              and object_id is not null
              and not %(anonymous)s
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
        | {
            "number": asked.number("objects"), "names": list(asked.names), "hash": asked.hash, "most": most,
            "stems": list(stems), "remote": asked.remote_number("objects"),
        },
    )  # fmt: skip
    return [
        Thing(
            "objects", row.id, row.orig_id,
            " · ".join(filter(None, [row.taxon, parent_name(row.sample), row.title])),
            f"/projects/{row.project_id}/objects/{row.id}",
        )
        for row in rows
    ]  # fmt: skip


def find_taxa(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    """The taxonomy is for those who are logged in. Deprecated taxa stand last."""
    typed = finding.as_typed(asked.words or str(asked.number("taxa") or ""))
    if viewer.account is None or not typed:
        return []
    return _taxa(db, list(finding.begun(db, typed, most, with_deprecated=True)), typed)


def find_alike_taxa(db: Db, viewer: Viewer, asked: Asked, most: int) -> list[Thing]:
    typed = finding.as_typed(asked.words)
    return _taxa(db, finding.spelt_alike(db, typed)[:most]) if viewer.account and typed else []


def _taxa(db: Db, ids: list[int], typed: str = "") -> list[Thing]:
    """These, in this order, with the other name that what was typed begins and with what is to be used instead."""
    rows = db.execute(
        """
        select taxon.id, taxon.display_name, taxon.status, advised.display_name as advised
        from unnest(%s::int[]) with ordinality as given (id, place)
        join taxon on taxon.id = given.id
        left join taxon advised on advised.id = taxon.rename_to
        order by given.place
        """,
        [ids],
    ).fetchall()
    by_another = [row.id for row in rows if typed and not finding.is_begun(typed, row.display_name)]
    also = finding.other_names(db, typed, by_another) if by_another else {}
    return [
        Thing("taxa", row.id, row.display_name, _about_taxon(row, also.get(row.id, "")), f"/taxonomy/{row.id}")
        for row in rows
    ]


def _about_taxon(row: Any, also: str) -> str:
    deprecated = "deprecated" + (f", use {row.advised}" if row.advised else "") if row.status == "D" else ""
    return " · ".join(filter(None, [also, deprecated]))


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


FINDERS: dict[str, Finder] = {
    "projects": find_projects,
    "samples": find_samples,
    "acquisitions": find_acquisitions,
    "objects": find_objects,
    "taxa": find_taxa,
    "people": find_people,
}
ALIKE: dict[str, Finder] = {
    "projects": find_alike_projects,
    "samples": find_alike_samples,
    "acquisitions": find_alike_acquisitions,
    "taxa": find_alike_taxa,
}
