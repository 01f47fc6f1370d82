"""The MADs that come with mads, written through the front door only."""
