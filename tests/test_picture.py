"""Uploaded pictures: what is taken, what is refused, and what is left of them."""

from __future__ import annotations

import random
import struct
import time
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from booking.errors import Invalid
from booking.picture import MOST_BYTES, read_picture


def saved(image: Image.Image, kind: str = "JPEG", **more: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, kind, **more)
    return stream.getvalue()


def halves(size: tuple[int, int] = (800, 600), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new(mode, size, "blue")
    image.paste(Image.new(mode, (size[0] // 2, size[1]), "red"))
    return image


def shown(content: bytes) -> Image.Image:
    picture = read_picture(content)
    image = Image.open(BytesIO(picture.content))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (picture.width, picture.height))
    assert picture.media_type == "image/jpeg"
    image.load()
    return image


def near(image: Image.Image, at: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return all(abs(a - b) < 12 for a, b in zip(found, colour, strict=True))


def refused(content: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        read_picture(content)
    return caught.value.fields["picture"].code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_three_formats_are_read_by_content_and_made_a_progressive_jpeg(kind: str) -> None:
    image = shown(saved(halves(), kind))
    assert image.size == (800, 600)
    assert image.info["progressive"]
    assert near(image, (50, 300), (254, 0, 0))
    assert near(image, (750, 300), (0, 0, 254))
    assert read_picture(BytesIO(saved(halves(), kind))).width == 800


@pytest.mark.parametrize(
    ("size", "expected"),
    [((4000, 3000), (1600, 1200)), ((4000, 1500), (1600, 600)), ((900, 3600), None), ((1200, 2400), (600, 1200))],
)
def test_a_large_picture_is_scaled_down_and_keeps_its_shape(size: tuple[int, int], expected: tuple[int, int] | None) -> None:
    content = saved(Image.new("RGB", size, "green"))
    if expected:
        assert shown(content).size == expected
    else:
        assert refused(content) == "picture_too_small", "so narrow that 300 pixels of width are left"


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (800, 600), (50, 300)),
        (2, (800, 600), (750, 300)),
        (4, (800, 600), (50, 300)),
        (5, (600, 800), (300, 50)),
        (7, (600, 800), (300, 750)),
        (3, (800, 600), (750, 300)),
        (6, (600, 800), (300, 50)),
        (8, (600, 800), (300, 750)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(kind: str, orientation: int, size: tuple[int, int], red_at: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = shown(saved(halves(), kind, exif=exif))
    assert image.size == size
    assert near(image, red_at, (254, 0, 0))


def test_broken_metadata_is_no_reason_to_refuse() -> None:
    for broken in (b"Exif\0\0II*\0", b"Exif\0\0nonsense", b"nonsense"):
        assert shown(saved(halves(), exif=broken)).size == (800, 600)
    wild = Image.Exif()
    wild[0x0112] = 77
    assert shown(saved(halves(), exif=wild)).size == (800, 600)


def test_a_large_picture_that_lies_on_its_side_fills_the_frame() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert shown(saved(halves((3000, 4000)), exif=exif)).size == (1600, 1200)


def test_nothing_but_pixels_is_left() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    exif.get_ifd(0x8825)[2] = (48.0, 56.0, 0.0)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SECRET")
    for content in (
        saved(halves(), exif=exif, comment=b"SECRET", xmp=b"<x>SECRET</x>") + b"<script>SECRET</script>",
        saved(halves(), "PNG", exif=exif, pnginfo=text) + b"SECRET",
        saved(halves(), "WEBP", exif=exif, xmp=b"SECRET"),
    ):
        assert b"SECRET" in content
        picture = read_picture(content)
        assert b"SECRET" not in picture.content
        assert set(Image.open(BytesIO(picture.content)).info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }


def test_transparent_parts_become_white() -> None:
    clear = Image.new("RGBA", (500, 300), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 250, 300))
    for content in (saved(clear, "PNG"), saved(clear, "WEBP", lossless=True), saved(clear.quantize(8), "PNG")):
        image = shown(content)
        assert near(image, (450, 150), (255, 255, 255))
        assert near(image, (100, 150), (0, 0, 254))
    keyed = saved(Image.new("RGB", (500, 300), "red"), "PNG", transparency=(255, 0, 0))
    assert near(shown(keyed), (5, 5), (255, 255, 255))
    assert near(shown(saved(Image.new("LA", (500, 300), (0, 0)), "PNG")), (5, 5), (255, 255, 255))


def test_grey_sixteen_bits_print_colours_and_one_bit_are_read() -> None:
    assert near(shown(saved(Image.new("L", (500, 300), 128))), (5, 5), (128, 128, 128))
    assert near(shown(saved(Image.new("I;16", (500, 300), 32896), "PNG")), (5, 5), (128, 128, 128))
    assert near(shown(saved(Image.new("CMYK", (500, 300), (255, 255, 0, 0)))), (5, 5), (0, 0, 254))
    assert near(shown(saved(Image.new("1", (500, 300), 1), "PNG")), (5, 5), (255, 255, 255))


def test_colours_of_another_profile_are_converted_and_a_broken_profile_is_ignored() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, srgb, b"nonsense"):
        for content in (saved(halves(), icc_profile=profile), saved(halves(mode="RGBA"), "PNG", icc_profile=profile)):
            image = shown(content)
            assert near(image, (50, 300), (254, 0, 0))
            assert "icc_profile" not in image.info
    swapped = srgb.replace(b"rXYZ", b"tmpZ").replace(b"bXYZ", b"rXYZ").replace(b"tmpZ", b"bXYZ")
    assert near(shown(saved(halves(), icc_profile=swapped)), (50, 300), (0, 0, 254)), "a profile that calls red blue is followed"


def test_a_moving_picture_stands_still() -> None:
    frames = saved(halves(), "WEBP", save_all=True, append_images=[Image.new("RGB", (800, 600), "green")])
    assert near(shown(frames), (50, 300), (254, 0, 0))


@pytest.mark.parametrize("size", [(399, 600), (800, 199), (1, 1)])
def test_a_small_picture_is_refused(size: tuple[int, int]) -> None:
    assert refused(saved(Image.new("RGB", size), "PNG")) == "picture_too_small"
    assert shown(saved(Image.new("RGB", (400, 200)), "PNG")).size == (400, 200)


def test_what_is_no_picture_is_unreadable() -> None:
    whole = saved(halves())
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='800' height='600'/>"
    for content in (
        b"",
        b"GIF89a",
        svg,
        b"%PDF-1.7",
        whole[: len(whole) // 2],
        whole[:30],
        saved(halves(), "GIF"),
        saved(halves(), "TIFF"),
        saved(halves(), "BMP"),
    ):
        assert refused(content) == "picture_unreadable"


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is so large, with hardly any data behind it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 5001), (10_000, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_before_it_goes_off(size: tuple[int, int]) -> None:
    begun = time.perf_counter()
    assert refused(png_of(*size)) == "picture_too_large"
    assert time.perf_counter() - begun < 0.5


def test_more_than_eight_megabytes_are_refused_and_not_read_on() -> None:
    stream = BytesIO(saved(halves()) + b"\0" * MOST_BYTES * 2)
    with pytest.raises(Invalid) as caught:
        read_picture(stream)
    assert caught.value.fields["picture"].code == "picture_too_large"
    assert stream.tell() == MOST_BYTES + 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow mentions what it skips
def test_damaged_files_are_refused_or_read_but_never_break_anything() -> None:
    chance = random.Random(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP"):
        whole = saved(halves((420, 220)), kind, exif=exif, icc_profile=profile)
        for _ in range(60):
            damaged = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                damaged[chance.randrange(len(damaged) if chance.random() < 0.5 else 200)] = chance.randrange(256)
            with suppress(Invalid):
                assert read_picture(bytes(damaged)).width >= 200
