"""Opens images that strangers made: checked, upright, in eight bits; their thumbnails and measures."""

import io
import math

import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP")
MAX_PIXELS = 200_000_000
THUMBNAIL_SIDE_PX = 128
MEASURED_SIDE_PX = 1024
ORIENTATION = 0x0112
WHITE, BLACK = 255, 0

# How each EXIF orientation is undone (EXIF 2.32, tag 274).
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own limit warns at half of ours and is shared by the whole process: the check is made here instead,
# before a single pixel is decoded.
Image.MAX_IMAGE_PIXELS = None


class BadImage(ValueError):
    """A file that cannot be shown or embedded; its text is the reason, fit for people."""


def open_image(data: bytes, max_pixels: int = MAX_PIXELS, draft_px: int | None = None) -> Image.Image:
    """Decode the first frame of a file, turned upright as its EXIF orientation says.

    Returns a loaded Pillow image in the file's own mode, with `.format` set (of FORMATS; MPO for a JPEG of
    several frames). Raises BadImage if the file is empty, no image, of another format, damaged or cut short,
    or if it would have more than `max_pixels` pixels when decoded (the size is read from its head: a
    decompression bomb costs nothing). With `draft_px`, a JPEG of twice that side or more is decoded at a half, a
    quarter or an eighth of its size, never under `draft_px`, which costs that much less.
    """
    if not data:
        raise BadImage("the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise BadImage("not an image in a format that can be read (PNG, JPEG, GIF, TIFF, WebP, BMP)") from None
    except Exception as error:  # Pillow's readers raise anything on a broken head: struct.error, SyntaxError, ...
        raise BadImage(f"the image's head is damaged ({_plain(error)})") from None
    if draft_px:
        image.draft(None, (draft_px, draft_px))
    _check_size(image, max_pixels)
    try:
        image.load()
        return _upright(image)
    except MemoryError:
        raise BadImage(f"too large to decode: {image.width:,} x {image.height:,} pixels") from None
    except Exception as error:  # as above, on broken pixels
        raise BadImage(_reason(error)) from None


def to_rgb(image: Image.Image) -> Image.Image:
    """The image in mode RGB, 8 bits a channel.

    Grey of 16 bits is divided by the smallest range of 8, 10, 12, 14 or 16 bits that holds its brightest
    pixel, since cameras of 10 to 14 bits write 16; 32-bit and floating grey is stretched from its least to its
    greatest value. Transparent pixels are laid on the colour of the opaque border, or where the border is
    transparent on white (on black under a nearly white object, which would vanish).
    """
    flat = _eight_bits(image)
    return flat if flat.mode == "RGB" else flat.convert("RGB")


def to_grey(image: Image.Image) -> Image.Image:
    """The image in mode L, 8 bits: luma of ITU-R 601, after the same treatment as `to_rgb`."""
    flat = _eight_bits(image)
    return flat if flat.mode == "L" else flat.convert("L")


def thumbnail(image: Image.Image, side_px: int = THUMBNAIL_SIDE_PX) -> bytes:
    """A WebP of quality 80 whose longest side is at most `side_px`; smaller images keep their size."""
    small = _eight_bits(_fitted(image, side_px))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()


def measure(image: Image.Image) -> dict[str, float]:
    """Size, shape and grey of the one object that the image shows.

    The background is the median grey of the outermost pixels; what differs from it by more than Otsu's
    threshold (Otsu 1979, IEEE SMC 9:62) of those differences is the object, brighter or darker, in one piece or
    several. Returns `area` in pixels, `esd` (diameter of the circle of that area), `major` and `minor` (axes of
    the ellipse with the same second moments) in pixels, and `mean` and `std` of the object's grey, 0 to 255. An
    even image has area 0 and NaN for the rest. Images over 1,024 pixels a side are measured reduced by a whole
    factor, in pixels of the full image.
    """
    factor = max(1, math.ceil(max(image.size) / MEASURED_SIDE_PX))
    whole = to_grey(image)
    grey = np.asarray(whole.reduce(factor) if factor > 1 else whole)
    difference = np.abs(grey.astype(np.int16) - int(np.median(_border(grey))))
    mask = difference > _otsu(np.bincount(difference.ravel(), minlength=256))
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return {"area": 0.0} | dict.fromkeys(("esd", "major", "minor", "mean", "std"), math.nan)
    major, minor = _axes(rows, columns)
    values = grey[rows, columns]
    area = float(len(rows) * factor * factor)
    return {
        "area": area,
        "esd": 2 * math.sqrt(area / math.pi),
        "major": major * factor,
        "minor": minor * factor,
        "mean": float(values.mean()),
        "std": float(values.std()),
    }


def border_median(pixels: np.ndarray) -> np.ndarray:
    """Median of the outermost pixels of an array [height, width] or [height, width, channels]."""
    return np.median(_border(pixels), axis=0).astype(pixels.dtype)


def _check_size(image: Image.Image, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise BadImage(
            f"{image.width:,} x {image.height:,} pixels are more than the {max_pixels:,} allowed"
            " (cut the image into objects first)"
        )


def _upright(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    if turn is None:
        return image
    upright = image.transpose(turn)
    upright.format = image.format
    return upright


def _reason(error: Exception) -> str:
    text = _plain(error)
    if "truncated" in text or isinstance(error, EOFError):
        return "the file ends too early (it was cut short)"
    return f"the image is damaged ({text})"


def _plain(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image as L or RGB."""
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _scaled(image)
    if image.has_transparency_data:
        return _opaque(image.convert("RGBA"))
    return image.convert("L" if image.mode == "1" else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        bits = next(b for b in (8, 10, 12, 14, 16) if int(values.max()) < 1 << b)
        return Image.fromarray((values.astype(np.uint32) * 255 // ((1 << bits) - 1)).astype(np.uint8))
    values = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    return Image.fromarray(((values - low) * (255 / (high - low or 1.0))).round().astype(np.uint8))


def _opaque(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    alpha = pixels[..., 3]
    if alpha.min() == 255:
        return image.convert("RGB")
    border = _border(pixels)
    opaque = border[border[:, 3] >= 128]
    if 2 * len(opaque) >= len(border):
        background = np.median(opaque[:, :3], axis=0)
    else:
        shown = pixels[alpha >= 128][:, :3]
        background = BLACK if len(shown) and shown.mean() > 230 else WHITE
    share = alpha[..., None].astype(np.float32) / 255
    return Image.fromarray((pixels[..., :3] * share + background * (1 - share)).round().astype(np.uint8))


def _fitted(image: Image.Image, side_px: int) -> Image.Image:
    scale = side_px / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return _eight_bits(image).resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate((pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]))


def _otsu(histogram: np.ndarray) -> int:
    """The value that parts a histogram [256] into two classes with the greatest variance between them."""
    weight = np.cumsum(histogram, dtype=np.float64)
    moment = np.cumsum(histogram * np.arange(len(histogram)), dtype=np.float64)
    total, whole = weight[-1], moment[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (whole * weight / total - moment) ** 2 / (weight * (total - weight))
    return int(np.argmax(np.nan_to_num(between, nan=0.0, posinf=0.0)))


def _axes(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float]:
    """Axes of the ellipse with the second moments of these pixels; 1/12 is a pixel's own extent."""
    y, x = rows - rows.mean(), columns - columns.mean()
    yy, xx, xy = (y @ y) / len(y) + 1 / 12, (x @ x) / len(x) + 1 / 12, (x @ y) / len(x)
    middle, spread = (yy + xx) / 2, math.hypot((yy - xx) / 2, xy)
    return 4 * math.sqrt(middle + spread), 4 * math.sqrt(max(middle - spread, 0.0))
