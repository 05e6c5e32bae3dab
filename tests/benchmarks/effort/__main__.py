"""How much work a correctly labelled image is, by way of sorting: a simulated person against a running Shoal.

`python -m tests.benchmarks.effort --images DIR` (one sub-folder per class) imports and embeds the images into a scratch
server, without labels. A simulated annotator, a process of its own that holds a URL, a token and what is on each image,
sorts them through the API in each way; opponents' free settings are tuned first. What was run is kept beside the
scratch server, so that the same command goes on after an interruption. The last line is JSON.
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

from rich.console import Console

from tests.benchmarks.effort import tables
from tests.benchmarks.effort.diary import Diary
from tests.benchmarks.effort.measures import curve, score
from tests.benchmarks.effort.runs import ROOT, Setting
from tests.benchmarks.effort.scratch import (
    Chosen,
    choose,
    choose_reference,
    fingerprint,
    serving,
    write_vectors_file,
)
from tests.benchmarks.effort.strategies import STRATEGIES, settings_of
from tests.benchmarks.effort.tuning import tune

MEASURED = ("app", "indexer", "migrations", "tests/benchmarks/effort")


def main() -> None:
    given = arguments()
    source = given.images.resolve()
    folder = given.folder or Path(tempfile.gettempdir()) / f"shoal-effort-{named(given)}"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    chosen = choose(source, given.limit, given.seed, folder / "images")
    (folder / "truth.json").write_text(json.dumps(chosen.truth))
    vectors = write_vectors_file(given.vectors, chosen, folder / "given.npy") if given.vectors else None
    names = list(STRATEGIES) if given.strategy == "all" else [given.strategy]
    n = given.reference
    labelled = choose_reference(source, given.limit, given.seed, n, chosen.truth, folder / "reference") if n else None
    with serving(folder / "home") as scratch:
        original, reference = scratch.original(chosen, vectors), scratch.reference(labelled) if labelled else None
        setting = Setting(scratch, chosen, original, reference, n, folder, given.seed, code())
        diaries, tuned, perfect = sort_all(setting, names, len(chosen.by_name), given.untuned)
    report(chosen, n, diaries, tuned, perfect, given.csv)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="a folder with one sub-folder per class")
    parser.add_argument("--limit", type=int, default=6_000, help="so many images, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vectors", type=Path, help=".npy [n, d]: a vector for each image of DIR, sorted by path")
    parser.add_argument(
        "--reference", type=int, default=0, help="so many other images stand labelled in a reference project"
    )
    parser.add_argument("--strategy", choices=["all", *STRATEGIES], default="all")
    parser.add_argument(
        "--untuned",
        action="store_true",
        help="take each strategy's first settings: a quick look, without a person who never errs",
    )
    parser.add_argument("--csv", type=Path, help="write the first table there too")
    parser.add_argument("--folder", type=Path, help="where the server and the diaries stay; default: the temporary one")
    given = parser.parse_args()
    if given.vectors and given.reference:
        parser.error("--vectors are of the images that take part: with --reference, let the server embed all of them")
    return given


def named(given: argparse.Namespace) -> str:
    """The same command finds the same folder."""
    return fingerprint(
        images=given.images.resolve(),
        **{name: getattr(given, name) for name in ("limit", "seed", "vectors", "reference")},
    )


def code() -> str:
    """Stands for what is measured: a diary made by other code is not taken for this one's."""
    files = sorted(path for room in MEASURED for path in (ROOT / room).rglob("*") if path.suffix in (".py", ".sql"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def sort_all(
    setting: Setting, names: list[str], n: int, untuned: bool
) -> tuple[dict[str, Diary], dict[str, str], dict[str, Diary]]:
    """Each strategy's diary with its best settings, these in words, and the diary of a person who never errs: untuned,
    none of that one."""
    diaries, tuned, perfect = {}, {}, {}
    for name in names:
        free = settings_of(name, setting.n_reference)
        choices = {key: values[:1] for key, values in free.items()} if untuned else free
        best, tried = tune(choices, lambda values, name=name: score(curve(setting.run(name, values), n)))
        diaries[name] = setting.run(name, best)
        if not untuned:
            perfect[name] = setting.run(name, best, errs=False)
        words = ", ".join(f"{key} {value}" for key, value in best.items()) or "nothing to tune"
        tuned[name] = f"{words} (of {len(tried)} tried)"
    return diaries, tuned, perfect


def report(
    chosen: Chosen,
    n_reference: int,
    diaries: dict[str, Diary],
    tuned: dict[str, str],
    perfect: dict[str, Diary],
    csv: Path | None,
) -> None:
    console, n = Console(width=150), len(chosen.by_name)
    curves = tables.curves_of(diaries, n)
    agreement = next(iter(diaries.values())).notes["agreement"]
    classes = len(set(chosen.by_name.values()))
    console.print(f"{n:,} images, {classes} classes; the nearest neighbour is of the same class for {agreement:.1%}.")
    if n_reference:
        console.print(f"{n_reference:,} others stand labelled in a reference project, for every way of sorting.")
    if chosen.n_left_out:
        console.print(f"{chosen.n_left_out} left out: the same file stands in two classes.")
    for name, words in tuned.items():
        console.print(f"{name}: {words}")
    tables.say_effort(console, "Effort of a person who errs", curves)
    if perfect:
        tables.say_effort(console, "Effort of a person who never errs", tables.curves_of(perfect, n))
    tables.say_where(console, curves)
    tables.say_sensitivity(console, curves)
    tables.say_time(console, diaries)
    tables.say_requests(console, diaries)
    if csv:
        tables.write_csv(csv, curves)
    print(tables.as_json(curves))


if __name__ == "__main__":
    main()
