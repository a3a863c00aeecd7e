-- Numbers that no row has: of transactions on a server that were given up (found there when rows are summed), or in a database that came from one.
CREATE TABLE skipped (
	first INTEGER PRIMARY KEY,
	rows INTEGER NOT NULL
) STRICT;

-- [postgres]
-- So that writers work side by side.

-- Ids of records by their keys: who claims a key first has the id. Its row gets its number later; it is claim.first + claim.places[place], or
-- claim.first + place - 1 where places is NULL.
CREATE TABLE usage_key (
	key BYTEA PRIMARY KEY,   -- a UUID's 16 bytes, or 20 of the SHA-256 of any other id
	claim BIGINT NOT NULL,
	place INT NOT NULL       -- from 1
);
CREATE TABLE usage_claim (
	claim BIGINT PRIMARY KEY,
	first BIGINT NOT NULL,
	places INT[]
);
CREATE SEQUENCE claim_number START 101 INCREMENT 100;

CREATE FUNCTION key_of(id TEXT) RETURNS BYTEA LANGUAGE sql IMMUTABLE AS $f$
	SELECT CASE WHEN id ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN decode(replace(id, '-', ''), 'hex')
	ELSE substring(sha256(convert_to(id, 'UTF8')) FROM 1 FOR 20) END
$f$;

-- All keys anew from the records.
CREATE FUNCTION make_keys() RETURNS void LANGUAGE sql AS $f$
	TRUNCATE tally.usage_key, tally.usage_claim;
	INSERT INTO tally.usage_claim SELECT DISTINCT seq / 1000000, seq / 1000000 * 1000000, NULL::int[] FROM tally.usage WHERE kind = 0;
	INSERT INTO tally.usage_key SELECT tally.key_of(id), seq / 1000000, seq % 1000000 + 1 FROM tally.usage WHERE kind = 0 ORDER BY 1;
	SELECT setval('tally.claim_number', (coalesce((SELECT max(claim) FROM tally.usage_claim), 0) / 100 + 1) * 100 + 1, false);
$f$;
SELECT make_keys();
DROP INDEX usage_by_id;

-- Numbers of rows are handed out in stretches, to transactions that may be given up; each holds a lock that says from which number on it
-- writes, 2^62 and that number. The lock of (1952541817, 1) is held for the moment only.
CREATE FUNCTION take_numbers(n BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $f$
DECLARE first BIGINT;
BEGIN
	-- who takes none holds the lock of writers alone, and sums stand still for it
	IF n = 0 THEN PERFORM pg_advisory_xact_lock(1952541817, 2); END IF;
	PERFORM pg_advisory_lock(1952541817, 1);
	SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END INTO first FROM tally.usage_seq_seq;
	IF n > 0 THEN PERFORM setval('tally.usage_seq_seq', first + n - 1); END IF;
	PERFORM pg_advisory_xact_lock(4611686018427387904 + first);
	PERFORM pg_advisory_unlock(1952541817, 1);
	RETURN first;
END $f$;
-- The number up to which nothing is under way any more.
CREATE FUNCTION settled_to() RETURNS BIGINT LANGUAGE plpgsql AS $f$
DECLARE settled BIGINT;
BEGIN
	PERFORM pg_advisory_lock(1952541817, 1);
	SELECT LEAST(CASE WHEN is_called THEN last_value ELSE last_value - 1 END, (SELECT min((classid::bigint << 32 | objid::bigint) -
		4611686018427387904) - 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND classid::bigint BETWEEN 1073741824 AND
		2147483647 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))) INTO settled FROM tally.usage_seq_seq;
	PERFORM pg_advisory_unlock(1952541817, 1);
	RETURN settled;
END $f$;
SELECT setval('usage_seq_seq', coalesce((SELECT max(seq) FROM usage), 0) + 1, false);
