-- Alarms are of an amount: what was told about another one does not silence them.
CREATE TABLE alarm_of_amount (
	budget INTEGER NOT NULL REFERENCES budget ON DELETE CASCADE,
	period_from INTEGER NOT NULL,
	percent INTEGER NOT NULL,
	pico INTEGER NOT NULL,       -- the budget's amount when it was raised
	raised INTEGER NOT NULL,
	spent TEXT NOT NULL,
	told INTEGER,                -- when the hook took it; NULL: not yet
	tries INTEGER NOT NULL,
	PRIMARY KEY (budget, period_from, percent, pico)
) STRICT, WITHOUT ROWID;
INSERT INTO alarm_of_amount SELECT a.budget,a.period_from,a.percent,b.pico,a.raised,a.spent,a.told,a.tries FROM budget_alarm a JOIN budget b ON b.id=a.budget;
DROP TABLE budget_alarm;
ALTER TABLE alarm_of_amount RENAME TO budget_alarm;
