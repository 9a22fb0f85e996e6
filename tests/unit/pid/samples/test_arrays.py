"""Every estimator reads every container alike: the number that clean float64 gives, or a refusal with name and cure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
import xarray as xr

from analysis_lib.pid import flow_mi, gaussian_mi, gaussian_pid, pid_flow, probe_pid, unique_directions
from analysis_lib.pid.discrete import discrete_pid
from analysis_lib.pid.samples.arrays import read_labels

N = 60
WORDS_OF_CURE = "drop|give|take|turn|convert|leave|keep|put|divide|add|must|need|order the rows|remove|move"


def numbers(name: str) -> np.ndarray:
    """Whole numbers of up to four digits, so that every type can hold them: target, vision and language."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(N, 2))
    noise = {key: rng.normal(size=(N, 2)) for key in ("target", "vision", "language")}
    return np.round(1000 * (shared + noise[name]))


def _pid(**changed: Any) -> float:
    data = {name: numbers(name) for name in ("vision", "language", "target")} | changed
    return pid_flow(**data, mode="marginal", n_bootstrap=2, n_null=2, n_matched=0, n_bias=2).atoms.total


def _joint(**changed: Any) -> float:
    data = {name: numbers(name) for name in ("vision", "language", "target")} | changed
    return pid_flow(**data, mode="joint", steps=1, n_bootstrap=2, n_null=2, n_matched=0, n_bias=2).atoms.total


def _components(**changed: Any) -> float:
    data = {name: numbers(name) for name in ("vision", "language", "target")} | changed
    counts = {"n_bootstrap": 2, "n_null": 2, "n_matched": 0, "n_bias": 2}
    return pid_flow(**data, mode="marginal", variance_kept=0.99, **counts).atoms.total


def _probe(**changed: Any) -> float:
    data = {name: numbers(name) for name in ("vision", "language")} | {"answer": numbers("target")[:, 0] > 0} | changed
    return probe_pid(**data, n_bootstrap=2, n_null=2, classifiers=["logistic regression, C 1"]).atoms.total


def _flow_mi(**changed: Any) -> float:
    return flow_mi(**({"x": numbers("vision"), "y": numbers("target")} | changed), steps=1)


# Estimators of samples, and which of their arguments the sweep tries.
SAMPLED: dict[str, tuple[Callable[..., float], tuple[str, ...]]] = {
    "marginal": (_pid, ("vision", "target")),
    "components": (_components, ("language", "target")),
    "joint": (_joint, ("vision",)),
    "probe": (_probe, ("vision",)),
    "flow_mi": (_flow_mi, ("x", "y")),
}
CASES = [(name, argument) for name, (_, arguments) in SAMPLED.items() for argument in arguments]
BEHIND = {"x": "vision", "y": "target"}
TOP = 2**63 - 1


def read_only(rows: np.ndarray) -> np.ndarray:
    rows = rows.copy()
    rows.flags.writeable = False
    return rows


def huge_integers(rows: np.ndarray, kind: type) -> np.ndarray:
    """The same differences, up to the largest number that the type holds."""
    above = (rows - rows.max()).astype(np.int64).astype(kind)  # modulo 2**64 where there is no sign
    return above + kind(np.iinfo(kind).max)


def frame(rows: np.ndarray, **settings: Any) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["a", "b"], **settings)


SAME: dict[str, Callable[[np.ndarray], Any]] = {
    "tensor that wants gradients": lambda rows: torch.from_numpy(rows).requires_grad_(),
    "bfloat16": lambda rows: torch.from_numpy(rows).bfloat16(),
    "list of lists": lambda rows: rows.tolist(),
    "tuple of arrays": lambda rows: tuple(rows),
    "list of tensors": lambda rows: [torch.from_numpy(row).requires_grad_() for row in rows],
    "list of masked rows without masks": lambda rows: [np.ma.array(row) for row in rows],
    "frame": frame,
    "frame of nullable integers": lambda rows: frame(rows).astype("Int64"),
    "frame of mixed types": lambda rows: frame(rows).astype({"a": "Float64", "b": np.int32}),
    "frame with an index of words": lambda rows: frame(rows, index=[f"question {i}" for i in range(N)]),
    "labelled array": lambda rows: xr.DataArray(rows, dims=("sample", "hidden")),
    "labelled array, turned": lambda rows: xr.DataArray(rows.T, dims=("hidden", "sample")),
    "column-major": np.asfortranarray,
    "reversed twice": lambda rows: rows[::-1][::-1],
    "read-only": read_only,
    "big-endian": lambda rows: rows.astype(">f8"),
    "long double": lambda rows: rows.astype(np.longdouble),
    "nothing masked": np.ma.array,
    "small integers": lambda rows: rows.astype(np.int16),
    "integers near 2**63": lambda rows: huge_integers(rows, np.int64),
    "integers near -2**63": lambda rows: -huge_integers(rows, np.int64),
    "integers near 2**64": lambda rows: huge_integers(rows, np.uint64),
    "nullable integers near 2**64": lambda rows: frame(huge_integers(rows, np.uint64)).astype("UInt64"),
    "tensor of integers near 2**63": lambda rows: torch.from_numpy(huge_integers(rows, np.int64)),
    "times 1e-300": lambda rows: rows * 1e-300,
    "times 1e300": lambda rows: rows * 1e300,
    "times 1e-200 and an offset": lambda rows: rows * 1e-200 + 1e-197,
    "from end to end of float64": lambda rows: rows / np.abs(rows).max() * 1.7e308,
}
SCALED_COLUMNS: dict[str, Callable[[np.ndarray], Any]] = {
    "columns 1e-300 and 1e300": lambda rows: rows * [1e-300, 1e300],
    "columns 1e-120 and 1": lambda rows: rows * [1e-120, 1.0],
}


