"""How soon a taxonomy of 700,000 names answers each letter typed: python -m tests.benchmarks.taxonomy_names."""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from app import database
from app.database import Db
from app.database.launcher import Cluster
from app.taxonomy.finding import as_typed, spelt_alike
from app.taxonomy.queries import find_taxa

NAMES = 700_000
PER_GENUS = 11
PER_FAMILY = 40
PART = 50_000
# How names of animals and plants are built; few beginnings are very frequent, as pseudo- and para- are in nature: two
# of a hundred names each.
FREQUENT = 0.3
CONSONANTS, VOWELS = list("bcdfghjklmnprstvxz"), list("aeiouy")
BEGINNINGS = [
    "pseudo", "para", "micro", "macro", "hetero", "eu", "neo", "poly", "acantho", "calan", "oith", "chaeto", "cerat",
    "cal", "cypr", "dia", "amph", "lim", "tri", "ple", "gon", "hal", "med", "nept", "ost", "phyll", "rhab", "sty",
    "theco", "uro", "vort", "xen", "zoo", "bra", "ech", "fla", "ino", "jan", "kog", "wil",
]  # fmt: skip
MIDDLES = ["no", "ri", "cla", "the", "po", "da", "mi", "lo", "sa", "ve", "gno", "ste", "xa", "phi", "tu", "cre"]
ENDS = ["nia", "dus", "ella", "ops", "idea", "us", "a", "soma", "ceras", "phora", "aster", "poda", "is", "on"]
EPITHETS = ["similis", "minuta", "gracilis", "borealis", "atlantica", "finmarchica", "helgolandica", "parva", "magna"]
TYPED = 600


def make_names(rng: np.random.Generator, n: int) -> tuple[list[str], list[int]]:
    """Names of families, genera and species, and the place of each one's parent, -1 for none."""
    weights = 1 / np.arange(1, len(BEGINNINGS) + 1) ** 0.5
    names, parents, seen = [], [], set[str]()
    family = genus = -1
    while len(names) < n:
        if rng.random() < FREQUENT:
            first = str(rng.choice(BEGINNINGS, p=weights / weights.sum()))
        else:
            first = "".join([*rng.choice(CONSONANTS, 1), *rng.choice(VOWELS, 1), *rng.choice(CONSONANTS, 1)])
        stem = first + "".join(rng.choice(MIDDLES, rng.integers(1, 4)))
        name = (stem + rng.choice(ENDS)).capitalize()
        if name in seen:
            continue
        seen.add(name)
        if genus < 0 or rng.random() < 1 / PER_FAMILY:
            family = len(names)
            names.append(name + "idae")
            parents.append(-1)
        genus = len(names)
        names.append(name)
        parents.append(family)
        for k in range(int(rng.integers(0, 2 * PER_GENUS))):
            epithet = EPITHETS[k] if k < len(EPITHETS) else str(rng.choice(MIDDLES)) + str(rng.choice(ENDS)) + f"e{k}"
            names.append(f"{name} {epithet}")
            parents.append(genus)
    return names[:n], parents[:n]


def fill(db: Db, n: int) -> float:
    """Put so many taxa in, one of ten with a common name; returns the seconds."""
    names, parents = make_names(np.random.default_rng(6), n)
    start = time.perf_counter()
    for first in range(0, n, PART):
        with db.cursor() as cursor:
            with cursor.copy("copy taxon (id, parent_id, name, display_name) from stdin") as copy:
                for k in range(first, min(first + PART, n)):
                    copy.write_row((k + 1, parents[k] + 1 or None, names[k], names[k]))
            with cursor.copy("copy other_name (taxon_id, kind, name, language) from stdin") as copy:
                for k in range(first, min(first + PART, n), 10):
                    copy.write_row((k + 1, "common", f"petite bête {names[k][::-1].lower()}", "fr"))
        db.commit()
    seconds = time.perf_counter() - start
    db.autocommit = True
    db.execute("vacuum analyze")
    return seconds


def typings(rng: np.random.Generator, names: list[str]) -> list[str]:
    """What a person's typing asks for, letter by letter: of names, and of two words of a name."""
    asked = []
    while len(asked) < TYPED:
        name = str(rng.choice(names)).lower()
        kind = rng.random()
        if kind < 0.7:
            asked += [name[:length] for length in range(1, int(rng.integers(2, 10)))]
        elif " " in name:
            genus, epithet = name.split(" ", 1)
            asked += [f"{genus[: int(rng.integers(1, 7))]} {epithet[:length]}" for length in range(1, 4)]
    return asked[:TYPED]


def autocomplete_p95_ms(db: Db) -> dict[str, float]:
    """On a filled taxonomy, in autocommit, as a request of the type-ahead asks; the misspelt ones are the page's."""
    rng = np.random.default_rng(7)
    names = [row.name for row in db.execute("select name from taxon where id % 700 = 3 order by id")]
    asked = typings(rng, names)
    times = []
    for typed in asked:
        start = time.perf_counter()
        find_taxa(db, typed)
        times.append((time.perf_counter() - start) * 1000)
    alike = []
    for name in names[:50]:
        start = time.perf_counter()
        spelt_alike(db, as_typed(name[:3] + name[4:]))
        alike.append((time.perf_counter() - start) * 1000)
    worst = asked[int(np.argmax(times))]
    print(f"slowest: {worst!r} {max(times):.1f} ms")
    return {
        "autocomplete_p50_ms": round(float(np.percentile(times, 50)), 2),
        "autocomplete_p95_ms": round(float(np.percentile(times, 95)), 2),
        "autocomplete_max_ms": round(max(times), 2),
        "misspelt_p95_ms": round(float(np.percentile(alike, 95)), 2),
    }


def measure(n: int = NAMES) -> dict[str, float]:
    """On a database of its own, which goes again."""
    home = Path(tempfile.mkdtemp(prefix="shoal-names-"))
    home.chmod(0o711)
    cluster = Cluster(home)
    try:
        url = cluster.open()
        database.migrate(url)
        with database.connect(url) as db:
            seconds = fill(db, n)
            return {"names": n, "fill_s": round(seconds, 1)} | autocomplete_p95_ms(db)
    finally:
        cluster.close()
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=NAMES)
    print(json.dumps(measure(parser.parse_args().names)))


if __name__ == "__main__":
    main()
