-- migrate:up
ALTER TABLE ledger ADD COLUMN chain TEXT NOT NULL DEFAULT '[]'; -- a JSON list of the MADs through which it was asked
ALTER TABLE ledger ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger ADD COLUMN ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ledger_at ON ledger (at_us);
CREATE INDEX ledger_conversation ON ledger (conversation) WHERE conversation <> '';
CREATE INDEX ledger_trace ON ledger (trace) WHERE trace <> '';

-- migrate:down
DROP INDEX ledger_trace;
DROP INDEX ledger_conversation;
DROP INDEX ledger_at;
ALTER TABLE ledger DROP COLUMN ms;
ALTER TABLE ledger DROP COLUMN trace;
ALTER TABLE ledger DROP COLUMN chain;
