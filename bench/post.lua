-- wrk: one record with an id of its own a POST, or BATCH of them (environment)
local batch = tonumber(os.getenv("BATCH") or "1")
local thread_number, n, base = 0, 0, nil
function setup(thread)
	thread:set("thread_number", thread_number)
	thread_number = thread_number + 1
end
function init()
	local random = io.open("/dev/urandom", "rb")
	base = random:read(8):gsub(".", function(c) return string.format("%02x", c:byte()) end)
	random:close()
	tail = {}
	for i = 1, 100 do
		tail[i] = string.format('","time":"2026-08-01T12:00:00Z","model":"deepseek-v4-flash","customer":"c%d","input":%d,"output":%d}', i, i * 37, i * 5)
	end
end
function request()
	local lines = {}
	n = n + 1
	for i = 1, batch do
		lines[i] = '{"id":"' .. base .. "-" .. thread_number .. "-" .. n .. "-" .. i .. tail[(n + i) % 100 + 1]
	end
	return wrk.format("POST", "/v1/usage", { ["Content-Type"] = "application/json" }, table.concat(lines, "\n"))
end
