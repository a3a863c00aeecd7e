# Behind one address may be several servers: what a transaction has written by one connection is then not always seen by its next question.
# Here the table of usage is replaced by a view without the rows of the transaction that asks, so that whatever relies on them goes wrong.
load own_server

setup() {
	own_server one
	export TALLY_DB="postgresql:///one?host=$OWN&user=tally"
	psql="psql -h $OWN -U tally -qAtX -v ON_ERROR_STOP=1 -d one"
}

unseen() {
	$psql <<-'SQL'
		SET search_path TO tally;
		ALTER TABLE usage RENAME TO usage_there;
		CREATE VIEW usage AS SELECT * FROM usage_there WHERE xmin::text::bigint <> coalesce(txid_current_if_assigned() & 4294967295, 0);
		CREATE FUNCTION write_there() RETURNS trigger LANGUAGE plpgsql AS $f$
		BEGIN
			INSERT INTO tally.usage_there SELECT new.*;
			RETURN new;
		END $f$;
		CREATE TRIGGER write_there INSTEAD OF INSERT ON usage FOR EACH ROW EXECUTE FUNCTION write_there();
	SQL
}
seen() {
	$psql -c 'SET search_path TO tally; DROP VIEW usage; ALTER TABLE usage_there RENAME TO usage'
}
records() { # count
	awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "{\"id\":\"m%d\",\"time\":\"2026-07-%02dT10:00:00Z\",\"model\":\"deepseek-v4-pro\",\"customer\":\"c%d\",\"input\":%d%s}\n",
		i, 1 + i % 28, i % 7, i, i % 3 ? "" : ",\"web_search\":2" }'
}

@test "no sum is of rows that a transaction must see of its own" {
	records 60 >u.jsonl
	"$TALLY" ingest u.jsonl -q || [ $? -eq 3 ] # searches have no price
	unseen
	for i in $(seq 20); do
		"$TALLY" amend m$i --set output=$((i * 10)) --why test -q
		[ $((i % 5)) -ne 0 ] || "$TALLY" void m$i --why test -q
	done
	run "$TALLY" usage --json
	expect 3 '"records": 56' '"output": 1600'
	printf 'no json\n{"id":"kept","time":"2026-07-01T10:00:00Z","model":"m\377","input":1}\n' | "$TALLY" ingest - -q 2>/dev/null || true
	seen
	run "$TALLY" fsck
	expect 0 clean
	run "$TALLY" usage --json
	expect 3 '"records": 56' '"output": 1600'
}
@test "a sum that lacks records is found by fsck and mended" {
	records 60 >u.jsonl
	"$TALLY" ingest u.jsonl -q || [ $? -eq 3 ]
	$psql -c "UPDATE tally.rollup_quarter SET records=records-1 WHERE ctid=(SELECT min(ctid) FROM tally.rollup_quarter)"
	run "$TALLY" fsck
	expect 5 'the rollups hold 59 records by quarter of an hour where there are 60' 'the rollup of quarter'
	run "$TALLY" fsck --rebuild
	expect 0 clean
}
