-- Whether invoices have asked an account for anything: mostly not, and that is asked with each draw that came late.
CREATE INDEX txn_bill ON ledger_txn (account) WHERE kind = 'bill';
