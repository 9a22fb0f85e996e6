"""A world of a hundred real things in natural and in contrary colours, for a LLaVA with a real pretrained decoder."""
