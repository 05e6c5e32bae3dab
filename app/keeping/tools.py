"""PostgreSQL's own tools for dumping and restoring, of a version that the server and the dump suit."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.database.launcher import find_wheel, major_of
from app.errors import Refused

DEBIAN = Path("/usr/lib/postgresql")


def find_tools(least: int) -> Path:
    """The folder with pg_dump, pg_restore and psql of PostgreSQL `least`, or the next newer that is here."""
    found = {major_of(folder / "pg_dump"): folder for folder in _folders()}
    suiting = [major for major in found if major >= least]
    if not suiting:
        newest = f"the newest here are of {max(found)}" if found else "none are here"
        raise Refused(
            f"This needs the tools of PostgreSQL {least} or newer, pg_dump, pg_restore and psql, and {newest}: install "
            f"them (Debian: postgresql-client-{least})."
        )
    return found[min(suiting)]


def _folders() -> Iterator[Path]:
    """Where such tools are; of two with the same version the last counts, which is the wheel's."""
    paths = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    wheel = find_wheel()
    for folder in [*paths, *DEBIAN.glob("*/bin"), *([wheel / "bin"] if wheel else [])]:
        if all((folder / name).exists() for name in ("pg_dump", "pg_restore", "psql")) and not _is_wrapper(folder):
            yield folder


def _is_wrapper(folder: Path) -> bool:
    """Debian's /usr/bin/pg_dump is a script that looks for a cluster of its own; the programs are in DEBIAN."""
    return (folder / "pg_dump").resolve().name == "pg_wrapper"


def start(program: Path, url: str, *args: str, **more: Any) -> "subprocess.Popen[bytes]":
    """A tool on a database. The password goes by the environment, which others cannot read, unlike the command line."""
    given = conninfo_to_dict(url)
    password = given.pop("password", None)
    env = {**os.environ, "PGAPPNAME": "shoal", **({"PGPASSWORD": str(password)} if password else {})}
    dsn = make_conninfo(**given)
    return subprocess.Popen([str(program), f"--dbname={dsn}", *args], env=env, **more)


def last_words(said: IO[bytes]) -> str:
    """The end of what a tool complained of."""
    said.seek(0)
    lines = [line for line in said.read().decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[-3:]) or "it ended without a word"
