"""Darwin Core Archive: samples as events, their taxa as occurrences, and what was counted and measured, as EcoTaxa,
OBIS and GBIF have it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from app.errors import Refused
from app.exporting import about, darwin_amounts, darwin_eml
from app.exporting.darwin_absences import Absences, find_absences, labels
from app.exporting.darwin_events import Event, extent, find_events
from app.exporting.darwin_taxa import Resolved, resolve
from app.exporting.darwin_terms import COUNT, EVENT, LICENCES, MEASUREMENT, OCCURRENCE, WORMS, Table, line, meta
from app.exporting.labelled import STATUSES
from app.nouns import counted
from app.projects.about import about_of

if TYPE_CHECKING:
    from app.exporting.job import Work

LINES = 2_000  # that are written together
VALIDATED, PREDICTED = "ValidatedByHuman", "PredictedByMachine"


@dataclass(frozen=True)
class Occurrence:
    """A taxon in an event. `taxon_ids`: of its objects; none: it was looked for, and not there."""

    event: int
    aphia: int
    is_predicted: bool
    taxon_ids: tuple[int, ...]
    n: int
    amounts: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Found:
    """Objects by event, name in WoRMS, status and taxon, in that order, with their numbers."""

    events: list[Event]
    taxa: dict[int, Resolved]
    by_aphia: list[Resolved]
    groups: np.ndarray  # int64 [n, 4]: event, place in by_aphia, 1 where predicted, taxon
    counts: np.ndarray  # int64 [n]
    amounts: dict[str, np.ndarray]  # by quantity, float64 [n]; NaN: of some object nothing can be said
    left_out: Counter[int]  # objects of taxa without a name in WoRMS
    absences: Absences | None = None  # where it may be said that a taxon was not, if that is wanted

    def occurrences(self) -> Iterator[Occurrence]:
        by_event = {event: list(rows) for event, rows in groupby(range(len(self.groups)), key=self._event_of)}
        for event in range(len(self.events)):
            there = set()
            for (aphia, predicted), some in groupby(by_event.get(event, []), key=self._named):
                rows = list(some)
                there.add(aphia)
                yield Occurrence(event, aphia, bool(predicted), tuple(self.groups[rows, 3].tolist()),
                                 int(self.counts[rows].sum()), self._amounts(rows))  # fmt: skip
            for aphia, taxon in enumerate(self.by_aphia) if self.absences else ():
                if aphia not in there and self.absences.holds(self.events[event].sample_id, taxon.aphia_id):
                    yield Occurrence(event, aphia, False, (), 0)

    def _event_of(self, row: int) -> int:
        return int(self.groups[row, 0])

    def _named(self, row: int) -> tuple[int, int]:
        return int(self.groups[row, 1]), int(self.groups[row, 2])

    def _amounts(self, rows: list[int]) -> tuple[tuple[str, float], ...]:
        return tuple((quantity, float(column[rows].sum())) for quantity, column in self.amounts.items())


def write(work: "Work") -> int:
    """Returns the number of occurrences."""
    darwin_eml.check(work.project.settings)
    found = _find(work)
    mark = _mark(found.events)
    _write(work, EVENT, (_event(work, event) for event in found.events))
    n = _write(work, OCCURRENCE, (_occurrence(found, one, mark) for one in found.occurrences()))
    _write(work, MEASUREMENT, _measurements(found, mark))
    work.bundle.text("meta.xml", meta())
    taxa = sorted({(one.scientific_name, one.rank) for one in found.by_aphia})
    work.bundle.text("eml.xml", darwin_eml.write(work.project, extent(found.events, taxa), _methods(work)))
    _tell(work, found)
    work.bundle.text("README.md", _readme(work, found, n))
    return n


def _find(work: "Work") -> Found:
    events = find_events(work)
    place_of = {event.sample_id: place for place, event in enumerate(events)}
    samples = np.array([place_of[id] for id in work.selection.samples.tolist()], np.int64)
    statuses, taxa = labels(work, work.selection.ids)
    wanted = [STATUSES.index(letter) for letter in work.export.choices.statuses]
    kept = np.isin(statuses, wanted) & (taxa != 0)
    names = resolve(work.db, np.unique(taxa[kept]).tolist(), work.export.choices.through_ancestors)
    # Where several taxa have one id, the one whose own it is gives the name.
    ordered = sorted(names.values(), key=lambda one: one.way == "itself")
    by_aphia = {one.aphia_id: one for one in ordered if one.aphia_id}
    order = {aphia: place for place, aphia in enumerate(sorted(by_aphia))}
    left_out = _left_out(taxa[kept], names)
    kept &= ~np.isin(taxa, list(left_out))
    if not kept.any():
        raise Refused(
            "No object has a taxon with a WoRMS id: export with those of ancestors, or give the taxa their ids.", 409
        )
    aphia = np.array([order[names[id].aphia_id] for id in taxa[kept].tolist()], np.int64)
    predicted = (statuses[kept] == STATUSES.index("P")).astype(np.int64)
    keys = np.stack([samples[kept], aphia, predicted, taxa[kept].astype(np.int64)], axis=1)
    groups, places, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    amounts = {
        quantity: np.bincount(places.ravel(), values, len(groups))
        for quantity, values in darwin_amounts.reckon(work, work.selection.ids[kept]).items()
    }
    absences = find_absences(work) if work.export.choices.with_absent else None
    named = [by_aphia[key] for key in sorted(by_aphia)]
    return Found(events, names, named, groups, counts, amounts, left_out, absences)


def _left_out(taxa: np.ndarray, names: dict[int, Resolved]) -> Counter[int]:
    found, counts = np.unique(taxa, return_counts=True)
    pairs = zip(found.tolist(), counts.tolist(), strict=True)
    return Counter({id: n for id, n in pairs if id not in names or names[id].aphia_id is None})


def _mark(events: list[Event]) -> str:
    """What stands in the ids of predicted occurrences; no event's own id ends so."""
    mark = "_P"
    while any(event.id.endswith(mark) for event in events):
        mark += "P"
    return mark


