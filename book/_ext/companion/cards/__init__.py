"""Model cards of the checkpoints that ship and data cards of the worlds, each written beside what it is about.

``make cards`` writes them. Words stand in `templates`, in the order of Hugging Face's own; every number is read from
``training.json``, the configuration, the weights or the world itself. The book includes the same files as pages.
"""

from collections.abc import Callable
from pathlib import Path

from companion.cards.mini_models import mini_card
from companion.cards.smol_model import smol_card
from companion.cards.worlds import minigqa_card, smolgqa_card

WORLDS = Path("analysis_lib/worlds")
CHECKPOINTS = WORLDS / "mini" / "checkpoints"
CARD = "README.md"


def model_cards(root: Path) -> dict[Path, Callable[[], str]]:
    """What writes the card of each checkpoint that ships in a checkout, by the card's file."""
    folders = sorted(path for path in (root / CHECKPOINTS).iterdir() if (path / "training.json").is_file())
    smol = root / WORLDS / "smol" / "checkpoint"
    minis = {folder / CARD: lambda folder=folder: mini_card(folder) for folder in folders}
    return {**minis, smol / CARD: lambda: smol_card(smol)}


def data_cards(root: Path) -> dict[Path, Callable[[], str]]:
    """What writes the card of each generated world, by the card's file."""
    return {root / WORLDS / "mini" / CARD: minigqa_card, root / WORLDS / "smol" / CARD: smolgqa_card}
