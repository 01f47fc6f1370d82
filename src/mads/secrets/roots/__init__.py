"""What may stand at the root: a file, the environment, the keyring of the system, another process, a server."""
