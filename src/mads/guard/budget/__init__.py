"""How much may be spent: caps, and the accounts in which all of it is counted before it is spent."""
