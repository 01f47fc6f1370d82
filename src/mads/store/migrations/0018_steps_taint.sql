-- migrate:up
ALTER TABLE steps ADD COLUMN taint TEXT NOT NULL DEFAULT ''; -- JSON, the labels of whoever took the step; empty: none

-- migrate:down
ALTER TABLE steps DROP COLUMN taint;
