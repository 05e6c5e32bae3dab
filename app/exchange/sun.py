"""Where the sun stood when an object was taken: day, dusk, night or dawn, by nautical twilight."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from astral import Observer
from astral.sun import elevation

# The sun's upper edge on the horizon, refraction included; and the end of nautical twilight.
HORIZON_DEGREES = -0.833
NAUTICAL_DEGREES = -12.0
LATER = timedelta(minutes=1)


@lru_cache(maxsize=65536)
def sun_position(latitude: float | None, longitude: float | None, day: date | None, clock: time | None) -> str:
    """D day, U dusk, N night, A dawn, ? where place or time (UTC) is unknown.

    Taken from the sun's height at that moment rather than from the day's rise and set, so that it also holds beyond
    the polar circles, and where the day in UTC is not the day of the place.
    """
    if latitude is None or longitude is None or day is None or clock is None:
        return "?"
    observer = Observer(latitude, longitude)
    at = datetime.combine(day, clock, UTC)
    height = elevation(observer, at, with_refraction=False)
    if height > HORIZON_DEGREES:
        return "D"
    if height < NAUTICAL_DEGREES:
        return "N"
    try:
        rises = elevation(observer, at + LATER, with_refraction=False) > height
    except OverflowError:
        return "?"
    return "A" if rises else "U"
