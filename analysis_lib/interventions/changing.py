"""Three interventions on a place: its states from another picture's run, an answer erased from them, or not read."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .erasing import Eraser
from .places import PLACES, cut_reading, place_mask
from .rerun import Change, Rerun

__all__ = ["cut", "erase", "patch"]


def patch(host: Rerun, donor: Rerun, place: str, layer: int) -> torch.Tensor:
    """The host's prediction when, after so many layers, a place holds the states of the donor's run.

    Activation patching (Vig et al. 2020, arXiv:2004.12265; Meng et al. 2022, arXiv:2202.05262). Picture features that a
    family adds in later layers stay the host's.

    Parameters
    ----------
    host, donor
        runs of the same questions about pictures of one size: every position means the same in both.
    place
        one of `PLACES`.
    layer
        0, the decoder's input, to ``n_layers``.

    Returns
    -------
    logits ``(n, vocabulary)``; those of the host's first run to the bit where the states are the same.

    Raises
    ------
    ValueError
        prompts of host and donor differ in where their parts stand; no such place or layer.
    """
    if host.spans != donor.spans:
        apart = [row for row, (one, other) in enumerate(zip(host.spans, donor.spans, strict=False)) if one != other]
        where = f"prompts {apart[:5]}" if apart else f"{len(host.spans)} and {len(donor.spans)} prompts"
        raise ValueError(
            f"host and donor differ in where their parts stand ({where}); patch between runs of the same questions "
            "about pictures of one size"
        )
    _check_layer(host, layer)
    moved = place_mask(host.spans, place, host.length)
    states = donor.states[layer]
    if place == PLACES[0] and not host.adds_features:  # before it stands the same, so the donor goes on as it did
        return host.logits_given(donor, moved, layer)
    return host.logits_with(moved, {layer: lambda _, positions: states[:, positions]})


def erase(run: Rerun, erasers: Mapping[int, Eraser], place: str) -> torch.Tensor:
    """The prediction when an answer is erased from a place's states after each of the layers that have an eraser.

    Every position of the place is mapped by itself; as the map is affine, their mean is mapped as well.

    Returns
    -------
    logits ``(n, vocabulary)``.

    Raises
    ------
    ValueError
        no such place or layer.
    """
    changes = {layer: _erasing(eraser) for layer, eraser in erasers.items()}
    return run.logits_with(place_mask(run.spans, place, run.length), changes)


def _erasing(eraser: Eraser) -> Change:
    return lambda states, _: eraser(states)


def cut(run: Rerun, place: str, first_layer: int) -> torch.Tensor:
    """The prediction when nobody after a place reads it, from a layer on to the last.

    States after ``first_layer`` layers are what layer ``first_layer`` reads, so this is what `patch` of the same number
    changes, taken away. From ``n_layers`` on nothing is read.

    Returns
    -------
    logits ``(n, vocabulary)``.

    Raises
    ------
    ValueError
        the place is the last position, which nobody reads; no such place or layer.
    """
    _check_layer(run, first_layer)
    nowhere = torch.zeros(len(run.spans), run.length, dtype=torch.bool)
    return run.logits_with(nowhere, {}, cut_reading(place, first_layer, run.vlm.n_layers))


def _check_layer(run: Rerun, layer: int) -> None:
    if not 0 <= layer <= run.vlm.n_layers:
        raise ValueError(f"layer is {layer}; states are known after 0 to {run.vlm.n_layers} layers")
