-- Months whose rows are in files (meter/retention). What a month says stays: its ids, and its sums by quarter of an hour.
CREATE TABLE archive (
	month INTEGER PRIMARY KEY,  -- since 1970-01, of UTC
	at INTEGER NOT NULL,
	file TEXT NOT NULL,         -- its name, without folders
	bytes INTEGER NOT NULL,
	sha256 TEXT NOT NULL,       -- of the file
	content TEXT NOT NULL,      -- of its rows: every column of each, in their order
	rows INTEGER NOT NULL,
	records INTEGER NOT NULL,   -- reversals are one less
	first INTEGER NOT NULL,     -- lowest and highest row
	last INTEGER NOT NULL,
	requests INTEGER NOT NULL,  -- the sums of its rows
	input INTEGER NOT NULL,
	cache_read INTEGER NOT NULL,
	cache_write_5m INTEGER NOT NULL,
	cache_write_1h INTEGER NOT NULL,
	output INTEGER NOT NULL,
	reasoning INTEGER NOT NULL
) STRICT;
CREATE TABLE archived_id (
	seq INTEGER PRIMARY KEY,
	id ANY NOT NULL,            -- of a record, as usage has it
	month INTEGER NOT NULL
) STRICT;
CREATE INDEX archived_of_month ON archived_id (month);
CREATE TABLE archived_cell (
	quarter INTEGER NOT NULL,   -- of an hour, since 1970
	series INTEGER NOT NULL,
	price INTEGER NOT NULL,
	records INTEGER NOT NULL,
	requests INTEGER NOT NULL,
	input INTEGER NOT NULL,
	cache_read INTEGER NOT NULL,
	cache_write_5m INTEGER NOT NULL,
	cache_write_1h INTEGER NOT NULL,
	output INTEGER NOT NULL,
	reasoning INTEGER NOT NULL,
	PRIMARY KEY (quarter, series, price)
) STRICT, WITHOUT ROWID;

-- A row may go when its record is noted as archived, and never else.
-- [sqlite]
DROP TRIGGER usage_is_never_deleted;
CREATE TRIGGER usage_is_never_deleted BEFORE DELETE ON usage
WHEN NOT EXISTS (SELECT 1 FROM archived_id WHERE seq = coalesce(old.of, old.seq))
BEGIN SELECT raise(ABORT, 'usage rows are never deleted'); END;
-- a conflict may be with a record that is archived
CREATE TABLE conflict_with (
	id INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	at INTEGER NOT NULL,
	first INTEGER NOT NULL,
	record TEXT NOT NULL,
	differs TEXT NOT NULL,
	source TEXT NOT NULL,
	line INTEGER NOT NULL,
	seen INTEGER NOT NULL
) STRICT;
INSERT INTO conflict_with SELECT id, hash, at, first, record, differs, source, line, seen FROM conflict;
DROP TABLE conflict;
ALTER TABLE conflict_with RENAME TO conflict;
-- [postgres]
-- On a cluster the trigger works on each worker, where it can read no other table: the transaction that archives says so.
CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	IF TG_OP = 'DELETE' AND TG_ARGV[0] = 'usage rows are never changed' AND current_setting('tally.archiving', true) = 'on' THEN
		RETURN old;
	END IF;
	RAISE EXCEPTION '%', TG_ARGV[0];
END $f$;
ALTER TABLE conflict DROP CONSTRAINT IF EXISTS conflict_first_fkey;
