"""Maps of variables that keep informations: flows, what they are trained for, and how."""