def _write(work: "Work", table: Table, rows: Iterator[list[Any]]) -> int:
    n, lines = 0, ["\t".join(table.names) + "\n"]
    with work.bundle.entry(table.file) as stream:
        for row in rows:
            lines.append(line(row))
            n += 1
            if len(lines) >= LINES:
                stream.write("".join(lines).encode())
                lines = []
                work.report.checkpoint()
        stream.write("".join(lines).encode())
    work.report.progress(len(work.selection), len(work.selection), "objects", f"{counted(n, 'row')} of {table.file}")
    return n


def _event(work: "Work", event: Event) -> list[Any]:
    about = about_of(work.project.settings)
    institution = next((one.organisation for one in about.contacts if one.organisation), "")
    place = [None if at is None else f"{at:.6f}" for at in (event.latitude, event.longitude)]
    datum = "EPSG:4326" if None not in place else ""
    return [
        event.id, "Event", "sample", LICENCES[about.licence][1], institution, work.project.title, event.instrument,
        event.when, *place, datum, event.depth_min_m, event.depth_max_m,
    ]  # fmt: skip


def _id(found: Found, one: Occurrence, mark: str) -> str:
    return f"{found.events[one.event].id}{mark if one.is_predicted else ''}_{found.by_aphia[one.aphia].aphia_id}"


def _occurrence(found: Found, one: Occurrence, mark: str) -> list[Any]:
    taxon = found.by_aphia[one.aphia]
    said = " | ".join(sorted(found.taxa[id].display_name for id in one.taxon_ids))
    status = "" if not one.n else PREDICTED if one.is_predicted else VALIDATED
    return [
        found.events[one.event].id, _id(found, one, mark), "MachineObservation", status, taxon.scientific_name,
        f"{WORMS}{taxon.aphia_id}", taxon.rank, taxon.kingdom, said, "present" if one.n else "absent", one.n,
    ]  # fmt: skip


