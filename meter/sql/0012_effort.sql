-- The thinking effort that a call was asked with is a name of its series; calls stored before this step state none.
-- [sqlite]
CREATE TABLE series_with_effort (
	id INTEGER PRIMARY KEY,
	customer TEXT NOT NULL,
	project TEXT NOT NULL,
	workload TEXT NOT NULL,
	effort TEXT NOT NULL,
	subject INTEGER NOT NULL REFERENCES subject,
	UNIQUE (customer, project, workload, effort, subject)
) STRICT;
INSERT INTO series_with_effort SELECT id, customer, project, workload, '', subject FROM series;
DROP TABLE series;
ALTER TABLE series_with_effort RENAME TO series;
-- [postgres]
ALTER TABLE series ADD COLUMN effort TEXT NOT NULL DEFAULT '';
DROP INDEX series_by_names;
CREATE UNIQUE INDEX series_by_names ON series (subject, md5(customer), md5(project), md5(workload), md5(effort));
-- [both]
-- Calls of which only the beginning of the answer is counted (flag 2) make sums lower bounds.
CREATE INDEX usage_broken_off ON usage (seq) WHERE (flags & 2) <> 0;
