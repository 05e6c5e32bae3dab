"""The terms of a Darwin Core Archive: its tables, their columns, what is measured in which unit, and meta.xml."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

DWC, DC, OBIS = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/", "http://rs.iobis.org/obis/terms/"
NERC = "http://vocab.nerc.ac.uk/collection/"
WORMS = "urn:lsid:marinespecies.org:taxname:"
BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
# Which licences archives of biodiversity take, and where they stand.
LICENCES = {
    "CC0-1.0": ("Public Domain (CC0 1.0)", "http://creativecommons.org/publicdomain/zero/1.0/legalcode"),
    "CC-BY-4.0": (
        "Creative Commons Attribution (CC-BY) 4.0 License",
        "http://creativecommons.org/licenses/by/4.0/legalcode",
    ),
    "CC-BY-NC-4.0": (
        "Creative Commons Attribution Non Commercial (CC-BY-NC) 4.0 License",
        "http://creativecommons.org/licenses/by-nc/4.0/legalcode",
    ),
}


@dataclass(frozen=True)
class Table:
    """A table of the archive: its file, what a row is, and its columns by their terms; the first is the event's id."""

    file: str
    row_type: str
    terms: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [term.rpartition("/")[2] for term in self.terms]


def _dwc(names: str) -> tuple[str, ...]:
    return tuple(DWC + name for name in names.split())


EVENT = Table(
    "event.txt",
    DWC + "Event",
    (
        DWC + "eventID", DC + "type", DWC + "eventType", DC + "license", DWC + "institutionCode", DWC + "datasetName",
        *_dwc("samplingProtocol eventDate decimalLatitude decimalLongitude geodeticDatum minimumDepthInMeters"
              " maximumDepthInMeters"),
    ),
)  # fmt: skip
OCCURRENCE = Table(
    "occurrence.txt",
    DWC + "Occurrence",
    _dwc(
        "eventID occurrenceID basisOfRecord identificationVerificationStatus scientificName scientificNameID taxonRank"
        " kingdom verbatimIdentification occurrenceStatus individualCount"
    ),
)
MEASUREMENT = Table(
    "extendedmeasurementorfact.txt",
    OBIS + "ExtendedMeasurementOrFact",
    (
        *_dwc("eventID occurrenceID measurementType"), OBIS + "measurementTypeID", DWC + "measurementValue",
        OBIS + "measurementValueID", DWC + "measurementUnit", OBIS + "measurementUnitID",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """What is measured, by its code in P01, and its unit, by its code in P06 (none: it has none)."""

    type: str
    code: str
    unit: str = ""
    unit_code: str = ""

    def row(self, event_id: str, occurrence_id: str, value: Any) -> list[str]:
        unit_id = f"{NERC}P06/current/{self.unit_code}/" if self.unit_code else ""
        return [event_id, occurrence_id, self.type, f"{NERC}P01/current/{self.code}/", text(value), "", self.unit,
                unit_id]  # fmt: skip


_OF = "of biological entity specified elsewhere"
COUNT = Measure(f"Count (in assayed sample) {_OF}", "OCOUNT01", "Dimensionless", "UUUU")
CONCENTRATION = Measure(
    f"Abundance {_OF} per unit volume of the water body", "SDBIOL01", "Number per cubic metre", "UPMM"
)
BIOVOLUME = Measure(
    f"Biovolume {_OF} per unit volume of the water body", "CVOLUKNB", "Cubic millimetres per cubic metre", "CMCM"
)
INSTRUMENT = Measure("Name of analysis instrument", "NMANINST")
NET = Measure("Name of sampling instrument", "NMSPINST")
MESH = Measure("Sampling net mesh size", "MSHSIZE1", "Micrometres", "UMIC")
MOUTH = Measure("Sampling device aperture surface area", "MTHAREA1", "Square metres", "UMSQ")
# What samples' own columns say of the net, as zooscan's and uvp's tables name them.
OF_SAMPLES = {"net_type": NET, "net_mesh": MESH, "net_surf": MOUTH}
NETS = {
    "bongo": "Bongo net", "multinet": "Multinet", "wp2": "WP2 net", "wp3": "WP3 net", "jb": "Juday-Bogorov net",
    "regent": "Regent net", "rg": "Regent net", "manta": "Manta net",
}  # fmt: skip


def text(value: Any) -> str:
    """A cell: one line, without what parts cells."""
    if isinstance(value, float):
        return f"{value:.15g}"
    return "" if value is None else BREAKS.sub(" ", str(value)).strip()


def line(cells: Iterable[Any]) -> str:
    return "\t".join(map(text, cells)) + "\n"


def meta() -> str:
    """The archive's table of contents."""
    archive = ElementTree.Element("archive", xmlns="http://rs.tdwg.org/dwc/text/", metadata="eml.xml")
    for table in (EVENT, OCCURRENCE, MEASUREMENT):
        part = ElementTree.SubElement(
            archive, "core" if table is EVENT else "extension", encoding="UTF-8", fieldsTerminatedBy="\\t",
            linesTerminatedBy="\\n", fieldsEnclosedBy="", ignoreHeaderLines="1", rowType=table.row_type,
        )  # fmt: skip
        files = ElementTree.SubElement(part, "files")
        ElementTree.SubElement(files, "location").text = table.file
        ElementTree.SubElement(part, "id" if table is EVENT else "coreid", index="0")
        for index, term in enumerate(table.terms):
            ElementTree.SubElement(part, "field", index=str(index), term=term)
    ElementTree.indent(archive)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(archive, "unicode") + "\n"
