-- migrate:up
ALTER TABLE record ADD COLUMN steady_us INTEGER NOT NULL DEFAULT 0; -- when it began, by a clock that never goes back

-- migrate:down
ALTER TABLE record DROP COLUMN steady_us;
