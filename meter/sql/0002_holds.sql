-- [postgres: one step with the file before]
-- What customers may spend, and what is reserved for calls in flight.

CREATE TABLE spending_limit (
	customer TEXT PRIMARY KEY,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL CHECK (pico >= 0),  -- of the currency, per period
	period TEXT NOT NULL CHECK (period IN ('day', 'month', 'ever')),
	set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A reservation is open until it is settled by a usage record, released, or expired; never changed after.
CREATE TABLE hold (
	id TEXT PRIMARY KEY,
	customer TEXT NOT NULL,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL CHECK (pico >= 0),  -- the estimate, rounded up
	request TEXT NOT NULL,                    -- JSON as it was asked for
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'released', 'expired')),
	ended INTEGER,
	usage TEXT                                -- id of the record that settled it
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_open ON hold (customer, expires, pico) WHERE state = 'open';
CREATE INDEX hold_expiry ON hold (expires) WHERE state = 'open';
-- [sqlite]
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold WHEN old.state <> 'open'
BEGIN SELECT raise(FAIL, 'a hold ends once'); END;
-- [postgres]
CREATE TRIGGER hold_ends_once BEFORE UPDATE ON hold
FOR EACH ROW WHEN (old.state <> 'open') EXECUTE FUNCTION refuse('a hold ends once');
