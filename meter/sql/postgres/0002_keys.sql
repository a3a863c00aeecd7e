-- Ids of records by their keys, so that writers work side by side: who claims a key first has the id. The row's number is known only
-- in the writer's turn; it is claim.first + claim.places[place], or claim.first + place - 1 where places is NULL.
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
