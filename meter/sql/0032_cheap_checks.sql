-- What a column may hold, as comparisons: SQLite fills a table in memory for a list of more than two values, for each row that it checks,
-- which was half of what a posting took. The rows are as they were, so only the text of the constraints changes.
-- [sqlite]
PRAGMA writable_schema=ON;
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''open'', ''settled'', ''released'', ''expired'')',
	'state = ''open'' OR state = ''settled'' OR state = ''released'' OR state = ''expired''') WHERE type = 'table' AND name = 'hold';
UPDATE sqlite_schema SET sql = replace(sql, 'pot IN (''source'', ''grant'', ''used'', ''expired'', ''overage'', ''billed'')',
	'pot = ''used'' OR pot = ''grant'' OR pot = ''overage'' OR pot = ''expired'' OR pot = ''billed'' OR pot = ''source''')
WHERE type = 'table' AND name = 'ledger_entry';
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''grant'', ''draw'', ''refund'', ''expire'', ''void'', ''repay'', ''bill'')',
	'kind = ''draw'' OR kind = ''grant'' OR kind = ''refund'' OR kind = ''expire'' OR kind = ''repay'' OR kind = ''void'' OR kind = ''bill''')
WHERE type = 'table' AND name = 'ledger_txn';
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''txn'', ''invoice'', ''void'', ''payment'')',
	'kind = ''txn'' OR kind = ''invoice'' OR kind = ''void'' OR kind = ''payment''') WHERE type = 'table' AND name = 'journal';
UPDATE sqlite_schema SET sql = replace(sql, 'what IN (''amend'', ''void'', ''rerate'', ''grown'')',
	'what = ''amend'' OR what = ''void'' OR what = ''rerate'' OR what = ''grown''') WHERE type = 'table' AND name = 'change';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''held'', ''retried'', ''dropped'')',
	'state = ''held'' OR state = ''retried'' OR state = ''dropped''') WHERE type = 'table' AND name = 'quarantine';
UPDATE sqlite_schema SET sql = replace(sql, 'overage IN (''refuse'', ''limit'', ''debt'')',
	'overage = ''refuse'' OR overage = ''limit'' OR overage = ''debt''') WHERE type = 'table' AND name = 'credit_account';
UPDATE sqlite_schema SET sql = replace(sql, 'status IN (''draft'', ''final'', ''void'')',
	'status = ''draft'' OR status = ''final'' OR status = ''void''') WHERE type = 'table' AND name = 'invoice';
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''book'', ''file'', ''database'')',
	'kind = ''book'' OR kind = ''file'' OR kind = ''database''') WHERE type = 'table' AND name = 'card';
PRAGMA writable_schema=RESET;
