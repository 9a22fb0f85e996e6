"""The picture against the words: hidden pictures change nothing, beliefs obey their bound, damage is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis_lib.digests import file_digest
from analysis_lib.experiments import contradiction as experiment
from analysis_lib.experiments.contradiction import shipped, state_readings
from analysis_lib.experiments.contradiction.blind_priors import believed_by_decoder, believed_when_hidden
from analysis_lib.models import VisionLanguageModel
from analysis_lib.models.prompts import chat_prompt
from analysis_lib.records import DamagedError
from analysis_lib.worlds.smol.color_contrasts import write_color_contrasts
from analysis_lib.worlds.smol.pretrained_decoder import IMAGE_TOKEN
from analysis_lib.worlds.smol.smol_llava import build_llava, build_processor, llava_config, tower_config
from analysis_lib.worlds.smol.things import COLORS, NAMES, NATURAL
from analysis_lib.worlds.smol.truth import open_color_truth
from tests.unit.worlds.smol.conftest import one_thread, tiny_decoder, tokenizer  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def tiny(tokenizer: Any) -> VisionLanguageModel:  # noqa: F811
    """A random smol-llava of the real one's classes."""
    decoder = tiny_decoder(len(tokenizer), spread=0.3)
    config = llava_config(tower_config(32, 2), decoder.config, tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
    processor = build_processor(tokenizer)
    model = build_llava(config, decoder.state_dict()).eval()
    return VisionLanguageModel("tiny", model, processor, chat_prompt(processor))


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    drawn = write_color_contrasts(tmp_path_factory.mktemp("pictures"), 0)
    return drawn[drawn["task"] == experiment.OPEN].reset_index(drop=True)


def test_where_nobody_reads_the_picture_its_color_changes_nothing(tiny, questions) -> None:
    some = questions.iloc[:4]
    asked = experiment.ask(tiny, some, batch_size=3)
    wide = asked.answers.pivot(index="question_id", columns="condition", values="natural").loc[some["question_id"]]
    pairs = wide.to_numpy().reshape(2, 2, -1)
    at = wide.columns.get_loc(experiment.CUT_ALL.format(0))
    np.testing.assert_allclose(pairs[:, 0, at], pairs[:, 1, at], rtol=1e-4)
    assert not np.allclose(pairs[:, 0, wide.columns.get_loc("baseline")], pairs[:, 1, wide.columns.get_loc("baseline")])
    alone = asked.states["question alone"].reshape(2, 2, tiny.n_layers + 1, -1)
    np.testing.assert_allclose(alone[:, 0], alone[:, 1], atol=1e-5)
    assert asked.states["last"].shape == (4, tiny.n_layers + 1, tiny.hidden_size)


def test_the_lens_ends_in_what_the_model_says(tiny, questions) -> None:
    asked = experiment.ask(tiny, questions.iloc[4:6])
    end = asked.lens[asked.lens["layer"] == tiny.n_layers].set_index("question_id")
    whole = asked.answers[asked.answers["condition"] == "baseline"].set_index("question_id")
    np.testing.assert_allclose(np.exp(end[["shown", "natural"]]), whole[["shown", "natural"]], rtol=1e-3)
    natural = questions.set_index("question_id")["is_natural"].loc[end.index]
    assert ((end["shown"] == end["natural"]) == natural).all()
    with pytest.raises(ValueError, match="one task after the other"):
        experiment.ask(tiny, questions.iloc[:2].assign(task=["QueryAttr", "ChooseAttr"]))


def test_a_published_decoder_and_a_hidden_picture_are_asked_about_every_thing(tiny, questions, tokenizer, tmp_path):  # noqa: F811
    natural = questions[questions["is_natural"]].reset_index(drop=True)
    believed = pd.concat([
        believed_by_decoder(tiny_decoder(len(tokenizer), spread=0.3), tiny, natural),
        believed_when_hidden(tiny, natural, tmp_path),
    ])  # fmt: skip
    sums = believed.groupby(["reader", "thing"])["probability"].sum()
    assert len(sums) == 10 * (len(experiment.PUBLISHED) + 1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    moved = natural.assign(image=questions[~questions["is_natural"]]["image"].to_numpy())
    again = believed_when_hidden(tiny, moved, tmp_path)
    assert (again["probability"] == believed[believed["reader"] == experiment.GREY]["probability"]).all()


def priors_of(belief: float) -> pd.DataFrame:
    """A reader to whom the natural colour is so likely, and any other alike."""
    rows = [
        ("words", experiment.OPEN, thing, color, belief if at == natural else (1 - belief) / 9)
        for thing, natural in zip(NAMES, NATURAL, strict=True)
        for at, color in enumerate(COLORS)
    ]
    return pd.DataFrame(rows, columns=["reader", "task", "thing", "color", "probability"])


def test_a_belief_is_worth_what_the_words_tell_where_it_is_the_dials_and_less_elsewhere() -> None:
    worth = experiment.believed_bits(priors_of(0.5)).set_index("dial")
    told = pd.Series({dial: open_color_truth(dial).question for dial in (0.0, 0.1, 0.5, 0.75)})
    assert worth.loc[0.5, "bits"] == pytest.approx(told[0.5], abs=1e-9)
    gap = told - worth.loc[told.index, "bits"]
    assert (gap.drop(0.5) > 0.1).all() and worth.loc[0.1, "bits"] < 0, "a prior that is not the world's misleads"


def test_a_decoder_that_prefers_a_word_is_found_to_know_what_it_knows() -> None:
    """Everything is red to it, but what is natural is a little likelier than it is after other things."""
    priors = priors_of(0.12)
    priors.loc[priors["color"] == "red", "probability"] += 2.0
    found = experiment.beliefs_of_readers(priors).set_index("measure")
    assert found.loc["as they are", "first"] == pytest.approx(0.1) and found.loc["less each word's mean", "first"] == 1


def test_atoms_by_the_dial_are_possible_and_the_words_are_unique_only_where_they_tell_much() -> None:
    wide = experiment.atoms_by_dial((0.1, 0.5, 0.75)).pivot(index="dial", columns="quantity", values="bits")
    four = wide[["unique_vision", "unique_language", "redundancy", "synergy"]]
    np.testing.assert_allclose(four.sum(axis=1), wide["total"], atol=1e-6)
    assert (four >= 0).all(axis=None) and wide.loc[0.1, "information_language"] == pytest.approx(0, abs=1e-9)
    assert wide.loc[0.5, "unique_language"] < 0.01 < 0.2 < wide.loc[0.75, "unique_language"]


def measured_of(ahead: np.ndarray) -> Any:
    """Measurements in which the shown colour of five things leads the natural one by so much, layer by layer."""
    ids = [f"{thing}-{kind}" for thing in NAMES[:5] for kind in ("natural", "contrary")]
    asked = pd.DataFrame({"question_id": ids, "task": experiment.OPEN, "thing": np.repeat(NAMES[:5], 2)})
    asked = asked.assign(natural="red", contrary="blue", is_natural=[True, False] * 5, elsewhere="pink gray")
    lens = pd.DataFrame(
        [(name, layer, lead - 5, -5.0, -9.0, -6.0) for name in ids for layer, lead in enumerate(ahead)],
        columns=["question_id", "layer", "shown", "natural", "other", "likeliest"],
    )
    said = pd.DataFrame(
        {"question_id": ids, "condition": "strict", "said": ["red", "red"] * 3 + ["pink", "gray", "green", "the"]}
    )
    empty = pd.DataFrame()
    return experiment.Measured(asked, said, lens, empty, empty, empty, {})


def test_the_layer_of_overruling_is_after_the_last_one_behind() -> None:
    found = experiment.first_leading_layer(measured_of(np.array([1.0, -1.0, 2.0, -0.5, 0.5, 3.0])), experiment.OPEN)
    assert found == (4, (4, 4))
    assert experiment.first_leading_layer(measured_of(np.ones(3)), experiment.OPEN) == (0, (0, 0))


def test_what_is_said_under_a_cut_is_told_apart() -> None:
    said = experiment.said_under_cuts(measured_of(np.ones(2)))
    contrary = experiment.falls_back(said, experiment.OPEN, "strict")["share"]
    assert contrary.to_dict() == {"shown": 0.0, "natural": 0.6, "elsewhere": 0.2, "another": 0.0, "none": 0.2}
    natural = said[said["picture"] == experiment.KINDS[True]].set_index("answer")["share"]
    assert natural.to_dict() == {"shown": 0.6, "elsewhere": 0.2, "another": 0.2, "none": 0.0}


def test_probes_find_what_was_planted_and_nothing_in_shuffled_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_readings, "PROBED", ("last",))
    monkeypatch.setattr(state_readings, "EVERY", 1)
    rng, n = np.random.default_rng(0), 120
    natural, shift = np.arange(n) % 3, 1 + (np.arange(n) // 3) % 2
    is_natural = np.arange(n) >= 90
    asked = pd.DataFrame({"thing": np.arange(n).astype(str), "natural": natural, "is_natural": is_natural})
    asked = asked.assign(task=experiment.OPEN, contrary=(natural + shift) % 3)
    shown = np.where(is_natural, natural, asked["contrary"])
    states = 0.3 * rng.normal(size=(n, 2, 6)).astype(np.float32)
    states[:, 1, :3] += 3 * (shown[:, None] == np.arange(3))
    found = state_readings._probes(asked, {"last": states}, 0).set_index(["layer", "label", "control"])["bits"]
    assert found[1, "shown", False] > 1.2 and found[0, "shown", False] < 0.3
    assert found[1, "shown", True] < 0.3 and found[1, "natural", False] < 0.8


@pytest.fixture(scope="module")
def measured() -> Any:
    return experiment.read_measured()


def test_what_ships_is_of_the_shipped_weights_and_small(measured) -> None:
    assert measured.how["weights"] == file_digest(shipped.WEIGHTS), "weights changed: run `make contradiction`"
    files = [*shipped.SHIPPED.glob("contradiction_*.parquet")]
    assert len(files) == len(shipped.TABLES) and sum(path.stat().st_size for path in files) < 200_000
    asked = measured.questions
    assert asked.groupby(["task", "is_natural"])["thing"].nunique().eq(measured.how["things"]).all()
    baseline = experiment.said_under_cuts(measured).query("condition == 'baseline' and answer == 'shown'")
    assert (baseline["share"] > 0.9).all(), "a model that sees says what is shown"


def test_other_weights_are_told_and_damage_is_refused(measured, tmp_path: Path) -> None:
    assert "other weights" not in experiment.summarise_measuring(measured.how)["measuring"]
    assert "other weights" in experiment.summarise_measuring({**measured.how, "weights": "0" * 64})["measuring"]
    for path in shipped.SHIPPED.glob("contradiction*"):
        shutil.copy(path, tmp_path)
    lens = tmp_path / "contradiction_lens.parquet"
    content = bytearray(lens.read_bytes())
    content[40] ^= 1
    lens.write_bytes(content)
    with pytest.raises(DamagedError, match="make contradiction"):
        experiment.read_measured(tmp_path)
    lens.unlink()
    with pytest.raises(FileNotFoundError, match="make contradiction"):
        experiment.read_measured(tmp_path)


def test_every_number_of_the_page_is_there_and_its_tables_are_drawable(measured, repository: Path) -> None:
    dials = (0.1, 0.5, 0.75)
    truth, worth = experiment.atoms_by_dial(dials), experiment.believed_bits(measured.priors)
    said = experiment.said_under_cuts(measured)
    told = {
        **experiment.summarise_measuring(measured.how),
        **experiment.summarise_beliefs(measured, experiment.beliefs_of_readers(measured.priors)),
        **experiment.summarise_layers(measured),
        **experiment.summarise_cuts(said, measured.n_layers),
        **experiment.summarise_dial(worth, truth, measured.atoms),
    }
    page = (repository / "notebooks/contradiction.md").read_text(encoding="utf-8")
    assert not set(re.findall(r"\{glue:text\}`(\w+)`", page)) - set(told)
    cuts = experiment.cuts_in_words(said, measured.n_layers)
    assert not cuts.duplicated(["group", "cut", "answer"]).any() and set(cuts["group"]) == {
        "pathways", "thirds of the layers", "from a layer on"
    }  # fmt: skip
    np.testing.assert_allclose(cuts.groupby(["group", "cut"])["share"].sum(), 1)
    lens = experiment.lens_by_layer(measured, experiment.OPEN)
    assert len(lens) == 3 * (measured.n_layers + 1) and (lens["low"] <= lens["high"]).all()
    drawn = experiment.worth_by_dial(worth, truth)
    bound = truth[truth["quantity"] == "information_language"].set_index("dial")["bits"]
    beliefs = drawn[drawn["who"].str.startswith("belief") & drawn["dial"].isin(dials)]
    assert (beliefs["bits"] <= beliefs["dial"].map(bound) + 1e-3).all(), "no belief is worth more than the words tell"
    assert len(experiment.atoms_estimated(truth, measured.atoms)) == 7
