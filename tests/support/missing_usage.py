#!/usr/bin/env python3
"""missing_usage.py TALLY: sessions of every agent with one call that tells no usage among others that do: the total never changes in silence.

Each agent writes three calls; then the usage of each but the last, which may be in the making, is taken away. Either the total is the same, for the
agent tells it twice, or the exit status is 3. Agents that keep sums of sessions alone have no call to lose, and are not here."""
import json, os, shutil, sqlite3, subprocess, sys, tempfile

TALLY = sys.argv[1]
AGENTS = {}


def agent(f):
    AGENTS[f.__name__] = f
    return f


def lines(*documents):
    return "".join(json.dumps(d) + "\n" for d in documents)


def at(n):
    return "2026-06-15T10:0%d:00.000Z" % n


def ms(n):
    return 1781517600000 + n * 60000


def given(name, usage):
    """The member, or nothing."""
    return {name: usage} if usage else {}


def calls(gap, make):
    return [make(n, n != gap) for n in range(3)]


def database(statements, insert, rows):
    path = tempfile.mktemp()
    with sqlite3.connect(path) as d:
        d.executescript(statements)
        d.executemany(insert, rows)
    with open(path, "rb") as f:
        whole = f.read()
    os.unlink(path)
    return whole


@agent
def claude_code(gap):
    def call(n, told):
        usage = {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 0, "output_tokens": 9}
        return {"type": "assistant", "sessionId": "s", "uuid": "u%d" % n, "timestamp": at(n), "requestId": "r%d" % n, "message": {
            "id": "m%d" % n, "type": "message", "role": "assistant", "model": "claude-sonnet-4-6", "stop_reason": "end_turn", **given("usage", told and usage)}}
    return {"s.jsonl": lines(*calls(gap, call))}


def codex_usage(n):
    return {"input_tokens": 100 * n, "cached_input_tokens": 40 * n, "output_tokens": 9 * n, "reasoning_output_tokens": 0, "total_tokens": 109 * n}


def codex(out):
    head = [{"timestamp": at(0), "type": "session_meta", "payload": {"id": "t", "cwd": "/p"}}, {"timestamp": at(0), "type": "turn_context", "payload": {"model": "gpt-5"}}]
    return {"rollout-1.jsonl": lines(*head, *out)}


@agent
def codex_records(gap):
    return codex(calls(gap, lambda n, told: {"timestamp": at(n), "type": "token_usage_record", "payload": {
        "response_id": "r%d" % n, "thread_id": "t", **given("usage", told and codex_usage(1))}}))


@agent
def codex_totals(gap):
    return codex(calls(gap, lambda n, told: {"timestamp": at(n), "type": "event_msg", "payload": {"type": "token_count", "info": {
        **given("total_token_usage", told and codex_usage(n + 1)), **given("last_token_usage", told and codex_usage(1))}}}))


def opencode_message(n, told):
    return {"id": "msg_%d" % n, "sessionID": "s", "role": "assistant", "modelID": "gpt-5", "providerID": "openai", "finish": "stop", "time": {"created": ms(n), "completed": ms(n) + 9},
            **given("tokens", told and {"total": 149, "input": 100, "output": 9, "reasoning": 0, "cache": {"read": 40, "write": 0}})}


@agent
def opencode_files(gap):
    return {"storage/message/s/msg_%d.json" % n: json.dumps(m) for n, m in enumerate(calls(gap, opencode_message))}


@agent
def opencode_database(gap):
    rows = [("msg_%d" % n, json.dumps(m)) for n, m in enumerate(calls(gap, opencode_message))]
    return {"opencode.db": database("CREATE TABLE session(id TEXT, directory TEXT); CREATE TABLE message(id TEXT, session_id TEXT, data TEXT);"
                                    "INSERT INTO session VALUES('s', '/p')", "INSERT INTO message VALUES(?, 's', ?)", rows)}


@agent
def gemini_cli(gap):
    head = {"sessionId": "s", "projectHash": "p", "startTime": at(0), "kind": "main"}
    return {"chats/session-1.jsonl": lines(head, *calls(gap, lambda n, told: {
        "id": "m%d" % n, "timestamp": at(n), "type": "gemini", "model": "gemini-2.5-flash",
        **given("tokens", told and {"input": 100, "output": 9, "cached": 40, "thoughts": 0, "tool": 0, "total": 109})}))}


@agent
def qwen_code(gap):
    def call(n, told):
        event = {"event.name": "qwen-code.api_response", "event.timestamp": at(n), "response_id": "r%d" % n, "model": "deepseek-v4-flash", **(told and {
            "input_token_count": 100 + n, "output_token_count": 9, "cached_content_token_count": 40, "thoughts_token_count": 0, "total_token_count": 109 + n} or {})}
        return {"uuid": "u%d" % n, "sessionId": "q", "timestamp": at(n), "type": "system", "subtype": "ui_telemetry", "cwd": "/p", "systemPayload": {"uiEvent": event}}
    return {"q.jsonl": lines(*calls(gap, call))}


