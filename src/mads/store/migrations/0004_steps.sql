-- migrate:up
CREATE TABLE steps (
    command INTEGER NOT NULL REFERENCES commands (seq) ON DELETE CASCADE, -- they go with their command
    name TEXT NOT NULL,
    work TEXT NOT NULL, -- what was called
    version TEXT NOT NULL, -- of the code that called it
    result BLOB NOT NULL,
    PRIMARY KEY (command, name)
) STRICT, WITHOUT ROWID;

-- migrate:down
DROP TABLE steps;
