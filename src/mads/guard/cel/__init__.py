"""The Common Expression Language, as much of it as conditions need: compiled once, without loops or side effects."""
