-- migrate:up
CREATE TABLE copies (
    kind TEXT NOT NULL, -- export, dataset, import
    tenant TEXT NOT NULL, -- what was copied: of all where it is empty, as with the conversation
    conversation TEXT NOT NULL,
    place TEXT NOT NULL, -- where to, as whoever asked for it said
    author TEXT NOT NULL,
    at_us INTEGER NOT NULL, -- the last time
    PRIMARY KEY (kind, tenant, conversation, place, author)
) STRICT, WITHOUT ROWID;

-- migrate:down
DROP TABLE copies;
