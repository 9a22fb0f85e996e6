"""Pictures as viewers show them: turned, see-through, profiled, annotated, huge; where viewers differ, a refusal."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageCms, PngImagePlugin

from analysis_lib.models import VisionLanguageModel, portions, prepare
from analysis_lib.pictures import open_image, picture_size

FLAT = np.kron(np.random.default_rng(0).integers(0, 256, (3, 5, 3)), np.ones((16, 16, 1))).astype(np.uint8)
PICTURE = Image.fromarray(FLAT)
TURN = Image.Transpose
STORED = {  # what is stored under each tag, so that a viewer shows the picture
    1: None, 2: TURN.FLIP_LEFT_RIGHT, 3: TURN.ROTATE_180, 4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE, 6: TURN.ROTATE_90, 7: TURN.TRANSVERSE, 8: TURN.ROTATE_270,
}  # fmt: skip
FORMATS: dict[str, dict[str, Any]] = {
    ".jpg": {"quality": 95}, ".png": {}, ".webp": {"lossless": True}, ".tif": {}, ".avif": {"quality": 95}
}  # fmt: skip


def pixels(path: Path) -> np.ndarray:
    return np.asarray(open_image(path)).astype(int)


def tagged(tag: Any) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = tag
    return exif


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("tag", STORED)
def test_a_picture_is_upright_whichever_way_the_camera_was_held(tmp_path: Path, tag: int, suffix: str) -> None:
    turn = STORED[tag]
    stored = PICTURE if turn is None else PICTURE.transpose(turn)
    stored.save(tmp_path / f"a{suffix}", exif=tagged(tag), **FORMATS[suffix])
    assert picture_size(tmp_path / f"a{suffix}") == PICTURE.size
    assert np.abs(pixels(tmp_path / f"a{suffix}") - FLAT).mean() < 5


@pytest.mark.parametrize("tag", [0, 9, 65535])
def test_a_tag_that_says_nothing_turns_nothing(tmp_path: Path, tag: int) -> None:
    PICTURE.save(tmp_path / "a.png", exif=tagged(tag))
    assert (pixels(tmp_path / "a.png") == FLAT).all()


def test_an_orientation_that_only_some_viewers_read_is_refused(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    PICTURE.save(tmp_path / "a.jpg", xmp=xmp)
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read .*notes that only some viewers read"):
        open_image(tmp_path / "a.jpg")
    PICTURE.transpose(TURN.ROTATE_90).save(tmp_path / "b.jpg", xmp=xmp, exif=tagged(6), quality=95)
    assert np.abs(pixels(tmp_path / "b.jpg") - FLAT).mean() < 5


def half() -> np.ndarray:
    alpha = np.full((*FLAT.shape[:2], 1), 255, np.uint8)
    alpha[:, :40] = 0
    return alpha


def see_through(mode: str, folder: Path) -> Path:
    """The left half cannot be seen; what is stored there is black or garish."""
    path = folder / "a.png"
    rgba = Image.fromarray(np.concatenate([FLAT, half()], 2))
    if mode == "P, a table":
        paletted = PICTURE.quantize(15)
        entries = np.asarray(paletted) + 0
        entries[:, :40] = 15
        out = Image.fromarray(entries.astype(np.uint8), "P")
        out.putpalette([*paletted.getpalette()[:45], 255, 0, 255])
        out.save(path, transparency=bytes([255] * 15 + [0]))
    elif mode == "RGB, one colour":
        colours = FLAT.copy()
        colours[:, :40] = (1, 2, 3)
        Image.fromarray(colours).save(path, transparency=(1, 2, 3))
    elif mode == "WebP":
        path = folder / "a.webp"
        rgba.save(path, lossless=True)
    elif mode == "GIF":
        path = folder / "a.gif"
        rgba.save(path)
    elif mode == "LA":
        rgba.convert("LA").save(path)
    elif mode == "TIFF":
        path = folder / "a.tif"
        rgba.save(path)
    elif mode == "16 bits":
        deep = np.concatenate([FLAT, half()], 2).astype(">u2") * 257
        lines = b"".join(b"\x00" + row.tobytes() for row in deep)
        header = struct.pack(">IIBBBBB", FLAT.shape[1], FLAT.shape[0], 16, 6, 0, 0, 0)
        path.write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")))
    else:
        rgba.save(path)
    return path


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P, a table", "RGB, one colour", "WebP", "GIF", "TIFF", "16 bits"])
def test_what_is_see_through_is_white(tmp_path: Path, mode: str) -> None:
    found = pixels(see_through(mode, tmp_path))
    assert (found[:, :40] == 255).all()
    expected = np.asarray(PICTURE.convert("L").convert("RGB")) if mode == "LA" else FLAT
    assert np.abs(found[:, 40:] - expected[:, 40:]).mean() <= (25 if mode in ("GIF", "P, a table") else 0)


def swapped_profile() -> bytes:
    """A valid profile under which red and blue change places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132])
    tags = {profile[132 + 12 * i : 136 + 12 * i].decode(): 132 + 12 * i for i in range(count)}
    red, blue = tags["rXYZ"], tags["bXYZ"]
    first, second = slice(red + 4, red + 12), slice(blue + 4, blue + 12)
    profile[first], profile[second] = profile[second], profile[first]
    return bytes(profile)


