"""Every setting of Shoal: its environment variable, default and meaning; `shoal config` prints them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints


def setting(env: str, default: str, help: str, *, secret: bool = False) -> Any:
    """A dataclass field whose value comes from the environment variable `env`, else from `default`."""
    return field(metadata={"env": env, "default": default, "help": help, "secret": secret})


def default_home() -> str:
    """Root's own folder is closed to the unprivileged user that PostgreSQL must run as, hence /var/lib."""
    if os.name == "posix" and os.geteuid() == 0:
        return "/var/lib/shoal"
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return str(Path(data).expanduser() / "shoal")


@dataclass(frozen=True)
class Settings:
    """What the person who installs Shoal may choose. Empty means: decide by itself."""

    home: Path = setting("SHOAL_HOME", "", "folder for the database, the images and the indexes")
    database_url: str = setting(
        "DATABASE_URL", "", "a PostgreSQL 16+ with pgvector 0.8+; empty: Shoal starts its own", secret=True
    )
    store_url: str = setting("SHOAL_STORE", "", "image store: a folder or s3://bucket/prefix; empty: HOME/store")
    host: str = setting("SHOAL_HOST", "127.0.0.1", "address to listen on")
    port: int = setting("SHOAL_PORT", "8000", "port to listen on; 0 takes a free one")
    base_url: str = setting("SHOAL_BASE_URL", "", "address that people type, for links; empty: http://HOST:PORT")
    secure_cookies: bool = setting("SHOAL_SECURE_COOKIES", "no", "yes behind HTTPS: cookies travel encrypted only")
    trusted_proxies: str = setting(
        "SHOAL_TRUSTED_PROXIES", "", "addresses, comma-separated, whose X-Forwarded-For is believed"
    )
    processes: int = setting("SHOAL_PROCESSES", "1", "web processes")
    workers: int = setting("SHOAL_WORKERS", "1", "worker processes that `shoal serve` starts beside itself")
    embed_threads: int = setting("SHOAL_EMBED_THREADS", "0", "threads for the model; 0: one per core")
    device: str = setting("SHOAL_DEVICE", "auto", "where models run: auto, cpu or cuda")
    import_roots: str = setting(
        "SHOAL_IMPORT_ROOTS", "", "folders, colon-separated, from which managers may import by path through the API"
    )
    max_image_mpx: int = setting("SHOAL_MAX_IMAGE_MPX", "400", "largest image taken in, in millions of pixels")
    mirror_mb: int = setting("SHOAL_MIRROR_MB", "1024", "memory of one web process for the columns of projects in use")
    log_level: str = setting("SHOAL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR")


@dataclass(frozen=True)
class Source:
    """One setting as `shoal config` shows it."""

    name: str
    env: str
    value: str
    source: str
    help: str


TRUE, FALSE = {"yes", "true", "1", "on"}, {"no", "false", "0", "off"}


def _parse(env: str, text: str, kind: type) -> Any:
    from app.errors import Refused

    if kind is bool:
        if text.lower() not in TRUE | FALSE:
            raise Refused(f"{env} is {text!r}: say yes or no.")
        return text.lower() in TRUE
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise Refused(f"{env} is {text!r}: say a whole number.") from None
    return kind(text)


def load_settings(env: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from `env` (the process's own where not given), overruled by what a command was `given`."""
    env = os.environ if env is None else env
    kinds = get_type_hints(Settings)
    values = {}
    for item in fields(Settings):
        name = item.metadata["env"]
        text = env.get(name) or item.metadata["default"] or (default_home() if name == "SHOAL_HOME" else "")
        values[item.name] = _parse(name, text, kinds[item.name])
    values.update({key: value for key, value in given.items() if value is not None})
    values["home"] = Path(values["home"]).expanduser().absolute()
    values["store_url"] = values["store_url"] or str(values["home"] / "store")
    return Settings(**values)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as a process that we start will read them."""
    words = {True: "yes", False: "no"}
    values = {item.metadata["env"]: getattr(settings, item.name) for item in fields(Settings)}
    return {name: words[value] if isinstance(value, bool) else str(value) for name, value in values.items()}


def sources(env: Mapping[str, str] | None = None) -> list[Source]:
    """Every setting with its value and where the value came from; secrets are masked."""
    env = os.environ if env is None else env
    settings = load_settings(env)
    rows = []
    for item in fields(Settings):
        name, secret = item.metadata["env"], item.metadata["secret"]
        value = str(getattr(settings, item.name))
        source = "environment" if env.get(name) else "default"
        rows.append(Source(item.name, name, _mask(value) if secret else value, source, item.metadata["help"]))
    return rows


def _mask(url: str) -> str:
    """The address without its password."""
    head, at, tail = url.rpartition("@")
    if not at:
        return url
    scheme, slashes, login = head.rpartition("//")
    return f"{scheme}{slashes}{login.split(':')[0]}:***@{tail}"
