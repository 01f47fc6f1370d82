-- migrate:up
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which things ended
    kind TEXT NOT NULL, -- call, event, timer, command, prose, model, refused
    id TEXT NOT NULL, -- of the call; an event that several heard has as many rows
    cause TEXT, -- the id of the call that was being handled
    subject TEXT NOT NULL,
    mad TEXT NOT NULL, -- empty where nobody handled it, like version and place
    version TEXT NOT NULL,
    place TEXT NOT NULL,
    principal TEXT NOT NULL,
    tenant TEXT NOT NULL,
    conversation TEXT,
    trace TEXT NOT NULL,
    span TEXT NOT NULL,
    parent TEXT NOT NULL,
    at_us INTEGER NOT NULL, -- times are in microseconds, since 1970 or from there on
    waited_us INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    key TEXT,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL,
    cost INTEGER NOT NULL, -- in millionths
    notes TEXT,
    asked BLOB NOT NULL, -- addresses: of fewer than 32 bytes it is the body, else that of a row of bodies
    answered BLOB NOT NULL,
    chain TEXT NOT NULL, -- JSON, as the decisions; empty where there are none
    decisions TEXT NOT NULL
) STRICT;

CREATE INDEX record_by_trace ON record (trace);
CREATE INDEX record_by_id ON record (id);
CREATE INDEX record_by_conversation ON record (conversation) WHERE conversation IS NOT NULL;

CREATE TABLE bodies (
    address BLOB PRIMARY KEY NOT NULL, -- BLAKE2b of the body, 32 bytes
    body BLOB NOT NULL
) STRICT;

-- migrate:down
DROP TABLE bodies;
DROP TABLE record;
