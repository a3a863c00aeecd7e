#!/usr/bin/env bats
# What-ifs in many threads: the same bytes from any number of them, and from files in any order.
load common

P=deepseek-v4-pro F=deepseek-v4-flash H=claude-haiku-4-5 QUIET=-q

# calls SEED COUNT: of conversations that lie between each other, of several models, some without a price
calls() {
	awk -v seed="$1" -v calls="$2" 'function some(n) { return int(rand() * n) }
	BEGIN {
		srand(seed)
		n = split("deepseek-v4-flash deepseek-v4-pro claude-sonnet-4-6 claude-haiku-4-5 deepseek-v4-flush", model, " ")
		print "time,model,customer,workload,session,input,cache_read,cache_write_5m,output,requests"
		for (i = 0; i < calls; i++) {
			s = some(some(3) ? 700 : 20); day = int(i * 28 / calls) + 1; part = i * 28 / calls - day + 1
			prompt = length(long[s]) ? long[s] : 1000 + some(4000); read = some(4) ? int(prompt * 0.9) : 0; long[s] = prompt + some(900)
			m = model[some(12) ? s % n + 1 : some(n) + 1]
			wrote = m ~ /^claude/ ? int((long[s] - read) / 2) : 0
			printf "2026-08-%02dT%02d:%02d:%02d.%06dZ,%s,c%d,w%d,s%d,%d,%d,%d,%d,%d\n", day, int(part * 24), int(part * 1440) % 60, int(part * 86400) % 60, i % 1000000,
				m, s % 9, some(4), s, long[s] - read - wrote, read, wrote, some(2000), some(40) ? 1 : 2
		}
	}'
}

same_in_threads() { # arguments of whatif
	"$TALLY" whatif "$@" --json --threads 1 $QUIET > one 2> one.err || [ $? = 3 ]
	for threads in 2 3 7; do
		"$TALLY" whatif "$@" --json --threads $threads $QUIET > many 2> many.err || [ $? = 3 ]
		cmp one many
		cmp one.err many.err
	done
}

scenarios() {
	cat > rules.json <<-E
	{"rules": [{"when": {"workload": "w1"}, "model": "$F"}, {"when": {"prompt_min": 5000}, "model": "$H"}], "escalate": {"to": "$P", "share": "30%"}}
	E
	cat > cascade.json <<-E
	{"cheap": "$F", "strong": "$P", "escalated": ["s3", "s5", "s17"]}
	E
	cat > scenarios.json <<-E
	{"scenarios": [
		{"name": "rules", "route": "rules:rules.json", "input_factor": {"$F": "1.1"}},
		{"name": "cascade", "route": "cascade:cascade.json", "retries": {"$F": {"share": "20%", "billed": "prompt"}}},
		{"name": "night", "route": "offpeak:8h:$P", "wait": ["w0", "w2"]},
		{"name": "hosted", "route": "share:0.4:$F:$P", "self_hosted": {"$F": {"gpu_hour": "2", "gpus": 8, "prompt_tokens_per_second": "9000", "output_tokens_per_second": "900"}}},
		{"name": "kept", "route": "every:3:$H:$F", "cache": {"ttl": 900}}
	]}
	E
}

@test "any number of threads gives the same bytes: every route, every cache, plans, intervals" {
	calls 1 12000 > t.csv
	scenarios
	for cache in rebuilt recorded none; do
		same_in_threads t.csv --cache $cache -s recorded -s flash=$F -s batch=batch:$P -s from=from:4:$H:$F -s conv=conversation:3:$H:$F --scenarios scenarios.json --plan vm0 --resamples 30
	done
	same_in_threads t.csv -s recorded -s flash=$F --sensitivity 0.1 --resamples 0
	same_in_threads t.csv -s recorded -s flash=$F --sample 40 --resamples 30
	same_in_threads t.csv -s recorded -s flash=$F --baseline best --customer c1
}

@test "files in any order, packed or not, give the same amounts" {
	calls 2 9000 > all.csv
	awk -F, 'NR == 1 || $5 ~ /[02468]$/' all.csv > even.csv
	awk -F, 'NR == 1 || $5 !~ /[02468]$/' all.csv > odd.csv
	for order in "all.csv" "even.csv odd.csv" "odd.csv even.csv"; do
		"$TALLY" whatif $order -s recorded -s flash=$F -s every=every:4:$P:$F -s night=offpeak:6h:$P --resamples 0 --csv -q > "got.$order" || [ $? = 3 ]
	done
	cmp got.all.csv "got.even.csv odd.csv"
	cmp got.all.csv "got.odd.csv even.csv"
	"$TALLY" pack all.csv -o all.pack -q
	"$TALLY" whatif all.pack -s recorded -s flash=$F -s every=every:4:$P:$F -s night=offpeak:6h:$P --resamples 0 --csv -q > got.pack || [ $? = 3 ]
	cmp got.all.csv got.pack
}

@test "records that span lines, blanks in front of fields and refused lines are read alike by any number of threads" {
	for odd in spans blanks refused; do
		awk -v odd=$odd 'function some(n) { return int(rand() * n) }
		BEGIN {
			srand(5)
			print "time,model,session,input,cache_read,output"
			for (i = 0; i < 40000; i++)
				printf "%d,deepseek-v4-flash,%s,%s,%d,100\n", 1780000000 + int(i / 8), odd == "spans" && i % 15000 == 14000 ? "\"s\n" i "\"" : (odd == "blanks" && !some(90) ? " s" : "s") some(50),
					odd == "refused" && !some(900) ? "x" : 3000 + some(9000), some(2) ? some(3000) : 0
		}' > t.csv
		QUIET= same_in_threads t.csv -s recorded -s pro=$P --resamples 0
	done
	first=$(grep -n ',x,' t.csv | head -n 1 | cut -d: -f1)
	grep -q "t.csv:$first: field 'input'" one.err
}
