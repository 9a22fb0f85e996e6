"""The smol-llava that ships: whole, as good as its report says, and the same for whoever loads it by name."""

from __future__ import annotations

import pytest

from analysis_lib.activations import extract
from analysis_lib.models import load_model
from analysis_lib.tasks import TASKS, load_questions
from analysis_lib.worlds.smol.assembly import CHECKPOINT, smol_training_report
from analysis_lib.worlds.smol.pretrained_decoder import DecoderMissingError, decoder_path

MEGABYTE = 10**6


def test_the_report_holds_accuracies_above_the_bars_and_none_without_the_picture() -> None:
    report = smol_training_report()
    seeing, blind = report["accuracy"], report["hidden_accuracy"]
    assert report["complete"] and set(TASKS) <= set(seeing)
    assert min(seeing[task] for task in TASKS) >= 0.95
    chance = dict.fromkeys(TASKS, 0.5) | {"QueryAttr": 0.3}
    assert all(abs(blind[task] - chance[task]) < 0.05 for task in TASKS), "words tell what the dial lets them tell"


def test_what_ships_is_small() -> None:
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) < 20 * MEGABYTE


@pytest.mark.slow
def test_it_answers_questions_that_it_has_not_seen() -> None:
    try:
        decoder_path()
    except DecoderMissingError as error:
        pytest.skip(str(error))
    vlm = load_model("smol-llava", device="cpu")
    for task in TASKS:
        found = extract(vlm, load_questions("smolgqa", task, n=16), ["baseline"])
        assert float(found["correct"].mean()) >= 0.9, task
