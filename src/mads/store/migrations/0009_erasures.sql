-- migrate:up
ALTER TABLE erasures ADD COLUMN done INTEGER NOT NULL DEFAULT 1; -- 0 until nothing is left of what was erased

-- migrate:down
ALTER TABLE erasures DROP COLUMN done;
