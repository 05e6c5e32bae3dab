"""Whatever a file holds, it becomes an upright eight-bit image, or a reason that a person understands."""

import io
import math
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from indexer import images
from indexer.images import BadImage, measure, open_image, thumbnail, to_grey, to_rgb

ramp = np.add.outer(np.arange(40), 2 * np.arange(60)).astype(np.uint8)


def saved(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def disc(radius: float, side: int = 101, inside: int = 40, outside: int = 230) -> Image.Image:
    y, x = np.ogrid[:side, :side]
    middle = (side - 1) / 2
    mask = (y - middle) ** 2 + (x - middle) ** 2 <= radius**2
    return Image.fromarray(np.where(mask, inside, outside).astype(np.uint8))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_every_format_opens_with_its_pixels(form: str) -> None:
    image = open_image(saved(Image.fromarray(ramp), form))
    assert image.format == form
    assert np.abs(np.asarray(to_grey(image)).astype(int) - ramp).mean() < 2


def test_a_format_that_was_not_asked_for_is_not_even_tried() -> None:
    for form in ("PPM", "ICO", "TGA"):
        with pytest.raises(BadImage, match="not an image in a format"):
            open_image(saved(Image.fromarray(ramp), form))


def test_an_animation_shows_its_first_frame() -> None:
    frames = [Image.new("L", (20, 20), grey) for grey in (10, 200)]
    image = open_image(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert np.asarray(to_grey(image)).max() <= 12


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_sixteen_bit_grey_is_scaled_by_the_range_that_the_camera_used(bits: int) -> None:
    full = np.linspace(0, (1 << bits) - 1, 2400).reshape(40, 60).astype(np.uint16)
    image = open_image(saved(Image.fromarray(full), "PNG"))
    grey = np.asarray(to_grey(image))
    assert grey[0, 0] == 0 and grey[-1, -1] == 255 and abs(int(grey[20, 0]) - 127) <= 1


def test_floating_grey_is_stretched_even_where_numbers_are_missing() -> None:
    values = np.linspace(-5, 5, 2400, dtype=np.float32).reshape(40, 60)
    values[3, 3] = np.nan
    grey = np.asarray(to_grey(open_image(saved(Image.fromarray(values), "TIFF"))))
    assert (grey.min(), grey.max()) == (0, 255)
    assert np.asarray(to_grey(Image.new("F", (5, 5), 7.0))).max() == 0


def test_one_bit_palette_and_cmyk_become_rgb() -> None:
    red = Image.new("RGB", (30, 20), (250, 10, 10))
    for image, form in (
        (red.quantize(4), "PNG"),
        (red.convert("CMYK"), "TIFF"),
        (red.convert("CMYK"), "JPEG"),
        (red.convert("LAB"), "TIFF"),
    ):
        pixel = to_rgb(open_image(saved(image, form))).getpixel((5, 5))
        assert np.abs(np.subtract(pixel, (250, 10, 10))).max() < 12, (image.mode, form, pixel)
    ones = np.asarray(to_rgb(open_image(saved(Image.new("1", (9, 9), 1), "PNG"))))
    assert ones.shape == (9, 9, 3) and ones.min() == 255


def cut_out(outside: tuple[int, int, int, int], inside: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGBA", (40, 40), outside)
    image.paste(inside, (10, 10, 30, 30))
    return image


def test_transparency_is_laid_on_the_border_else_white_else_black() -> None:
    hole = to_rgb(open_image(saved(cut_out((90, 100, 110, 255), (0, 0, 0, 0)), "PNG")))
    assert hole.getpixel((20, 20)) == (90, 100, 110)
    dark = to_rgb(open_image(saved(cut_out((0, 0, 0, 0), (20, 20, 20, 255)), "PNG")))
    assert dark.getpixel((0, 0)) == (255, 255, 255) and dark.getpixel((20, 20)) == (20, 20, 20)
    bright = to_rgb(open_image(saved(cut_out((0, 0, 0, 0), (250, 250, 250, 255)), "PNG")))
    assert bright.getpixel((0, 0)) == (0, 0, 0)
    half = to_rgb(cut_out((0, 0, 0, 0), (0, 0, 0, 128)))
    assert abs(half.getpixel((20, 20))[0] - 127) <= 1


def test_a_palette_with_a_transparent_colour_is_composited() -> None:
    data = saved(cut_out((0, 0, 0, 0), (200, 0, 0, 255)).quantize(8), "PNG")
    assert to_rgb(open_image(data)).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed_once(form: str, orientation: int) -> None:
    upright = Image.new("L", (64, 32), 255)
    upright.paste(0, (0, 0, 16, 16))
    stored = upright
    for turn in {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, []):
        stored = upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    image = open_image(saved(stored, form, exif=exif))
    assert image.size == (64, 32) and image.format == form
    corners = [to_grey(image).getpixel(at) < 128 for at in ((5, 5), (58, 5), (5, 26), (58, 26))]
    assert corners == [True, False, False, False]


def test_what_is_no_image_says_so() -> None:
    with pytest.raises(BadImage, match="the file is empty"):
        open_image(b"")
    with pytest.raises(BadImage, match="not an image in a format"):
        open_image(b"<html>404</html>" * 100)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_file_cut_anywhere_is_refused_with_a_reason(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (80, 80), dtype=np.uint8)
    data = saved(Image.fromarray(noise), form)
    for share in (0.02, 0.1, 0.5, 0.8):
        with pytest.raises(BadImage) as caught:
            open_image(data[: int(len(data) * share)])
        assert len(str(caught.value)) > 15


def test_damaged_bytes_never_raise_anything_else() -> None:
    chance = np.random.default_rng(7)
    opened = refused = 0
    for form in images.FORMATS:
        data = saved(Image.fromarray(ramp), form)
        for _ in range(60):
            broken = np.frombuffer(data, np.uint8).copy()
            broken[chance.integers(0, len(broken), 12)] = chance.integers(0, 255, 12)
            try:
                thumbnail(open_image(broken.tobytes(), max_pixels=10_000_000))
                opened += 1
            except BadImage:
                refused += 1
    assert opened and refused > 30


def bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def test_a_decompression_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(BadImage, match=r"60,000 x 60,000 pixels are more than the 200,000,000 allowed"):
        open_image(bomb(60_000, 60_000))
    with pytest.raises(BadImage, match="more than the 1,000 allowed"):
        open_image(saved(Image.new("L", (40, 40)), "PNG"), max_pixels=1_000)


def test_a_thumbnail_fits_and_never_grows() -> None:
    for size, expected in (((640, 320), (128, 64)), ((60, 50), (60, 50)), ((3000, 2), (128, 1))):
        small = Image.open(io.BytesIO(thumbnail(Image.new("L", size, 90))))
        assert small.format == "WEBP" and small.size == expected
    deep = Image.fromarray(np.full((300, 300), 40_000, np.uint16))
    assert Image.open(io.BytesIO(thumbnail(deep))).getpixel((5, 5))[0] > 140


def test_a_disc_measures_what_geometry_says() -> None:
    for image in (disc(30), disc(30, inside=240, outside=5)):
        found = measure(image)
        assert found["area"] == pytest.approx(math.pi * 900, rel=0.01)
        assert found["esd"] == pytest.approx(60, rel=0.01)
        assert found["major"] == pytest.approx(60, rel=0.01)
        assert found["minor"] == pytest.approx(60, rel=0.01)
        assert found["mean"] == image.getpixel((50, 50)) and found["std"] == 0


def test_a_turned_ellipse_has_its_axes() -> None:
    y, x = np.mgrid[-100:101, -100:101]
    along, across = (x + y) / math.sqrt(2), (x - y) / math.sqrt(2)
    mask = (along / 60) ** 2 + (across / 20) ** 2 <= 1
    found = measure(Image.fromarray(np.where(mask, 60, 200).astype(np.uint8)))
    assert found["major"] == pytest.approx(120, rel=0.01)
    assert found["minor"] == pytest.approx(40, rel=0.02)


def test_a_large_image_is_measured_in_its_own_pixels() -> None:
    found = measure(disc(600, side=2049))
    assert found["area"] == pytest.approx(math.pi * 600**2, rel=0.01)
    assert found["major"] == pytest.approx(1200, rel=0.01)


def test_an_even_image_has_no_object() -> None:
    found = measure(Image.new("L", (30, 30), 77))
    assert found["area"] == 0 and math.isnan(found["esd"]) and math.isnan(found["mean"])
    assert measure(Image.new("L", (1, 1)))["area"] == 0
