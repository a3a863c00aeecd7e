-- wrk: one record with an id of its own a POST, or BATCH of them (environment). Requests are put together from finished parts, so
-- that the client takes little of the machine that it shares with the server.
local batch = tonumber(os.getenv("BATCH") or "1")
local thread_number, n, base = 0, 0, nil
local head, tail = {}, {}
local open = '{"id":"'
function setup(thread)
	thread:set("thread_number", thread_number)
	thread_number = thread_number + 1
end
function init()
	local random = io.open("/dev/urandom", "rb")
	base = random:read(8):gsub(".", function(c) return string.format("%02x", c:byte()) end) .. "-" .. thread_number .. "-"
	random:close()
	local id_length = #base + 10
	for i = 1, 100 do
		tail[i] = string.format('","time":"2026-08-01T12:00:00Z","model":"deepseek-v4-flash","customer":"c%d","input":%d,"output":%d}\n', i, i * 37, i * 5)
		head[i] = string.format("POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", #open + id_length + #tail[i]) .. open .. base
	end
end
function request()
	if batch == 1 then
		n = n + 1
		local i = n % 100 + 1
		return head[i] .. 1000000000 + n .. tail[i]
	end
	local lines = {}
	for i = 1, batch do
		n = n + 1
		lines[i] = open .. base .. 1000000000 + n .. tail[n % 100 + 1]
	end
	local body = table.concat(lines)
	return string.format("POST /v1/usage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", #body) .. body
end
-- refused requests are fast, and no figure
function done(summary)
	if summary.errors.status > 0 then
		io.stderr:write(string.format("bench/post.lua: %d of %d answers were refusals\n", summary.errors.status, summary.requests))
		os.exit(1)
	end
end
