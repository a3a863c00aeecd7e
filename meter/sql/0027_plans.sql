-- Plans that accounts had before: usage up to that instant goes by them, whenever it comes.
CREATE TABLE credit_plan_before (
	account INTEGER NOT NULL REFERENCES credit_account,
	until INTEGER NOT NULL,      -- the first instant of the next one
	plan TEXT NOT NULL,
	plan_text TEXT NOT NULL,
	PRIMARY KEY (account, until)
) STRICT;
