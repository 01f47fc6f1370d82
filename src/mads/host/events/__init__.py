"""Events: who hears which, what a critical one must pass, and those that the host itself raises."""
