"""Durable commands: written down, then delivered until they are done or given up; and the steps that they take."""
