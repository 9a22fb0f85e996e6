"""Atoms about a discrete answer, from what cross-validated classifiers can say."""
