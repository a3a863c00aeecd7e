-- [postgres: one step with the file before]
-- Credits: who has how many, and every movement of them. Amounts are billionths of a credit.
-- Movements are transactions of entries that sum to zero; nothing of them is ever changed.

CREATE TABLE credit_account (
	id IDENTITY PRIMARY KEY,
	customer TEXT NOT NULL UNIQUE,
	plan TEXT NOT NULL,          -- name of the plan that turns usage into credits
	plan_text TEXT NOT NULL,     -- the plan's file when it is not a shipped one
	byo INTEGER NOT NULL CHECK (byo IN (0, 1)),  -- own keys: usage is reported and draws nothing
	overage TEXT NOT NULL CHECK (overage IN ('refuse', 'limit', 'debt')),
	overage_limit INTEGER NOT NULL CHECK (overage_limit >= 0),
	burn_order TEXT NOT NULL,
	zone TEXT NOT NULL,          -- in which its months begin
	anchor_day INTEGER NOT NULL CHECK (anchor_day BETWEEN 1 AND 31), -- day on which they do
	low_balance INTEGER,         -- below it the balance is low
	terms TEXT NOT NULL,         -- JSON: how it is invoiced
	since INTEGER NOT NULL,      -- usage from this instant on draws credits
	opened INTEGER NOT NULL
) STRICT;

-- How far usage has drawn, and what of it is too fine for the ledger yet. Derived, and checked.
CREATE TABLE credit_state (
	account INTEGER PRIMARY KEY REFERENCES credit_account,
	drawn_to INTEGER NOT NULL,   -- row of usage
	rest INTEGER NOT NULL,       -- in 1e-18 credit, below a billionth
	owed INTEGER NOT NULL        -- overage that nothing has paid yet
) STRICT;

CREATE TABLE credit_rule (
	id IDENTITY PRIMARY KEY,
	account INTEGER NOT NULL REFERENCES credit_account DEFERRABLE INITIALLY DEFERRED,
	name TEXT NOT NULL,
	amount INTEGER NOT NULL CHECK (amount > 0),
	class TEXT NOT NULL CHECK (class IN ('granted', 'paid')),
	priority INTEGER NOT NULL,
	every TEXT NOT NULL,
	lasts TEXT NOT NULL,         -- of each grant; '' until the next recurrence
	anchor INTEGER NOT NULL,
	rollover INTEGER NOT NULL CHECK (rollover >= 0), -- so much of what is left is kept at most
	next INTEGER NOT NULL,       -- the recurrence that comes next
	until INTEGER,
	cost_basis INTEGER,          -- of each grant
	currency TEXT NOT NULL,
	UNIQUE (account, name)
) STRICT;

CREATE TABLE credit_grant (
	id IDENTITY PRIMARY KEY,
	account INTEGER NOT NULL REFERENCES credit_account DEFERRABLE INITIALLY DEFERRED,
	name TEXT NOT NULL,
	amount INTEGER NOT NULL CHECK (amount > 0),
	class TEXT NOT NULL CHECK (class IN ('granted', 'paid')),
	priority INTEGER NOT NULL,
	effective INTEGER NOT NULL,
	expires INTEGER,
	cost_basis INTEGER,          -- paid for one credit, in 1e-12 of the currency
	currency TEXT NOT NULL,
	rule INTEGER REFERENCES credit_rule,
	note TEXT NOT NULL,
	created INTEGER NOT NULL,
	UNIQUE (account, name),
	CHECK (expires IS NULL OR expires > effective)
) STRICT;
-- [sqlite]
CREATE TRIGGER grant_is_never_changed BEFORE UPDATE ON credit_grant
BEGIN SELECT raise(FAIL, 'grants are never changed'); END;
CREATE TRIGGER grant_is_never_deleted BEFORE DELETE ON credit_grant
BEGIN SELECT raise(FAIL, 'grants are never deleted'); END;
-- [postgres]
CREATE TRIGGER grant_is_never_changed BEFORE UPDATE OR DELETE ON credit_grant
FOR EACH ROW EXECUTE FUNCTION refuse('grants are never changed');
-- [both]

-- What is left of each grant. Derived from the entries, and checked.
CREATE TABLE credit_lot (
	grant_id INTEGER PRIMARY KEY REFERENCES credit_grant,
	account INTEGER NOT NULL,
	"left" INTEGER NOT NULL CHECK ("left" >= 0),
	lapsed INTEGER NOT NULL CHECK (lapsed >= 0)  -- what has expired of it
) STRICT;
CREATE INDEX lot_open ON credit_lot (account) WHERE "left" > 0;
CREATE INDEX lot_lapsed ON credit_lot (account) WHERE lapsed > 0;

