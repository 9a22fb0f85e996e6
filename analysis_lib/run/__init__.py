"""Execute a notebook with checked parameters: ``python -m analysis_lib.run NOTEBOOK -p key value -o out.ipynb``.

The one entry point that the workflow, the tests and a reader share. A notebook declares what it can be asked for in its
cell tagged ``parameters``: one assignment a line, with a type, a default, and a comment that is the help::

    n_questions: int = 1000  # questions per task [1..]
    mode: str = "cartesian"  # how the flow is fitted {cartesian, joint, marginal}
    preservation: float = 0.9  # smallest share of the information to keep (0..1]
    layers: list[int] | None = None  # layers to decompose, none for all [0..]

A comment may end in a range, ``[low..high]`` with either end left out and a round bracket for an end that is excluded,
or in the allowed values, ``{one, two}``. For lists both hold for every element. Types are ``int``, ``float``, ``bool``,
``str``, lists of them, and ``| None``. Unknown names, wrong types and values out of range are refused before anything
runs. On the command line a list is written ``[a, b]`` or ``a,b``, and absence ``none``.

Values that name something say so with a word in pointed brackets, such as ``<task>``, ``<condition>``, ``<model>`` or
``<file to write>``, and are looked up or tried first as well.

Relative paths of the notebook, ``-f``, ``-o`` and ``--numbers`` count from the folder you are in, those in parameters
from the repository, where every notebook runs. A path is taken as it is written; ``~`` is not replaced. What a run
writes and was given no place for lies beside its output: the page's numbers in ``NAME.numbers.json``.
"""

from analysis_lib.run.execute import NotebookFailedError, run_notebook
from analysis_lib.run.parameters import Parameter, ParameterError, parameter_table, read_parameters
from analysis_lib.run.session import take_parameters

__all__ = [
    "NotebookFailedError",
    "Parameter",
    "ParameterError",
    "parameter_table",
    "read_parameters",
    "run_notebook",
    "take_parameters",
]
