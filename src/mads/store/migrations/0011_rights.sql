-- migrate:up
CREATE TABLE roles (
    name TEXT PRIMARY KEY
) STRICT;

CREATE TABLE grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    whom TEXT NOT NULL, -- a principal, role:NAME or mad:NAME
    tenant TEXT NOT NULL, -- * is every one
    what TEXT NOT NULL, -- a pattern of tools, or a role
    allow INTEGER NOT NULL,
    condition TEXT NOT NULL,
    UNIQUE (whom, tenant, what, allow, condition)
) STRICT;

CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL, -- in milliseconds since 1970
    what TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- without a gap, or a row is missing
    at INTEGER NOT NULL, -- in microseconds since 1970
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    tenant TEXT NOT NULL,
    chain TEXT NOT NULL, -- with a dot between two MADs
    subject TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    rule TEXT NOT NULL,
    revision INTEGER NOT NULL,
    request TEXT NOT NULL,
    trace TEXT NOT NULL,
    hash BLOB NOT NULL -- keyed, over all of this and the hash of the row before
) STRICT;

CREATE INDEX audit_by_request ON audit (request);

-- migrate:down
DROP INDEX audit_by_request;
DROP TABLE audit;
DROP TABLE revisions;
DROP TABLE grants;
DROP TABLE roles;
