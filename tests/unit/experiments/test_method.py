"""The known system's truth is that of its covariance, and estimates are told by how far they miss it."""

import numpy as np
import pytest

from analysis_lib.experiments import method as experiment
from analysis_lib.pid import pid_flow


@pytest.fixture(scope="module")
def found() -> experiment.Found:
    """Rank marginals for all three ways, as training flows takes long."""
    with pytest.MonkeyPatch.context() as patch:
        few = {"n_bootstrap": 4, "n_null": 2, "n_matched": 0, "n_bias": 2}
        patch.setattr(
            experiment, "pid_flow", lambda *given, mode, **how: pid_flow(*given, mode="marginal", **how, **few)
        )
        return experiment.run(400, 0)


def test_samples_that_are_not_bent_have_the_covariance_of_the_truth():
    covariance = experiment._covariance()
    assert np.allclose(covariance, covariance.T) and np.linalg.eigvalsh(covariance).min() > 0
    noise = covariance[3:6, 3:6] - covariance[3:6, :3] @ covariance[:3, 3:6]
    assert np.allclose(noise, np.eye(3)), "given the target, vision is unit noise"


def test_the_truth_stands_beside_each_way(found):
    table = experiment.beside_truth(found)
    assert len(table) == 4 * 4
    truth = table[table["mode"] == "truth"]
    assert (truth["low"] == truth["bits"]).all()
    assert truth["bits"].sum() == pytest.approx(float(found.truth.total))


def test_the_summary_has_the_largest_error_of_each_way(found):
    said = experiment.summarise(found)
    atoms = found.estimates["joint"].atoms
    errors = [abs(float(getattr(atoms, name)) - float(getattr(found.truth, name))) for name in experiment.ATOMS]
    assert said["joint_error"].value == said["marginal_error"].value == max(errors)
    assert said["true_total"].value > said["joint_total"].value > 0
