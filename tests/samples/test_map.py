"""The map's frame holds every point, also across the date line."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.samples.map import CLOSE_DEGREES, draw

places = st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=1, max_size=20)


@given(places)
@settings(max_examples=100, deadline=None)
def test_every_point_lies_in_the_frame_and_in_the_box(points: list[tuple[float, float]]) -> None:
    drawn = draw(np.array(points))
    assert drawn
    assert drawn.width <= 360 and drawn.height <= 180
    assert sum(dot.n for dot in drawn.dots) == len(points)
    for dot in drawn.dots:
        assert drawn.west - 0.01 <= dot.x <= drawn.west + drawn.width + 0.01
        assert drawn.north - 0.01 <= dot.y <= drawn.north + drawn.height + 0.01
    south, west, north, east = map(float, drawn.place.split(","))
    for latitude, longitude in points:
        latitude, longitude = round(latitude, 6), round(longitude, 6)
        assert south <= latitude <= north
        inside = west <= longitude <= east if west <= east else longitude >= west or longitude <= east
        assert inside or abs(longitude) == pytest.approx(180)


def test_samples_on_both_sides_of_the_date_line_stand_together() -> None:
    drawn = draw(np.array([[0.0, 179.0], [1.0, -179.0]]))
    assert drawn and drawn.width <= 24
    assert drawn.place == "0,179,1,-179"


def test_one_place_is_shown_with_the_land_around_it_and_many_dots_are_small() -> None:
    one = draw(np.array([[43.68, 7.31], [43.68, 7.31]]), least=CLOSE_DEGREES)
    assert one and one.height >= 10 and one.copies
    many = draw(np.array([[latitude, longitude] for latitude in range(-80, 80, 8) for longitude in range(0, 300, 30)]))
    assert many and many.dot / many.width < one.dot / one.width


def test_no_outline_of_land_crosses_the_whole_world_but_below_the_pole() -> None:
    outlines = re.findall(r"M(-?\d+) (-?\d+)l([^z]+)z", Path("static/land.svg").read_text())
    assert len(outlines) > 100
    for x, y, steps in outlines:
        moved = np.array(re.findall(r"-?\d+", steps), int).reshape(-1, 2)
        corners = np.array([int(x), int(y)]) + np.vstack([[(0, 0)], moved.cumsum(axis=0), [(0, 0)]])
        far = np.flatnonzero(np.abs(np.diff(corners[:, 0])) > 1800)
        assert (corners[far, 1] == 900).all() and (corners[far + 1, 1] == 900).all()


def test_without_a_position_there_is_no_map() -> None:
    assert draw(np.empty((0, 2))) is None
    assert draw(np.array([[400.0, 3.0]])) is None
