"""What the benchmark times against each other gives the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from analysis_lib.activations import get_condition
from analysis_lib.activations.decoder import with_features
from analysis_lib.models import prepare
from tests.benchmarks.activations import extraction_cases
from tests.benchmarks.activations.extraction_cases import LAYERS, PEERS, benchmark_model, hidden_states
from tests.unit.models.tiny import questions_table


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("condition", ["baseline", "paper"])
def test_a_peer_reads_the_states_that_the_model_itself_gives(
    peer: str, condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(peer, reason=f"needs {peer}, which is timed where it is installed")
    vlm, asked = benchmark_model(49), get_condition(condition)
    batch = prepare(vlm, questions_table(tmp_path, 3))
    with torch.inference_mode():
        batch = with_features(vlm, batch, range(3))
    found: list[list[torch.Tensor]] = []

    def note(*arguments: object) -> None:
        found.append(arguments[-1](vlm, batch, asked))  # type: ignore[operator]

    monkeypatch.setattr(extraction_cases, "_with_cached_vision", note)
    PEERS[peer](vlm, [], [])
    *pooled, logits = found[0]
    *expected, expected_logits = hidden_states(vlm, batch, asked)
    torch.testing.assert_close(logits, expected_logits, atol=1e-4, rtol=1e-4)
    image, question = expected[1 : LAYERS + 1], expected[LAYERS + 2 :]
    # The last of `output_hidden_states` is normalised; peers read what the last layer gives.
    by_span = [*image[:-1], *question[:-1]]
    seen = pooled if peer == "transformer_lens" else [*pooled[::2], *pooled[1::2]]
    torch.testing.assert_close([*seen[: LAYERS - 1], *seen[LAYERS:-1]], by_span, atol=1e-4, rtol=1e-4)
