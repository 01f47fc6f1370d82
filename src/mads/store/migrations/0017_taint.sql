-- migrate:up
ALTER TABLE record ADD COLUMN taint TEXT NOT NULL DEFAULT ''; -- JSON, the labels of what it was asked and told; empty: none
ALTER TABLE kept ADD COLUMN taint TEXT NOT NULL DEFAULT ''; -- JSON, the labels of whoever kept it; empty: none
CREATE INDEX kept_taint ON kept (tenant, mad, field) WHERE taint <> '';

-- migrate:down
DROP INDEX kept_taint;
ALTER TABLE record DROP COLUMN taint;
ALTER TABLE kept DROP COLUMN taint;
