# Writes operations for `tally credit post`: grants, draws, refunds and voids of a few customers, with
# instants that ascend. usage: awk -v seed=1 -v n=10000 -f credit_ops.awk
function r(k) { state = (state * 1103515245 + 12345) % 2147483648; return int(state / 65536) % k }
BEGIN {
	state = seed
	split("acme,beta corp,gämma,d:elta", who, ",")
	for (i = 0; i < n; i++) {
		c = who[1 + r(4)]; d = r(100)
		second = int(i * 23000000 / n) # 266 days, one after another
		at = sprintf("2026-%02d-%02dT%02d:%02d:%02dZ", 1 + int(second / 2555556), 1 + int(second % 2555556 / 86400) % 28, int(second % 86400 / 3600), int(second % 3600 / 60), second % 60)
		amount = 1 + r(5000) "." (100 + r(900))
		if (d < 20) {
			printf "{\"op\":\"grant\",\"customer\":\"%s\",\"id\":\"g%d\",\"amount\":\"%s\",\"priority\":%d,\"class\":\"%s\",\"effective\":\"%s\"", c, i, amount, r(3), r(2) ? "paid" : "granted", at
			if (r(3) == 0) printf ",\"expires\":\"2027-%02d-01T00:00:00Z\"", 2 + r(11)
			printf ",\"note\":\"note %d; \\\"quoted\\\"\"}\n", i
		} else if (d < 80) printf "{\"op\":\"draw\",\"customer\":\"%s\",\"id\":\"d%d\",\"amount\":\"%s\",\"at\":\"%s\"%s}\n", c, i, r(800) "." r(1000), at, r(20) == 0 ? ",\"linked\":true" : ""
		else if (d < 97) printf "{\"op\":\"refund\",\"customer\":\"%s\",\"id\":\"r%d\",\"amount\":\"%s\",\"at\":\"%s\"}\n", c, i, r(90) "." r(1000), at
		else printf "{\"op\":\"void\",\"customer\":\"%s\",\"id\":\"g%d\",\"note\":\"reversed\"}\n", c, i - r(200)
	}
}
