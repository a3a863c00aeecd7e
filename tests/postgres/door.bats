# How a server is reached: what an address may look like, what is set at connection, who may write, who only reads.
load own_server

setup() {
	own_server meter
	DB="postgresql:///meter?host=$OWN&user=tally"
	echo '{"id":"c1","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","customer":"acme","input":1000,"output":7}' >a.jsonl
}
as_super() { psql -h "$OWN" -U tally -d "${2-meter}" -qX -v ON_ERROR_STOP=1 -c "$1"; }

@test "no password is shown, and no address becomes a file, whatever it looks like" {
	"$TALLY" ingest --db "$DB" -q a.jsonl
	touch after; ls >before
	for a in "POSTGRESQL://u:s3cret@/meter?host=$OWN" "postgresql://u:s3cret@h@nohost.invalid/x" "postgres://u:a/s3cret@nohost.invalid/x" \
		"host=$OWN user=u password=s3cret dbname=nope" "host = $OWN password = 's3cret more' user=u" "Host=$OWN password=s3cret bad" \
		"postgresql://u@/nope?host=$OWN&password=s3cret" "postgresql://u@/nope?host=$OWN&pass%77ord=s3cret" "PostGres:u:s3cret@x" \
		"postgresql://u:s3cret@[::1/x" "password=s3cret host=$OWN port=none" "postgresql://u:s3cret?@/meter?host=$OWN"; do
		run "$TALLY" usage --db "$a"
		[ "$status" -ne 0 ] || fail "$a was opened"
		case $output in *s3cret*) fail "$a is shown" ;; esac
	done
	ls >after; diff before after
	for a in "POSTGRESQL:///meter?host=$OWN&user=tally" "host=$OWN user=tally dbname=meter" "dbname = meter host = '$OWN' user = tally"; do
		run "$TALLY" usage --db "$a" --json; expect 0 '"records": 1'
	done
}
@test "settings of the role that change text damage nothing; other encodings and other owners are refused" {
	as_super "ALTER ROLE tally SET bytea_output='escape'"; as_super "ALTER ROLE tally SET datestyle='german'"
	as_super "ALTER ROLE tally SET standard_conforming_strings=off"; as_super "ALTER ROLE tally SET client_encoding='LATIN1'"
	"$TALLY" ingest --db "$DB" -q a.jsonl
	"$TALLY" credit account acme --plan vm0 --since 2026-02-01 -q --db "$DB"
	"$TALLY" credit grant acme 10 --id 'größe' --effective 2026-02-01 -q --db "$DB"
	"$TALLY" db move "$DB" moved.db -q
	for d in "$DB" moved.db; do run "$TALLY" fsck --db "$d"; expect 0 clean; run "$TALLY" credit balance acme --db "$d"; expect 0 größe; done
	createdb -h "$OWN" -U tally -E SQL_ASCII -T template0 ascii
	run "$TALLY" ingest --db "postgresql:///ascii?host=$OWN&user=tally" a.jsonl; expect 1 "the database's encoding is SQL_ASCII"
	createdb -h "$OWN" -U tally other
	as_super "CREATE ROLE plain LOGIN; GRANT ALL ON DATABASE other TO plain; CREATE SCHEMA tally" other
	run "$TALLY" ingest --db "postgresql:///other?host=$OWN&user=plain" a.jsonl; expect 1 "belongs to another role"
}
@test "settings of the role that keep from writing, or end who is idle, change nothing for a writer" {
	as_super "CREATE ROLE odd LOGIN SUPERUSER"; createdb -h "$OWN" -U tally -O odd odd
	for setting in default_transaction_read_only=on "default_transaction_isolation='serializable'" default_transaction_deferrable=on \
		session_replication_role=replica transform_null_equals=on "lock_timeout='1ms'"; do as_super "ALTER ROLE odd SET $setting"; done
	odd="postgresql:///odd?host=$OWN&user=odd"
	run "$TALLY" ingest --db "$odd" a.jsonl; expect 0 "1 accepted"
	"$TALLY" credit account acme --plan vm0 --since 2026-02-01 -q --db "$odd"
	"$TALLY" credit grant acme 10 --id g --effective 2026-02-01 -q --db "$odd"
	run "$TALLY" usage --db "$odd" --json; expect 0 '"records": 1'
	run "$TALLY" fsck --db "$odd"; expect 0 clean
}
@test "a role that may only read has every report" {
	"$TALLY" ingest --db "$DB" -q a.jsonl
	"$TALLY" credit account acme --plan vm0 --since 2026-02-01 -q --db "$DB"
	"$TALLY" budget set all --amount 5 --period month -q --db "$DB"
	"$TALLY" credit grant acme 10 --id g --effective 2026-02-01 -q --db "$DB"
	as_super "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA tally TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA tally TO reader; ALTER ROLE reader SET default_transaction_read_only=on"
	for c in usage status records "credit accounts" "credit balance acme" "credit ledger acme" "explain c1" "invoice list" "quarantine list" "limit list" "budget status"; do
		run "$TALLY" $c --db "postgresql:///meter?host=$OWN&user=reader"
		[ "$status" -eq 0 ] || fail "$c"
	done
}
@test "a writer that was open before another version upgraded the schema writes nothing more" {
	"$TALLY" ingest --db "$DB" -q a.jsonl
	serve_on "$DB"
	post() { curl -s -m 20 -w '%{http_code}' -X POST -d "$2" "$URL$1"; }
	one() { printf '{"id":"%s","time":"2026-08-24T02:00:00Z","model":"deepseek-v4-flash","input":1}' "$1"; }
	[[ $(post /v1/usage "$(one b)") == *200 ]]
	as_super "UPDATE tally.about SET value=(value::int+1)::text WHERE key='schema'"
	for what in "/v1/usage $(one c)" '/v1/holds {"customer":"acme","amount":"1"}'; do
		run post ${what%% *} "${what#* }"
		[[ $output == *"another version of tally"*503 ]] || fail "$output"
	done
	as_super "UPDATE tally.about SET value=(value::int-1)::text WHERE key='schema'"
	[[ $(post /v1/usage "$(one c)") == *200 ]]
	kill $SERVER; wait $SERVER
	run "$TALLY" fsck --db "$DB"; expect 0 '3 rows, clean'
}
