"""The need `Think`: a MAD's questions on their way to the MAD that asks models, and what comes back as a value."""
