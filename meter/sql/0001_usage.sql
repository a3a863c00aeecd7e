-- Written once for both engines; tools/schema says how, and gives each its own. Ids of records have an index beside an SQLite file, and one of
-- their keys in PostgreSQL.

-- The metered half: what was used. Rows of `usage` are facts and are never changed; corrections are
-- rows of their own that take the old ones back.

CREATE TABLE about (
	key TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- A model as records name it.
CREATE TABLE subject (
	id IDENTITY PRIMARY KEY,
	provider TEXT NOT NULL,
	model TEXT NOT NULL,
	service_tier TEXT NOT NULL,
	region TEXT NOT NULL
-- [sqlite]
	, UNIQUE (model, provider, service_tier, region)
-- [both]
) STRICT;

-- Who used a subject, and for what.
CREATE TABLE series (
	id IDENTITY PRIMARY KEY,
	customer TEXT NOT NULL,
	project TEXT NOT NULL,
	workload TEXT NOT NULL,
	subject INTEGER NOT NULL REFERENCES subject
-- [sqlite]
	, UNIQUE (customer, project, workload, subject)
-- [both]
) STRICT;

-- The rates that records were priced with, as they were then; or why there were none.
CREATE TABLE price (
	id IDENTITY PRIMARY KEY,
	ref TEXT NOT NULL,      -- id of the price in its card; '' when there is none
	vendor TEXT NOT NULL,
	model TEXT NOT NULL,    -- after aliases
	"window" TEXT NOT NULL,
	currency TEXT NOT NULL,
	rates TEXT NOT NULL,    -- JSON: pico-units of the currency per million tokens, by bucket
	fees TEXT NOT NULL,     -- JSON: [unit, pico-units, per]
	reason TEXT NOT NULL,   -- why there is no price; '' when there is one
	UNIQUE (ref, "window", currency, rates, fees, reason, model)
) STRICT;

-- Where records came from and how their counts were read.
CREATE TABLE origin (
	id IDENTITY PRIMARY KEY,
	source TEXT NOT NULL,
	shape TEXT NOT NULL,
	rule TEXT NOT NULL
-- [sqlite]
	, UNIQUE (source, shape, rule)
-- [both]
) STRICT;

CREATE TABLE usage (
	seq IDENTITY PRIMARY KEY,
	id ANY NOT NULL,          -- text, or 16 bytes of a UUID
	kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2), -- record, reversal, correction
	of INTEGER,               -- the record that is reversed or corrected
	time INTEGER NOT NULL,    -- microseconds UTC that decide the price
	completed INTEGER,
	series INTEGER NOT NULL,  -- entries of the dictionaries; not REFERENCES, which took half of the
	price INTEGER NOT NULL,   -- time of an insert: tally fsck checks them instead
	origin INTEGER NOT NULL,
	input INTEGER NOT NULL,   -- negative in reversals
	cache_read INTEGER NOT NULL,
	cache_write_5m INTEGER NOT NULL,
	cache_write_1h INTEGER NOT NULL,
	output INTEGER NOT NULL,
	reasoning INTEGER NOT NULL,
	requests INTEGER NOT NULL,
	task TEXT,
	session TEXT,
	raw TEXT,                 -- the counts as the source wrote them
	more TEXT,                -- JSON: rarer buckets and units
	flags INTEGER             -- NULL: none; 1 cumulative, 2 broken off, 4 instant assumed
) STRICT;
-- [sqlite]
CREATE TRIGGER usage_is_never_changed BEFORE UPDATE ON usage
BEGIN SELECT raise(ABORT, 'usage rows are never changed'); END;
CREATE TRIGGER usage_is_never_deleted BEFORE DELETE ON usage
BEGIN SELECT raise(ABORT, 'usage rows are never deleted'); END;
-- [postgres]
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN
	RAISE EXCEPTION '%', TG_ARGV[0];
