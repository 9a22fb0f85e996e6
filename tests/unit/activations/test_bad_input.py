"""What people feed it: odd pictures, too long and empty texts. Right numbers, or a refusal that names the cure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tokenizers.normalizers import Replace

from analysis_lib.activations import CONDITIONS, Condition, Knockout, extract, get_condition
from analysis_lib.models import SPAN_NAMES, VisionLanguageModel, load_model, prepare
from tests.unit.activations.folders import contents
from tests.unit.models.tiny import questions_table


def odd_pictures(folder: Path) -> list[str]:
    """Greyscale, with transparency, CMYK, animated, one pixel."""
    shades = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    shades.convert("L").save(folder / "grey.png")
    shades.convert("RGBA").save(folder / "clear.png")
    shades.convert("CMYK").save(folder / "cmyk.jpg")
    shades.save(folder / "moving.gif", save_all=True, append_images=[shades.rotate(90), shades.rotate(180)])
    Image.new("RGB", (1, 1), "red").save(folder / "pixel.png")
    return [str(folder / name) for name in ("grey.png", "clear.png", "cmyk.jpg", "moving.gif", "pixel.png")]


def test_odd_pictures_give_under_lockstep_what_they_give_alone(
    vlm: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    table = questions.assign(image=odd_pictures(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "none of the .* questions of .* is answered correctly")  # weights are random
        together = extract(vlm, table, list(CONDITIONS))
    alone = extract(vlm, table, list(CONDITIONS), batch_size=1, backend="reference")
    for name in ("vision", "language", "prediction_hidden"):
        scale = np.abs(alone[name].values).max()
        assert np.abs(together[name].values - alone[name].values).max() / scale < 5e-6


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(3000, 2000), (10_000, 1)])
def test_a_huge_picture_is_an_ordinary_one(
    one_model: VisionLanguageModel,
    questions: pd.DataFrame,
    tmp_path: Path,
    size: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Larger than Pillow lets pass without a warning, whose limit is lowered: 90 megapixels take long to make."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", size[0] * size[1] * 2 // 3)
    huge, small = tmp_path / "huge.png", tmp_path / "small.png"
    Image.new("L", size, 90).save(huge, compress_level=1)
    Image.new("L", (32, 32), 90).save(small)
    found, expected = (extract(one_model, questions[:1].assign(image=str(path))) for path in (huge, small))
    np.testing.assert_allclose(found["vision"].values, expected["vision"].values, rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_picture_beyond_what_is_safe_to_unpack_is_refused(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="cannot be read .*decompression bomb"):
        extract(one_model, questions)


def test_a_question_longer_than_the_context_is_refused_before_anything_runs(
    vlm: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    table = questions.copy()
    table.loc[3, "question"] = "Is the box red or blue? " * 60
    with pytest.raises(
        ValueError, match=r"question q3 makes a prompt of \d+ tokens, but .* reads at most 300; shorten it"
    ):
        extract(vlm, table, store=tmp_path / "store", batch_size=1)
    assert not list(tmp_path.iterdir())


def test_the_longest_prompt_that_fits_runs(vlm: VisionLanguageModel, questions: pd.DataFrame) -> None:
    one_word = questions[:1].assign(question="red")
    room = (vlm.context_length or 0) - prepare(vlm, one_word).length
    longest = one_word.assign(question=" ".join(["red"] * (1 + room)))
    assert np.isfinite(extract(vlm, longest)["language"].values).all()
    with pytest.raises(ValueError, match="makes a prompt of 301 tokens, but .* reads at most 300"):
        extract(vlm, longest.assign(question=longest["question"] + " red"))


def test_a_question_that_leaves_no_token_is_refused_before_anything_is_written(
    tiny_folders: dict[str, Path], questions: pd.DataFrame, tmp_path: Path
) -> None:
    """As with tokenizers that normalize away what they do not know."""
    forgetful = load_model(tiny_folders["llava"], device="cpu")
    forgetful.tokenizer.backend_tokenizer.normalizer = Replace("?", "")
    table = questions.assign(question=[*questions["question"][:4], "???"])
    with pytest.raises(ValueError, match=r"question q4 \('\?\?\?'\): the question .* is not found among the tokens"):
        extract(forgetful, table, store=tmp_path / "store")
    assert not list(tmp_path.iterdir())


NOTHING_LEFT = Condition("nothing left", tuple(Knockout(name, "question") for name in SPAN_NAMES[:4]))


def replace_on_mismatch(vlm: VisionLanguageModel, table: pd.DataFrame, store: Path) -> None:
    extract(vlm, table, [NOTHING_LEFT], store=store, on_mismatch="replace")


@pytest.mark.parametrize("backend", ["lockstep", "reference"])
def test_a_knockout_that_blinds_a_position_is_refused_before_anything_is_written(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, backend: str
) -> None:
    complaint = (
        r"'nothing left' leaves \d+ positions \(in question; 4 of 4 prompts\) with nothing to read but themselves"
    )
    with pytest.raises(ValueError, match=complaint):
        extract(one_model, questions, ["baseline", NOTHING_LEFT], store=tmp_path / "store", backend=backend)
    assert not list(tmp_path.iterdir())


def test_control_tokens_anywhere_are_refused_before_anything_is_written(
    one_model: VisionLanguageModel, tmp_path: Path
) -> None:
    table = questions_table(tmp_path / "pictures", 9)
    table.loc[3, "question"] = "Is </s> red?"
    with pytest.raises(ValueError, match=r"question q3 .* contains the tokenizer's control tokens </s>; remove"):
        extract(one_model, table, store=tmp_path / "store", batch_size=1)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_what_is_refused_replaces_no_store(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    extract(one_model, questions, ["baseline"], store=tmp_path / "store")
    before = contents(tmp_path)
    long, cut = questions.assign(question="Is it red? " * 99), questions.assign(question="Is </s> red?")
    for table, complaint in ((questions, "nothing to read"), (long, "reads at most"), (cut, "control tokens")):
        with pytest.raises(ValueError, match=complaint):
            replace_on_mismatch(one_model, table, tmp_path / "store")
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: get_condition(Knockout("image", "last")), r"needs a name to be a condition: Condition\('my knockout'"),  # type: ignore[arg-type]
        (
            lambda: Condition("mine", ("paper",)),
            "condition 'mine' holds 'paper'; it takes Knockout, RandomEdges, KeepOnly",
        ),  # type: ignore[arg-type]
        (lambda: Knockout("image", "last", 3), r"layers is 3; give several, such as \(3,\), or None for all"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_condition_is_refused_with_how_to_write_it(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        make()


def test_a_knockout_alone_or_in_a_list_is_meant_as_a_tuple() -> None:
    knockout = Knockout("image", "last")
    one, listed = Condition("x", knockout), Condition("x", [knockout])  # type: ignore[arg-type]
    assert one == listed == Condition("x", (knockout,)) and hash(one) == hash(listed)


@pytest.mark.parametrize("answer", ["", "  "])
def test_an_empty_answer_is_refused(one_model: VisionLanguageModel, questions: pd.DataFrame, answer: str) -> None:
    with pytest.raises(ValueError, match="empty answer|adds no token"):
        extract(one_model, questions.assign(answer=answer))
