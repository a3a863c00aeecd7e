# One source makes the tables of both engines (meter/sql, tools/schema): what they do not have in common is stated here, and nothing else.
load own_server
setup() { own_server meter; }

@test "a file and a server have the same columns, keys and constraints, but for what is stated" {
	"$TALLY" db init --db file.db -q
	"$TALLY" db init --db "postgresql:///meter?host=$OWN&user=tally" -q
	# bytes that were refused may be no text; a document is asked for its members; a server finds ids by claimed keys, and the sums of what is held
	# by an index alone
	cat >stated <<-'END'
		file: column call_also.copy bigint not null
		file: column invoice.document text not null
		file: column quarantine.header text not null
		file: column quarantine.raw text not null
		file: column series.effort text not null
		file: primary key held (customer, project, model, currency)
		file: unique series (customer, project, workload, effort, subject)
		server: column call_also.copy smallint not null
		server: column invoice.document json not null
		server: column quarantine.header bytea not null
		server: column quarantine.raw bytea not null
		server: column series.effort text not null default ''
		server: column usage_claim.claim bigint not null
		server: column usage_claim.first bigint not null
		server: column usage_claim.places ARRAY
		server: column usage_key.claim bigint not null
		server: column usage_key.key bytea not null
		server: column usage_key.place integer not null
		server: primary key usage_claim (claim)
		server: primary key usage_key (key)
		server: unique series (subject, customer, project, workload, effort)
	END
	"$BATS_TEST_DIRNAME/../support/compare_schema.py" file.db "$OWN" meter >found
	diff stated found
	# and a difference is found
	sqlite3 file.db "ALTER TABLE budget ADD COLUMN of_one_engine TEXT"
	"$BATS_TEST_DIRNAME/../support/compare_schema.py" file.db "$OWN" meter | grep -qx 'file: column budget.of_one_engine text'
}
