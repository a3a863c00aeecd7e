-- Policies of overage that accounts had before: what happened until that instant goes by them, whenever it comes.
CREATE TABLE credit_overage_before (
	account INTEGER NOT NULL REFERENCES credit_account,
	until INTEGER NOT NULL,      -- the first instant of the next one
	overage TEXT NOT NULL CHECK (overage = 'refuse' OR overage = 'limit' OR overage = 'debt'),
	PRIMARY KEY (account, until)
) STRICT;
-- Whose debts were repaid, and who carries none any more, carried them until then.
INSERT INTO credit_overage_before SELECT a.id, max(t.booked) + 1, 'debt' FROM credit_account a JOIN ledger_txn t ON t.account = a.id
	WHERE a.overage <> 'debt' AND t.usage_from IS NULL AND t.kind <> 'grant' AND t.kind <> 'bill' AND t.kind = 'repay' GROUP BY a.id;
