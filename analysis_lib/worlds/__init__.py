"""What stands in for the real thing: generated worlds with known truth, their models and training.

`mini` is MiniGQA with the two embedded LLaVAs, `smol` a world of real things with smol-llava. In each: the ``world``
and its ``questions``, ``pictures`` and ``files``, the models that answer and their ``training``. Nobody with real
weights and photographs needs to open it: names such as ``minigqa`` and ``mini-llava-1.5`` lead here through
`load_questions` and `load_model`.
"""
