#!/usr/bin/env bats
# The short reports: tally alone, today, daily, weekly, monthly, session, blocks.
load common
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	agent_home
}

# call FILE ID INSTANT OUTPUT [MODEL]: one answer in a Claude Code log
call() {
	printf '{"type":"assistant","sessionId":"%s","cwd":"/home/me/app","timestamp":"%s","requestId":"r%s","message":{"id":"m%s","model":"%s","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":%s}}}\n' \
		"$(basename "$1" .jsonl)" "$3" "$2" "$2" "${5:-claude-sonnet-4-6}" "$4" >> "$1"
}

# the age of the shipped prices is told from some day on, beside the document
field() { sed '/^tally: the prices are dated/d' | node -e 'let d=JSON.parse(require("fs").readFileSync(0));console.log(eval("d."+process.argv[1]))' "$1"; }

@test "without logs and a database tally alone says how to begin" {
	run -2 "$TALLY"
	[[ "$output" == *"tally ingest"* && "$output" == *"tally help"* ]]
	run -1 "$TALLY" daily
	[[ "$output" == *"no database yet"* ]]
}

@test "tally alone shows today from the logs of the agents" {
	call "$logs/s1.jsonl" 1 "$(date -u +%Y-%m-%dT00:00:01Z)" 1000
	run -0 "$TALLY"
	[[ "$output" == *"today"*"1  "*"\$0.0153"* ]]
	[[ "$output" == *"claude-sonnet-4-6"*"100 %"* ]]
	run -0 "$TALLY" overview --json
	[ "$(field today.total <<< "$output")" = 0.0153 ]
	[ "$(field this_month.records <<< "$output")" = 1 ]
}

@test "a second look reads what came since, and equals a look at everything" {
	call "$logs/s1.jsonl" 1 2026-06-01T10:00:00Z 1000
	call "$logs/s2.jsonl" 2 2026-06-02T10:00:00Z 1000
	run -0 "$TALLY" daily --json
	[ "$(field total <<< "$output")" = 0.0306 ]
	call "$logs/s1.jsonl" 3 2026-06-01T11:00:00Z 500
	call "$logs/s3.jsonl" 4 2026-06-03T11:00:00Z 500
	run -0 "$TALLY" daily --json
	second="$output"
	rm -r "$HOME/.cache"
	run -0 "$TALLY" daily --json
	[ "$second" = "$output" ]
	[ "$(field rows.length <<< "$output")" = 3 ]
}

@test "a log that is gone, cut or written over is not counted any more" {
	for i in 1 2 3; do call "$logs/s$i.jsonl" "$i" 2026-06-0${i}T10:00:00Z 1000; done
	run -0 "$TALLY" daily --json
	[ "$(field records <<< "$output")" = 3 ]
	rm "$logs/s1.jsonl"
	run -0 "$TALLY" daily --json
	[ "$(field records <<< "$output")" = 2 ]
	: > "$logs/s2.jsonl"
	run -0 "$TALLY" daily --json
	[ "$(field records <<< "$output")" = 1 ]
	call "$logs/other" 9 2026-06-09T10:00:00Z 1000
	call "$logs/other" 10 2026-06-09T10:00:00Z 1000
	cat "$logs/other" > "$logs/s3.jsonl"
	rm "$logs/other"
	run -0 "$TALLY" daily --json
	[ "$(field 'rows.map(r=>r.day+":"+r.records).join()' <<< "$output")" = 2026-06-09:2 ]
}

@test "a look without a place for its cache answers the same" {
	call "$logs/s1.jsonl" 1 2026-06-01T10:00:00Z 1000
	"$TALLY" daily >/dev/null 2>&1 # what is told once is told
	run -0 "$TALLY" daily --json
	first="$output"
	XDG_CACHE_HOME=/dev/null run -0 "$TALLY" daily --json
	[ "$output" = "$first" ]
	[ -z "$(ls -d "${TMPDIR:-/tmp}"/tally-logs-* 2> /dev/null)" ]
}

@test "weeks, months and sessions are the same calls in other rows" {
	call "$logs/s1.jsonl" 1 2026-05-31T10:00:00Z 1000
	call "$logs/s1.jsonl" 2 2026-06-01T10:00:00Z 1000 claude-opus-4-6
	call "$logs/s2.jsonl" 3 2026-06-02T10:00:00Z 1000
	run -0 "$TALLY" monthly --json
	[ "$(field 'rows.map(r=>r.month+":"+r.total).join()' <<< "$output")" = "2026-05:0.0153,2026-06:0.0408" ]
	run -0 "$TALLY" weekly --json
	[ "$(field 'rows.map(r=>r.week+":"+r.records).join()' <<< "$output")" = "2026-W22:1,2026-W23:2" ]
	run -0 "$TALLY" session --json
	[ "$(field 'rows.map(r=>r.session+":"+r.last+":"+r.models.length).join()' <<< "$output")" = "s1:2026-06-01:2,s2:2026-06-02:1" ]
	run -0 "$TALLY" daily --breakdown
	[[ "$output" == *"2026-06-01  opus-4-6"* && "$output" == *"total"*'$0.0561'* ]]
	run -0 "$TALLY" daily --csv
	[ "$(wc -l <<< "$output")" = 4 ]
}

