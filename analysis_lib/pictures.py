"""A picture as every viewer shows it, or a refusal by its path.

Upright, as its orientation tag says; see-through parts over white; colours of its profile as sRGB; of an animation the
first frame. Where viewers show different things (values of more than 8 bits, other gammas, an orientation in notes that
only some read), the picture is refused: nobody could tell what a model was shown.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from analysis_lib.text import visible

__all__ = ["FORMATS", "existing_picture", "open_image", "picture_size"]

FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, told by content. Others start programs of their own, or take any bytes for a picture."""
ORIENTATION = 0x0112
ENOUGH = 4
"""Times the pixels needed: so much finer, a picture shrinks to the same whether its decoder has begun to or not."""
_TURNED = range(5, 9)
"""Orientations that exchange width and height."""
_CURE = "save it as an ordinary RGB picture or download it again"
_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.02
_SAME_COLOURS = 3.0
"""A profile that moves colours by less than this, of 255, is sRGB written by another hand."""
_BEGINNINGS = {
    b"version https://git-lfs": "it is a pointer of Git LFS; run `git lfs pull`",
    b"/annex/objects": "it is a pointer of git-annex; run `git annex get`",
    b"<": "it holds a page of text, such as a server's message; download it again",
    b"{": "it holds text, such as a server's message; download it again",
    b"%PDF": "it is a PDF; save its picture as PNG",
}
_UNREADABLE = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error, EOFError,
    ZeroDivisionError, AttributeError, Image.DecompressionBombError, ImageCms.PyCMSError,
)  # fmt: skip
"""What Pillow raises over damaged and hostile files."""


def open_image(path: str | Path, at_least: int | None = None) -> Image.Image:
    """Read a picture completely, as RGB, the way viewers show it.

    Parameters
    ----------
    path
        of the picture; a link is read under the name given.
    at_least
        pixels that the shorter side needs for what follows. A JPEG whose side is many times longer is decoded at
        half, a quarter or an eighth of its size, where at least four times the pixels needed are left.

    Raises
    ------
    FileNotFoundError
        no such file.
    ValueError
        not a picture, cut off, or shown differently by different viewers.
    """
    path = existing_picture(path)
    try:
        with _opened(path) as image:
            if at_least is not None and image.format == "JPEG":
                scale = min(image.size) / (ENOUGH * at_least)
                image.draft(None, (int(image.width / max(scale, 1)), int(image.height / max(scale, 1))))
            image.load()
            _refuse_ambiguous(image)
            return _over_white(_in_srgb(ImageOps.exif_transpose(image)))
    except _UNREADABLE as error:
        raise _refusal(path, error) from None


def picture_size(path: str | Path) -> tuple[int, int]:
    """Width and height of what `open_image` gives, read from the header.

    Raises
    ------
    FileNotFoundError, ValueError
        as `open_image`, as far as the header tells.
    """
    path = existing_picture(path)
    try:
        with _opened(path) as image:
            width, height = image.size
            turned = image.format != "TIFF" and _tag(image) in _TURNED
            return (height, width) if turned else (width, height)
    except _UNREADABLE as error:
        raise _refusal(path, error) from None


def existing_picture(path: str | Path) -> Path:
    """The path of a picture's file; ``FileNotFoundError`` where there is no file, or one that never ends."""
    path = Path(path)
    try:
        there, of_a_kind = path.exists(), path.is_file()
    except OSError as error:
        raise ValueError(f"picture {visible(path)[:300]} cannot be read ({error.strerror}); rename it") from None
    if not of_a_kind:
        what = "is missing: there is a folder or device of that name" if there else "is missing"
        raise FileNotFoundError(f"picture {visible(path)} {what}; put GQA's images/ folder beside the questions file")
    return path


