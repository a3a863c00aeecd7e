-- [postgres: one step with the file before]
-- Invoices and credit notes. A draft may be thrown away and made anew; what is final never changes.

CREATE TABLE invoice (
	id IDENTITY PRIMARY KEY,
	kind TEXT NOT NULL CHECK (kind IN ('invoice', 'note')),
	status TEXT NOT NULL CHECK (status IN ('draft', 'final', 'void')),
	number TEXT UNIQUE,         -- from the moment it is final
	customer TEXT NOT NULL,
	currency TEXT NOT NULL,     -- 'credits' or a code
	period_from INTEGER NOT NULL,
	period_to INTEGER NOT NULL,
-- [sqlite]
	document TEXT NOT NULL,     -- JSON: everything that is shown
-- [postgres]
	document JSON NOT NULL,
-- [both]
	total TEXT NOT NULL,
	created INTEGER NOT NULL,
	finalized INTEGER,
	voided INTEGER,
	why TEXT NOT NULL,
	corrects INTEGER REFERENCES invoice,  -- of notes
	counted INTEGER NOT NULL,   -- credits taken from grants that it has shown as applied
	CHECK ((status = 'draft') = (number IS NULL)),
	CHECK (period_from < period_to)
) STRICT;
CREATE UNIQUE INDEX invoice_of_period ON invoice (customer, currency, period_from)
WHERE kind = 'invoice' AND status <> 'void';
CREATE INDEX invoice_of_customer ON invoice (customer, period_from);
-- [sqlite]
CREATE TRIGGER final_is_final BEFORE UPDATE ON invoice
WHEN old.status = 'void' OR (old.status = 'final' AND NOT (new.status = 'void'
	AND new.number = old.number AND new.document = old.document AND new.total = old.total
	AND new.customer = old.customer AND new.finalized = old.finalized))
BEGIN SELECT raise(ABORT, 'a final invoice is never changed'); END;
CREATE TRIGGER final_is_kept BEFORE DELETE ON invoice WHEN old.status <> 'draft'
BEGIN SELECT raise(ABORT, 'a final invoice is never deleted'); END;
-- [postgres]
CREATE TRIGGER final_is_final BEFORE UPDATE ON invoice
FOR EACH ROW WHEN (old.status = 'void' OR (old.status = 'final' AND NOT (new.status = 'void'
	AND new.number = old.number AND new.document::text = old.document::text AND new.total = old.total
	AND new.customer = old.customer AND new.finalized = old.finalized)))
EXECUTE FUNCTION refuse('a final invoice is never changed');
CREATE TRIGGER final_is_kept BEFORE DELETE ON invoice
FOR EACH ROW WHEN (old.status <> 'draft') EXECUTE FUNCTION refuse('a final invoice is never deleted');
-- [both]

-- The last number of each series. It moves in the transaction that finalizes, so none is left out.
CREATE TABLE invoice_series (
	series TEXT PRIMARY KEY,
	last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What final invoices have charged for usage, so that later changes show as adjustments.
CREATE TABLE invoice_usage (
	invoice INTEGER NOT NULL REFERENCES invoice,
	place INTEGER NOT NULL,
	of_period INTEGER NOT NULL REFERENCES invoice, -- itself, or the one that is adjusted
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	bucket TEXT NOT NULL,
	unit_price TEXT NOT NULL,
	quantity INTEGER NOT NULL,
	amount TEXT NOT NULL,       -- exact
	PRIMARY KEY (invoice, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_of_period ON invoice_usage (of_period);
-- [sqlite]
CREATE TRIGGER invoiced_is_never_changed BEFORE UPDATE ON invoice_usage
BEGIN SELECT raise(ABORT, 'what was invoiced is never changed'); END;
CREATE TRIGGER invoiced_is_never_deleted BEFORE DELETE ON invoice_usage
BEGIN SELECT raise(ABORT, 'what was invoiced is never deleted'); END;
-- [postgres]
CREATE TRIGGER invoiced_is_never_changed BEFORE UPDATE OR DELETE ON invoice_usage
FOR EACH ROW EXECUTE FUNCTION refuse('what was invoiced is never changed');
-- [both]

-- Budgets, and which alarms they have given.
CREATE TABLE budget (
	id IDENTITY PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	customer TEXT NOT NULL,     -- '' for all
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL CHECK (pico > 0),
	period TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'ever')),
	zone TEXT NOT NULL,
	soft TEXT NOT NULL,         -- percentages, ascending, with commas
	hard INTEGER NOT NULL CHECK (hard IN (0, 1)),  -- at 100 % holds are refused
	hook TEXT NOT NULL,         -- a command, or an http address; '' for none
	set_at INTEGER NOT NULL
) STRICT;
CREATE TABLE budget_alarm (
	budget INTEGER NOT NULL REFERENCES budget ON DELETE CASCADE,
	period_from INTEGER NOT NULL,
	percent INTEGER NOT NULL,
	raised INTEGER NOT NULL,
	spent TEXT NOT NULL,
	told INTEGER,               -- when the hook took it; NULL: not yet
	tries INTEGER NOT NULL,
	PRIMARY KEY (budget, period_from, percent)
) STRICT, WITHOUT ROWID;