@test "a day is a day where the clocks are" {
	call "$logs/s1.jsonl" 1 2026-06-01T22:30:00Z 1000
	run -0 "$TALLY" daily -z Europe/Berlin --json
	[ "$(field 'rows[0].day' <<< "$output")" = 2026-06-02 ]
}

@test "what has no price or cannot be read is named, and seen again in the next look" {
	call "$logs/s1.jsonl" 1 2026-06-01T10:00:00Z 1000 no-such-model
	echo '{"rows":[{"tokens":12' > "$logs/broken.jsonl"
	for i in 1 2; do
		run -3 "$TALLY" daily
		[[ "$output" == *"without a price"*"no-such-model"* ]]
		[[ "$output" == *">= "* ]]
	done
}

@test "a database with records is looked at before logs" {
	call "$logs/s1.jsonl" 1 2026-06-01T10:00:00Z 1000
	printf 'id,time,model,input,output\nx,2026-06-05T00:00:00Z,claude-sonnet-4-6,0,1000\n' > u.csv
	"$TALLY" ingest u.csv
	run -0 "$TALLY" daily --json
	[ "$(field 'rows[0].day' <<< "$output")" = 2026-06-05 ]
	run -0 "$TALLY" daily --logs --json
	[ "$(field 'rows[0].day' <<< "$output")" = 2026-06-01 ]
	run -0 "$TALLY" daily "$logs" --json
	[ "$(field 'rows[0].day' <<< "$output")" = 2026-06-01 ]
}

@test "a block begins at the full hour and ends five hours later, or with a pause" {
	call "$logs/s1.jsonl" 1 2026-06-01T10:40:00Z 1000
	call "$logs/s1.jsonl" 2 2026-06-01T15:00:00Z 1000 # the end itself still belongs to it
	call "$logs/s1.jsonl" 3 2026-06-01T15:00:01Z 1000
	call "$logs/s1.jsonl" 4 2026-06-02T01:00:00Z 1000
	run -0 "$TALLY" blocks --json
	[ "$(field 'blocks.map(b=>b.from.slice(5,16)+(b.gap?"gap":b.records)).join()' <<< "$output")" = \
		"06-01T10:002,06-01T15:001,06-01T20:00gap,06-02T01:001" ]
	run -0 "$TALLY" blocks
	[[ "$output" == *"no calls"* && "$output" == *"estimate"* ]]
}

@test "the block under way tells where it leads" {
	local now
	now=$(date +%s)
	for i in 0 1 2; do
		call "$logs/s1.jsonl" "$i" "$(date -u -d "@$((now - 1200 + i * 600))" +%Y-%m-%dT%H:%M:%SZ)" 1000
	done
	run -0 "$TALLY" blocks --active --token-limit 4000
	[[ "$output" == *"ACTIVE"* && "$output" == *"Burn rate: 165 tokens a minute"* ]]
	[[ "$output" == *"82 % used; at that rate it ends over the limit"* ]]
	run -0 "$TALLY" blocks --active --json
	[ "$(field 'blocks[0].outlook.tokens_per_minute' <<< "$output")" = 165 ]
}

# drawn JSON: the line once its figures are there
drawn() {
	"$TALLY" statusline <<< "$1" > /dev/null
	"$TALLY" statusline --renew
	run -0 "$TALLY" statusline <<< "$1"
}

@test "a status line shows our own figures once they are read, and the agent's until then" {
	call "$logs/s1.jsonl" 1 "$(date -u +%Y-%m-%dT00:00:01Z)" 1000
	local given='{"session_id":"s1","model":{"display_name":"Sonnet 4.6"},"cost":{"total_cost_usd":1.255},"context_window":{"used_percentage":34.2}}'
	run -0 "$TALLY" statusline <<< "$given"
	[ "$output" = 'Sonnet 4.6 | session ~$1.26 | context 34 %' ]
	drawn "$given"
	[[ "$output" == 'Sonnet 4.6 | session $0.02 | today $0.02 |'*' context 34 %' ]]
	run -1 "$TALLY" statusline <<< 'no JSON'
}

