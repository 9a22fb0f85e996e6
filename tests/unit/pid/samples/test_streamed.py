"""Variables that are read a few layers at a time are those that are read at once, and take little memory."""

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from analysis_lib.pid import pid_flow, probe_pid, read_variable, stream_variable
from analysis_lib.pid.samples import streamed

FEW = {"n_bootstrap": 10, "n_null": 2, "n_matched": 0, "max_components": 3}
ONE = ["logistic regression, C 0.1"]  # what is read is tested here, whoever is given it


@pytest.fixture
def states() -> dict[str, xr.DataArray]:
    rng = np.random.default_rng(0)
    core = rng.normal(size=(120, 2))
    found = {}
    for name in ("vision", "language"):
        values = core @ rng.normal(size=(4, 2, 9)) + rng.normal(size=(4, 120, 9))
        values[1, :, 0] = values[1, :, 0] > 0  # a column of repeated values
        found[name] = xr.DataArray(
            values.transpose(1, 0, 2).astype(np.float16),
            dims=("sample", "layer", "hidden"),
            coords={"layer": [2, 3, 5, 9]},
        )
    return found | {"target": xr.DataArray(core, dims=("sample", "hidden")), "groups": np.arange(120)}


@pytest.mark.parametrize("block", [1, 2**29])
def test_atoms_are_those_of_arrays_in_memory_to_the_bit(states, block, monkeypatch):
    monkeypatch.setattr(streamed, "BLOCK", block)
    vision, language = (stream_variable(states[name], name, 3) for name in ("vision", "language"))
    how = FEW | {"groups": states["groups"]}
    once = pid_flow(states["vision"], states["language"], states["target"], "marginal", **how).to_frame()
    again = pid_flow(vision, language, states["target"], "marginal", **how).to_frame()
    assert again["bits"].tolist() == once["bits"].tolist() and again["layer"].tolist() == once["layer"].tolist()
    assert again["flags"].tolist() == once["flags"].tolist()
    answer = states["target"].values[:, 0] > 0
    how = {"n_bootstrap": 4, "n_null": 2, "max_components": 3, "classifiers": ONE, "groups": states["groups"]}
    probed = [
        probe_pid(*pair, answer, **how).to_frame()["bits"].tolist()
        for pair in ((vision, language), (states["vision"], states["language"]))
    ]
    assert probed[0] == probed[1]


def test_each_layer_is_read_once_however_often_it_is_asked_for(states, monkeypatch):
    read = []
    one = streamed.Layers._as_numbers
    monkeypatch.setattr(streamed.Layers, "_as_numbers", lambda self, values: read.append(1) or one(self, values))
    variable = stream_variable(states["vision"], "vision", 3)
    for _ in range(3):
        pid_flow(variable, states["language"], states["target"], "marginal", **FEW, groups=states["groups"])
    assert len(read) == 4 + 3 and variable.tied(1).any(), "once more for the words about repeated values, each time"


def test_faults_are_named_by_the_layers_label_as_of_arrays_in_memory(states):
    bad = states["vision"].copy()
    bad[7, 2, 4] = np.nan
    for read in (lambda: stream_variable(bad, "vision", 3), lambda: read_variable(bad, "vision")):
        with pytest.raises(
            ValueError, match="vision holds 1 NaN or infinite values, the first in vision layer 5 row 7"
        ):
            read()
    constant = stream_variable(xr.zeros_like(states["vision"]), "vision", 3)
    with pytest.raises(ValueError, match="vision layer 2 is constant"):
        pid_flow(constant, states["language"], states["target"], "marginal", **FEW, groups=states["groups"])
    with pytest.raises(ValueError, match="unknown dimension 'condition'"):
        stream_variable(states["vision"].rename(hidden="condition"), "vision", 3)
    with pytest.raises(ValueError, match="vision is empty"):
        stream_variable(states["vision"].isel(sample=[]), "vision", 3)


def test_more_components_than_were_kept_or_copies_to_leave_out_are_refused(states):
    variable = stream_variable(states["vision"], "vision", 2)
    with pytest.raises(ValueError, match="reduced to 2 components"):
        pid_flow(variable, states["language"], states["target"], "marginal", **FEW, groups=states["groups"])
    twice = xr.concat([states["vision"].isel(sample=slice(60))] * 2, "sample")
    copies = stream_variable(twice, "vision", 3)
    target = xr.concat([states["target"].isel(sample=slice(60))] * 2, "sample")
    with pytest.raises(ValueError, match="give groups, or an array"):
        pid_flow(copies, twice, target, "marginal", **FEW)


WHOLE = """
import resource, sys
import numpy as np, xarray as xr
from analysis_lib.pid import stream_variable
from analysis_lib.pid.samples import streamed
streamed.BLOCK = 2**20
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
values = np.memmap(sys.argv[1], dtype=np.float16, mode="w+", shape=(60, 100, 4096))
for layer in range(60):
    values[layer] = np.random.default_rng(layer).normal(size=(100, 4096))
values.flush(); del values
lazy = np.memmap(sys.argv[1], dtype=np.float16, mode="r", shape=(60, 100, 4096))
array = xr.DataArray(lazy, dims=("layer", "sample", "hidden"))
stream_variable(array.isel(layer=slice(2)), "vision", 4)  # libraries have taken theirs
before = peak()
stream_variable(array, "vision", 4)
print((peak() - before) / 2**20)
"""


def test_memory_does_not_grow_with_the_number_of_layers(tmp_path):
    """In float64 all 60 layers would take 188 MB; pages of the file itself count as well, 47 MB."""
    done = subprocess.run(
        [sys.executable, "-c", WHOLE, str(tmp_path / "states")], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 90, done.stdout
