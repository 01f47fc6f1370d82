-- migrate:up
CREATE TABLE commands (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, -- the receipt, and the order; never given twice
    state TEXT NOT NULL, -- open, done, dead
    tenant TEXT NOT NULL,
    sender TEXT NOT NULL, -- the MAD that sent it
    subject TEXT NOT NULL,
    key TEXT,
    band INTEGER NOT NULL,
    once TEXT,
    sent INTEGER NOT NULL, -- times are in milliseconds since 1970, spans in milliseconds
    within INTEGER,
    since INTEGER NOT NULL, -- when `due` was written
    due INTEGER NOT NULL,
    attempt INTEGER NOT NULL, -- the last that was begun
    attempts INTEGER NOT NULL, -- after so many it is dead
    why TEXT NOT NULL,
    envelope BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX commands_once ON commands (tenant, sender, once) WHERE once IS NOT NULL;
CREATE INDEX commands_done ON commands (since) WHERE state = 'done';
CREATE INDEX commands_dead ON commands (seq) WHERE state = 'dead';

-- migrate:down
DROP TABLE commands;
