"""One import as a process of its own, for tests that kill it: HOME PROJECT ACCOUNT SOURCE."""

import sys

from app.exchange.importing import run_import
from app.exchange.report import ImportOptions
from app.settings import load_settings

CHUNK_ROWS = 25
OPTIONS = ImportOptions(create_taxa=True, chunk_rows=CHUNK_ROWS)


def main() -> None:
    home, project_id, account_id, source = sys.argv[1:]
    settings = load_settings(home=home)
    report = run_import(settings.database_url, settings, int(project_id), int(account_id), source, OPTIONS)
    if report.status not in ("done", "nothing"):
        sys.exit("\n".join(report.lines()))


if __name__ == "__main__":
    main()
