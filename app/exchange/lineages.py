"""Makes taxa from paths of names, with display names that stay unique."""

from app.database import Db

Path = tuple[str, ...]


def create_lineages(db: Db, account_id: int, paths: dict[str, Path]) -> tuple[dict[str, int], list[str]]:
    """The taxon of each path, made with its parents where it does not exist; and the display names of those made.

    A path's first name is the root of that name, or the only taxon so called. Works level by level: as many
    statements as the longest path has names.
    """
    found: dict[Path, int] = {}
    created: list[str] = []
    # Two imports that make the same taxa at once would each miss the other's.
    db.execute("lock table taxon in share row exclusive mode")
    for depth in range(1, max((len(path) for path in paths.values()), default=0) + 1):
        wanted = {_folded(path[:depth]): path[:depth] for path in paths.values() if len(path) >= depth}
        found |= _existing(db, found, list(wanted))
        missing = [wanted[folded] for folded in sorted(wanted) if folded not in found]
        created += _create(db, account_id, found, missing)
    return {key: found[_folded(path)] for key, path in paths.items() if path}, created


def _folded(path: Path) -> Path:
    return tuple(name.lower() for name in path)


def _existing(db: Db, found: dict[Path, int], paths: list[Path]) -> dict[Path, int]:
    """Children by name under their parent; at the first level roots, else the only taxon of that name."""
    rows = db.execute(
        """
        select number, (array_agg(taxon.id order by taxon.parent_id is not null, taxon.id))[1] as id,
               count(*) as n, bool_or(taxon.parent_id is null) as has_root
        from unnest(%s::int[], %s::text[], %s::int[]) as wanted (number, name, parent_id)
        join taxon on lower(taxon.name) = wanted.name
                  and (wanted.parent_id is null or taxon.parent_id = wanted.parent_id)
        group by number, wanted.parent_id
        having wanted.parent_id is not null or count(*) = 1 or bool_or(taxon.parent_id is null)
        """,
        [list(range(len(paths))), [path[-1] for path in paths], [found.get(path[:-1]) for path in paths]],
    )
    return {paths[row.number]: row.id for row in rows}


def _create(db: Db, account_id: int, found: dict[Path, int], paths: list[Path]) -> list[str]:
    names = _free_names(db, paths)
    rows = db.execute(
        """
        insert into taxon (name, display_name, parent_id, created_by)
        select name, display_name, parent_id, %s
        from unnest(%s::text[], %s::text[], %s::int[]) as made (name, display_name, parent_id)
        returning id, display_name
        """,
        [account_id, [path[-1] for path in paths], names, [found.get(_folded(path[:-1])) for path in paths]],
    )
    ids = {row.display_name: row.id for row in rows}
    found |= {_folded(path): ids[name] for path, name in zip(paths, names, strict=True)}
    return names


def _free_names(db: Db, paths: list[Path]) -> list[str]:
    """The name where no taxon has it yet, else "name < parent", and so on up the path; at last with a number."""
    options = [_display_names(path) for path in paths]
    rows = db.execute(
        "select lower(display_name) as name from taxon where lower(display_name) = any(%s)",
        [[name.lower() for names in options for name in names]],
    )
    taken = {row.name for row in rows}
    chosen = []
    for names in options:
        free = next((name for name in names if name.lower() not in taken), names[-1])
        taken.add(free.lower())
        chosen.append(free)
    return chosen


def _display_names(path: Path) -> list[str]:
    names = [" < ".join(path[: -length - 1 : -1]) for length in range(1, len(path) + 1)]
    return names + [f"{names[-1]} ({number})" for number in range(2, 100)]
