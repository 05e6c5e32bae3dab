"""Names of files and folders made of names that people gave: safe everywhere, and each once."""

import re
from collections.abc import Iterable

UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')
# What Windows takes for a device, whatever follows the dot.
DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
LONGEST = 100


def safe(name: str) -> str:
    """A taxon's or a set's name as one of a file: “fiber < detritus” is fiber__detritus."""
    said = UNSAFE.sub("_", name.replace(" < ", "__")).strip(" .")[:LONGEST] or "_"
    return f"{said}_" if DEVICE.fullmatch(said) else said


def unique(names: Iterable[str]) -> list[str]:
    """Each name made safe; those that would be the same file, also where case does not count, are numbered."""
    taken: set[str] = set()
    found = []
    for name in map(safe, names):
        chosen, number = name, 1
        while chosen.lower() in taken:
            number += 1
            chosen = f"{name}_{number}"
        taken.add(chosen.lower())
        found.append(chosen)
    return found


def suffix(format: str) -> str:
    """How the name of an image of Pillow's format ends."""
    return {"JPEG": "jpg", "TIFF": "tif", "MPO": "jpg"}.get(format, format.lower())