def _refusal(path: Path, error: Exception) -> ValueError:
    try:
        with path.open("rb") as file:
            beginning = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if not beginning:
            return ValueError(f"picture {visible(path)} cannot be read (it is empty); {_CURE}")
        for signature, told in _BEGINNINGS.items():
            if beginning.startswith(signature):
                return ValueError(f"picture {visible(path)} cannot be read: {told}; or {_CURE}")
    except OSError as unreadable:
        error = unreadable
    return ValueError(f"picture {visible(path)} cannot be read ({visible(error)}); {_CURE}")


def _opened(path: Path) -> Image.Image:
    """The picture, its header read. Long notes in a PNG, which Pillow refuses, no viewer shows: they are left out."""
    try:
        return Image.open(path, formats=FORMATS)
    except ValueError as error:
        if not any(word in str(error) for word in ("MAX_TEXT_CHUNK", "text chunks")):
            raise
        return Image.open(io.BytesIO(_without_notes(path.read_bytes())), formats=FORMATS)


def _without_notes(png: bytes) -> bytes:
    """A PNG without its chunks of text; its end, cut or whole, stays as it is."""
    kept, place = [png[:8]], 8
    while place + 8 <= len(png):
        length, kind = int.from_bytes(png[place : place + 4]), png[place + 4 : place + 8]
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            kept.append(png[place : place + 12 + length])
        place += 12 + length
    return b"".join(kept)


def _refuse_ambiguous(image: Image.Image) -> None:
    if image.mode[0] in "IF":  # converting these clips every value above 255 to white
        raise OSError(f"its grey values have more than 8 bits, mode {image.mode}")
    if image.mode == "LAB":
        raise OSError("its colours are Lab values, which few viewers show")
    if image.info.get("default_image"):
        raise OSError("it is an animation whose first picture is only for those who cannot show animations")
    gamma = image.info.get("gamma")
    plain = "srgb" in image.info or "icc_profile" in image.info
    if gamma and not plain and abs(gamma - _GAMMA) > _GAMMA_TOLERANCE:
        raise OSError(f"its gamma is {gamma:.3g}, which only some viewers follow")
    if image.getexif().get(ORIENTATION, 1) != 1 and image.format != "TIFF" and _tag(image) is None:
        raise OSError("its orientation stands in notes that only some viewers read")


def _tag(image: Image.Image) -> int | None:
    """The orientation that the picture's own tags give, as far as they have been read."""
    tags = Image.Exif()
    tags.load(image.info.get("exif") or b"")
    return tags.get(ORIENTATION)


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture with its profile's colours as sRGB; without a profile, or with one that is no profile, as it is."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    flat = image.convert({"P": "RGBA" if image.has_transparency_data else "RGB", "1": "L"}.get(image.mode, image.mode))
    alpha = flat.getchannel("A") if flat.mode in ("RGBA", "LA") else None
    colours = flat.convert({"RGBA": "RGB", "LA": "L"}.get(flat.mode, flat.mode))
    transform = _to_srgb(profile, colours.mode)
    if transform is None:
        return image
    shown = ImageCms.applyTransform(colours, transform)
    if shown is None:
        return image
    if alpha is not None:
        shown.putalpha(alpha)
    elif "transparency" in colours.info:  # one colour of the file is see-through: it is gone once colours have changed
        shown.putalpha(flat.convert("RGBA").getchannel("A"))
    return shown


@lru_cache(maxsize=64)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What turns colours of a profile into sRGB; nothing where they are sRGB, or the profile is not one for them."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode == "CMYK":
            return transform
        steps = np.linspace(0, 255, 17).astype(np.uint8)
        grid = np.stack(np.meshgrid(*[steps] * 3), -1).reshape(17, -1, 3) if mode == "RGB" else steps[None]
        probe = Image.fromarray(np.ascontiguousarray(grid))
        shown = ImageCms.applyTransform(probe, transform)
        moved = np.abs(np.asarray(shown, float) - np.asarray(probe.convert("RGB"), float)).max()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return transform if moved > _SAME_COLOURS else None


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    seen = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
