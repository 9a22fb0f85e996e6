"""The living model: mini-llava-1.5 made ready to run in a reader's browser, with every attention mask an input."""

from .export import BLOCKED, INPUTS, OUTPUTS, Traced, exported
from .layer_maps import MAPPED, Landscape, landscape, pooled_states
from .layer_readings import attention_shares, most_moved, readings
from .page_scripts import MANIFEST_FILE, SCRIPTS, write_bundle
from .runtime import Runtime, find_runtime, runtime_folder
from .world_tables import packed, page_tables

__all__ = [
    "BLOCKED",
    "INPUTS",
    "MANIFEST_FILE",
    "MAPPED",
    "OUTPUTS",
    "SCRIPTS",
    "Landscape",
    "Runtime",
    "Traced",
    "attention_shares",
    "exported",
    "find_runtime",
    "landscape",
    "most_moved",
    "packed",
    "page_tables",
    "pooled_states",
    "readings",
    "runtime_folder",
    "write_bundle",
]
