# Writes examples/sample.csv: four kinds of work over one week, recorded on DeepSeek V4 Flash. Deterministic.
#   awk -f examples/generate_sample.awk > examples/sample.csv
function rnd(a, b) { seed = (seed * 16807) % 2147483647; return a + seed % (b - a + 1) }
function stamp(s,   d, h, m) {
	d = int(s / 86400); s -= d * 86400; h = int(s / 3600); m = int((s % 3600) / 60)
	return sprintf("2026-08-%02dT%02d:%02d:%02dZ", 24 + d, h, m, s % 60)
}
function row(s, customer, project, workload, task, input, read, output) {
	printf "r%05d,%s,deepseek-v4-flash,%s,%s,%s,%s,%d,%d,%d\n", ++n, stamp(s), customer, project, workload, task, input, read, output
}
BEGIN {
	seed = 20260824
	print "id,time,model,customer,project,workload,task,input,cache_read,output"
	# bulk classification: short answers, one long cached instruction, all night
	for (i = 0; i < 2000; i++)
		row(rnd(0, 6) * 86400 + rnd(0, 21599), "northwind", "tickets", "classification", sprintf("batch-%02d", i % 40),
			rnd(80, 900), 2048, rnd(3, 12))
	# extraction from documents: long input, medium output, office hours
	for (i = 0; i < 700; i++)
		row(rnd(0, 4) * 86400 + rnd(28800, 61200), "contoso", "invoices", "extraction", sprintf("doc-%04d", i),
			rnd(3000, 14000), 1024, rnd(200, 900))
	# an agent: sessions whose prefix grows and is read from the cache
	for (session = 0; session < 40; session++) {
		s = rnd(0, 4) * 86400 + rnd(3600, 36000); prefix = 0
		turns = rnd(8, 30)
		for (i = 0; i < turns; i++) {
			fresh = i ? rnd(300, 4000) : rnd(9000, 16000)
			out = rnd(80, 1500)
			row(s, "fabrikam", "refactoring", "agent", sprintf("session-%02d", session), fresh, prefix, out)
			prefix += fresh + out; s += rnd(5, 90)
		}
	}
	# a chat: small talk at all hours
	for (i = 0; i < 600; i++)
		row(rnd(0, 6) * 86400 + rnd(0, 86399), "contoso", "helpdesk", "chat", sprintf("chat-%03d", i % 150), rnd(60, 2500), rnd(0, 1) * 512,
			rnd(40, 700))
}
