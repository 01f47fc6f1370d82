"""Keep secrets sealed, and open one where it is used: envelopes, versions, grants and leases over ports."""
