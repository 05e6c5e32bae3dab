"""How a project is published and shown at first: its licence, citation, contacts, and the fields under its tiles."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from psycopg.types.json import Jsonb

from app.accounts.orcid import read_orcid
from app.database import Db
from app.errors import Refused

# By their names in SPDX where they have one, as archives of biodiversity want them.
LICENCES = {
    "": "Not stated",
    "CC0-1.0": "CC0 1.0, for any use",
    "CC-BY-4.0": "CC BY 4.0, for any use that names you",
    "CC-BY-NC-4.0": "CC BY-NC 4.0, for uses that earn nothing and name you",
    "copyright": "All rights reserved",
}
ROLES = {"creator": "made the data", "contact": "answers questions", "associate": "took part"}
MOST_CONTACTS, MOST_SHOWN = 50, 6
LONGEST_CITATION, LONGEST_TEXT, LONGEST_KEY = 2000, 200, 300
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Contact:
    """A person or an organisation that stands for the data; `role` is creator, contact or associate."""

    name: str = ""
    organisation: str = ""
    email: str = ""
    orcid: str = ""
    role: str = "contact"


@dataclass(frozen=True)
class About:
    """`licence`: CC0-1.0, CC-BY-4.0, CC-BY-NC-4.0, copyright, or empty where it is not stated.

    `show`: keys of the fields under a tile, for those who have chosen none themselves.
    """

    licence: str = ""
    citation: str = ""
    contacts: list[Contact] = field(default_factory=list)
    show: list[str] = field(default_factory=list)


def about_of(settings: dict[str, Any]) -> About:
    """What a project's settings say of it."""
    return About(
        licence=settings.get("licence") or "",
        citation=settings.get("citation") or "",
        contacts=[Contact(**contact) for contact in settings.get("contacts") or []],
        show=list(settings.get("show") or []),
    )


def save(db: Db, project_id: int, about: About) -> None:
    """Keep it, after a check; nothing is kept where something is wrong."""
    kept = Jsonb(asdict(checked(about)))
    db.execute("update project set settings = settings || %s where id = %s", [kept, project_id])


def checked(about: About) -> About:
    """The same with its texts trimmed and its empty contacts left out; Refused where something is not possible."""
    if about.licence not in LICENCES:
        named = ", ".join(name for name in LICENCES if name)
        raise Refused(f"The licence is {named}, or empty; not {about.licence[:40]!r}.", status=422)
    if len(about.citation) > LONGEST_CITATION:
        raise Refused(f"The citation takes {LONGEST_CITATION:,} letters. Shorten it.", status=422)
    contacts = [trimmed for contact in about.contacts if (trimmed := _trimmed(contact)) is not None]
    if len(contacts) > MOST_CONTACTS:
        raise Refused(f"A project has {MOST_CONTACTS} contacts at most, not {len(contacts)}.", status=422)
    return replace(about, citation=about.citation.strip(), contacts=contacts, show=_shown(about.show))


def _trimmed(contact: Contact) -> Contact | None:
    texts = {name: str(value).strip() for name, value in asdict(contact).items()}
    if not any(value for name, value in texts.items() if name != "role"):
        return None
    who = texts["name"] or texts["organisation"] or texts["email"] or texts["orcid"]
    if not (texts["name"] or texts["organisation"]):
        raise Refused(f"The contact {who[:60]!r} needs a name or an organisation.", status=422)
    if max(map(len, texts.values())) > LONGEST_TEXT:
        raise Refused(
            f"A contact's name and the rest take {LONGEST_TEXT} letters each: shorten {who[:60]!r}.", status=422
        )
    if texts["role"] not in ROLES:
        raise Refused(f"A contact's role is {', '.join(ROLES)}; not {texts['role'][:40]!r}.", status=422)
    if texts["email"] and not ADDRESS.fullmatch(texts["email"]):
        raise Refused(f"{texts['email'][:60]!r} is no email address: look for a slip at {who[:60]!r}.", status=422)
    return Contact(**texts | {"orcid": read_orcid(texts["orcid"])})


def _shown(keys: Sequence[str]) -> list[str]:
    shown = list(dict.fromkeys(key for key in keys if key))
    if len(shown) > MOST_SHOWN:
        raise Refused(f"{MOST_SHOWN} fields fit under a tile: choose fewer than {len(shown)}.", status=422)
    if any(len(key) > LONGEST_KEY or "\0" in key for key in shown):
        raise Refused("A field under the tiles is named by a name that no field has.", status=422)
    return shown
