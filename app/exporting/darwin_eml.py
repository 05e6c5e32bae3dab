"""The metadata of a Darwin Core Archive: who made the data, under which licence, where, when and of which taxa."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from app.errors import Refused
from app.exporting.darwin_terms import LICENCES
from app.projects.about import About, Contact, about_of

EML = "https://eml.ecoinformatics.org/eml-2.2.0"
SCHEMA = f"{EML} https://rs.gbif.org/schema/eml-gbif-profile/1.3/eml.xsd"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What XML has no place for.
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MOST_TAXA = 1000


@dataclass(frozen=True)
class Extent:
    """Where and when: degrees, metres and days of the events that have them; `taxa`: names with their ranks."""

    west: float | None
    east: float | None
    south: float | None
    north: float | None
    first_day: str
    last_day: str
    taxa: Sequence[tuple[str, str]]


def missing(settings: dict[str, Any]) -> list[str]:
    """What a project has to say of itself before it can be published."""
    about = about_of(settings)
    gaps = []
    if about.licence not in LICENCES:
        gaps.append(f"a licence that archives of biodiversity take ({', '.join(LICENCES)})")
    if not _creators(about):
        gaps.append("a contact who made the data")
    if not any(one.email for one in _contacts(about)):
        gaps.append("a contact with an email address, who answers questions")
    return gaps


def check(settings: dict[str, Any]) -> None:
    if gaps := missing(settings):
        raise Refused(
            f"To be published, the project needs {', and '.join(gaps)}: give it in the project's settings, and export"
            " again.",
            status=422,
        )


def _creators(about: About) -> list[Contact]:
    return [one for one in about.contacts if one.role == "creator"]


def _contacts(about: About) -> list[Contact]:
    """Who answers questions; where nobody is named for that, who made the data."""
    return [one for one in about.contacts if one.role == "contact"] or _creators(about)


def write(project: Any, extent: Extent, methods: Sequence[str]) -> str:
    """EML 2.2 in GBIF's profile."""
    about = about_of(project.settings)
    ElementTree.register_namespace("eml", EML)
    ElementTree.register_namespace("xsi", XSI)
    package = uuid.uuid5(uuid.NAMESPACE_URL, f"{project.created_at.isoformat()} {project.id}")
    root = Element(f"{{{EML}}}eml", {
        f"{{{XSI}}}schemaLocation": SCHEMA, "packageId": str(package), "system": "https://gbif.org", "scope": "system",
        LANG: "en",
    })  # fmt: skip
    dataset = SubElement(root, "dataset")
    _add(dataset, "title", project.title).set(LANG, "en")
    _add_parties(dataset, about)
    _add(dataset, "pubDate", f"{datetime.now(UTC):%Y-%m-%d}")
    _add(dataset, "language", "en")
    _paragraphs(SubElement(dataset, "abstract"), project.description or f"Images of {project.title}, sorted by taxa.")
    _add_licence(dataset, about.licence)
    _add_coverage(dataset, project, extent)
    for contact in _contacts(about):
        _party(SubElement(dataset, "contact"), contact)
    steps = SubElement(dataset, "methods")
    for said in methods:
        _paragraphs(SubElement(SubElement(steps, "methodStep"), "description"), said)
    _add_citation(root, about)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _add(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = UNWRITABLE.sub(" ", text)
    return child


def _paragraphs(parent: Element, text: str) -> None:
    for part in re.split(r"\n\s*\n", text.strip()):
        _add(parent, "para", " ".join(part.split()))


def _add_parties(dataset: Element, about: About) -> None:
    for creator in _creators(about):
        _party(SubElement(dataset, "creator"), creator)
    _party(SubElement(dataset, "metadataProvider"), _contacts(about)[0])
    for one in about.contacts:
        if one.role == "associate":
            party = SubElement(dataset, "associatedParty")
            _party(party, one)
            _add(party, "role", "contentProvider")


def _party(party: Element, who: Contact) -> None:
    """A person by the last word of the name, or an organisation."""
    if who.name:
        given, _, last = who.name.rpartition(" ")
        name = SubElement(party, "individualName")
        if given:
            _add(name, "givenName", given)
        _add(name, "surName", last)
    if who.organisation:
        _add(party, "organizationName", who.organisation)
    if who.email:
        _add(party, "electronicMailAddress", who.email)
    if who.orcid:
        _add(party, "userId", who.orcid).set("directory", "https://orcid.org/")


def _add_licence(dataset: Element, licence: str) -> None:
    name, address = LICENCES[licence]
    para = _add(SubElement(dataset, "intellectualRights"), "para", "This work is licensed under a ")
    link = SubElement(para, "ulink", url=address)
    _add(link, "citetitle", name)
    link.tail = "."


def _add_coverage(dataset: Element, project: Any, extent: Extent) -> None:
    if extent.west is None and not extent.first_day and not extent.taxa:
        return
    coverage = SubElement(dataset, "coverage")
    if extent.west is not None:
        place = SubElement(coverage, "geographicCoverage")
        _add(place, "geographicDescription", f"Where the samples of {project.title} were taken")
        box = SubElement(place, "boundingCoordinates")
        for side in ("west", "east", "north", "south"):
            _add(box, f"{side}BoundingCoordinate", f"{getattr(extent, side):.6f}")
    if extent.first_day:
        days = SubElement(SubElement(coverage, "temporalCoverage"), "rangeOfDates")
        for name, day in (("beginDate", extent.first_day), ("endDate", extent.last_day)):
            _add(SubElement(days, name), "calendarDate", day)
    if extent.taxa:
        taxa = SubElement(coverage, "taxonomicCoverage")
        for name, rank in extent.taxa[:MOST_TAXA]:
            one = SubElement(taxa, "taxonomicClassification")
            if rank:
                _add(one, "taxonRankName", rank)
            _add(one, "taxonRankValue", name)


def _add_citation(root: Element, about: About) -> None:
    gbif = SubElement(SubElement(SubElement(root, "additionalMetadata"), "metadata"), "gbif")
    _add(gbif, "dateStamp", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    if about.citation:
        _add(gbif, "citation", about.citation)
