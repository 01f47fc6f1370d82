-- migrate:up
ALTER TABLE ledger ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0; -- 1: the provider reports something else
ALTER TABLE ledger ADD COLUMN reported_usd INTEGER NOT NULL DEFAULT 0; -- in millionths: what it reports; nothing: 0
ALTER TABLE ledger ADD COLUMN reported_tokens INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ledger_disputed ON ledger (id) WHERE disputed = 1;

-- migrate:down
DROP INDEX ledger_disputed;
ALTER TABLE ledger DROP COLUMN reported_tokens;
ALTER TABLE ledger DROP COLUMN reported_usd;
ALTER TABLE ledger DROP COLUMN disputed;
