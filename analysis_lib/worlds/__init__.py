"""What stands in for the real thing: generated worlds with known truth, their models and training."""