@test "the windows that a status line or Codex told are shown with their pace" {
	local now
	now=$(date +%s)
	run -0 "$TALLY" quota
	[[ "$output" == *"no window has been seen yet"* ]]
	call "$logs/s1.jsonl" 1 "$(date -u -d "@$((now - 60))" +%Y-%m-%dT%H:%M:%SZ)" 1000
	drawn '{"rate_limits":{"five_hour":{"used_percentage":90,"resets_at":'$((now + 7200))'}}}'
	[[ "$output" == *"5h 90 %, used up in "* ]]
	mkdir -p "$HOME/.codex/sessions"
	printf '{"timestamp":"%s","type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":{"limit_id":"codex","primary":{"used_percent":71.0,"window_minutes":10080,"resets_at":%s},"secondary":null}}}\n' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$((now + 86400))" > "$HOME/.codex/sessions/rollout-1.jsonl"
	run -0 "$TALLY" quota
	[[ "$output" == *"claude 5 hours"*"90 %"*"used up in"*'$0.0153'* ]]
	[[ "$output" == *"codex 7 days"*"71 %"*"lasts"* ]]
	run -0 "$TALLY" quota --json
	[ "$(field 'windows.map(w=>w.provider+w.used_percent).join()' <<< "$output")" = anthropic90,openai71 ]
}

