# Writes logs as Claude Code does, into DIR/projects/P/S.jsonl, and the true sums into DIR/truth: messages
# input cache_read cache_write_5m cache_write_1h output, and the cost of all in 1e-9 dollars per million
# tokens. awk -v dir=DIR -v seed=N -v sessions=N [-v turns=N] -f agent_logs.awk
function r(n) { return int(rand() * n) }
function stamp(s) { return sprintf("2026-06-%02dT%02d:%02d:%02d.%03dZ", 1 + int(s / 86400) % 28, int(s / 3600) % 24, int(s / 60) % 60, s % 60, r(1000)) }
function line(file, id, req, model, out, s, side) {
	printf "{\"parentUuid\":null,\"isSidechain\":%s,\"cwd\":\"/src/p%d\",\"sessionId\":\"%s\",\"type\":\"assistant\",\"message\":{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"a \\\"usage\\\": {\\\\ } and more\"}],\"usage\":{\"input_tokens\":%d,\"cache_creation_input_tokens\":%d,\"cache_read_input_tokens\":%d,\"cache_creation\":{\"ephemeral_5m_input_tokens\":%d,\"ephemeral_1h_input_tokens\":%d},\"output_tokens\":%d,\"service_tier\":\"standard\"}},\"requestId\":\"%s\",\"uuid\":\"u%d\",\"timestamp\":\"%s\"}\n", side, p, sid, id, model, input, w5 + w1, read, w5, w1, out, req, r(1000000000), stamp(s) >> file
}
BEGIN {
	srand(seed)
	for (k = 0; k < sessions; k++) {
		p = k % 3
		sid = sprintf("sess-%d-%d", seed, k)
		system("mkdir -p " dir "/projects/p" p)
		file = dir "/projects/p" p "/" sid ".jsonl"
		printf "{\"type\":\"summary\",\"summary\":\"work\",\"leafUuid\":\"x\"}\n" >> file
		s = r(86400 * 20); n = (turns ? turns : 5) + r(20)
		for (i = 0; i < n; i++) {
			model = r(3) ? "claude-sonnet-4-6" : "claude-haiku-4-5"
			input = 1 + r(50); read = r(100000); w = r(4000); long = r(5) == 0
			w5 = long ? 0 : w; w1 = long ? w : 0; output = 20 + r(1500)
			id = sprintf("msg_%d_%d_%d", seed, k, i)
			printf "{\"type\":\"user\",\"sessionId\":\"%s\",\"message\":{\"role\":\"user\",\"content\":\"\\\"usage\\\" of things\"},\"timestamp\":\"%s\"}\n", sid, stamp(s) >> file
			blocks = 1 + r(4)
			for (b = 1; b <= blocks; b++) line(file, id, "req" i, model, b == blocks ? output : 1 + r(8), s += 1, "false")
			if (r(20) == 0) line(file, id, "side" i, model, output, s += 1, "true")
			messages++; ti += input; tr += read; t5 += w5; t1 += w1; to += output
			cost += model == "claude-sonnet-4-6" ? input * 3000 + read * 300 + w5 * 3750 + w1 * 6000 + output * 15000 : input * 1000 + read * 100 + w5 * 1250 + w1 * 2000 + output * 5000
			s += 5 + r(60)
		}
		close(file)
	}
	whole = int(cost / 1000000000); rest = sprintf("%09d", cost % 1000000000); sub(/0+$/, "", rest)
	printf "%d %d %d %d %d %d %s\n", messages, ti, tr, t5, t1, to, whole (rest == "" ? "" : "." rest) > (dir "/truth")
}
