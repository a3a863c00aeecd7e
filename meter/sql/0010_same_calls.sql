-- Other ids of calls, by which another source names them (a log's requestId is the id of its telemetry).
CREATE TABLE call_also (
	also TEXT PRIMARY KEY,
	id TEXT NOT NULL,         -- of the record
-- [sqlite]
	copy INTEGER NOT NULL     -- 1: the record may be a copy of the call of that id, which was not there
-- [postgres]
	copy SMALLINT NOT NULL     -- 1: the record may be a copy of the call of that id, which was not there
-- [both]
) STRICT, WITHOUT ROWID;
