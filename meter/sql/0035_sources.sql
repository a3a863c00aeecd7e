-- Sums know which of their records come from sources that leave something out: the next writer counts them (source_counts.h), and notes in `about`
-- which sources those are.
DELETE FROM about WHERE key = 'sources';
DELETE FROM rollup_more WHERE name LIKE 'from %';
