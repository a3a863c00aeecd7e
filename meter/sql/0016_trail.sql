-- Who changed what over HTTP: the name of the token, never the token. Only ever added to.
CREATE TABLE trail (
	id IDENTITY PRIMARY KEY,
	at INTEGER NOT NULL,
	who TEXT NOT NULL,          -- '' where the server asks for no tokens
	what TEXT NOT NULL,         -- 'grant', 'invoice finalize', ...
	customer TEXT NOT NULL,     -- whose it is; '' for nobody's
	about TEXT NOT NULL,        -- which one: a grant, an invoice, a budget, a record
	detail TEXT NOT NULL        -- JSON: what was asked for
) STRICT;
CREATE INDEX trail_of_customer ON trail (customer, id);
-- [sqlite]
CREATE TRIGGER trail_is_never_changed BEFORE UPDATE ON trail
BEGIN SELECT raise(ABORT, 'the trail is never changed'); END;
CREATE TRIGGER trail_is_never_deleted BEFORE DELETE ON trail
BEGIN SELECT raise(ABORT, 'the trail is never deleted'); END;
-- [postgres]
CREATE TRIGGER trail_is_never_changed BEFORE UPDATE OR DELETE ON trail
FOR EACH ROW EXECUTE FUNCTION refuse('the trail is never changed');