@agent
def copilot_cli(gap):
    return {"events.jsonl": lines(*calls(gap, lambda n, told: {"type": "session.usage_record", "id": "e%d" % n, "parentId": None, "timestamp": at(n), "data": given("usage", told and {
        "apiCallId": "c%d" % n, "model": "gpt-5", "inputTokens": 100, "outputTokens": 9, "cacheReadTokens": 40, "cacheWriteTokens": 0})}))}


@agent
def copilot_store(gap):
    rows = calls(gap, lambda n, told: (n, at(n), *((100, 9, 40, 0) if told else (None,) * 4)))
    return {"session-store.db": database(
        "CREATE TABLE sessions(id TEXT, cwd TEXT); CREATE TABLE assistant_usage_events(id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, created_at TEXT, "
        "input_tokens INTEGER, output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER)",
        "INSERT INTO assistant_usage_events VALUES(?, 's', 'gpt-5', ?, ?, ?, ?, ?)", rows)}


@agent
def amp(gap):
    messages = calls(gap, lambda n, told: {"messageId": n, "role": "assistant", **given("usage", told and {
        "model": "claude-sonnet-4-6", "timestamp": at(n), "inputTokens": 4, "outputTokens": 9, "cacheCreationInputTokens": 0, "cacheReadInputTokens": 40, "totalInputTokens": 44})})
    return {"T-1.json": json.dumps({"id": "T-1", "messages": messages})}


@agent
def amp_ledger(gap):
    messages = calls(gap, lambda n, told: {"messageId": n, "role": "assistant", "usage": {"cacheCreationInputTokens": 0, "cacheReadInputTokens": 40}})
    events = calls(gap, lambda n, told: {"id": "e%d" % n, "timestamp": at(n), "model": "claude-sonnet-4-6", "toMessageId": n, **given("tokens", told and {"input": 4, "output": 9})})
    return {"T-2.json": json.dumps({"id": "T-2", "messages": messages, "usageLedger": {"events": events}})}


@agent
def kimi_code(gap):
    return {"wire.jsonl": lines({"type": "llm.request", "agentId": "main", "model": "kimi-k2.5", "time": ms(0)}, *calls(gap, lambda n, told: {
        "type": "context.append_loop_event", "agentId": "main", "time": ms(n), "event": {"type": "step.end", "messageId": "m%d" % n, **given(
            "usage", told and {"inputOther": 100, "output": 9, "inputCacheRead": 40, "inputCacheCreation": 0})}}))}


@agent
def kimi_cli(gap):
    return {"sessions/m/s/wire.jsonl": lines(*calls(gap, lambda n, told: {"timestamp": ms(n) / 1000, "message": {"type": "StatusUpdate", "payload": {
        "message_id": "m%d" % n, "model": "kimi-k2.5", **given("token_usage", told and {"input_other": 100, "output": 9, "input_cache_read": 40, "input_cache_creation": 0})}}}))}


