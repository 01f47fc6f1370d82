-- migrate:up
CREATE TABLE kept (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    tenant TEXT NOT NULL,
    mad TEXT NOT NULL,
    field TEXT NOT NULL,
    type TEXT NOT NULL, -- versioned wire name
    body BLOB NOT NULL
) STRICT;

CREATE INDEX kept_by_field ON kept (tenant, mad, field);

-- migrate:down
DROP TABLE kept;
