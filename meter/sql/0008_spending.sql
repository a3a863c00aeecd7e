-- What is held of a scope (everything, a project, a model, ...), not only of a customer.
ALTER TABLE hold ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE hold ADD COLUMN model TEXT NOT NULL DEFAULT '';
-- [sqlite]
UPDATE hold SET project=coalesce(json_extract(request,'$.project'),''),model=coalesce(json_extract(request,'$.model'),'')
WHERE state='open' AND json_valid(request);
DROP INDEX hold_open;
CREATE INDEX hold_open ON hold (customer, expires, pico, credits, currency, project, model) WHERE state='open';
-- [postgres]
UPDATE hold SET project=coalesce(request::jsonb->>'project',''),model=coalesce(request::jsonb->>'model','')
WHERE state='open' AND left(request,1)='{';
DROP INDEX hold_open;
CREATE INDEX hold_open ON hold (customer, expires, pico, credits, currency) WHERE state='open';
-- [both]

-- Settlements of which the usage of their hold's period and scope shows nothing, or shows no price.
CREATE TABLE settled_apart (
	no INTEGER PRIMARY KEY,
	hold TEXT NOT NULL UNIQUE,
	customer TEXT NOT NULL,     -- as the hold was asked for
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	currency TEXT NOT NULL,
	pico INTEGER NOT NULL,      -- the estimate
	created INTEGER NOT NULL,
	first INTEGER NOT NULL      -- row of the record that settled it; 0: there is none
) STRICT;
CREATE INDEX settled_apart_first ON settled_apart (first);
CREATE INDEX settled_apart_created ON settled_apart (created);

-- What is held of a scope ('': any), of every scope that was asked for once: kept with each hold that begins or ends, so that
-- no question adds up all that is open. Absent: it is added up. Whole millions of 1e-12 and of 1e-9 apart from the rest, for 64 bits.
CREATE TABLE held (
	customer TEXT NOT NULL,
	project TEXT NOT NULL,
	model TEXT NOT NULL,
	currency TEXT NOT NULL,
	millions INTEGER NOT NULL,
	rest INTEGER NOT NULL,
	credit_millions INTEGER NOT NULL,
	credit_rest INTEGER NOT NULL
-- [sqlite]
	, PRIMARY KEY (customer, project, model, currency)
-- [both]
) STRICT, WITHOUT ROWID;
-- [postgres]
CREATE INDEX held_of ON held (customer);
