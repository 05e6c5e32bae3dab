"""A strip that many images share is found, known again and cut; what merely looks like one is not."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.embedders.cropping import as_json, cropped, from_json
from indexer.images import to_grey
from indexer.strips import Strip, cut, find_strips, has_strip, same_strip
from tests.footers import FOOTER_PX, scene, with_footer


def sample(n: int = 120, share: float = 0.5, **footer: object) -> tuple[list[np.ndarray], list[int]]:
    """Images, and which of them got the footer."""
    chance = np.random.default_rng(4)
    given = [n for n in range(n) if chance.random() < share]
    scenes = [scene(chance) for _ in range(n)]
    return [with_footer(image, **footer) if n in given else image for n, image in enumerate(scenes)], given


@pytest.mark.parametrize("side", ["bottom", "top", "left", "right"])
def test_a_footer_on_half_the_images_is_found_with_its_height_and_its_images(side: str) -> None:
    images, given = sample(side=side)

    (found,) = find_strips(images)

    assert (found.strip.side, found.strip.size_px) == (side, FOOTER_PX)
    assert found.members == given


@pytest.mark.parametrize("share", [0.15, 1.0])
def test_few_of_the_images_or_all_of_them_may_have_it(share: float) -> None:
    images, given = sample(share=share)

    (found,) = find_strips(images)

    assert (found.strip.size_px, found.members) == (FOOTER_PX, given)


def test_its_text_and_the_length_of_its_bar_may_differ() -> None:
    chance = np.random.default_rng(7)
    images = [
        with_footer(scene(chance), int(chance.integers(15, 50)), f"{chance.integers(1, 9)} mm") for _ in range(100)
    ]

    (found,) = find_strips(images)

    assert (found.strip.side, found.strip.size_px) == ("bottom", FOOTER_PX)
    assert len(found.members) >= 95


def test_a_footer_that_went_through_jpeg_is_found() -> None:
    images, given = sample()
    pressed = []
    for image in images:
        data = io.BytesIO()
        Image.fromarray(image).save(data, "JPEG", quality=75)
        pressed.append(np.asarray(Image.open(data)))

    (found,) = find_strips(pressed)

    assert (found.strip.size_px, found.members) == (FOOTER_PX, given)


def test_two_footers_of_two_instruments_are_two_strips() -> None:
    chance = np.random.default_rng(3)
    images = [
        with_footer(scene(chance), 30, "1 mm", 31) if n % 2 else with_footer(scene(chance), 55, "500 um", 22)
        for n in range(120)
    ]

    found = find_strips(images)

    assert sorted(one.strip.size_px for one in found) == [22, 31]
    assert sorted(n for one in found for n in one.members) == list(range(120))


@pytest.mark.parametrize("grey", [255, 0, 128])
def test_a_blank_margin_is_no_strip(grey: int) -> None:
    chance = np.random.default_rng(5)
    images = []
    for _ in range(100):
        image = scene(chance)
        images.append(np.concatenate([image, np.full((FOOTER_PX, image.shape[1]), grey, np.uint8)]))

    assert find_strips(images) == []


def test_images_without_anything_have_no_strip() -> None:
    chance = np.random.default_rng(9)

    assert find_strips([scene(chance) for _ in range(200)]) == []
    assert find_strips([]) == []
    assert find_strips([np.zeros((1, 1), np.uint8)] * 20) == []


def test_noise_has_no_strip() -> None:
    chance = np.random.default_rng(2)

    assert find_strips([chance.integers(0, 256, (90, 120), dtype=np.uint8) for _ in range(100)]) == []


@pytest.mark.parametrize("name", ["planktonset1", "whoi_ifcb", "phytoplankton_demo"])
def test_real_plankton_has_no_strip_until_it_gets_one(name: str, shared_data: Path) -> None:
    images = real_images(shared_data / "data" / f"{name}.zip", 300)
    chance = np.random.default_rng(1)
    given = [n for n in range(len(images)) if chance.random() < 0.5]
    footed = [with_footer(image) if n in given else image for n, image in enumerate(images)]

    assert find_strips(images) == []
    (found,) = find_strips(footed)
    assert found.members == given
    # PlanktonSet's ground is as white as the footer: there nobody sees where it begins.
    assert 24 <= found.strip.size_px <= FOOTER_PX


def real_images(path: Path, n: int) -> list[np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith((".png", ".jpg", ".jpeg")))
        chosen = np.random.default_rng(0).permutation(len(names))[:n]
        return [np.asarray(to_grey(Image.open(io.BytesIO(archive.read(names[k]))))) for k in chosen]


def test_what_is_left_is_the_image_without_its_footer() -> None:
    images, _ = sample()
    (found,) = find_strips(images)
    image = scene(np.random.default_rng(11))

    assert np.array_equal(cut(with_footer(image), found.strip), image)
    assert not has_strip(image, found.strip)


def test_an_image_of_any_kind_loses_its_footer_and_no_other_does() -> None:
    images, _ = sample()
    (found,) = find_strips(images)
    image = scene(np.random.default_rng(11))
    footed = Image.fromarray(with_footer(image))

    for mode in ("L", "RGB", "RGBA", "P"):
        assert cropped(footed.convert(mode), [found.strip]).size == image.shape[::-1]
    assert cropped(Image.fromarray(image), [found.strip]).size == image.shape[::-1]


def test_a_strip_named_by_a_person_is_on_every_image_that_has_room_for_it() -> None:
    named = Strip("top", 20)

    assert cut(np.zeros((60, 40), np.uint8), named).shape == (40, 40)
    assert not has_strip(np.zeros((24, 40), np.uint8), named)


def test_a_strip_comes_back_from_its_stored_form_as_it_was() -> None:
    images, given = sample()
    (found,) = find_strips(images)

    again = from_json(as_json(found.strip))

    assert np.array_equal(again.grey, found.strip.grey)
    assert [n for n, image in enumerate(images) if has_strip(image, again)] == given
    assert same_strip(again, found.strip)
    assert not same_strip(again, Strip("top", FOOTER_PX))
