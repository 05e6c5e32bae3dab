"""Where trained embedders' files are: in the store for every machine, and in each one's home where it uses them."""

import shutil
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from app.errors import Refused
from app.objects.store import open_store
from app.settings import Settings
from indexer.embedders import EmbedderError, tuned

KEPT_S = 7 * 86_400


def folder(settings: Settings) -> Path:
    """Where trainings keep what they have learned so far, each in a folder of its own."""
    return settings.home / "trainings"


def sweep(settings: Settings) -> None:
    """What nobody went on with for a week goes: of stopped trainings, and of those that were deleted."""
    for own in folder(settings).glob("*"):
        with suppress(FileNotFoundError):  # a training that ends now takes its own away
            if max(path.stat().st_mtime for path in (own, *own.rglob("*"))) < time.time() - KEPT_S:
                shutil.rmtree(own, ignore_errors=True)


def publish(settings: Settings, spec: str, data: bytes) -> None:
    """Put a trained embedder's file where every machine finds it."""
    open_store(settings).put(_path(spec), data)


def fetch(settings: Settings, spec: str) -> None:
    """Bring a trained embedder's file to this machine, unless it is here; Refused where it is nowhere."""
    try:
        here = tuned.file_of(spec, settings.home / "embedders")
    except EmbedderError as error:
        raise Refused(str(error)) from error
    if here.is_file():
        return
    try:
        data = open_store(settings).read_file(_path(spec))
    except FileNotFoundError:
        raise Refused(
            f"The trained embedder {spec} is neither on this machine nor in the store ({settings.store_url}): restore"
            f" {_path(spec)} from a backup, or train it again.",
            status=409,
        ) from None
    write_whole(here, data)


def write_whole(path: Path, data: bytes) -> None:
    """Written aside, each time by another name, and renamed: nobody reads half of it, nor what two write at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".writing-{uuid4().hex}")
    aside.write_bytes(data)
    aside.replace(path)


def _path(spec: str) -> str:
    return f"embedders/{tuned.file_of(spec, Path()).name}"
