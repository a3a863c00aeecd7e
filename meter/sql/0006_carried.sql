-- What debt carries to the balance is booked to the day of its usage, as what grants pay is: no invoice asks for it.
INSERT INTO credit_taken SELECT a.id,coalesce((SELECT max(d.day) FROM credit_day d WHERE d.account=a.id),0),s.owed FROM credit_account a
	JOIN credit_state s ON s.account=a.id WHERE a.overage='debt' AND s.owed<>0
	ON CONFLICT(account,day) DO UPDATE SET nano=credit_taken.nano+excluded.nano;

-- What is taken back is given back where it was drawn: of the same part of an hour.
CREATE INDEX txn_of_usage ON ledger_txn (account, at) WHERE usage_from IS NOT NULL;
