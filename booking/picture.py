"""Pictures that hosts upload: judged by their content, turned upright, freed of metadata, made small, written anew.

Only pixels survive: whatever else the file carried (place, camera, comments, a second file behind the first) does not.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageCms

from booking.errors import Invalid, Problem

_MEGABYTES, _MEGAPIXELS = 8, 40
MOST_BYTES = _MEGABYTES * 1024**2
MOST_PIXELS = _MEGAPIXELS * 1_000_000
SMALLEST = (400, 200)
"""Width and height in pixels below which a picture is no use, once it has been scaled down."""
LARGEST = (1600, 1200)
QUALITY = 82

_FORMATS = ("JPEG", "PNG", "WEBP")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture of each EXIF orientation upright (EXIF 2.32, 4.6.4); from 5 on width and height change places."""
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, TypeError, LookupError, ArithmeticError, struct.error, zlib.error)
"""What Pillow raises when a file is not what it says."""


@dataclass(frozen=True)
class Picture:
    """A picture ready to be kept and shown: a progressive JPEG in sRGB. Sizes are in pixels."""

    content: bytes
    width: int
    height: int
    media_type: str = "image/jpeg"


def read_picture(source: bytes | BinaryIO) -> Picture:
    """The picture in an upload: JPEG, PNG or WebP, at most 8 MB and 40 megapixels; of a moving one the first frame.

    Raises `Invalid` for the field `picture`: `picture_unreadable`, `picture_too_large` or `picture_too_small`.
    """
    content = source if isinstance(source, bytes) else source.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise _too_large()
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise _too_large()
            upright = _upright(opened)
    except _BOMBS:
        raise _too_large() from None
    except _BROKEN:
        raise Invalid({"picture": Problem("picture_unreadable")}) from None
    if upright.width < SMALLEST[0] or upright.height < SMALLEST[1]:
        raise Invalid({"picture": Problem("picture_too_small", {"width": SMALLEST[0], "height": SMALLEST[1]})})
    return _written(upright)


def _too_large() -> Invalid:
    return Invalid({"picture": Problem("picture_too_large", {"megabytes": _MEGABYTES, "megapixels": _MEGAPIXELS})})


def _upright(opened: Image.Image) -> Image.Image:
    """The pixels, at the size they will be kept, as they are meant to be seen."""
    profile = opened.info.get("icc_profile")
    orientation = _orientation(opened)
    box = LARGEST[::-1] if orientation >= 5 else LARGEST
    if opened.format == "JPEG":
        opened.draft(None, box)  # the decoder itself may halve the size, which spares time and memory
    opened.load()
    image = _with_smooth_colours(opened)
    image.thumbnail(box, Image.Resampling.LANCZOS)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    return _on_white(_in_srgb(image, profile))


def _orientation(opened: Image.Image) -> int:
    """How the camera was held, 1 to 8. Broken metadata says nothing, and is no reason to refuse the pixels."""
    try:
        said = opened.getexif().get(_ORIENTATION)
    except _BROKEN:
        return 1
    return said if isinstance(said, int) and said in _TURNS else 1


def _with_smooth_colours(image: Image.Image) -> Image.Image:
    """Pixels that can be scaled without jagged edges: palettes spelled out, 16 bits a channel reduced to 8."""
    if image.mode.startswith("I"):
        return image.convert("F").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in {"L", "RGB", "CMYK"} and "transparency" not in image.info:
        return image
    return image.convert("RGBA")


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Colours as every screen shows them. A telephone's wider profile would go with the metadata."""
    if not isinstance(profile, bytes):
        return image
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, *_BROKEN):
        return image  # a broken profile, or one for another kind of colours, is as good as none
    if converted is None:
        return image
    if alpha:
        converted.putalpha(alpha)
    return converted


def _on_white(image: Image.Image) -> Image.Image:
    """A new picture that shares nothing with the old but its pixels; what was transparent is white."""
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(image.convert("RGB"), mask=image.getchannel("A") if image.mode == "RGBA" else None)
    return canvas


def _written(image: Image.Image) -> Picture:
    written = BytesIO()
    image.save(written, "JPEG", quality=QUALITY, progressive=True, optimize=True)
    return Picture(written.getvalue(), image.width, image.height)
