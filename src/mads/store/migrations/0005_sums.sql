-- migrate:up
ALTER TABLE kept ADD COLUMN sum INTEGER; -- NULL for what is older than this step
ALTER TABLE commands ADD COLUMN sum INTEGER;

-- migrate:down
ALTER TABLE kept DROP COLUMN sum;
ALTER TABLE commands DROP COLUMN sum;
