"""Every setting of Shoal: its environment variable, default and meaning; `shoal config` prints them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import psycopg

from app.errors import Refused

MOST_PROCESSES = 256


@dataclass(frozen=True)
class Rule:
    """What a setting may be: the words that say so, and the test of a value."""

    words: str
    holds: Callable[[Any], bool]


def between(low: int, high: int) -> Rule:
    return Rule(f"a whole number from {low} to {high}", lambda value: low <= value <= high)


def one_of(*words: str) -> Rule:
    return Rule(f"{', '.join(words[:-1])} or {words[-1]}", lambda value: value in words)


def _is_database(url: str) -> bool:
    try:
        return not url or bool(psycopg.conninfo.conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return False


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return not url or (parts.scheme in ("http", "https") and bool(parts.hostname))


def _are_web_addresses(text: str) -> bool:
    return all(_is_web_address(part.strip()) for part in text.split(","))


def _are_networks(text: str) -> bool:
    try:
        return all(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    return bool(text.strip()) and not any(sign in text for sign in " /@")


def _are_folders(text: str) -> bool:
    return all(Path(part).is_absolute() for part in text.split(":") if part.strip())


ANYTHING = Rule("any text", lambda value: True)
DATABASE = Rule("postgresql://NAME:PASSWORD@HOST:PORT/DATABASE", _is_database)
WEB_ADDRESS = Rule("an address that begins with http:// or https://", _is_web_address)
WEB_ADDRESSES = Rule("addresses that begin with http:// or https://, with commas between", _are_web_addresses)
NETWORKS = Rule("IP addresses or networks, with commas between", _are_networks)
HOST = Rule("an IP address or a host's name, such as 0.0.0.0 for all of this machine's", _is_host)
FOLDERS = Rule("folders' whole paths, with colons between", _are_folders)


def setting(env: str, default: str, help: str, rule: Rule = ANYTHING, *, secret: bool = False) -> Any:
    """A dataclass field whose value comes from the environment variable `env`, else from `default`."""
    return field(metadata={"env": env, "default": default, "help": help, "rule": rule, "secret": secret})


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
        "DATABASE_URL", "", "a PostgreSQL 16+ with pgvector 0.8+; empty: Shoal starts its own", DATABASE, secret=True
    )
    store_url: str = setting("SHOAL_STORE", "", "image store: a folder or s3://bucket/prefix; empty: HOME/store")
    host: str = setting("SHOAL_HOST", "127.0.0.1", "address to listen on", HOST)
    port: int = setting("SHOAL_PORT", "8000", "port to listen on; 0 takes a free one", between(0, 65535))
    base_url: str = setting(
        "SHOAL_BASE_URL", "", "address that people type, for links; empty: http://HOST:PORT", WEB_ADDRESS
    )
    secure_cookies: bool = setting("SHOAL_SECURE_COOKIES", "no", "yes behind HTTPS: cookies travel encrypted only")
    trusted_proxies: str = setting(
        "SHOAL_TRUSTED_PROXIES", "", "addresses, comma-separated, whose X-Forwarded-For is believed", NETWORKS
    )
    processes: int = setting("SHOAL_PROCESSES", "1", "web processes", between(1, MOST_PROCESSES))
    workers: int = setting(
        "SHOAL_WORKERS", "1", "worker processes that `shoal serve` starts beside itself", between(0, MOST_PROCESSES)
    )
    embed_threads: int = setting("SHOAL_EMBED_THREADS", "0", "threads for the model; 0: one per core", between(0, 1024))
    device: str = setting("SHOAL_DEVICE", "auto", "where models run: auto, cpu or cuda", one_of("auto", "cpu", "cuda"))
    import_roots: str = setting(
        "SHOAL_IMPORT_ROOTS",
        "",
        "folders, colon-separated, from which managers may import by path",
        FOLDERS,
    )
    upload_limit_gb: int = setting(
        "SHOAL_UPLOAD_LIMIT_GB", "50", "largest upload through the browser or the API, in GB", between(1, 100_000)
    )
    max_image_mpx: int = setting(
        "SHOAL_MAX_IMAGE_MPX", "400", "largest image taken in, in millions of pixels", between(1, 100_000)
    )
    ecotaxa_servers: str = setting(
        "SHOAL_ECOTAXA_SERVERS",
        "https://ecotaxa.obs-vlfr.fr",
        "addresses, comma-separated, of the EcoTaxas that managers may link projects to",
        WEB_ADDRESSES,
    )
    mirror_mb: int = setting(
        "SHOAL_MIRROR_MB", "1024", "memory of one web process for the columns of projects in use", between(1, 2**24)
    )
    log_level: str = setting(
        "SHOAL_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR", one_of("DEBUG", "INFO", "WARNING", "ERROR")
    )


@dataclass(frozen=True)
class Source:
    """One setting as `shoal config` shows it."""

    name: str
    env: str
    value: str
    source: str
    help: str


TRUE, FALSE = {"yes", "true", "1", "on"}, {"no", "false", "0", "off"}


def _parse(env: str, text: str, kind: type, rule: Rule) -> Any:
    if kind is bool:
        if text.lower() not in TRUE | FALSE:
            raise Refused(f"{env} is {text!r}: say yes or no.")
        return text.lower() in TRUE
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise Refused(f"{env} is {text!r}: say {rule.words}.") from None
    return kind(text)


def _check(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a value that its rule forbids, by the name under which the person gave it."""
    for item in fields(Settings):
        value, rule = values[item.name], item.metadata["rule"]
        if not rule.holds(value):
            name = f"--{item.name}" if given.get(item.name) is not None else item.metadata["env"]
            shown = _mask(value) if item.metadata["secret"] else value
            raise Refused(f"{name} is {shown!r}: say {rule.words}.")


def load_settings(env: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from `env` (the process's own where not given), overruled by what a command was `given`."""
    env = os.environ if env is None else env
    kinds = get_type_hints(Settings)
    values = {}
    for item in fields(Settings):
        name = item.metadata["env"]
        text = env.get(name) or item.metadata["default"] or (default_home() if name == "SHOAL_HOME" else "")
        values[item.name] = _parse(name, text, kinds[item.name], item.metadata["rule"])
    values.update({key: value for key, value in given.items() if value is not None})
    values["log_level"] = values["log_level"].upper()
    _check(values, given)
    values["home"] = Path(values["home"]).expanduser().absolute()
    values["store_url"] = values["store_url"] or str(values["home"] / "store")
    return Settings(**values)


def names_of_settings() -> set[str]:
    """The environment variables that are read."""
    return {item.metadata["env"] for item in fields(Settings)}


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
