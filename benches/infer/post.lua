-- wrk: each request is one of the bodies in FOLDER, in turn; the last line that is printed is the result as JSON.
local bodies, at = {}, 0
local folder, kind, token = os.getenv("BODIES"), os.getenv("CONTENT_TYPE"), os.getenv("TOKEN")
wrk.method = "POST"
wrk.headers["Content-Type"] = kind
if token then wrk.headers["Authorization"] = "Bearer " .. token end

function init()
  local n = 0
  while true do
    local file = io.open(folder .. "/" .. n, "rb")
    if not file then break end
    bodies[n + 1] = wrk.format(nil, nil, nil, file:read("*a"))
    file:close()
    n = n + 1
  end
end

function request()
  at = at % #bodies + 1
  return bodies[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format('{"requests":%d,"seconds":%f,"failed":%d,"p50":%f,"p99":%f}', summary.requests,
    summary.duration / 1e6, failed, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
