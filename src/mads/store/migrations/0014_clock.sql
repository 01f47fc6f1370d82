-- migrate:up
CREATE TABLE clock (
    id INTEGER PRIMARY KEY, -- 1: there is one row
    believed_us INTEGER NOT NULL, -- what time it was, since 1970, as far as what grows old is concerned
    ahead_us INTEGER NOT NULL -- for how long the clock has said more than that, and was not believed
) STRICT;

-- migrate:down
DROP TABLE clock;