def clean(name: str, change: str) -> np.ndarray:
    """What the container should be read as."""
    rows = numbers(name)
    return SAME[change](rows).double().numpy() if change == "bfloat16" else -rows if "-2**63" in change else rows


@pytest.mark.parametrize(("function", "argument"), CASES)
def test_every_container_and_scale_gives_the_number_of_clean_float64(function: str, argument: str) -> None:
    estimate = SAMPLED[function][0]
    name = BEHIND.get(argument, argument)
    changes = SAME | (SCALED_COLUMNS if function in ("marginal", "flow_mi") else {})  # components depend on scales
    if function != "flow_mi":  # the reading is the same, and flow_mi the fastest
        some = ("frame of nullable integers", "integers near 2**63", "times 1e-300", "times 1e300", *SCALED_COLUMNS)
        if function in ("joint", "probe"):
            some = ("times 1e300",)
        changes = {change: changes[change] for change in some if change in changes}
    expected: dict[bytes, float] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for change, convert in changes.items():
            reading = clean(name, change) if change in SAME else numbers(name)
            key = reading.tobytes()
            if key not in expected:
                expected[key] = estimate(**{argument: reading})
            found = estimate(**{argument: convert(numbers(name))})
            assert found == pytest.approx(expected[key], abs=1e-6), change


def with_one(value: Any) -> Callable[[np.ndarray], np.ndarray]:
    def convert(rows: np.ndarray) -> np.ndarray:
        rows = rows.astype(type(value) if isinstance(value, np.generic) else object if value is None else float)
        rows[3, 1] = value
        return rows

    return convert


REFUSED: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "NaN": (with_one(np.nan), "NaN or infinite.*row 3 column 1"),
    "infinity": (with_one(np.inf), "NaN or infinite"),
    "overflowed half precision": (lambda rows: torch.from_numpy(rows * 100).half(), "NaN or infinite"),
    "overflowed long double": (lambda rows: rows.astype(np.longdouble) * np.longdouble("1e400"), "NaN or infinite"),
    "masked": (lambda rows: np.ma.masked_greater(rows, 500), "masked values"),
    "a masked row in a list": (lambda rows: [*rows[:-1], np.ma.masked_equal(rows[-1], rows[-1, 0])], "masked values"),
    "NA": (lambda rows: frame(rows).astype("Int64").mask(lambda f: f > 500), "missing values .NA"),
    "None": (with_one(None), "missing .None"),
    "words": (lambda rows: rows.astype(str), "real numbers"),
    "categories": (lambda rows: frame(rows).astype("category"), "real numbers"),
    "truth values": (lambda rows: rows > 0, "0 and 1"),
    "frame of truth values": (lambda rows: frame(rows > 0), "0 and 1"),
    "complex": (lambda rows: rows * 1j, "imaginary"),
    "complex tensor": (lambda rows: torch.from_numpy(rows) * 1j, "imaginary"),
    "dates": (lambda rows: rows.astype("datetime64[s]"), "dates"),
    "spans of time": (lambda rows: rows.astype("timedelta64[s]"), "seconds"),
    "decimals": (lambda rows: [[Decimal(v) for v in row] for row in rows.tolist()], "astype"),
    "ragged": (lambda rows: [*rows.tolist()[:-1], [1.0]], "equal length"),
    "ragged tensors": (lambda rows: [*torch.from_numpy(rows)[:-1], torch.ones(1)], "one shape"),
    "a number": (lambda rows: 3.0, "shape"),
    "nothing": (lambda rows: None, "real numbers"),
    "empty": (lambda rows: rows[:0], "empty"),
    "no columns": (lambda rows: frame(rows)[[]], "empty"),
    "four axes": (lambda rows: rows[None, None], "shape"),
    "a generator": (lambda rows: (row for row in rows), "real numbers"),
    "a dictionary": (lambda rows: dict(enumerate(rows)), "real numbers"),
    "sparse matrix": (scipy.sparse.csr_matrix, "toarray"),
    "sparse tensor": (lambda rows: torch.from_numpy(rows).to_sparse(), "to_dense"),
    "meta tensor": (lambda rows: torch.from_numpy(rows).to("meta"), "meta"),
    "records": (lambda rows: np.zeros(N, dtype=[("a", float), ("b", float)]), "real numbers"),
    "constant at 1e200": (lambda rows: np.full_like(rows, 1e200), "is constant"),
    "constant at 1e-320": (lambda rows: np.full_like(rows, 1e-320), "is constant"),
    "rounded away by an offset": (lambda rows: rows / 1000 + 1e16, "offset"),
    "digits lost in subnormals": (lambda rows: rows * 1e-318, "lost their digits"),
    "one sample fewer": (lambda rows: rows[1:], "same samples"),
    "names that say nothing": (xr.DataArray, "unknown dimension 'dim_0'"),
}


