"""The Gaussian system behind every definition: covariances whitened, informations, the target's directions."""