def test_colours_of_a_profile_are_shown_and_those_of_srgb_stay(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    PICTURE.save(tmp_path / "same.png", icc_profile=srgb)
    assert (pixels(tmp_path / "same.png") == FLAT).all()
    Image.new("RGB", (8, 8), (255, 0, 0)).save(tmp_path / "swapped.png", icc_profile=swapped_profile())
    assert np.abs(pixels(tmp_path / "swapped.png") - (0, 0, 255)).max() <= 3, "red and blue change places"
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (4, 0, 8, 8))
    clear.save(tmp_path / "clear.png", icc_profile=swapped_profile())
    found = pixels(tmp_path / "clear.png")
    assert (found[:, :4] == 255).all() and np.abs(found[:, 4:] - (0, 0, 255)).max() <= 3


@pytest.mark.parametrize("profile", [b"no profile", b"\x00" * 200])
def test_a_broken_profile_is_left_out_as_viewers_do(tmp_path: Path, profile: bytes) -> None:
    PICTURE.save(tmp_path / "a.png", icc_profile=profile)
    assert (pixels(tmp_path / "a.png") == FLAT).all()


def test_inverted_and_plain_cmyk_show_the_same(tmp_path: Path) -> None:
    PICTURE.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    PICTURE.convert("CMYK").save(tmp_path / "a.tif")
    assert (pixels(tmp_path / "a.tif") == FLAT).all()
    assert np.abs(pixels(tmp_path / "a.jpg") - FLAT).mean() < 6


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "many"])
def test_long_notes_in_a_picture_change_nothing(tmp_path: Path, kind: str) -> None:
    notes = PngImagePlugin.PngInfo()
    long = "x" * 3_000_000
    if kind == "iTXt":
        notes.add_itxt("Comment", long, zip=True)
    else:
        for number in range(30 if kind == "many" else 1):
            notes.add_text(f"Comment {number}", long, zip=kind != "tEXt")
    PICTURE.save(tmp_path / "a.png", pnginfo=notes, exif=tagged(1))
    assert (pixels(tmp_path / "a.png") == FLAT).all()
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[:-200])
    with pytest.raises(ValueError, match=r"a\.png cannot be read"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "git lfs pull"),
        (b"/annex/objects/SHA256E-s1--00.jpg\n", "git annex get"),
        (b"<!DOCTYPE html><title>Not found</title>", "a page of text"),
        (b'\xef\xbb\xbf {"error": 404}', "holds text"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "save it as an ordinary"),
        (b"\x00\x00\x02" + b"\x00" * 40, "save it as an ordinary"),
    ],
)
def test_what_is_no_picture_is_named_for_what_it_is(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    for read in (open_image, picture_size):
        with pytest.raises(ValueError, match=rf"picture .*a\.jpg cannot be read.*{told}.*download it again"):
            read(tmp_path / "a.jpg")


def linear(image: Image.Image, path: Path) -> None:
    image.save(path)
    whole = path.read_bytes()
    gamma = png((b"gAMA", struct.pack(">I", 100_000)))[8:]
    path.write_bytes(whole[:33] + gamma + whole[33:])


@pytest.mark.parametrize(
    ("save", "told"),
    [
        (lambda path: Image.fromarray(np.full((4, 4), 30000, np.uint16)).save(path), "more than 8 bits"),
        (lambda path: Image.fromarray(np.full((4, 4), 0.5, np.float32)).save(path, "TIFF"), "more than 8 bits"),
        (lambda path: Image.new("LAB", (4, 4)).save(path, "TIFF"), "Lab values"),
        (lambda path: linear(PICTURE, path), "gamma is 1"),
        (
            lambda path: PICTURE.save(path, save_all=True, append_images=[PICTURE.rotate(180)] * 2, default_image=True),
            "an animation whose first picture",
        ),
    ],
)
def test_what_viewers_show_differently_is_refused(tmp_path: Path, save: Callable[[Path], None], told: str) -> None:
    save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png cannot be read .*{told}"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_of_an_animation_the_first_frame_is_shown(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:])
    assert np.abs(pixels(tmp_path / f"a{suffix}") - (255, 0, 0)).max() < 8


def test_a_link_and_a_wrong_suffix_are_read_by_content(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "object-without-suffix", "PNG")
    (tmp_path / "a.jpg").symlink_to("object-without-suffix")
    assert (pixels(tmp_path / "a.jpg") == FLAT).all()
    (tmp_path / "lost.jpg").symlink_to("nowhere")
    with pytest.raises(FileNotFoundError, match=r"lost\.jpg is missing"):
        open_image(tmp_path / "lost.jpg")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path, tmp_path / "pipe.jpg", tmp_path / ("n" * 400), tmp_path / "a\x00b.jpg"):
        with pytest.raises((FileNotFoundError, ValueError), match="picture .* is missing|cannot be read"):
            open_image(path)


