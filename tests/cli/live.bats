#!/usr/bin/env bats
# Views that are drawn again in place: tally live, tally status --watch.
load common

setup() {
	common_setup
	agent_home
}
teardown() { [ -z "${name-}" ] || tmux -L "$name" kill-server 2>/dev/null || true; common_teardown; }

# call ID OUTPUT: an answer of this moment in a Claude Code log
call() {
	printf '{"type":"assistant","sessionId":"s1","cwd":"/home/me/app","timestamp":"%s","requestId":"r%s","message":{"id":"m%s","model":"claude-sonnet-4-6","stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":%s}}}\n' \
		"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$1" "$2" >>"$logs/s1.jsonl"
}
# shows TEXT: until the terminal does, for ten seconds at most
shows() {
	for _ in $(seq 100); do
		screen=$(tmux -L "$name" capture-pane -p)
		[[ $screen == *"$1"* ]] && return 0
		sleep 0.1
	done
	printf '%s\n' "no '$1' in" "$screen" >&2
	return 1
}

@test "a running view shows a call that comes, leaves its last picture and ends cleanly" {
	command -v tmux >/dev/null || skip "there is no tmux"
	name=tally-live-$$
	call 1 1000
	tmux -L "$name" -f /dev/null new-session -d -x 80 -y 40 "sh"
	tmux -L "$name" send-keys "PS1=; '$TALLY' live --interval 0.2; echo ended with \$?" Enter
	shows '^C ends'
	shows '$0.02'
	call 2 1000000
	shows '$15.02'
	call 3 7
	sleep 0.5
	tmux -L "$name" send-keys C-c
	shows 'ended with 0'
	[[ $screen == *claude-sonnet-4-6* ]]
}
@test "in a pipe a picture is printed only when it differs" {
	printf 'time,model,input,output\n2026-06-15T08:00:00Z,deepseek-v4-flash,1,1\n' >t.csv
	"$TALLY" ingest --db t.db -q t.csv
	run timeout -s INT 2 "$TALLY" status --db t.db --watch --interval 0.2
	[ "$(grep -c '^database' <<<"$output")" -le 2 ] || fail "every picture was printed"
	expect 124 'records '
	run "$TALLY" status --db t.db --interval 1; expect 2 '--interval needs --watch'
	run "$TALLY" status --db t.db --watch --interval never; expect 2 "'never' is not a number of seconds"
}
