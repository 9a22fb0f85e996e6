"""Samples that must not yield a number are refused with figures and a cure; odd but sound ones are taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid import flow_mi, pid_flow

QUICK = {"mode": "marginal", "n_bootstrap": 4, "n_null": 4, "n_bias": 4}


def samples(n: int = 200) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(n, 2))
    return {
        "vision": target + rng.normal(size=(n, 2)),
        "language": target + rng.normal(size=(n, 2)),
        "target": target,
    }


@pytest.mark.parametrize("name", ["vision", "language", "target"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_missing_value_is_located(name: str, value: float) -> None:
    data = samples()
    data[name][17, 1] = value
    with pytest.raises(ValueError, match=rf"{name} holds 1 NaN or infinite values.*row 17 column 1.*Drop"):
        pid_flow(**data, **QUICK)


@pytest.mark.parametrize("name", ["vision", "language", "target"])
def test_a_constant_column_is_named_and_components_do_without_it(name: str) -> None:
    data = samples()
    data[name][:, 1] = 3.0
    with pytest.raises(ValueError, match=rf"{name} has 1 constant columns, the first is 1.*variance_kept=0.999"):
        pid_flow(**data, **QUICK)
    assert pid_flow(**data, **QUICK, variance_kept=0.999).diagnostics[f"d_{name}"] == 1


def test_a_constant_layer_is_named() -> None:
    data = samples()
    data["vision"] = np.stack([data["vision"], np.full_like(data["vision"], 0.1)])
    with pytest.raises(ValueError, match="vision layer 1 is constant"):
        pid_flow(**data, **QUICK, variance_kept=0.9)


def test_dependent_columns_are_refused_with_their_rank() -> None:
    data = samples()
    data["language"] = np.concatenate([data["language"], data["language"].sum(1, keepdims=True)], axis=1)
    with pytest.raises(ValueError, match="language has 3 columns but rank 2.*max_components=2"):
        pid_flow(**data, **QUICK)
    assert pid_flow(**data, **QUICK, max_components=2).diagnostics["d_language"] == 2


def test_too_few_samples_are_refused_with_the_sum_and_a_cure_that_works() -> None:
    rng = np.random.default_rng(1)
    data = {
        "vision": rng.normal(size=(100, 30)),
        "language": rng.normal(size=(100, 20)),
        "target": rng.normal(size=100),
    }
    message = (
        r"100 samples are too few for 30 \(vision\) \+ 20 \(language\) \+ 1 \(target\) = 51 .*255.*max_components=6"
    )
    with pytest.raises(ValueError, match=message):
        pid_flow(**data, **QUICK)
    pid_flow(**data, **QUICK, max_components=6)


def test_lengths_and_layers_that_do_not_match_are_told() -> None:
    data = samples()
    with pytest.raises(ValueError, match="target 200, vision 199, language 200"):
        pid_flow(**{**data, "vision": data["vision"][1:]}, **QUICK)
    layered = {"vision": np.stack([data["vision"]] * 2), "language": np.stack([data["language"]] * 3)}
    with pytest.raises(ValueError, match="vision 2, language 3"):
        pid_flow(**{**data, **layered}, **QUICK)


@pytest.mark.parametrize("shape", [(), (2, 3, 200, 2), (0, 2), (200, 0)])
def test_shapes_that_are_no_samples_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="vision"):
        pid_flow(**{**samples(), "vision": np.ones(shape)}, **QUICK)


def test_a_layered_target_is_refused() -> None:
    data = samples()
    with pytest.raises(ValueError, match="target must have shape"):
        pid_flow(**{**data, "target": data["target"][None]}, **QUICK)


@pytest.mark.parametrize("values", [np.full((200, 2), "a"), np.ones((200, 2), bool), np.ones((200, 2), complex)])
def test_entries_that_are_no_real_numbers_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="vision must hold real numbers"):
        pid_flow(**{**samples(), "vision": values}, **QUICK)


def test_a_source_that_copies_the_other_is_blamed_with_its_layer() -> None:
    data = samples()
    data["vision"] = np.stack([data["vision"], data["language"]])
    with pytest.raises(ValueError, match="layer 1: the joint covariance of vision and language is singular"):
        pid_flow(**data, **QUICK)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "copula"}, "cartesian, joint, marginal"),
        ({"definition": "ired"}, "broja"),
        ({"mode": "joint", "definition": "broja"}, 'definition="mmi"'),
        ({"variance_kept": 0.0}, "variance_kept"),
        ({"variance_kept": 1.5}, "variance_kept"),
        ({"max_components": 0}, "max_components"),
        ({"max_components": {"vision": 2, "language": 2, "target": 0}}, "max_components"),
        ({"max_components": {"vision": 2}}, "max_components must be one number or one for each of"),
        ({"n_bootstrap": 1}, "n_bootstrap must be at least 2"),
        ({"n_bootstrap": 2.5}, "n_bootstrap must be a whole number, got 2.5"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"n_seeds": True}, "n_seeds must be a whole number"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"device": "gpu"}, "there is no device 'gpu': give cpu, cuda"),
        ({"device": "cuda:99"}, "there is no device 'cuda:99': give cpu"),
        ({"seed": 2**32}, "seed must be at most"),
        ({"max_components": 2.5}, "max_components"),
        ({"max_components": True}, "max_components"),
        ({"variance_kept": "0.9"}, "variance_kept"),
        ({"groups": np.zeros(10)}, "one label per sample"),
        ({"groups": np.zeros(200)}, "1 different labels"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pid_flow(**samples(), **{**QUICK, **wrong})


@pytest.mark.parametrize(
    "convert",
    [
        lambda rows: np.asfortranarray(rows),
        lambda rows: np.repeat(rows, 2, axis=0)[::2],
        lambda rows: torch.from_numpy(rows).T.contiguous().T.requires_grad_(),
        lambda rows: rows.tolist(),
    ],
    ids=["column-major", "strided", "tensor", "lists"],
)
def test_layout_and_container_do_not_matter(convert: object) -> None:
    data = samples()
    expected = pid_flow(**data, **QUICK)
    assert pid_flow(**{name: convert(rows) for name, rows in data.items()}, **QUICK).atoms == expected.atoms


@pytest.mark.parametrize("kind", [np.float16, np.float32, torch.float16, torch.bfloat16])
def test_coarse_number_types_change_little(kind: object) -> None:
    data = samples()
    coarse = {
        name: torch.from_numpy(rows).to(kind) if isinstance(kind, torch.dtype) else rows.astype(kind)
        for name, rows in data.items()
    }
    for variance_kept in (1.0, 0.999):
        expected = pid_flow(**data, **QUICK, variance_kept=variance_kept).atoms.total
        found = pid_flow(**coarse, **QUICK, variance_kept=variance_kept).atoms.total
        assert found == pytest.approx(expected, abs=0.02)


def test_whole_numbers_are_taken_as_numbers() -> None:
    data = samples()
    whole = np.round(data["vision"] * 100).astype(np.int64)
    expected = pid_flow(**{**data, "vision": whole.astype(float)}, **QUICK)
    assert pid_flow(**{**data, "vision": whole}, **QUICK).atoms == expected.atoms


def test_a_target_of_one_dimension_is_one_feature() -> None:
    data = samples()
    column = data["target"][:, :1]
    assert (
        pid_flow(**{**data, "target": column[:, 0]}, **QUICK).atoms
        == pid_flow(**{**data, "target": column}, **QUICK).atoms
    )


def test_flow_mi_names_its_own_arguments() -> None:
    with pytest.raises(ValueError, match="x 10, y 11"):
        flow_mi(np.arange(10.0), np.arange(11.0))
    with pytest.raises(ValueError, match=r"1 \(x\) \+ 1 \(y\)"):
        flow_mi(np.arange(4.0), np.arange(4.0) ** 2)


def test_copies_of_samples_change_nothing_and_are_told() -> None:
    data = samples()
    copied = {name: np.concatenate([rows, rows[:60], rows[:60]]) for name, rows in data.items()}
    plain, result = pid_flow(**data, **QUICK), pid_flow(**copied, **QUICK)
    assert result.atoms == plain.atoms and result.low == plain.low and result.p_value == plain.p_value
    assert result.diagnostics["copies"] == 120
    assert "120 samples repeat others in every variable and were left out" in result.diagnostics["flags"]


def test_copies_count_once_towards_the_samples_needed() -> None:
    data = {name: np.repeat(rows[:20], 10, axis=0) for name, rows in samples().items()}
    with pytest.raises(ValueError, match="20 samples are too few"):
        pid_flow(**data, **QUICK)


def test_masked_values_are_refused() -> None:
    data = samples()
    data["vision"] = np.ma.masked_greater(data["vision"], 2.0)
    with pytest.raises(ValueError, match=r"vision holds \d+ masked values.*Drop"):
        pid_flow(**data, **QUICK)


def test_words_as_a_target_are_sent_to_the_probe() -> None:
    data = samples()
    data["target"] = np.where(data["target"][:, 0] > 0, "yes", "no")
    with pytest.raises(ValueError, match="target must hold real numbers.*probe_pid"):
        pid_flow(**data, **QUICK)
