-- migrate:up
CREATE TABLE quotas (
    rule TEXT NOT NULL, -- what mads.toml says of it, in words
    tenant TEXT NOT NULL, -- empty where several share the counter
    subject TEXT NOT NULL,
    window TEXT NOT NULL, -- 2026-11-22 or 2026-11, in UTC
    ends INTEGER NOT NULL, -- when that has passed, in milliseconds since 1970
    used INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (rule, tenant, subject, window)
) STRICT, WITHOUT ROWID;

-- migrate:down
DROP TABLE quotas;
