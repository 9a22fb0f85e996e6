"""What a model would say if the layers after one were left out: its final norm and head, on an earlier state."""

from __future__ import annotations

import torch

from .rerun import Rerun

__all__ = ["logit_lens"]


@torch.inference_mode()
def logit_lens(run: Rerun, layer: int) -> torch.Tensor:
    """The prediction from the last position's state after so many layers (nostalgebraist 2020).

    Early layers write in directions that the head does not read, so a colour that is not seen through the lens may be
    there: a probe may find it.

    Parameters
    ----------
    run
        a batch's run.
    layer
        0, the decoder's input, to ``n_layers``, after which it is the model's own prediction.

    Returns
    -------
    logits ``(n, vocabulary)``, in float32 on the CPU.

    Raises
    ------
    ValueError
        no such layer.
    """
    if not 0 <= layer <= run.vlm.n_layers:
        raise ValueError(f"layer is {layer}; states are known after 0 to {run.vlm.n_layers} layers")
    states = run.states[layer]
    at = run.lengths.to(states.device) - 1
    last = states[torch.arange(len(states), device=states.device), at]
    return run.vlm.model.get_output_embeddings()(run.vlm.final_norm(last)).float().cpu()
