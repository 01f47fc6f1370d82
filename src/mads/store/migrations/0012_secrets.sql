-- migrate:up
CREATE TABLE secrets (
    tenant TEXT NOT NULL,
    path TEXT NOT NULL,
    version INTEGER NOT NULL, -- from 1; the newest stays as a mark where all was dropped
    sealed INTEGER NOT NULL, -- the number of the key under which the data key is wrapped
    wrapped BLOB NOT NULL, -- the data key; empty where the secret was dropped
    body BLOB NOT NULL,
    made INTEGER NOT NULL, -- times are in milliseconds since 1970
    expires INTEGER, -- when the secret itself is worth nothing any more
    ends INTEGER, -- until when this version is good beside a newer one
    hosts TEXT NOT NULL, -- a JSON list of texts
    marks BLOB NOT NULL,
    PRIMARY KEY (tenant, path, version)
) STRICT;
CREATE INDEX secrets_by_key ON secrets (sealed);
CREATE TABLE secret_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    wrapped BLOB NOT NULL,
    salt BLOB NOT NULL, -- of the passphrase; empty where there is none
    device BLOB NOT NULL, -- which machine it is bound to; empty where to none
    made INTEGER NOT NULL
) STRICT;
CREATE TABLE secret_grants (
    tenant TEXT NOT NULL,
    mad TEXT NOT NULL,
    pattern TEXT NOT NULL,
    lease INTEGER, -- for how many milliseconds a handle is lent at a time
    PRIMARY KEY (tenant, mad, pattern)
) STRICT;
CREATE TABLE secret_leases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    mad TEXT NOT NULL,
    path TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- migrate:down
DROP TABLE secret_leases;
DROP TABLE secret_grants;
DROP TABLE secret_keys;
DROP TABLE secrets;
