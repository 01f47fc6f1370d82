-- migrate:up
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL, -- since 1970
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL, -- the MAD that reserved, and settles
    payer TEXT NOT NULL, -- the MAD that asked it, or the principal
    conversation TEXT NOT NULL, -- empty where it belongs to none
    what TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('reserved', 'spent', 'released')),
    micro_usd INTEGER NOT NULL CHECK (micro_usd >= 0),
    calls INTEGER NOT NULL,
    input INTEGER NOT NULL, -- tokens of the four kinds
    cached INTEGER NOT NULL,
    written INTEGER NOT NULL,
    output INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_open ON ledger (id) WHERE state = 'reserved';

-- migrate:down
DROP TABLE ledger;
