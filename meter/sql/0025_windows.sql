-- Limits and budgets in any window (meter/billing/window), several limits of a customer at once, thresholds that are amounts. A zone that
-- is '' is the account's; that of limits was UTC. An alarm of percent 0 is of the amount `pico` itself.
-- [sqlite]
CREATE TABLE limit_of_window (
	customer TEXT NOT NULL,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL CHECK (pico >= 0),  -- of the currency, per period
	period TEXT NOT NULL,
	set_at INTEGER NOT NULL,
	zone TEXT NOT NULL,
	PRIMARY KEY (customer, period)
) STRICT, WITHOUT ROWID;
INSERT INTO limit_of_window SELECT customer,currency,pico,period,set_at,'UTC' FROM spending_limit;
DROP TABLE spending_limit;
ALTER TABLE limit_of_window RENAME TO spending_limit;
CREATE TABLE budget_of_window (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	customer TEXT NOT NULL,     -- '' for all
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL CHECK (pico > 0),
	period TEXT NOT NULL,
	zone TEXT NOT NULL,
	soft TEXT NOT NULL,         -- percentages, ascending, with commas
	hard INTEGER NOT NULL CHECK (hard IN (0, 1)),  -- at 100 % holds are refused
	hook TEXT NOT NULL,         -- a command, or an http address; '' for none
	set_at INTEGER NOT NULL,
	soft_amounts TEXT NOT NULL  -- amounts, ascending, with commas
) STRICT;
INSERT INTO budget_of_window SELECT id,name,customer,project,model,currency,pico,period,zone,soft,hard,hook,set_at,'' FROM budget;
CREATE TABLE alarm_of_window (
	budget INTEGER NOT NULL REFERENCES budget_of_window ON DELETE CASCADE,
	period_from INTEGER NOT NULL,
	percent INTEGER NOT NULL,
	pico INTEGER NOT NULL,
	raised INTEGER NOT NULL,
	spent TEXT NOT NULL,
	told INTEGER,
	tries INTEGER NOT NULL,
	PRIMARY KEY (budget, period_from, percent, pico)
) STRICT, WITHOUT ROWID;
INSERT INTO alarm_of_window SELECT * FROM budget_alarm;
DROP TABLE budget_alarm;
DROP TABLE budget;
ALTER TABLE budget_of_window RENAME TO budget;
ALTER TABLE alarm_of_window RENAME TO budget_alarm;
-- [postgres]
ALTER TABLE spending_limit DROP CONSTRAINT spending_limit_period_check;
ALTER TABLE spending_limit DROP CONSTRAINT spending_limit_pkey;
ALTER TABLE spending_limit ADD PRIMARY KEY (customer, period);
ALTER TABLE spending_limit ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';
ALTER TABLE spending_limit ALTER COLUMN zone DROP DEFAULT;
ALTER TABLE budget DROP CONSTRAINT budget_period_check;
ALTER TABLE budget ADD COLUMN soft_amounts TEXT NOT NULL DEFAULT '';
ALTER TABLE budget ALTER COLUMN soft_amounts DROP DEFAULT;
