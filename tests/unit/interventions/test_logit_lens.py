"""The logit lens ends in the model's own prediction; a further run's states can be kept, and are those of the run."""

from __future__ import annotations

import pytest
import torch

from analysis_lib.activations import CONDITIONS
from analysis_lib.interventions import logit_lens, means

from .conftest import Runs


def test_after_the_last_layer_it_is_the_models_own_prediction(some: Runs) -> None:
    n_layers = some.vlm.n_layers
    with torch.inference_mode():
        own = some.vlm.model(**some.batch.inputs).logits[torch.arange(len(some.batch.spans)), some.batch.lengths - 1]
    torch.testing.assert_close(logit_lens(some.host, n_layers), own, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(logit_lens(some.host, n_layers - 1), own, atol=1e-2)
    with pytest.raises(ValueError, match=f"layer is {n_layers + 1}"):
        logit_lens(some.host, n_layers + 1)


def test_a_further_runs_states_are_kept_and_blind_where_it_is_cut(some: Runs) -> None:
    kept: dict[str, list[torch.Tensor]] = {"host": [], "donor": []}
    for name, states in kept.items():
        run = getattr(some, name)
        nowhere = torch.zeros(len(run.spans), run.length, dtype=torch.bool)
        logits = run.logits_with(nowhere, {}, CONDITIONS["strict"], states)
        assert len(states) == some.vlm.n_layers + 1 and states[0].shape == run.states[0].shape
        at = run.lengths - 1
        with torch.inference_mode():
            last = some.vlm.final_norm(states[-1])[torch.arange(len(at)), at]
            torch.testing.assert_close(some.vlm.model.get_output_embeddings()(last).float(), logits)
        assert torch.equal(means(states[-1], run.spans, "image"), means(run.states[-1], run.spans, "image"))
    words = [means(states[-1], some.host.spans, "question") for states in kept.values()]
    assert torch.equal(*words), "questions that read no picture are the same whatever it shows"
    seen = [means(run.states[-1], run.spans, "question") for run in (some.host, some.donor)]
    assert not torch.allclose(*seen, atol=1e-3)
    untouched: list[torch.Tensor] = []
    some.host.logits_with(torch.zeros(len(some.host.spans), some.host.length, dtype=torch.bool), {}, states=untouched)
    assert all(map(torch.equal, untouched, some.host.states))