END $f$;
CREATE TRIGGER usage_is_never_changed BEFORE UPDATE OR DELETE ON usage
FOR EACH ROW EXECUTE FUNCTION refuse('usage rows are never changed');
-- [both]

-- Rows of `usage` from this one on were written then.
CREATE TABLE batch (
	first IDENTITY PRIMARY KEY,
	at INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_of ON usage (of) WHERE of IS NOT NULL;

-- Why rows from this one on take back and correct.
CREATE TABLE change (
	first IDENTITY PRIMARY KEY,
	at INTEGER NOT NULL,
	what TEXT NOT NULL CHECK (what IN ('amend', 'void', 'rerate', 'grown')),
	why TEXT NOT NULL
) STRICT;

-- What was refused, and why. Kept until it is retried or dropped.
CREATE TABLE quarantine (
	id IDENTITY PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	at INTEGER NOT NULL,
	source TEXT NOT NULL,
	line INTEGER NOT NULL,
-- [sqlite]
	raw TEXT NOT NULL,
	header TEXT NOT NULL,   -- of CSV lines
-- [postgres]
	raw BYTEA NOT NULL,       -- what was refused may be no text
	header BYTEA NOT NULL,
-- [both]
	reason TEXT NOT NULL,
	seen INTEGER NOT NULL,  -- how often it was sent
	state TEXT NOT NULL CHECK (state IN ('held', 'retried', 'dropped')),
	told TEXT NOT NULL      -- JSON: what the caller had said of it (customer, project)
) STRICT;

-- The same id with other content: the first one counts.
CREATE TABLE conflict (
	id IDENTITY PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	at INTEGER NOT NULL,
	first INTEGER NOT NULL REFERENCES usage,
	record TEXT NOT NULL,   -- JSON of the later one
	differs TEXT NOT NULL,  -- which fields
	source TEXT NOT NULL,
	line INTEGER NOT NULL,
	seen INTEGER NOT NULL
) STRICT;

-- How far a growing log has been read.
CREATE TABLE followed (
	path TEXT PRIMARY KEY,
	device INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	line INTEGER NOT NULL,
	head BLOB NOT NULL       -- hash of the first bytes, so that a new file of that name is seen
) STRICT, WITHOUT ROWID;

-- Sums of usage rows up to about.rolled_to; whole and rebuildable.
CREATE TABLE rollup_quarter (
	quarter INTEGER NOT NULL,  -- of an hour, since 1970
	subject INTEGER NOT NULL,
	price INTEGER NOT NULL,
	records INTEGER NOT NULL,
	requests INTEGER NOT NULL,
	input INTEGER NOT NULL,
	cache_read INTEGER NOT NULL,
	cache_write_5m INTEGER NOT NULL,
	cache_write_1h INTEGER NOT NULL,
	output INTEGER NOT NULL,
	reasoning INTEGER NOT NULL,
	lowest INTEGER NOT NULL,   -- seq
	highest INTEGER NOT NULL,
	PRIMARY KEY (quarter, subject, price)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup_day (
	day INTEGER NOT NULL,      -- UTC, since 1970
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
	PRIMARY KEY (day, series, price)
) STRICT, WITHOUT ROWID;
-- Rarer buckets and units, for both.
CREATE TABLE rollup_more (
	quarter INTEGER NOT NULL,
	series INTEGER NOT NULL,
	price INTEGER NOT NULL,
	name TEXT NOT NULL,
	count INTEGER NOT NULL,
	PRIMARY KEY (quarter, series, price, name)
) STRICT, WITHOUT ROWID;

-- [postgres]
-- An index holds 2,700 bytes of an entry, and four names may be longer.
CREATE UNIQUE INDEX subject_by_names ON subject (md5(model), md5(provider), md5(service_tier), md5(region));
CREATE UNIQUE INDEX series_by_names ON series (subject, md5(customer), md5(project), md5(workload));
CREATE UNIQUE INDEX origin_by_names ON origin (md5(source), shape, rule);
CREATE UNIQUE INDEX usage_by_id ON usage (id) WHERE kind = 0;