@agent
def goose(gap):
    rows = calls(gap, lambda n, told: (n, ms(n) // 1000, *((100, 9, 109, 40, 0) if told else (None,) * 5)))
    return {"sessions.db": database(
        "CREATE TABLE sessions(id TEXT, working_dir TEXT); CREATE TABLE messages(id INTEGER); CREATE TABLE usage_ledger(id INTEGER, session_id TEXT, created_timestamp INTEGER, "
        "model TEXT, input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, cost REAL, cost_source TEXT)",
        "INSERT INTO usage_ledger VALUES(?, 's', ?, 'gpt-5', ?, ?, ?, ?, ?, NULL, NULL)", rows)}


@agent
def zcode(gap):
    rows = calls(gap, lambda n, told: ("c%d" % n, ms(n), *((100, 9, 40, 0, 0) if told else (None,) * 5)))
    return {"zcode.db": database(
        "CREATE TABLE model_usage(id TEXT, session_id TEXT, started_at INTEGER, model_id TEXT, input_tokens INTEGER, output_tokens INTEGER, cache_read_input_tokens INTEGER, "
        "cache_creation_input_tokens INTEGER, reasoning_tokens INTEGER)", "INSERT INTO model_usage VALUES(?, 's', ?, 'glm-4.6', ?, ?, ?, ?, ?)", rows)}


@agent
def cline_task(gap):
    """Of Roo Code and Kilo Code as well."""
    return {"tasks/t/ui_messages.json": json.dumps(calls(gap, lambda n, told: {"ts": ms(n), "type": "say", "say": "api_req_started", "modelInfo": {"modelId": "claude-sonnet-4-6"}, **given(
        "text", told and json.dumps({"tokensIn": 4, "tokensOut": 9, "cacheWrites": 0, "cacheReads": 40, "cost": 0.01}))}))}


@agent
def cline_cli(gap):
    return {"s.messages.json": json.dumps({"version": 1, "system_prompt": "x", "messages": calls(gap, lambda n, told: {
        "id": "m%d" % n, "role": "assistant", "ts": ms(n), "modelInfo": {"id": "gpt-5", "provider": "openai"},
        **given("metrics", told and {"inputTokens": 100, "outputTokens": 9, "cacheReadTokens": 40, "cacheWriteTokens": 0})})})}


@agent
def pi(gap):
    """Of OpenClaw as well."""
    head = {"type": "session", "version": 3, "id": "s", "cwd": "/p", "timestamp": at(0)}
    return {"p.jsonl": lines(head, *calls(gap, lambda n, told: {"type": "message", "id": "id%d" % n, "parentId": None, "timestamp": at(n), "message": {
        "role": "assistant", "model": "gpt-5", "responseId": "r%d" % n, **given("usage", told and {"input": 60, "output": 9, "cacheRead": 40, "cacheWrite": 0, "totalTokens": 109})}}))}


@agent
def mux(gap):
    return {"chat.jsonl": lines(*calls(gap, lambda n, told: {"id": "m%d" % n, "role": "assistant", "workspaceId": "w", "parts": [], "metadata": {
        "model": "openai:gpt-5", "timestamp": ms(n), **given("usage", told and {"inputTokens": 100, "outputTokens": 9, "totalTokens": 109, "cachedInputTokens": 40})}}))}


@agent
def continue_cli(gap):
    history = calls(gap, lambda n, told: {"message": {"role": "assistant", "content": "x", **given("usage", told and {
        "model": "gpt-5", "prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "prompt_tokens_details": {"cached_tokens": 40}})}, "contextItems": []})
    return {"c.json": json.dumps({"sessionId": "c", "workspaceDirectory": "/p", "history": history}),
            "sessions.json": json.dumps([{"sessionId": "c", "title": "x", "dateCreated": at(0), "workspaceDirectory": "/p"}])}


@agent
def grok(gap):
    return {"updates.jsonl": lines(*calls(gap, lambda n, told: {"timestamp": ms(n) // 1000, "method": "_x.ai/session/update", "params": {"sessionId": "s", "update": {
        "sessionUpdate": "turn_completed", "prompt_id": "p%d" % n, **given("usage", told and {
            "inputTokens": 100, "cachedReadTokens": 40, "outputTokens": 9, "reasoningTokens": 0, "totalTokens": 109,
            "modelUsage": {"grok-4.3": {"inputTokens": 100, "cachedReadTokens": 40, "outputTokens": 9, "reasoningTokens": 0, "totalTokens": 109}}})}}}))}


@agent
def codebuddy(gap):
    return {"b.jsonl": lines(*calls(gap, lambda n, told: {"type": "message", "id": "i%d" % n, "timestamp": ms(n), "sessionId": "s", "cwd": "/p", "providerData": {
        "messageId": "m%d" % n, "requestModelId": "glm-4.6", **given("rawUsage", told and {"prompt_tokens": 100, "completion_tokens": 9, "total_tokens": 109, "prompt_cache_hit_tokens": 40})}}))}


@agent
def codebuff(gap):
    return {"manicode/projects/p/chats/2026-06-15T10-00-00.000Z/chat-messages.json": json.dumps(calls(gap, lambda n, told: {
        "id": "m%d" % n, "variant": "ai", "timestamp": at(n), "completionTime": "3s",
        "metadata": {"model": "gpt-5", **given("usage", told and {"inputTokens": 60, "outputTokens": 9, "cacheReadInputTokens": 40, "cacheCreationInputTokens": 0})}}))}


def replay(files):
    folder = tempfile.mkdtemp()
    for name, body in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb" if isinstance(body, bytes) else "w") as f:
            f.write(body)
    p = subprocess.run([TALLY, "replay", folder, "--json", "-q"], capture_output=True, text=True)
    shutil.rmtree(folder)
    d = json.loads(p.stdout) if p.stdout.startswith("{") else {}
    return p.returncode, d.get("records"), d.get("tokens"), d.get("total"), d.get("unpriced")


wrong = 0
for name, make in AGENTS.items():
    whole = replay(make(None))
    if whole[1] != 3 or whole[4] != 0:
        print("%s: of three calls are counted: %s" % (name, whole))
        wrong += 1
    for gap in range(2):
        got = replay(make(gap))
        if got[0] != 3 and got[2:4] != whole[2:4]:
            print("%s: call %d tells no usage: exit status %s, %s instead of %s" % (name, gap, got[0], got[2], whole[2]))
            wrong += 1
print("%d wrong" % wrong if wrong else "%d agents tell what is missing" % len(AGENTS))
sys.exit(wrong != 0)
