-- migrate:up
ALTER TABLE ledger ADD COLUMN saved_usd INTEGER NOT NULL DEFAULT 0; -- in millionths: beside the dearest of its ladder
ALTER TABLE ledger ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0; -- answers that came from no first rung

-- migrate:down
ALTER TABLE ledger DROP COLUMN escalated;
ALTER TABLE ledger DROP COLUMN saved_usd;
