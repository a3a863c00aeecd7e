-- What credits are sold for: the price of a whole grant, in 1e-12 of its currency, which invoices ask for; NULL: nothing is asked.
ALTER TABLE credit_grant ADD COLUMN price INTEGER CHECK (price >= 0);
ALTER TABLE credit_rule ADD COLUMN price INTEGER CHECK (price >= 0);
CREATE INDEX grant_sold ON credit_grant (account, effective) WHERE price IS NOT NULL;

-- Credits that are bought by themselves: as soon as fewer than `below` are left, as many as there are `target` again.
CREATE TABLE credit_top_up (
	account INTEGER PRIMARY KEY REFERENCES credit_account,
	below INTEGER NOT NULL CHECK (below > 0),
	target INTEGER NOT NULL CHECK (target >= below),
	most INTEGER NOT NULL CHECK (most >= 0),  -- in 30 days; 0: no end
	price INTEGER CHECK (price >= 0),         -- of one credit, in 1e-12 of the currency; NULL: they are granted
	currency TEXT NOT NULL,
	lasts TEXT NOT NULL                       -- of each grant; '' for ever
) STRICT;
