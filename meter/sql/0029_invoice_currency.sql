-- A draft whose terms changed their currency before it became final kept the draft's in its row: it is the document's now, and never changes.
-- [sqlite]
DROP TRIGGER final_is_final;
UPDATE invoice SET currency = document->>'currency' WHERE currency <> document->>'currency';
CREATE TRIGGER final_is_final BEFORE UPDATE ON invoice
WHEN old.status = 'void' OR (old.status = 'final' AND NOT (new.status = 'void'
	AND new.number = old.number AND new.document = old.document AND new.total = old.total
	AND new.customer = old.customer AND new.finalized = old.finalized AND new.currency = old.currency))
BEGIN SELECT raise(ABORT, 'a final invoice is never changed'); END;
-- [postgres]
DROP TRIGGER final_is_final ON invoice;
UPDATE invoice SET currency = document->>'currency' WHERE currency <> document->>'currency';
CREATE TRIGGER final_is_final BEFORE UPDATE ON invoice
FOR EACH ROW WHEN (old.status = 'void' OR (old.status = 'final' AND NOT (new.status = 'void'
	AND new.number = old.number AND new.document::text = old.document::text AND new.total = old.total
	AND new.customer = old.customer AND new.finalized = old.finalized AND new.currency = old.currency)))
EXECUTE FUNCTION refuse('a final invoice is never changed');
-- [both]