def test_photographs_are_prepared_few_at_a_time_and_give_what_they_give_together(
    tiny: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [(40, 30), (30, 90), (200, 100), (16, 16)]
    noise = np.random.default_rng(0)
    for number, (width, height) in enumerate(sizes):
        pixels = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    table = pd.concat([questions[:4]] * 2).assign(image=[str(tmp_path / f"{number % 4}.png") for number in range(8)])
    together = prepare(tiny, table)
    called: list[int] = []
    process = type(tiny.processor).__call__

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        called.append(len(kwargs["images"]))
        return process(self, *args, **kwargs)

    monkeypatch.setattr(type(tiny.processor), "__call__", counting)
    monkeypatch.setattr(portions, "MOST_PIXELS", 10_000)
    apart = prepare(tiny, table)
    assert len(called) > 3 and sum(called) == 8
    assert together.spans == apart.spans and together.inputs.keys() == apart.inputs.keys()
    for name, values in together.inputs.items():
        assert torch.equal(values, apart.inputs[name]), name


def test_a_photograph_is_decoded_small_where_it_is_shrunk_anyway(tmp_path: Path) -> None:
    smooth = Image.fromarray(FLAT).resize((3000, 2000), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=92)
    whole, small = open_image(tmp_path / "a.jpg"), open_image(tmp_path / "a.jpg", 64)
    assert whole.size == (3000, 2000) and 4 * 64 <= min(small.size) < 600
    shown = [np.asarray(one.resize((96, 64), Image.Resampling.BICUBIC), float) for one in (whole, small)]
    assert np.abs(shown[0] - shown[1]).max() <= 3
    assert open_image(tmp_path / "a.jpg", 600).size == (3000, 2000), "not many times larger than needed"
    buffer = io.BytesIO()
    smooth.save(buffer, "JPEG", exif=tagged(6))
    (tmp_path / "turned.jpg").write_bytes(buffer.getvalue())
    turned = open_image(tmp_path / "turned.jpg", 64)
    assert turned.height > turned.width and picture_size(tmp_path / "turned.jpg") == (2000, 3000)
