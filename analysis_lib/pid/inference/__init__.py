"""From latents to numbers that can be believed: bias, intervals, brackets, nulls and p-values."""
