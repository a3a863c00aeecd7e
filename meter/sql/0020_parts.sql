-- A period has its own invoice, and may have others: interim ones before it, supplements after. Only drafts are one of a period.
DROP INDEX invoice_of_period;
CREATE UNIQUE INDEX draft_of_period ON invoice (customer, currency, period_from) WHERE kind = 'invoice' AND status = 'draft';
CREATE INDEX invoice_of_period ON invoice (customer, currency, period_from) WHERE kind = 'invoice' AND status = 'final';
