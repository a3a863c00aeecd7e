-- What was paid for invoices, and paid back (negative). Payments are only ever added.
CREATE TABLE payment (
	id IDENTITY PRIMARY KEY,
	invoice INTEGER NOT NULL REFERENCES invoice,
	amount TEXT NOT NULL,       -- in the invoice's currency
	at INTEGER NOT NULL,        -- when the money moved
	reference TEXT NOT NULL,    -- of the bank or the processor; '' for none
	booked INTEGER NOT NULL
) STRICT;
CREATE INDEX payment_of_invoice ON payment (invoice);
CREATE UNIQUE INDEX payment_once ON payment (invoice, reference) WHERE reference <> '';
-- [sqlite]
CREATE TRIGGER payment_is_never_changed BEFORE UPDATE ON payment
BEGIN SELECT raise(ABORT, 'a payment is never changed'); END;
CREATE TRIGGER payment_is_never_deleted BEFORE DELETE ON payment
BEGIN SELECT raise(ABORT, 'a payment is never deleted'); END;
-- [postgres]
CREATE TRIGGER payment_is_never_changed BEFORE UPDATE OR DELETE ON payment
FOR EACH ROW EXECUTE FUNCTION refuse('a payment is never changed');
-- [both]
CREATE INDEX invoice_notes ON invoice (corrects) WHERE corrects IS NOT NULL;

-- Payments are links of the journal too.
-- [sqlite]
DROP TRIGGER journal_is_never_changed;
DROP TRIGGER journal_is_never_deleted;
ALTER TABLE journal RENAME TO journal_before;
CREATE TABLE journal (
	seq INTEGER PRIMARY KEY,
	kind TEXT NOT NULL CHECK (kind IN ('txn', 'invoice', 'void', 'payment')),
	ref INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT;
INSERT INTO journal SELECT seq, kind, ref, hash FROM journal_before ORDER BY seq;
DROP TABLE journal_before;
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT raise(FAIL, 'the journal is never changed'); END;
CREATE TRIGGER journal_is_never_deleted BEFORE DELETE ON journal
BEGIN SELECT raise(FAIL, 'the journal is never deleted'); END;
-- [postgres]
ALTER TABLE journal DROP CONSTRAINT journal_kind_check;
ALTER TABLE journal ADD CONSTRAINT journal_kind_check CHECK (kind IN ('txn', 'invoice', 'void', 'payment'));
