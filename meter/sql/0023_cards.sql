-- Which price cards rated the records: what they were called and what they said, never changed. A price that several cards state is of each.
CREATE TABLE card (
	id IDENTITY PRIMARY KEY,
	name TEXT NOT NULL,         -- file.json; of a card of the book, the vendor's
	kind TEXT NOT NULL CHECK (kind IN ('book', 'file', 'database')),
	checked TEXT NOT NULL,      -- the day on which the card says it was checked, or ''
	sha256 TEXT NOT NULL,       -- of its text, in hexadecimal
	at INTEGER NOT NULL,        -- when it first rated a record here
	UNIQUE (name, kind, sha256)
) STRICT;
CREATE TABLE priced_by (
	price INTEGER NOT NULL,
	card INTEGER NOT NULL,
	PRIMARY KEY (price, card)
) STRICT, WITHOUT ROWID;

-- Cards that were installed for this database: whatever prices its records uses them.
CREATE TABLE own_card (
	name TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	content TEXT NOT NULL
) STRICT, WITHOUT ROWID;
