# Pictures and films in what Gemini counts: they cost what text costs, unless the card has a price of theirs.
# with sanitizers, too
load common

# body MODEL PROMPT CACHED ANSWER PROMPT-LIST CACHE-LIST ANSWER-LIST: a Gemini answer
body() {
	printf '{"responseId":"r","modelVersion":"%s","createTime":"2026-07-20T10:00:00Z","usageMetadata":{"promptTokenCount":%d,"cachedContentTokenCount":%d,"candidatesTokenCount":%d,"totalTokenCount":%d,"promptTokensDetails":[%s],"cacheTokensDetails":[%s],"candidatesTokensDetails":[%s]}}\n' "$1" "$2" "$3" "$4" $(($2 + $4)) "$5" "$6" "$7"
}
list() { out=; for m; do out="$out${out:+,}{\"modality\":\"${m%=*}\",\"tokenCount\":${m#*=}}"; done; printf '%s' "$out"; }
costs() { # AMOUNT [OPTIONS]: of body.json, in replay, what-if, the pack and the meter
	want=$1; shift
	run "$TALLY" replay body.json "$@" --json
	expect 0 "\"total\": \"$want\"" || return 1
	"$TALLY" pack body.json -o p -q
	run "$TALLY" replay p "$@" --json
	expect 0 "\"total\": \"$want\"" || return 1
	[ "$("$TALLY" whatif p "$@" -s recorded --resamples 0 --csv -q | sed -n 2p | cut -d, -f10)" = "$want" ] || fail "whatif: $("$TALLY" whatif p "$@" -s recorded --resamples 0 --csv -q)"
	rm -rf m.db*
	"$TALLY" ingest body.json --db m.db "$@" -q >/dev/null
	run "$TALLY" usage --db m.db --json
	expect 0 "\"total\": \"$want\"" || return 1
	"$TALLY" export csv --db m.db -q >out.csv
	run "$TALLY" replay out.csv "$@" --json
	expect 0 "\"total\": \"$want\""
}
@test "pictures and films of a prompt have the card's price for them, and are text where it states none" {
	# gemini-3.1-flash-live-preview: text at 0.75, audio at 3, pictures and films at 1 a million, answers at 4.5
	body gemini-3.1-flash-live-preview 1000000 0 0 "$(list TEXT=300000 IMAGE=500000 VIDEO=200000)" "" "" >body.json
	costs 0.925 # 0.3 x 0.75 + 0.7 x 1
	run "$TALLY" usage --db m.db --json
	expect 0 '"input": 1000000' '"image_in_input": 500000' '"video_in_input": 200000'
	run "$TALLY" explain r --db m.db --json
	expect 0 '"bucket": "input_image"' '"bucket": "input_video"'
	# gemini-embedding-2: text at 0.2, pictures at 0.45, films at 12
	body gemini-embedding-2 1000000 0 0 "$(list TEXT=500000 IMAGE=400000 VIDEO=100000)" "" "" >body.json
	costs 1.48
	# gemini-2.5-flash has no price of theirs: 0.3, and 0.03 from the cache
	body gemini-2.5-flash 1000000 0 100 "$(list TEXT=500000 IMAGE=500000)" "" "" >body.json
	costs 0.30025
	body gemini-2.5-flash 373 204 89 "$(list TEXT=115 IMAGE=258)" "$(list TEXT=63 IMAGE=141)" "" >body.json
	run "$TALLY" replay body.json --json
	expect 0 '"input": 169' '"cache_read": 204' '"image_in_input": 117' '"image_in_cache_read": 141'
}
@test "cached pictures have the card's price for cached ones, and where it is not told which were cached, none is too cheap" {
	cat >card.json <<'END'
{"schema": "tally.card/1", "provider": "google", "title": "pictures",
 "prices": [{"model": "pictures-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes",
   "rates": {"input": "1", "cache_read": "0.1", "output": "4", "input_image": "8", "cache_read_image": "2", "output_video": "50"}}]}
END
	body pictures-1 1000000 400000 0 "$(list TEXT=500000 IMAGE=500000)" "$(list TEXT=100000 IMAGE=300000)" "" >body.json
	costs 2.61 --prices card.json # 0.4 + 0.2 x 8 + 0.1 x 0.1 + 0.3 x 2
	body pictures-1 1000000 600000 0 "$(list TEXT=500000 IMAGE=500000)" "" "" >body.json
	costs 3.45 --prices card.json # 0.4 x 8 + 0.1 x 2 + 0.5 x 0.1
	# an answer's film
	body pictures-1 0 0 1000000 "" "" "$(list TEXT=900000 VIDEO=100000)" >body.json
	costs 8.6 --prices card.json
	# the same answer of a card that has no price for films is not billed as text
	body gemini-2.5-flash 0 0 1000000 "" "" "$(list TEXT=900000 VIDEO=100000)" >body.json
	run "$TALLY" replay body.json
	expect 3 "no price for output_video"
	# more pictures than tokens
	body pictures-1 10 0 0 "$(list IMAGE=11)" "" "" >body.json
	run "$TALLY" replay body.json --prices card.json
	expect 3 'image or video tokens are 1 more'
	body pictures-1 10 4 0 "$(list IMAGE=3)" "$(list IMAGE=4)" "" >body.json
	run "$TALLY" replay body.json --prices card.json
	expect 3 "'image_in_input' (-1)"
}
@test "a part is never more than its whole, and what was stored before parts were read is no conflict" {
	printf 'time,model,input,image_in_input\n2026-06-15,pictures-1,10,11\n2026-06-15,pictures-1,10,10\n' >t.csv
	run "$TALLY" replay t.csv
	expect 3 't.csv:2' "'image_in_input' (11) is larger than 'input' (10)"
	printf '{"time":"2026-06-15","model":"gemini-2.5-flash","input":10,"cache_read":1,"image_in_cache_read":2}\n' >t.jsonl
	run "$TALLY" replay t.jsonl
	expect 3 't.jsonl:1' "'image_in_cache_read' (2)"
	body gemini-2.5-flash 100 0 5 "$(list TEXT=50 IMAGE=50)" "" "" >body.json
	printf 'id,time,model,input,output\nr,2026-07-20T10:00:00Z,gemini-2.5-flash,100,5\n' >before.csv
	"$TALLY" ingest before.csv --db m.db -q
	run "$TALLY" ingest body.json --db m.db
	expect 0 '1 duplicate' '0 conflicts'
}
# chat DETAILS: an answer of OpenAI's to a prompt of 1,000 with 10 tokens
chat() {
	printf '{"id":"r","object":"chat.completion","created":1781517600,"model":"%s","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{%s}}}\n' "$1" "$2"
}
@test "modality and cache are two divisions of one prompt, in OpenAI's shapes and in Gemini's" {
	cat >card.json <<'END'
{"schema": "tally.card/1", "provider": "maker", "prices": [{"model": "both-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes",
   "rates": {"input": "1", "cache_read": "0.1", "output": "4", "input_audio": "20", "cache_read_audio": "3", "input_image": "8"}}]}
END
	# 300 fresh tokens, all of them sound; of the 700 cached ones 600 are: 300 x 20 + 600 x 3 + 100 x 0.1 + 10 x 4
	chat both-1 '"text_tokens":100,"audio_tokens":900,"cached_tokens":700' >body.json
	costs 0.00785 --prices card.json
	# 300 fresh pictures, and 600 cached ones, of which the card has no price: 300 x 8 + 700 x 0.1 + 40
	chat both-1 '"text_tokens":100,"image_tokens":900,"cached_tokens":700' >body.json
	costs 0.00251 --prices card.json
	run "$TALLY" usage --db m.db --json
	expect 0 '"input": 300' '"image_in_input": 300' '"image_in_cache_read": 600'
	# 250 of sound and 50 pictures of 450 are fresh: 250 x 20 + 50 x 8 + 700 x 0.1 + 40
	chat both-1 '"text_tokens":300,"audio_tokens":250,"image_tokens":450,"cached_tokens":700' >body.json
	costs 0.00551 --prices card.json
	# what fits is fresh: 200 x 20 + 100 x 8 + 700 x 0.1 + 40
	chat both-1 '"text_tokens":700,"audio_tokens":200,"image_tokens":100,"cached_tokens":700' >body.json
	costs 0.00491 --prices card.json
	# the realtime interface tells what was cached: 150 of text, 350 of sound and 200 pictures
	printf '{"id":"r","object":"realtime.response","created_at":1781517600,"model":"both-1","status":"completed","output":[],"usage":{"total_tokens":1010,"input_tokens":1000,"output_tokens":10,"input_token_details":{"text_tokens":200,"audio_tokens":400,"image_tokens":400,"cached_tokens":700,"cached_tokens_details":{"text_tokens":150,"audio_tokens":350,"image_tokens":200}},"output_token_details":{"text_tokens":10,"audio_tokens":0}}}\n' >body.json
	run "$TALLY" replay body.json --prices card.json --json # 50 x 1 + 50 x 20 + 200 x 8 + 350 x 0.1 + 350 x 3 + 40
	expect 0 '"total": "0.003775"'
	chat both-1 '"audio_tokens":1001,"cached_tokens":700' >body.json
	run "$TALLY" replay body.json --prices card.json
	expect 3 'the audio tokens (1001) are larger than the prompt (300 fresh, 700 cached)'
	chat both-1 '"image_tokens":1001,"cached_tokens":700' >body.json
	run "$TALLY" replay body.json --prices card.json
	expect 3 'image or video tokens are 1 more than the prompt'
	# gemini-2.5-flash: 100 fresh tokens, all of them sound, and 800 cached ones: 100 x 1 + 800 x 0.1 + 100 x 0.03
	body gemini-2.5-flash 1000 900 0 "$(list TEXT=100 AUDIO=900)" "" "" >body.json
	costs 0.000183
}
@test "an answer that is not divided is pictures at an endpoint of pictures, and else a lower bound where sound or pictures cost more" {
	cat >card.json <<'END'
{"schema": "tally.card/1", "provider": "maker", "prices": [
 {"model": "image-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "4", "output_image": "30"}},
 {"model": "image-2", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "20"}},
 {"model": "realtime-1", "currency": "USD", "from": "2026-01-01T00:00:00Z", "source": "a test", "sure": "yes", "rates": {"input": "1", "output": "4", "output_audio": "16"}}]}
END
	pictures() { printf '{"created":1781517600,"id":"r","data":[{"b64_json":"x"}],"model":"%s","usage":{"input_tokens":1000,"output_tokens":2000,"total_tokens":3000,"input_tokens_details":{"text_tokens":1000,"image_tokens":0}%s}}\n' "$1" "$2"; }
	pictures image-1 >body.json
	costs 0.061 --prices card.json # 1 + 2 x 30
	pictures image-2 >body.json
	costs 0.041 --prices card.json # pictures have no price of theirs: 1 + 2 x 20
	pictures image-1 ',"output_tokens_details":{"text_tokens":500,"image_tokens":1500}' >body.json
	costs 0.048 --prices card.json # 1 + 0.5 x 4 + 1.5 x 30
	echo '{"request_id":"r","call_type":"aimage_generation","spend":0.061,"total_tokens":3000,"prompt_tokens":1000,"completion_tokens":2000,"startTime":"2026-06-15T10:00:00Z","endTime":"2026-06-15T10:00:01Z","model":"image-1","cache_hit":"False","metadata":{"status":"success","usage_object":{"prompt_tokens":1000,"completion_tokens":2000,"total_tokens":3000,"prompt_tokens_details":{"text_tokens":1000,"image_tokens":0}}}}' >body.json
	costs 0.061 --prices card.json
	spoken() { printf '{"id":"r","object":"chat.completion","created":1781517600,"model":"%s","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":500,"total_tokens":1500%s}}\n' "$1" "$2"; }
	least() { # >= AMOUNT in every report
		run "$TALLY" replay body.json --prices card.json
		expect 3 ">= \$$1" 'an answer that may be sound, pictures or films' || return 1
		rm -rf m.db* p
		"$TALLY" ingest body.json --db m.db --prices card.json -q >/dev/null
		run "$TALLY" usage --db m.db
		expect 3 ">= \$$1" || return 1
		"$TALLY" pack body.json -o p -q
		for f in body.json p; do
			run "$TALLY" whatif $f --prices card.json -s recorded --resamples 0 --json
			expect 3 '"placeholders": 1' "\"total\": \"$1\"" || return 1
		done
	}
	spoken realtime-1 >body.json
	least 0.003 # 1 + 0.5 x 4 at least
	body image-1 1000 0 500 "" "" "" >body.json
	least 0.003
	# told, all of it reasoned, or a model whose answers cost the same whatever they are
	spoken realtime-1 ',"completion_tokens_details":{"audio_tokens":0}' >body.json
	costs 0.003 --prices card.json
	spoken realtime-1 ',"completion_tokens_details":{"text_tokens":500}' >body.json
	costs 0.003 --prices card.json
	spoken realtime-1 ',"completion_tokens_details":{"reasoning_tokens":500}' >body.json
	costs 0.003 --prices card.json
	spoken image-2 >body.json
	run "$TALLY" replay body.json --prices card.json
	expect 0 '$0.011'
	# told later
	spoken realtime-1 >body.json
	"$TALLY" ingest body.json --db later.db --prices card.json -q >/dev/null
	run "$TALLY" amend r --set output=100 --set output_audio=400 --why 'it was sound' --db later.db --prices card.json
	expect 0
	run "$TALLY" usage --db later.db --json # 1 + 0.1 x 4 + 0.4 x 16
	expect 0 '"total": "0.0078"'
}
@test "every model of the book whose answers cost more where they are no text is known by its name" {
	run python3 - "$ROOT" <<'P'
import json, pathlib, re, sys
for f in sorted((pathlib.Path(sys.argv[1]) / "pricing/cards").glob("*.json")):
    for p in json.loads(f.read_text())["prices"]:
        r = p["rates"]
        dearer = [b for b in ("output_audio", "output_image", "output_video") if b in r and float(r[b]) > float(r.get("output", "inf"))]
        # Azure's catalogue has the sound of gpt-4o-mini-audio-preview beside gpt-4o-mini, which answers in text
        if dearer and not re.search("image|audio|realtime|live|omni|video|banana", p["model"], re.I) and not p["model"].startswith("gpt-4o-mini"):
            print(f.name, p["model"])
P
	[ -z "$output" ] || fail "$output"
}
