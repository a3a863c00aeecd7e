// Real clients against a running server: node clients.mjs URL
// The OpenAI SDK (whose answers, whole and streamed, come from a local stand-in for the vendor), the
// OpenTelemetry exporter (OTLP/HTTP JSON) and the CloudEvents SDK. Prints the sums that must be metered.
import http from 'node:http';
import OpenAI from 'openai';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents';

const url = process.argv[2];
const sums = { records: 0, input: 0, cache_read: 0, output: 0 };
const add = (input, cache_read, output) => { sums.records++; sums.input += input; sums.cache_read += cache_read; sums.output += output; };
const post = async (path, body, type = 'application/json') => {
	const answer = await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body });
	if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
	return answer.json();
};

// the vendor: whole answers, and streams whose last chunk carries the usage
const vendor = http.createServer((request, response) => {
	let body = '';
	request.on('data', d => body += d).on('end', () => {
		const asked = JSON.parse(body), n = asked.messages[0].content.length;
		const usage = { prompt_tokens: 100 + n, completion_tokens: 10 + n, total_tokens: 110 + 2 * n, prompt_tokens_details: { cached_tokens: 64 }, completion_tokens_details: { reasoning_tokens: 3 } };
		const base = { id: `chatcmpl-${n}`, created: 1781481600 + n, model: asked.model };
		if (!asked.stream) {
			response.setHeader('content-type', 'application/json');
			response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'x' } }], usage }));
			return;
		}
		response.setHeader('content-type', 'text/event-stream');
		const chunk = { ...base, object: 'chat.completion.chunk' };
		response.write(`data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta: { content: 'x' } }], usage: null })}\n\n`);
		response.write(`data: ${JSON.stringify({ ...chunk, choices: [], usage })}\n\n`);
		response.end('data: [DONE]\n\n');
	});
});
await new Promise(done => vendor.listen(0, '127.0.0.1', done));
// the SDK's own node-fetch takes the end of a stream for a cut one under Node.js 18
const client = new OpenAI({ fetch, apiKey: 'none', baseURL: `http://127.0.0.1:${vendor.address().port}/v1` });
for (let i = 1; i <= 20; i++) {
	const asked = { model: 'deepseek-v4-flash', messages: [{ role: 'user', content: 'x'.repeat(i) }] };
	if (i % 2) {
		await post('/v1/usage', JSON.stringify(await client.chat.completions.create(asked)));
	} else {
		const chunks = [];
		for await (const c of await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } })) chunks.push(c);
		await post('/v1/usage', JSON.stringify(chunks));
	}
	add(100 + i - 64, 64, 10 + i);
}
vendor.close();

const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces` });
const provider = new BasicTracerProvider({ resource: new Resource({ 'service.name': 'shop' }), spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
for (let i = 1; i <= 10; i++) {
	const agent = tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.usage.input_tokens': 1e6, 'gen_ai.usage.output_tokens': 1e6 } });
	const span = tracer.startSpan('chat', { startTime: new Date('2026-06-15T10:00:00Z'), attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'deepseek', 'gen_ai.request.model': 'deepseek-v4-pro', 'gen_ai.response.id': `otel-${i}`, 'gen_ai.conversation.id': 'c', 'gen_ai.usage.input_tokens': 200 + i, 'gen_ai.usage.cache_read.input_tokens': 50, 'gen_ai.usage.output_tokens': 7 } });
	span.end();
	agent.end();
	add(150 + i, 50, 7);
}
await provider.forceFlush();
await provider.shutdown();

for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
	const emit = emitterFor(httpTransport(`${url}/v1/events`), { mode });
	for (let i = 1; i <= 5; i++) {
		await emit(new CloudEvent({ id: `${mode}-${i}`, source: '/clients', type: 'usage', subject: 'acme', time: '2026-06-15T10:00:00Z', datacontenttype: 'application/json', data: { model: 'claude-sonnet-4-6', input: 11 * i, output: i } }));
		add(11 * i, 0, i);
	}
}
console.log(JSON.stringify(sums));
