"""Finding objects: the mirror that filters are answered from, the indexes, and the ranking by likeness."""

from pathlib import Path

from app.settings import Settings, load_settings

INDEX_TITLE = "Index the vectors"  # of the job

_settings: Settings | None = None


def configure(settings: Settings) -> None:
    """Tell this process where the indexes are and how much memory the columns may take."""
    global _settings
    _settings = settings


def settings() -> Settings:
    """What `configure` was told, else what the environment says."""
    global _settings
    if _settings is None:
        _settings = load_settings()
    return _settings


def index_folder() -> Path:
    """Where the disposable index files live."""
    return settings().home / "index"
