-- Rows that stand for all calls of a bucket of time (flag 8) are few, and are looked at before any
-- call is taken that one of them may count.
CREATE INDEX usage_buckets ON usage (seq) WHERE (flags & 8) <> 0;