CREATE TABLE ledger_entry (
	txn INTEGER NOT NULL,        -- not REFERENCES, which took a tenth of a posting: tally fsck checks it
	place INTEGER NOT NULL,
	pot TEXT NOT NULL CHECK (pot IN ('source', 'grant', 'used', 'expired', 'overage', 'billed')),
	grant_id INTEGER REFERENCES credit_grant DEFERRABLE INITIALLY DEFERRED,
	amount INTEGER NOT NULL CHECK (amount <> 0),
	PRIMARY KEY (txn, place),
	CHECK ((pot = 'grant') = (grant_id IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_of_grant ON ledger_entry (grant_id, txn) WHERE grant_id IS NOT NULL;

CREATE TABLE ledger_txn (
	id IDENTITY PRIMARY KEY,
	account INTEGER NOT NULL REFERENCES credit_account DEFERRABLE INITIALLY DEFERRED,
	at INTEGER NOT NULL,         -- when it counts
	booked INTEGER NOT NULL,     -- when it was written
	kind TEXT NOT NULL CHECK (kind IN ('grant', 'draw', 'refund', 'expire', 'void', 'repay', 'bill')),
	usage_from INTEGER,          -- rows of usage that it is for
	usage_to INTEGER,
	key TEXT,                    -- the caller's; the same one again is the same transaction
	note TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX txn_by_key ON ledger_txn (key) WHERE key IS NOT NULL;
CREATE INDEX txn_of_account ON ledger_txn (account); -- in the order of their ids
-- [sqlite]
CREATE TRIGGER txn_sums_to_zero BEFORE INSERT ON ledger_txn
WHEN coalesce((SELECT sum(amount) FROM ledger_entry WHERE txn = new.id), 1) <> 0
BEGIN SELECT raise(FAIL, 'the entries of a transaction sum to zero'); END;
CREATE TRIGGER txn_is_sealed BEFORE INSERT ON ledger_entry
WHEN EXISTS (SELECT 1 FROM ledger_txn WHERE id = new.txn)
BEGIN SELECT raise(FAIL, 'a transaction takes no further entries'); END;
CREATE TRIGGER txn_is_never_changed BEFORE UPDATE ON ledger_txn
BEGIN SELECT raise(FAIL, 'transactions are never changed'); END;
CREATE TRIGGER txn_is_never_deleted BEFORE DELETE ON ledger_txn
BEGIN SELECT raise(FAIL, 'transactions are never deleted'); END;
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON ledger_entry
BEGIN SELECT raise(FAIL, 'entries are never changed'); END;
CREATE TRIGGER entry_is_never_deleted BEFORE DELETE ON ledger_entry
BEGIN SELECT raise(FAIL, 'entries are never deleted'); END;
-- [postgres]
CREATE FUNCTION txn_sums_to_zero() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	IF coalesce((SELECT sum(amount) FROM ledger_entry WHERE txn = new.id), 1) <> 0 THEN
		RAISE EXCEPTION 'the entries of a transaction sum to zero';
	END IF;
	RETURN new;
END $f$;
CREATE TRIGGER txn_sums_to_zero BEFORE INSERT ON ledger_txn
FOR EACH ROW EXECUTE FUNCTION txn_sums_to_zero();
CREATE FUNCTION txn_is_sealed() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	IF EXISTS (SELECT 1 FROM ledger_txn WHERE id = new.txn) THEN
		RAISE EXCEPTION 'a transaction takes no further entries';
	END IF;
	RETURN new;
END $f$;
CREATE TRIGGER txn_is_sealed BEFORE INSERT ON ledger_entry
FOR EACH ROW EXECUTE FUNCTION txn_is_sealed();
CREATE TRIGGER txn_is_never_changed BEFORE UPDATE OR DELETE ON ledger_txn
FOR EACH ROW EXECUTE FUNCTION refuse('transactions are never changed');
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE OR DELETE ON ledger_entry
FOR EACH ROW EXECUTE FUNCTION refuse('entries are never changed');
-- [both]

-- Usage that its account's plan does not cover: it drew nothing, and is shown.
CREATE TABLE credit_uncovered (
	seq IDENTITY PRIMARY KEY,
	account INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE INDEX uncovered_of ON credit_uncovered (account);

-- What one million tokens of each bucket and one call cost in credits, and how that is rounded.
CREATE TABLE credit_rate (
	id IDENTITY PRIMARY KEY,
	rates TEXT NOT NULL UNIQUE   -- JSON; "linear" when nothing is rounded
) STRICT;

-- What an account's usage came to, by day in its own zone: for invoices. Sums of usage rows up to
-- credit_state.drawn_to.
CREATE TABLE credit_day (
	account INTEGER NOT NULL,
	day INTEGER NOT NULL,        -- local, since 1970
	series INTEGER NOT NULL,
	rate INTEGER NOT NULL,
	records INTEGER NOT NULL,
	requests INTEGER NOT NULL,
	input INTEGER NOT NULL,
	cache_read INTEGER NOT NULL,
	cache_write_5m INTEGER NOT NULL,
	cache_write_1h INTEGER NOT NULL,
	output INTEGER NOT NULL,
	reasoning INTEGER NOT NULL,
	nano INTEGER NOT NULL,       -- credits in billionths, cut
	rest INTEGER NOT NULL,       -- and what was cut off, in 1e-18
	PRIMARY KEY (account, day, series, rate)
) STRICT, WITHOUT ROWID;

-- What use took from grants, less what was given back, by the account's days: for invoices. Derived.
CREATE TABLE credit_taken (
	account INTEGER NOT NULL,
	day INTEGER NOT NULL,
	nano INTEGER NOT NULL,
	PRIMARY KEY (account, day)
) STRICT, WITHOUT ROWID;

-- Every transaction and every final invoice, each hashed with the hash before it.
CREATE TABLE journal (
	seq IDENTITY PRIMARY KEY,
	kind TEXT NOT NULL CHECK (kind IN ('txn', 'invoice', 'void')),
	ref INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT;
-- [sqlite]
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT raise(FAIL, 'the journal is never changed'); END;
CREATE TRIGGER journal_is_never_deleted BEFORE DELETE ON journal
BEGIN SELECT raise(FAIL, 'the journal is never deleted'); END;
-- [postgres]
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE OR DELETE ON journal
FOR EACH ROW EXECUTE FUNCTION refuse('the journal is never changed');
-- [both]

-- Holds reserve credits too.
ALTER TABLE hold ADD COLUMN credits INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0);
DROP INDEX hold_open;
CREATE INDEX hold_open ON hold (customer, expires, pico, credits) WHERE state = 'open';
