"""Run MADs: read the configuration, fill their needs, serve them on the bus, place them, keep them up."""
