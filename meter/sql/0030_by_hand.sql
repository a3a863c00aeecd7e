-- What is booked of an account from an instant on, usage apart, is computed afresh with it.
CREATE INDEX txn_by_hand ON ledger_txn (account, at) WHERE usage_from IS NULL AND kind <> 'grant' AND kind <> 'bill';
