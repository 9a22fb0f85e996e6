"""Keys and values of prompts as lockstep leaves them, so that an answer goes on without running its prompt again."""

from __future__ import annotations

import torch
import transformers

from analysis_lib.models import VisionLanguageModel

__all__ = ["SHARE", "PromptKeys", "at_once", "position_lag"]

MOST_BYTES = 2**31
"""Keys and values that are alive at once on a CPU."""
SHARE = 0.25
"""On a GPU they take at most so much of the memory that the weights leave."""


def at_once(vlm: VisionLanguageModel, length: int) -> int:
    """How many prompts of so many tokens may have the keys and values of all layers in memory together."""
    config = vlm.model.config.text_config
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * vlm.n_layers * heads * head * vlm.dtype.itemsize
    return _most_bytes(vlm) // (token * length)


def _most_bytes(vlm: VisionLanguageModel) -> int:
    if vlm.device.type != "cuda":
        return MOST_BYTES
    weights = sum(weight.nbytes for weight in vlm.model.parameters() if weight.device == vlm.device)
    return max(0, int(SHARE * (torch.cuda.get_device_properties(vlm.device).total_memory - weights)))


def position_lag(vlm: VisionLanguageModel) -> torch.Tensor | int:
    """By how much positions after the picture differ from counting tokens, ``(n, 1)``, in the prompts just run."""
    return vlm.model.model.rope_deltas if vlm.family.turns else 0


class PromptKeys:
    """The keys and values of a batch's first prompts in all layers, nothing cut: as many prompts as memory takes.

    Parameters
    ----------
    vlm
        from `load_model`.
    n_said
        tokens that an answer may have.
    """

    def __init__(self, vlm: VisionLanguageModel, n_said: int) -> None:
        self._vlm, self._n_said = vlm, n_said
        self._layers: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._lag: torch.Tensor | int = 0
        self._real = torch.empty(0, 0, dtype=torch.bool)

    def __len__(self) -> int:
        """How many prompts' keys and values are here."""
        return len(self._real) if len(self._layers) == self._vlm.n_layers else 0

    def begin(self, real: torch.Tensor) -> None:
        """Before the first layer: which keys are a prompt's own and no padding, ``(n, n_keys)``.

        Where a layer reads a window none are kept if padding could push a prompt's beginning out of it.
        """
        longest = real.shape[1] + self._n_said
        windows = [reach.window for reach in self._vlm.reaches if reach.window is not None]
        n = 0 if windows and min(windows) < longest else at_once(self._vlm, longest)
        self._real, self._layers = real[:n], []
        self._lag = position_lag(self._vlm)

    def add(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """After a layer: its keys and values, ``(n, heads, n_keys, size)`` each."""
        n = len(self._real)
        whole = n == len(keys)  # a part would keep all the rest in memory
        self._layers.append((keys, values) if whole else (keys[:n].clone(), values[:n].clone()))

    def take(self, rows: torch.Tensor) -> tuple[transformers.DynamicCache, torch.Tensor, torch.Tensor | int]:
        """What some of the prompts go on from; it is given away, and nothing stays here.

        Returns
        -------
        Their keys and values; which of these are no padding, ``(n, n_keys)``; and their `position_lag`.
        """
        all_of_them = len(rows) == len(self._real)
        cache = transformers.DynamicCache()
        for layer, both in enumerate(self._layers):
            self._layers[layer] = (torch.empty(0), torch.empty(0))
            keys, values = both if all_of_them else (part[rows.to(part.device)] for part in both)
            cache.update(keys, values, layer)
        self._layers = []
        lag = self._lag if isinstance(self._lag, int) else self._lag[rows.to(self._lag.device)]
        return cache, self._real[rows], lag
