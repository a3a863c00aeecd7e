-- Sums know how many of their records have only the output count of their answer's start.
-- [both]
INSERT INTO rollup_more SELECT (time - ((time % 900000000 + 900000000) % 900000000)) / 900000000, series, price, 'placeholders',
	sum(CASE kind WHEN 1 THEN -1 ELSE 1 END)
FROM usage WHERE (flags & 2) <> 0 AND seq <= (SELECT coalesce(max(CAST(value AS bigint)), 0) FROM about WHERE key = 'rolled_to')
GROUP BY 1, 2, 3;
-- Cells of sessions do too, and are made again.
DELETE FROM about WHERE key = 'sessions_to';
