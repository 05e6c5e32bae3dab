"""Which object each row of an index stands for, and columns of a mirror in the order of those rows."""

import numpy as np

from app.search.mirror import Mirror


class Rows:
    """The ids of an index, ascending; remembers where the latest mirror has them."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids
        self._places: tuple[np.ndarray | None, np.ndarray | None] = (None, None)

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, mirror: Mirror, values: np.ndarray) -> np.ndarray:
        """Values by the mirror's ordinals as values by row; 0 or False for objects that are no more."""
        places = self._places_in(mirror)
        return values if places is None else np.append(values, values.dtype.type(0))[places]

    def of(self, ids: np.ndarray) -> np.ndarray:
        """The rows of those objects that have one."""
        places = np.searchsorted(self.ids, ids)
        inside = places < len(self.ids)
        places = places[inside]
        return places[self.ids[places] == np.asarray(ids)[inside]]

    def _places_in(self, mirror: Mirror) -> np.ndarray | None:
        """Each row's ordinal, or the mirror's length where the object is not there; None where both are the same."""
        ids, places = self._places
        if ids is not mirror.ids:
            if np.array_equal(mirror.ids, self.ids):
                places = None
            else:
                places = np.searchsorted(mirror.ids, self.ids)
                known = places < len(mirror)
                known[known] = mirror.ids[places[known]] == self.ids[known]
                places = np.where(known, places, len(mirror))
            self._places = (mirror.ids, places)
        return places
