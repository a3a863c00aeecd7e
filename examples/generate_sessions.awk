# Writes a trace of agent sessions: conversations whose prompts grow, now and then start over or branch, interleaved.
# usage: awk -v seed=1 -v conversations=20 -v calls=600 -f generate_sessions.awk > sessions.jsonl
function r(n) { state = (state * 1103515245 + 12345) % 2147483648; return int(state / 65536) % n }
BEGIN {
	state = seed; t = 0
	for (i = 0; i < calls; i++) {
		c = r(conversations); t += r(40) + 1
		if (!(c in blocks)) { blocks[c] = 5 + r(200); first[c] = 1; fresh[c] = blocks[c] + 1 }
		else if (r(25) == 0) { keep = r(blocks[c]); h = keep; start[c] = keep; branch = 1 }
		else blocks[c] += r(30)
		# after a branch the prompt keeps a prefix and continues with new ids
		if (branch) { pre[c] = keep; post[c] = fresh[c]; blocks[c] = keep; branch = 0; span[c] = 1 + r(20) }
		else if (c in pre) span[c] += r(15)
		if (c in pre) {
			ids = (pre[c] > 0 ? "1-" pre[c] "," : "") post[c] "-" (post[c] + span[c])
			n = pre[c] + span[c] + 1
			if (post[c] + span[c] >= fresh[c]) fresh[c] = post[c] + span[c] + 1
		} else { ids = "1-" blocks[c]; n = blocks[c]; if (n >= fresh[c]) fresh[c] = n + 1 }
		printf "{\"c\":%d,\"n\":1,\"i\":%d,\"t\":%d.5,\"m\":\"claude-sonnet-4-6\",\"in\":%d,\"out\":%d,\"h\":\"%s\"}\n", c, i, t, n * 64 + r(64), r(900), ids
	}
}
