"""What must not leave: secrets by their form, secrets that the vault knows, and structured personal data."""
