-- Numbers that no row has: of transactions on a server that were given up, in a database that came from there.
CREATE TABLE skipped (
	first INTEGER PRIMARY KEY,
	rows INTEGER NOT NULL
) STRICT;