def _measurements(found: Found, mark: str) -> Iterator[list[Any]]:
    for event in found.events:
        yield from event.measures()
    for one in found.occurrences():
        if not one.n:
            continue
        ids = found.events[one.event].id, _id(found, one, mark)
        yield COUNT.row(*ids, one.n)
        for quantity, amount in one.amounts:
            if amount == amount:  # not where nothing can be said
                yield darwin_amounts.MEASURES[quantity].row(*ids, darwin_amounts.rounded(amount))


def _methods(work: "Work") -> list[str]:
    instrument = f" by {work.project.instrument}" if work.project.instrument else ""
    named = {"V": "by people", "P": "by a classifier, without a person's look"}
    how = " or ".join(named[letter] for letter in work.export.choices.statuses)
    return [
        f"Images of single objects were taken{instrument}, and sorted into taxa {how}. Each occurrence counts the"
        " objects of one taxon in one sample."
    ]


def _tell(work: "Work", found: Found) -> None:
    """What archives of biodiversity will miss."""
    for what, n in {
        "date": sum(not event.when for event in found.events),
        "place": sum(event.latitude is None or event.longitude is None for event in found.events),
    }.items():
        if n:
            work.note(f"{n:,} of {len(found.events):,} samples have no {what}: OBIS refuses their occurrences.")
    for quantity, column in found.amounts.items():
        if n := int(np.isnan(column).sum()):
            work.note(f"{n:,} of {len(column):,} taxa in samples have no {quantity}, since some object has no value.")
    if found.absences:
        _tell_absences(work, found, found.absences)
    if found.left_out:
        more = "" if work.export.choices.through_ancestors else ", and the WoRMS ids of ancestors were not asked for"
        work.note(
            f"{counted(found.left_out.total(), 'object')} of {counted(len(found.left_out), 'taxon')} left out, since"
            f" these have no WoRMS id{more}. They are listed below."
        )


def _tell_absences(work: "Work", found: Found, absences: Absences) -> None:
    """Where nothing could be called absent, or not all that was not counted."""
    samples = {event.sample_id for event in found.events}
    judged = {(int(row[0]), int(row[1])) for row in found.groups}
    places = {taxon.aphia_id: place for place, taxon in enumerate(found.by_aphia)}
    event_of = {event.sample_id: place for place, event in enumerate(found.events)}
    open_ = {
        sample
        for sample, aphia in absences.there
        if sample in samples - absences.unjudged and aphia in places and (event_of[sample], places[aphia]) not in judged
    }
    work.note(
        "Absent is a taxon in a sample where every object is classified, and none as it or as a taxon below it: in"
        f" {len(samples & absences.unjudged):,} of {len(samples):,} samples nothing is called absent, since objects"
        f" there are unclassified, and in {counted(len(open_), 'sample')} not every taxon that was not counted, since"
        " objects there are predicted as it, dubious, left out by the filter, or of a taxon below it."
    )


def _readme(work: "Work", found: Found, n: int) -> str:
    raised = [one for one in found.taxa.values() if one.way in ("ancestor", "advised")]
    counts = sorted(found.left_out.items(), key=lambda pair: -pair[1])
    names = {row.id: row.display_name for row in work.db.execute(
        "select id, display_name from taxon where id = any(%s)", [list(found.left_out)])}  # fmt: skip
    lines = [
        *about.head(work),
        f"- a Darwin Core Archive of {len(found.events):,} events (samples) and {n:,} occurrences, for OBIS and GBIF",
        *([f"- only objects that meet {work.export.choices.filters}"] if work.export.choices.filters else []),
        f"- objects: {' and '.join({'V': 'validated', 'P': 'predicted'}[one] for one in work.export.choices.statuses)}",
        "",
        "`meta.xml` says what the columns are, `eml.xml` who made the data and under which licence.",
        *about.notes(work),
        *(["", "## Called by another taxon's name", ""] if raised else []),
        *(f"- {one.display_name}: as {one.scientific_name} ({one.aphia_id})" for one in raised),
        *(["", "## Left out", ""] if counts else []),
        *(f"- {names.get(id, id)}: {counted(n, 'object')}" for id, n in counts),
    ]
    return "\n".join(lines) + "\n"
