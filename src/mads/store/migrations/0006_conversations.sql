-- migrate:up
ALTER TABLE bodies ADD COLUMN refs INTEGER NOT NULL DEFAULT 0; -- how often rows of the record name it
UPDATE bodies SET refs = used.times FROM (
    SELECT address, count(*) AS times
    FROM (SELECT asked AS address FROM record UNION ALL SELECT answered FROM record)
    GROUP BY address
) AS used WHERE used.address = bodies.address;

CREATE INDEX record_by_age ON record (at_us);

CREATE TRIGGER record_erased AFTER DELETE ON record BEGIN
    UPDATE bodies SET refs = refs - 1 WHERE length(old.asked) = 32 AND address = old.asked;
    UPDATE bodies SET refs = refs - 1 WHERE length(old.answered) = 32 AND address = old.answered;
    DELETE FROM bodies WHERE address IN (old.asked, old.answered) AND refs <= 0;
END;

CREATE TRIGGER record_emptied AFTER UPDATE OF asked, answered ON record BEGIN
    UPDATE bodies SET refs = refs - 1 WHERE old.asked <> new.asked AND address = old.asked;
    UPDATE bodies SET refs = refs - 1 WHERE old.answered <> new.answered AND address = old.answered;
    DELETE FROM bodies WHERE address IN (old.asked, old.answered) AND refs <= 0;
END;

CREATE TABLE labels (
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    call TEXT NOT NULL, -- the row's id, mad and attempt; of the conversation as a whole '', '' and 0
    mad TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    label TEXT NOT NULL, -- ok, failed, corrected, approved
    author TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation, call, mad, attempt)
) STRICT, WITHOUT ROWID;

CREATE VIEW labelled AS
SELECT
    record.seq AS seq,
    coalesce(own.label, whole.label, iif(record.outcome IN ('ok', 'unheard'), 'ok', 'failed')) AS label,
    coalesce(own.author, whole.author, '') AS author,
    coalesce(own.at_us, whole.at_us, 0) AS labelled_us
FROM record
LEFT JOIN labels AS own
    ON own.tenant = record.tenant AND own.conversation = record.conversation
    AND own.call = record.id AND own.mad = record.mad AND own.attempt = record.attempt
LEFT JOIN labels AS whole
    ON whole.tenant = record.tenant AND whole.conversation = record.conversation
    AND whole.call = '' AND whole.mad = '' AND whole.attempt = 0;

CREATE TABLE holds (
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    why TEXT NOT NULL,
    author TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, conversation)
) STRICT, WITHOUT ROWID;

CREATE TABLE erasures (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    conversation TEXT NOT NULL,
    certificate BLOB NOT NULL -- JSON
) STRICT;

-- migrate:down
DROP TABLE erasures;
DROP TABLE holds;
DROP VIEW labelled;
DROP TABLE labels;
DROP TRIGGER record_emptied;
DROP TRIGGER record_erased;
DROP INDEX record_by_age;
ALTER TABLE bodies DROP COLUMN refs;
