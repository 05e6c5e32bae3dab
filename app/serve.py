"""`shoal serve`: the web processes with workers beside them, all of which end with the one that started them."""

import errno
import json
import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from app import database
from app.database.launcher import Cluster
from app.errors import Refused
from app.jobs.process import is_dead, machine, this_process
from app.objects.store import open_store
from app.settings import Settings, as_environment, load_settings

log = logging.getLogger("shoal.serve")

# SIGTERM while a web process still imports is lost in granian 2.8; this ends it all the same.
KILL_TIMEOUT_S = 5
# A server that was just killed gives its port back within this time.
PORT_WAIT_S = 3.0
WORKER_STOP_S = 15.0
PAGE_FIRST_S = 5.0
LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0
POOL_SIZE = 12
ADDRESS_FILE = "serve.json"


def serve(settings: Settings, *, with_worker: bool = True, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` is told the address, once it answers."""
    settings = replace(settings, port=free_port(settings.host, settings.port))
    open_store(settings).check()
    url = database.open_database(settings)
    bring_up_to_date(url)
    _warn_of_strange_images(settings, url)
    os.environ.update(as_environment(settings))
    company = Company(settings, settings.workers if with_worker else 0)
    company.start()
    threading.Thread(target=_when_ready, args=[settings, company.ready, on_ready], daemon=True).start()
    try:
        with told_address(settings):
            _serve_web(settings)
    finally:
        company.stop()


def bring_up_to_date(url: str) -> None:
    """Migrate, and where that changed what somebody has, say so in the log."""
    with database.connect(url, autocommit=True) as db:
        database.check_server(db)
        new = database.is_new(db)
    done = database.migrate(url)
    if done and not new:
        log.warning("The database was of an older Shoal and is up to date now: applied %s.", ", ".join(done))


def _warn_of_strange_images(settings: Settings, url: str) -> None:
    from app.doctor import strange_images

    with database.connect(url, autocommit=True) as db, suppress(Refused):
        said = strange_images(settings, db)
        if said:
            log.warning("%s If this is not the right database, stop Shoal and bring the right one back.", said)


@contextmanager
def told_address(settings: Settings) -> Iterator[None]:
    """While this server runs, a file in its home tells the commands where: it may have taken another port."""
    file, us = settings.home / ADDRESS_FILE, this_process()
    former = file.read_text() if running_address(settings.home) else None
    with suppress(OSError):
        file.write_text(json.dumps({"address": address(settings), "process": us}))
    try:
        yield
    finally:
        # Another server on the same home, begun later, has written its own.
        if _read_address(file).get("process") == us:
            file.unlink(missing_ok=True)
            # One begun earlier still serves, unless it has ended since.
            if former is not None:
                file.write_text(former)


def running_address(home: Path) -> str | None:
    """Where the server of this home answers, if one runs on this machine."""
    told = _read_address(home / ADDRESS_FILE)
    process = str(told.get("process", ""))
    return told.get("address") if process.startswith(f"{machine()} ") and not is_dead(process) else None


def _read_address(file: Path) -> dict[str, str]:
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _serve_web(settings: Settings) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    # Forked web processes would share the parent's locks and see its death only after their siblings'.
    multiprocessing.set_start_method("spawn", force=True)
    server = Granian(
        "app.serve:web_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.processes,
        workers_kill_timeout=KILL_TIMEOUT_S,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels.warning,
    )
    server.serve()


def web_app() -> Any:
    """What a web process serves: granian calls it in each of them."""
    _end_with_parent()
    settings = load_settings()
    url = database.open_database(settings, make=False)
    from app.main import create_app

    return create_app(settings, database.open_pool(url, POOL_SIZE), url)


def _end_with_parent() -> None:
    """A web process whose parent was killed would go on answering on the port of the next server."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="end with parent", daemon=True).start()


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0; Refused if somebody else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PORT_WAIT_S
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return int(probe.getsockname()[1])
            except OSError as error:
                if error.errno == errno.EADDRINUSE and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                raise Refused(_why_not(host, port, error)) from error


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken: another server, perhaps another Shoal, listens there. "
            f"Stop that one, or choose another port with --port (0 takes a free one)."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is for the administrator only: choose one above 1023 with --port."
    return f"Shoal cannot listen on {host}, port {port} ({error.strerror}): check --host and --port."


def address(settings: Settings) -> str:
    """Where people find this server."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
    return f"http://{host}:{settings.port}"


def _when_ready(settings: Settings, ready: threading.Event, on_ready: Callable[[str], None] | None) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - not bound
    while True:
        try:
            with socket.create_connection((host, settings.port), timeout=1) as probe:
                probe.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if probe.recv(12).endswith(b"200"):
                    break
        except OSError:
            pass
        time.sleep(0.05)
    ready.set()
    if on_ready:
        on_ready(address(settings))


class Company:
    """The workers beside the server, and the embedded database: whichever dies is started again."""

    def __init__(self, settings: Settings, n_workers: int) -> None:
        self.settings = settings
        self.slots = [Slot() for _ in range(n_workers)]
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.refused = ""  # why the database could not be started, told once
        self.thread = threading.Thread(target=self._watch, name="company", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """Ask all workers at once, and give them time to put their jobs back."""
        self.ended.set()
        self.ready.set()
        self.thread.join()
        for slot in self.slots:
            slot.terminate()
        deadline = time.monotonic() + WORKER_STOP_S
        for slot in self.slots:
            slot.wait(deadline)

    def _watch(self) -> None:
        # Processors are few: the first page comes first.
        self.ready.wait(PAGE_FIRST_S)
        while not self.ended.is_set():
            for slot in self.slots:
                slot.see_to_it()
            self._see_to_database()
            self.ended.wait(0.5)

    def _see_to_database(self) -> None:
        if self.settings.database_url or Cluster(self.settings.home).running_pid():
            return
        if not self.refused:
            log.warning("The database is gone: starting it again.")
        try:
            database.open_database(self.settings, make=False)
            self.refused = ""
        except Refused as refusal:
            if refusal.sentence != self.refused:
                log.error(refusal.sentence)
            self.refused = refusal.sentence


class Slot:
    """One worker process, and when it may be started again."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.due_at = 0.0
        self.pause_s = 0.0

    def see_to_it(self) -> None:
        """Start the worker if there is none; one that keeps dying is started less and less often."""
        if self.process is not None and self.process.poll() is None:
            return
        now = time.monotonic()
        if self.process is not None:
            self._close(f"A worker ended with {self.process.returncode}")
            quick = now - self.started_at < HEALTHY_AFTER_S
            self.pause_s = min(max(2 * self.pause_s, 1.0), LONGEST_PAUSE_S) if quick else 0.0
            self.due_at = now + self.pause_s
            self.process = None
        if now >= self.due_at:
            self.process, self.started_at = start_worker(), now

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close("")

    def _close(self, said: str) -> None:
        if said:
            log.warning("%s: starting another.", said)
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


def start_worker() -> "subprocess.Popen[bytes]":
    """A worker that ends when this process does, however that ends: it reads from a pipe that closes then.

    In a session of its own, since a terminal's Ctrl+C goes to all processes in front of it, and this one's part is to
    stop the worker in order.
    """
    here = str(Path(__file__).parent.parent)
    path = os.pathsep.join(part for part in (here, os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", "from app.worker import work_beside_server; work_beside_server()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )
