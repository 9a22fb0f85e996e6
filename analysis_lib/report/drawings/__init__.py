"""Drawings of one question's way through the method: each takes the run's own numbers and says them in words too.

`ink` has what they share; a drawing is a function that returns `Markup`, drawn without a script and in the page's ink.
"""

from analysis_lib.report.drawings.atoms_by_layer import atoms_by_layer
from analysis_lib.report.drawings.before_and_after import answers_and_atoms
from analysis_lib.report.drawings.information_bars import atom_areas, covariance_and_bars
from analysis_lib.report.drawings.patch_grid import patch_grid
from analysis_lib.report.drawings.question_clouds import clouds_drawing, normal_scores
from analysis_lib.report.drawings.reading_mask import mask_drawing
from analysis_lib.report.drawings.state_strips import state_strips

__all__ = [
    "answers_and_atoms",
    "atom_areas",
    "atoms_by_layer",
    "clouds_drawing",
    "covariance_and_bars",
    "mask_drawing",
    "normal_scores",
    "patch_grid",
    "state_strips",
]
