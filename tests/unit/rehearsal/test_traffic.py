"""What is moved: known of simple work, views move nothing; fused layers move less and compute the same products."""

from dataclasses import replace

import pandas as pd
import torch

from analysis_lib.rehearsal import SHAPES, count_traffic, summarise_traffic
from analysis_lib.rehearsal.traffic import KINDS, traffic_by_kind


def test_simple_work_moves_what_it_reads_and_writes() -> None:
    left, right = (torch.empty(*shape, device="meta") for shape in ((8, 16), (16, 4)))

    def work() -> None:
        product = left @ right  # 128 + 64 + 32 numbers
        product.view(-1)[3:].unflatten(0, (29, 1))  # a view
        product.relu_()  # 32 + 32
        one = torch.empty(1, 4, device="meta").expand(8, 4)
        (product + one).to(torch.bfloat16)  # 32 + 4 + 32; 32 read and 32 halves written

    found = traffic_by_kind(work)
    assert found.moved == dict(zip(KINDS, (4 * 224, 0, 4 * (64 + 68), 4 * 32 + 2 * 32), strict=True))
    assert found.kernels == dict(zip(KINDS, (1, 0, 2, 1), strict=True))


def test_fused_layers_move_less_by_the_same_products() -> None:
    shape = replace(SHAPES["llava-1.5-7b"].narrowed(32), layers=3, tile=56, question=5, tail=3)
    found = count_traffic(shape, batch=2).pivot(index="kind", columns="way", values=["kernels", "megabytes"])
    kernels, moved = found["kernels"], found["megabytes"]
    assert kernels["fused"].loc["matrix products"] == kernels["own layers"].loc["matrix products"]
    assert moved["fused"].loc["attention"] == moved["own layers"].loc["attention"]
    for kind in ("element by element", "copies and casts"):
        assert kernels["fused"].loc[kind] < kernels["own layers"].loc[kind]
        assert moved["fused"].loc[kind] < 0.8 * moved["own layers"].loc[kind]


def test_the_page_adds_up_kinds_and_takes_models_in_their_order() -> None:
    rows = [("b", "own layers", 2, 10.0), ("b", "own layers", 1, 10.0), ("b", "fused", 2, 15.0)]
    rows += [("a", "own layers", 9, 4.0), ("a", "fused", 4, 1.0)]
    said = summarise_traffic(pd.DataFrame(rows, columns=["model", "way", "kernels", "megabytes"]))
    assert (said["kernels_own"], said["kernels_fused"], said["moved_less"].text) == (
        "3 and 9",
        "2 and 4",
        "25% and 75%",
    )
