"""What travels: calls, replies, failures, identities, and the one codec that turns them into bytes."""
