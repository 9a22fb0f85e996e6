"""Samples as estimators take them: read, checked, labelled, reduced to components, cut in folds."""
