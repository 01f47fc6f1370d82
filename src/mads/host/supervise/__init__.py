"""Keep MADs up: their places and lives, what restarts them, how they fare, and what is looked at all the time."""
