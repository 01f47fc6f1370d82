-- migrate:up
CREATE TABLE keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    digest BLOB NOT NULL UNIQUE, -- SHA-256 of the secret, which is kept nowhere
    principal TEXT NOT NULL,
    tenant TEXT NOT NULL,
    roles TEXT NOT NULL, -- a JSON list of texts, as are the scopes
    scopes TEXT NOT NULL,
    made INTEGER NOT NULL, -- times are in milliseconds since 1970
    expires INTEGER,
    revoked INTEGER,
    replaces INTEGER
) STRICT;

-- migrate:down
DROP TABLE keys;
