"""True sizes: where a project's pixel size stands, the bar that shows it, and the one scale of a project's tiles."""

from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np

from app.database import Db
from app.objects import queries
from app.search.columns import ColumnCache
from app.search.mirror import Mirror

THUMBNAIL_PX = 128
SMALLEST_TILE_PX = 24
SAMPLED_OBJECTS = 1000
UNITS = {"um": 1.0, "µm": 1.0, "mm": 1000.0, "nm": 0.001}
STEPS = (1, 2, 5)


class Scaled(Protocol):
    """A project as far as sizes are concerned."""

    @property
    def id(self) -> int: ...

    @property
    def pixel_size_um(self) -> float | None: ...

    @property
    def settings(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class PixelSize:
    """Where an object's pixel size is found: in a column with its unit, or the same for all, or nowhere."""

    level: str = ""
    name: str = ""
    position: int = 0
    um_per_unit: float = 1.0
    constant_um: float | None = None

    @property
    def place(self) -> dict[str, Any]:
        """As `read_tiles` wants it."""
        return {"level": self.level, "name": self.name, "position": self.position}

    def um(self, value: str | None) -> float | None:
        """Micrometres per pixel of an object whose column says `value`."""
        try:
            size = float(value) * self.um_per_unit if value else self.constant_um
        except ValueError:
            size = self.constant_um
        return size if size and 0 < size < float("inf") else self.constant_um


def pixel_size(db: Db, project: Scaled) -> PixelSize:
    """From the setting pixel_field (with pixel_unit mm or um), else a column that names its unit, else the project's.

    EcoTaxa's process_pixel is in millimetres for some instruments and in micrometres for others, so a column that does
    not name its unit counts only where a manager has said it.
    """
    columns = queries.field_positions(db, project.id)
    wanted, unit = str(project.settings.get("pixel_field", "")), str(project.settings.get("pixel_unit", ""))
    for column in columns:
        key = column.name if column.level == "object" else f"{column.level}.{column.name}"
        if wanted and wanted in (key, f"{column.level}.{column.name}") and unit in UNITS:
            return PixelSize(column.level, column.name, column.position, UNITS[unit], project.pixel_size_um)
    if project.pixel_size_um is None:
        for column in columns:
            said = _unit_in_name(column.name)
            if said and (column.level != "object" or column.type == "number"):
                return PixelSize(column.level, column.name, column.position, UNITS[said])
    return PixelSize(constant_um=project.pixel_size_um)


def _unit_in_name(name: str) -> str | None:
    """The unit of pixel_size_um, particle_pixel_size_mm and the like."""
    words = name.lower().replace("pixelsize", "pixel_size").split("_")
    return words[-1] if "pixel" in words and words[-1] in UNITS else None


def scale_bar(width_px: int, um_per_px: float | None) -> dict[str, Any] | None:
    """The longest bar of 1, 2 or 5 times a power of ten that fills at most half of a tile `width_px` wide."""
    if um_per_px is None or width_px <= 0:
        return None
    longest_um = max(width_px, SMALLEST_TILE_PX) / 2 * um_per_px
    power = 10.0 ** np.floor(np.log10(longest_um))
    length_um = float(max(step * power for step in STEPS if step * power <= longest_um * (1 + 1e-9)))
    return {"px": round(length_um / um_per_px, 1), "label": length_words(length_um)}


def length_words(um: float) -> str:
    """A length in the unit that keeps its figures few."""
    if um >= 10_000_000:
        return f"{um / 1_000_000:g} m"
    if um >= 1000:
        return f"{um / 1000:g} mm"
    return f"{um:g} µm" if um >= 1 else f"{um * 1000:g} nm"


# Of each copy of a project: image pixels per pixel of the screen.
_scales: "WeakKeyDictionary[ColumnCache, float]" = WeakKeyDictionary()


def common_scale(db: Db, mirror: Mirror) -> float:
    """Image pixels per tile pixel, so that three quarters of the project's images fit their tiles at one scale."""
    if mirror.columns not in _scales:
        step = max(1, len(mirror) // SAMPLED_OBJECTS)
        sides = queries.object_sizes(db, mirror.project_id, mirror.ids[::step].tolist())
        _scales[mirror.columns] = float(np.percentile(sides, 75)) / THUMBNAIL_PX if sides else 1.0
    return _scales[mirror.columns]


def tile_size(width_px: int, height_px: int, scale: float) -> tuple[int, int, float]:
    """Width and height of a tile, and how many times smaller than the others it is shown (1 where it is not)."""
    longest = max(width_px, height_px, 1) / scale
    shrink = max(longest / THUMBNAIL_PX, 1.0)
    grow = max(SMALLEST_TILE_PX / longest, 1.0)
    factor = grow / scale / shrink
    return max(1, round(width_px * factor)), max(1, round(height_px * factor)), round(shrink, 2)
