"""No cases."""