@pytest.mark.parametrize(("function", "argument"), CASES)
def test_what_has_no_number_is_refused_by_name_and_with_a_cure(function: str, argument: str) -> None:
    estimate = SAMPLED[function][0]
    for change, (convert, message) in REFUSED.items():
        with pytest.raises(ValueError, match=f"(?is)\\b{argument}\\b.*{message}|{message}.*\\b{argument}\\b") as caught:
            estimate(**{argument: convert(numbers(BEHIND.get(argument, argument)))})
            pytest.fail(f"{change} gave a number")
        words = str(caught.value)
        assert any(cure in words.lower() for cure in WORDS_OF_CURE.split("|")), (change, words)
        assert "max_components=0" not in words and "numpy" not in words.lower().replace("to_numpy", ""), (change, words)


def test_samples_that_are_labelled_in_different_orders_are_refused() -> None:
    index = [f"question {i}" for i in range(N)]
    vision, target = frame(numbers("vision"), index=index), frame(numbers("target"), index=index)
    assert _pid(vision=vision, target=target) == _pid()
    with pytest.raises(ValueError, match="target and vision label their samples differently, first in row 0"):
        _pid(vision=vision.iloc[::-1], target=target)


LABELS: dict[str, Callable[[list[bool]], Any]] = {
    "numpy": np.array,
    "tensor": torch.tensor,
    "column of text": lambda told: pd.Series(np.where(told, "yes", "no")),
    "categories": lambda told: pd.Categorical(np.where(told, "yes", "no")),
    "nullable": lambda told: pd.Series(told, dtype="boolean"),
    "text": lambda told: ["yes" if one else "no" for one in told],
    "integers near 2**64": lambda told: [2**64 - 1 - one for one in told],
    "column": lambda told: np.array(told)[:, None],
}


def test_labels_of_every_container_are_the_same_answers() -> None:
    told = (numbers("target")[:, 0] > 0).tolist()
    expected = np.array(told, dtype=int)
    for container, convert in LABELS.items():
        codes, labels = read_labels(convert(told), "answer", N)
        assert len(labels) == 2 and (np.array_equal(codes, expected) or np.array_equal(codes, 1 - expected)), container
    assert _probe(answer=LABELS["nullable"](told)) == _probe()


@pytest.mark.parametrize("argument", ["answer", "groups"])
def test_labels_that_are_missing_or_mixed_are_refused(argument: str) -> None:
    labels = [f"label {i % 20}" for i in range(N)]
    wrong: dict[str, tuple[Any, str]] = {
        "None": ([None, *labels[1:]], "missing.*row 0"),
        "NA": (pd.Series([pd.NA, *labels[1:]]), "missing.*row 0"),
        "NaN": ([float("nan"), *range(N - 1)], "missing.*row 0"),
        "masked": (np.ma.masked_equal(np.arange(N), 3), "masked"),
        "mixed": ([1, *labels[1:]], "several kinds"),
        "truth and numbers": ([True, *range(N - 1)], "several kinds"),
        "lists": ([[i] for i in range(N)], "no order"),
        "complex": ([1j * i for i in range(N)], "no order"),
        "short": (labels[1:], "same samples"),
        "a number": (3, "one label per sample"),
        "two columns": (np.zeros((N, 2)), "one label per sample"),
    }
    for what, (given, message) in wrong.items():
        with pytest.raises(ValueError, match=f"(?s){argument}.*{message}|{message}.*{argument}"):
            _probe(**{argument: given})
            pytest.fail(what)


def covariance() -> np.ndarray:
    rows = np.concatenate([numbers(name) for name in ("target", "vision", "language")], axis=1)
    return np.round(np.cov(rows.T))


