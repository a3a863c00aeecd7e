-- The thinking effort that a call was asked with is a name of its series; calls stored before this step state none.
ALTER TABLE series ADD COLUMN effort TEXT NOT NULL DEFAULT '';
DROP INDEX series_by_names;
CREATE UNIQUE INDEX series_by_names ON series (subject, md5(customer), md5(project), md5(workload), md5(effort));
-- Calls of which only the beginning of the answer is counted (flag 2) make sums lower bounds.
CREATE INDEX usage_broken_off ON usage (seq) WHERE (flags & 2) <> 0;
