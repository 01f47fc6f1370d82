"""What may stand at the root: a file, the environment, the system's keyring, a process, a token, a server."""