def _directions(matrix: Any) -> Any:
    return np.asarray(unique_directions(matrix, (2, 2, 2)).bits).sum()


OF_COVARIANCES = {
    "gaussian_mi": lambda matrix: gaussian_mi(matrix, (2, 4)),
    "gaussian_pid": lambda matrix: gaussian_pid(matrix, (2, 2, 2)).redundancy,
    "unique_directions": _directions,
}
STRETCH = np.logspace(-140, 140, 6)
SAME_COVARIANCE: dict[str, Callable[[np.ndarray], Any]] = {
    "tensor that wants gradients": lambda matrix: torch.from_numpy(matrix).requires_grad_(),
    "list": lambda matrix: matrix.tolist(),
    "frame": pd.DataFrame,
    "nullable frame": lambda matrix: pd.DataFrame(matrix).astype("Int64"),
    "labelled array": xr.DataArray,
    "integers": lambda matrix: matrix.astype(np.int64),
    "nothing masked": np.ma.array,
    "list of tensors": lambda matrix: list(torch.from_numpy(matrix)),
    "times 1e-300": lambda matrix: matrix * 1e-300,
    "times 1e300": lambda matrix: matrix * 1e300,
    "columns from 1e-140 to 1e140": lambda matrix: matrix * STRETCH * STRETCH[:, None],
}
REFUSED_COVARIANCE: dict[str, tuple[Callable[[np.ndarray], Any], str]] = {
    "masked": (lambda matrix: np.ma.masked_equal(matrix, matrix[0, 1]), "masked"),
    "NA": (lambda matrix: pd.DataFrame(matrix).astype("Int64").mask(lambda f: f == matrix[0, 1]), "NA"),
    "sparse": (scipy.sparse.csr_array, "toarray"),
    "ragged": (lambda matrix: [*matrix.tolist()[:-1], [1.0]], "equal length"),
    "words": (lambda matrix: matrix.astype(str), "real numbers"),
    "None": (lambda matrix: None, "real numbers"),
    "subnormal": (lambda matrix: matrix * 1e-316, "lost digits"),
    "overflowed": (lambda matrix: torch.from_numpy(matrix).half() * 1000, "infinite"),
    "meta": (lambda matrix: torch.from_numpy(matrix).to("meta"), "meta"),
}


@pytest.mark.parametrize("function", OF_COVARIANCES)
def test_covariances_of_every_container_and_scale_give_the_same_number_or_are_refused(function: str) -> None:
    estimate = OF_COVARIANCES[function]
    expected = float(estimate(covariance()))
    for change, convert in SAME_COVARIANCE.items():
        assert float(estimate(convert(covariance()))) == pytest.approx(expected, abs=1e-6), change
    for convert, message in REFUSED_COVARIANCE.values():
        with pytest.raises(ValueError, match=message):
            estimate(convert(covariance()))


def gate(tiny: float = 0.0) -> np.ndarray:
    """A noisy AND, two of its cells rare."""
    joint = np.full((2, 2, 2), 0.02)
    for v in (0, 1):
        for w in (0, 1):
            joint[v & w, v, w] = 0.2
    joint[1, 0, 0] = joint[0, 1, 1] = tiny
    return joint / joint.sum()


@pytest.mark.parametrize("tiny", [1e-14, 1e-100, 1e-200, 1e-308, 5e-324])
@pytest.mark.parametrize("definition", ["broja", "mmi"])
def test_rare_cells_are_as_good_as_none(tiny: float, definition: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found, expected = (discrete_pid(gate(value), definition).to_array() for value in (tiny, 0.0))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_distributions_of_every_container_are_read_or_refused() -> None:
    expected = discrete_pid(gate()).to_array()
    for same in (torch.from_numpy(gate()).requires_grad_(), gate().tolist(), xr.DataArray(gate()), np.ma.array(gate())):
        np.testing.assert_array_equal(discrete_pid(same).to_array(), expected)
    wrong: list[tuple[Any, str]] = [
        (np.ma.masked_less(gate(), 0.1), "masked"),
        (gate() * 3, "sum to 1.*Divide"),
        (gate() - 0.1, r"not negative, got -0.1 in cell \(0, 1, 1\)"),
        (np.where(gate() > 0, gate(), np.nan), "finite"),
        (gate().astype(str), "real numbers"),
        (gate() + 0j, "imaginary"),
        (gate() > 0, "0 and 1"),
        (gate().tolist()[:1] + [[0.1]], "equal length"),
        (gate()[0], "shape"),
        (np.zeros((0, 2, 2, 2)), "shape"),
        (np.full((60, 60, 60), 60.0**-3), "60 x 60 x 60 symbols are too many.*merge rare symbols"),
    ]
    for given, message in wrong:
        with pytest.raises(ValueError, match=message):
            discrete_pid(given)
