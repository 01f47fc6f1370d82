"""How much somebody may ask for: how often, how many at once, how large, how many a day or a month."""