@test "one process at a time refreshes the status line, and --renew waits for it" {
	call "$logs/s1.jsonl" 1 "$(date -u +%Y-%m-%dT00:00:01Z)" 1000
	local cache=$HOME/.cache/tally held
	"$TALLY" statusline --renew
	rm "$cache/statusline.json"
	exec {held}<>"$cache/statusline.lock"
	flock "$held"
	# somebody refreshes: the line starts nobody else, and the foreground waits
	"$TALLY" statusline <<< '{}' {held}>&-
	exec {ALIVE}>&-; flock -w 60 "$DIR.alive" true
	[ ! -e "$cache/statusline.json" ]
	! timeout 0.2 "$TALLY" statusline --renew {held}>&- || fail "did not wait"
	exec {held}>&-
	"$TALLY" statusline --renew
	[ -e "$cache/statusline.json" ]
}
@test "sessions and blocks are the same from the cache's sums and from every row, while logs grow and answers are completed" {
	! on_server || skip "of caches, which are files"
	for seed in 1 2 3 ${SEED:-}; do
		rm -rf "$HOME/.cache" "$logs"/*
		for step in 1 2 3 4; do
			# instants on a grid of quarters, a microsecond beside them and between; an answer may grow in the next step
			node - "$logs" "$seed" "$step" <<'JS'
const fs = require('fs'), [, , dir, seed, step] = process.argv;
let s = seed * 7919 + step * 104729;
const r = n => (s = (s * 1103515245 + 12345) % 2147483648, Math.floor(s / 65536) % n);
const line = (id, ms, out, model) => JSON.stringify({ type: 'assistant', sessionId: 's' + id % 5, cwd: '/home/me/p' + id % 2, timestamp: new Date(ms).toISOString(), requestId: 'r' + id,
	message: { id: 'm' + id, model, usage: { input_tokens: 1 + id % 7, cache_read_input_tokens: 10 * id, output_tokens: out, ...(id % 6 ? {} : { server_tool_use: { web_search_requests: 1 } }) } } }) + '\n';
const open = fs.existsSync(dir + '/../open') ? JSON.parse(fs.readFileSync(dir + '/../open')) : [];
const file = id => `${dir}/s${id % 5}.jsonl`;
if (step > 1) for (const [id, ms, model] of open) fs.appendFileSync(file(id), line(id, ms + (r(5) - 2) * 450000, 500 + r(50), model));
const next = [];
for (let i = 0; i < 60; i++) {
	const id = step * 1000 + i, ms = Date.UTC(2026, 5, 1) + r(4) * 21600000 + r(30) * 900000 + [0, 0, -1, 1, 300000][r(5)], model = r(3) ? 'claude-sonnet-4-6' : 'claude-haiku-4-5';
	const grows = r(3) === 0;
	fs.appendFileSync(file(id), line(id, ms, grows ? 1 : 20 + r(900), model));
	if (grows) next.push([id, ms, model]);
}
fs.writeFileSync(dir + '/../open', JSON.stringify(next));
JS
			rm -rf every.db*
			"$TALLY" ingest "$logs" --db every.db >/dev/null || true
			for look in 'session' 'session -z Asia/Kolkata --since 2026-06-01T03:07:00Z' 'blocks' 'blocks -n 1' 'blocks -n 3 --since 2026-06-01T05:00:00Z --until 2026-06-01T20:15:00Z'; do
				"$TALLY" $look "$logs" --json 2>/dev/null | grep -v in_database >from_sums || true
				"$TALLY" $look --db every.db --json 2>/dev/null | grep -v in_database >from_rows || true
				run diff from_rows from_sums
				[ "$status" -eq 0 ] || fail "seed $seed, step $step: $look" "$output"
			done
		done
	done
	grep -q '"blocks"' from_sums
}

@test "a second look at the same logs says what the first one said of columns and pages, with the same status" {
	agent_home
	mkdir "$DIR/l"
	printf '%s\n' id,time,model,input,output,frobs a,2026-06-15T01:00:00Z,gpt-5-mini,1000,10,7 >"$DIR/l/u.csv"
	page() { printf '{"object":"page","data":[{"object":"bucket","start_time":%s,"end_time":%s,"results":[{"input_tokens":1000,"output_tokens":200,"input_cached_tokens":0,"num_model_requests":3,"model":"gpt-4o"}]}],"has_more":%s}' "$@"; }
	page 1781481600 1781568000 true >"$DIR/p.json"
	for command in daily monthly session blocks; do
		for look in 1 2; do
			run "$TALLY" $command "$DIR/l/u.csv"
			expect 3 'no table knows what these columns count, so that it may be missing here: frobs'
			run "$TALLY" $command "$DIR/p.json"
			expect 3 'has further pages (has_more) that are missing here'
		done
	done
	run "$TALLY" daily "$DIR/l/u.csv" --json
	expect 3 '"columns_in_doubt": [' '"frobs"' '"partial": false'
	# the next page comes: nothing is missing any more; a document that is written again is judged again
	page 1781568000 1781654400 false >"$DIR/q.json"
	run "$TALLY" daily "$DIR/p.json" "$DIR/q.json"
	expect 0
	page 1781481600 1781568000 false >"$DIR/p.json"
	run "$TALLY" daily "$DIR/p.json"
	expect 0
	[[ $output != *'next page'* ]] || fail "the page is complete"
}

@test "a database whose agents went on says so" {
	agent_home
	export XDG_DATA_HOME=$DIR/data
	echo '{"type":"assistant","sessionId":"s","timestamp":"2026-06-16T10:00:00.000Z","requestId":"q","message":{"id":"m","model":"claude-opus-4-6","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}}' >"$logs/s.jsonl"
	printf 'time,model,input\n2026-06-15T10:00:00Z,deepseek-v4-flash,1000000\n' >t.csv
	"$TALLY" ingest t.csv -q
	run "$TALLY"; expect 0 'logs of Claude Code are not in the database: `tally ingest` stores them'
	run "$TALLY" today; [[ $output == *'are not in the database'* ]]
	run "$TALLY" today -q; [[ $output != *'not in the database'* ]]
	run "$TALLY" overview --db "$XDG_DATA_HOME/tally/tally.db"; [[ $output != *'not in the database'* ]]
	# once they are in it, what came since
	"$TALLY" ingest -q
	run "$TALLY"; expect 0 'logs of Claude Code are newer than the database: `tally ingest` stores them'
	touch -d 2026-06-16T10:30:00Z "$logs/s.jsonl"
	run "$TALLY"; [[ $output != *'the database: `tally'* ]]
}

@test "what is refused counts as often as the logs hold it, and no longer once they do not, as a replay says" {
	export XDG_CACHE_HOME=$DIR/cache
	mkdir held
	good() { echo '{"type":"assistant","sessionId":"s","uuid":"u'"$1"'","timestamp":"2026-06-15T10:00:0'"$1"'Z","requestId":"req_'"$1"'","message":{"id":"msg_'"$1"'","type":"message","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":'"${2:-100}"',"output_tokens":25}}}'; }
	bad() { good 9 | sed 's/:25}/:"x"}/'; }
	both() { # REFUSED
		local status_of=$([ "$1" = 0 ] && echo 0 || echo 3)
		run "$TALLY" daily held --json; expect "$status_of" "\"quarantined\": $1," || return 1
		run "$TALLY" replay held --json -q; expect "$status_of" "\"quarantined\": $1,"
	}
	{ good 1; bad; bad; } >held/a.jsonl
	{ good 2; bad; } >held/b.jsonl
	both 3
	bad >>held/a.jsonl
	both 4
	{ good 1; bad; } >held/a.jsonl
	both 2
	good 1 >held/a.jsonl
	both 1
	# other counts of a call are left out, too
	{ good 2; good 1 200 | sed 's/:25}/:20}/'; } >held/b.jsonl
	both 1
	good 2 >held/b.jsonl
	both 0
}
