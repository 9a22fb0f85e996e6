"""Estimates on the benchmarks that others published: warped channels, doubled systems, scalar sweeps."""

from .bent_channels import PUBLISHED, WAYS, Published, channel_gains
from .comparing import errors_of_atoms, protocol_table, summarise
from .exact_systems import COPIES, doubled, swept
from .run_benchmarks import GRIDS, Found, Grid, run

__all__ = [
    "COPIES",
    "GRIDS",
    "PUBLISHED",
    "WAYS",
    "Found",
    "Grid",
    "Published",
    "channel_gains",
    "doubled",
    "errors_of_atoms",
    "protocol_table",
    "run",
    "summarise",
    "swept",
]
