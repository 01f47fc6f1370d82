"""Say what may happen: layers that stand round every call."""
