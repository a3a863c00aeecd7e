load common
load server

# Real clients from npm against a running server; skipped where Node.js or npm is missing.
@test "OpenAI SDK, OpenTelemetry exporter and CloudEvents SDK: the totals match" {
	command -v node >/dev/null && command -v npm >/dev/null || skip "no Node.js with npm"
	# kept between runs of the suite
	npm=$ROOT/build/clients
	mkdir -p "$npm"
	cp "$ROOT/tests/clients/package.json" "$ROOT/tests/clients/clients.mjs" "$npm"
	[ -d "$npm/node_modules/cloudevents" ] || (cd "$npm" && npm install --ignore-scripts --no-audit --no-fund --silent >npm.log 2>&1) || { cat "$npm/npm.log"; skip "npm could not install the clients"; }
	serve_surely
	for round in 1 2; do # sent again, nothing changes
		run node "$npm/clients.mjs" http://127.0.0.1:$port
		[ "$status" -eq 0 ] || fail "the clients failed"
		sums=${lines[-1]}
	done
	stop
	n() { printf '%s' "$sums" | sed "s/.*\"$1\":\([0-9]*\).*/\1/"; }
	run "$TALLY" usage --db t.db --json
	expect 0 "\"records\": $(n records)," "\"input\": $(n input)," "\"cache_read\": $(n cache_read)," "\"output\": $(n output)," '"unpriced": 0' '"quarantined": 0'
	run "$TALLY" usage --db t.db --by project,customer,model --csv
	expect 0 'shop,,deepseek-v4-pro,10' ',acme,claude-sonnet-4-6,10' ',,deepseek-v4-flash,20'
	run "$TALLY" fsck --db t.db
	expect 0 clean
}
