"""Write all cards anew: ``PYTHONPATH=book/_ext python -m companion.cards``."""

from pathlib import Path

from analysis_lib.files import write_atomically
from companion.cards import data_cards, model_cards

ROOT = Path(__file__).resolve().parents[4]

if __name__ == "__main__":
    for path, write in {**model_cards(ROOT), **data_cards(ROOT)}.items():
        write_atomically(path, write())
        print(path.relative_to(ROOT))
