"""One broker for every connection that leaves: where it may go, what it may carry, how much may come back."""
