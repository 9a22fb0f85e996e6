"""Pictures: every ordinary kind becomes RGB, every broken one is refused by its path, none is misread silently."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis_lib.activations import extract
from analysis_lib.models import VisionLanguageModel, prepare
from analysis_lib.models.images import open_image

SHADES = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)


def over_white() -> np.ndarray:
    """The shades under their own red as transparency, on a white page."""
    alpha = SHADES[..., :1] / 255
    return SHADES * alpha + 255 * (1 - alpha)


def save(folder: Path, mode: str, suffix: str) -> Path:
    path = folder / f"picture{suffix}"
    picture = Image.fromarray(SHADES).convert("RGB")
    if mode == "RGBA":
        picture.putalpha(Image.fromarray(SHADES[..., 0]))
    elif mode == "LA":
        picture = picture.convert("L")
        picture.putalpha(77)
    else:
        picture = picture.convert(mode)
    picture.save(path)
    return path


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("RGB", ".png", 0),
        ("RGB", ".bmp", 0),
        ("RGB", ".jpg", 3),
        ("RGBA", ".png", 1),
        ("CMYK", ".jpg", 3),
        ("CMYK", ".tiff", 0),
        ("YCbCr", ".tiff", 2),
        ("P", ".png", 40),
        ("P", ".gif", 40),
    ],
)
def test_every_colour_mode_shows_the_same_colours(tmp_path: Path, mode: str, suffix: str, tolerance: int) -> None:
    picture = open_image(save(tmp_path, mode, suffix))
    assert picture.mode == "RGB" and picture.size == (40, 30)
    assert np.abs(np.asarray(picture).astype(int) - (over_white() if mode == "RGBA" else SHADES)).mean() <= tolerance


@pytest.mark.parametrize(("mode", "suffix"), [("L", ".png"), ("L", ".jpg"), ("LA", ".png"), ("1", ".png")])
def test_greyscale_becomes_three_equal_channels(tmp_path: Path, mode: str, suffix: str) -> None:
    pixels = np.asarray(open_image(save(tmp_path, mode, suffix))).astype(int)
    assert pixels.shape == (30, 40, 3) and (np.ptp(pixels, axis=2) <= 1).all()
    mean = SHADES.mean() if mode != "LA" else SHADES.mean() * 77 / 255 + 255 - 77
    assert abs(pixels.mean() - mean) < 3


def test_an_animation_shows_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert (np.asarray(open_image(tmp_path / "moving.gif")) == [255, 0, 0]).all()


def test_a_missing_picture_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg is missing; put GQA's images/ folder"):
        open_image(tmp_path / "nowhere.jpg")
    with pytest.raises(FileNotFoundError, match="is missing"):
        open_image(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"])
def test_bytes_that_are_no_picture_are_refused_by_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"picture .*broken\.png cannot be read .*download it again"):
        open_image(tmp_path / "broken.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".bmp"])
def test_a_truncated_picture_is_refused_wherever_it_ends(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole{suffix}")
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for share in (0.01, 0.1, 0.3, 0.6, 0.9):
        cut.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ValueError, match="cannot be read"):
            open_image(cut)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp"])
def test_damaged_bytes_give_a_picture_or_a_named_refusal(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(SHADES).save(tmp_path / f"whole{suffix}")
    whole = (tmp_path / f"whole{suffix}").read_bytes()
    damaged, rng = tmp_path / f"damaged{suffix}", random.Random(1)
    for _ in range(120):
        content = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(min(len(content), rng.choice((40, 4000))))] = rng.randrange(256)
        damaged.write_bytes(content)
        try:
            assert open_image(damaged).mode == "RGB"
        except ValueError as error:
            assert str(damaged) in str(error)


def test_deeper_grey_values_are_refused_rather_than_clipped_to_white(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), 30000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="more than 8 bits, mode I"):
        open_image(tmp_path / "deep.png")


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (300, 2)])
def test_a_picture_of_any_shape_can_be_asked_about(
    tiny: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, size: tuple[int, int]
) -> None:
    Image.new("RGB", size, "red").save(tmp_path / "odd.png")
    table = pd.concat([questions[:1].assign(image=str(tmp_path / "odd.png")), questions[1:2]])
    batch = prepare(tiny, table)
    assert batch.inputs["pixel_values"].isfinite().all()
    result = extract(tiny, table, ["baseline"])
    assert np.isfinite(result["vision"].values).all() and np.isfinite(result["answer_logits"].values).all()


def test_every_kind_of_picture_goes_through_the_processor(
    tiny: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    kinds = [("L", ".png"), ("RGBA", ".png"), ("CMYK", ".jpg"), ("P", ".gif"), ("1", ".png")]
    for number, (mode, suffix) in enumerate(kinds):
        (tmp_path / str(number)).mkdir()
        save(tmp_path / str(number), mode, suffix)
    paths = [str(tmp_path / str(number) / f"picture{suffix}") for number, (_, suffix) in enumerate(kinds)]
    pixels = prepare(tiny, questions.assign(image=paths)).inputs["pixel_values"]
    assert pixels.shape[0] == len(kinds) and pixels.isfinite().all()
