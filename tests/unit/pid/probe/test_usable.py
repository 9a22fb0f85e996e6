"""Usable information of one classifier: what is there, and nothing where nothing is."""

import numpy as np
import pytest

from analysis_lib.pid import probe_pid, usable_information


def samples(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    answer = rng.integers(0, 2, n)
    return answer[:, None] + 0.1 * rng.normal(size=(n, 3)), answer


def test_a_source_that_holds_the_answer_tells_it_whatever_the_labels_are_called():
    source, answer = samples()
    bits, error = usable_information(source, answer)
    assert 0.9 < bits <= 1.0 and 0 <= error < 0.05
    assert usable_information(source, np.array(["left", "right"])[answer]) == (bits, error)


def test_a_source_of_something_else_tells_nothing():
    _, answer = samples()
    bits, error = usable_information(np.random.default_rng(1).normal(size=(len(answer), 3)), answer)
    assert abs(bits) < 0.05


def test_it_is_what_the_probe_finds_in_one_of_its_sources():
    source, answer = samples()
    rng = np.random.default_rng(2)
    how = {"classifiers": ["logistic regression, C 0.1", "logistic regression, C 1"], "max_components": 2, "seed": 3}
    wide = np.concatenate([source, rng.normal(size=source.shape)], axis=1) + rng.normal(size=(len(answer), 6))
    bits, _ = usable_information(wide, answer, **how)
    probed = probe_pid(rng.normal(size=(len(answer), 1)), wide, answer, n_bootstrap=2, n_null=2, **how)
    assert bits == pytest.approx(probed.atoms.information_language, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": np.zeros(200, dtype=int)}, "in every sample: there is nothing to tell"),
        ({"answer": np.zeros(3, dtype=int)}, "one label per sample"),
        ({"classifiers": "oracle"}, "unknown classifier 'oracle': choose one of"),
        ({"source": np.full((200, 2), np.nan)}, "NaN"),
        ({"source": np.zeros((2, 200, 2))}, "source must have shape"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    source, answer = samples()
    with pytest.raises(ValueError, match=message):
        usable_information(**{"source": source, "answer": answer} | change)
