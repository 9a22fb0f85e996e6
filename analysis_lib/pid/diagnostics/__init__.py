"""What a reader must know about a number before believing it."""
