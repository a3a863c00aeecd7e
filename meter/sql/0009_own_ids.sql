-- The id of a movement is its account's own: two customers may both have an order-1.
DROP INDEX txn_by_key;
CREATE UNIQUE INDEX txn_by_key ON ledger_txn (account, key) WHERE key IS NOT NULL;

-- Accounts whose usage could not be drawn: it is stored, waits from credit_state.drawn_to on, and holds up nobody else.
CREATE TABLE credit_fault (
	account INTEGER PRIMARY KEY REFERENCES credit_account,
	since INTEGER NOT NULL,
	why TEXT NOT NULL
) STRICT;
