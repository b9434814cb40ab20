"""Studies: many runs on common random numbers, and what may be concluded from them."""
