"""Names a process so that another one on the same machine can tell whether it still lives."""

import os
import socket
from functools import cache
from pathlib import Path


@cache
def machine() -> str:
    """This machine, since its last start and as seen from this container: process ids mean the same only here."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def this_process() -> str:
    """This process, never to be mistaken for a later one with the same id."""
    return f"{machine()} {os.getpid()} {_started(os.getpid())}"


def is_dead(process: str) -> bool:
    """True if the process was on this machine and is gone. Of other machines' processes we cannot say."""
    where, _, rest = process.partition(" ")
    pid, _, started = rest.partition(" ")
    return where == machine() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """When the process began, in the kernel's ticks; empty if there is none (or only what is left of one)."""
    try:
        state, *values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else values[18]
    except OSError:
        return _alive_without_proc(pid)


def _alive_without_proc(pid: int) -> str:
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"
