"""Training of the LLaVA of this world: vision first, then language, by the clock or by steps."""
