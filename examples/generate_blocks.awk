# Writes examples/blocks.jsonl: 240 requests of 20 chats that take turns. All share four blocks of instructions;
# each turn's prompt goes on from the one before. awk -f examples/generate_blocks.awk >examples/blocks.jsonl
BEGIN {
	srand(5)
	next_id = 4
	for (i = 0; i < 240; i++) {
		c = int(rand() * 20)
		if (!(c in blocks) || n[c] > 40) { blocks[c] = "0,1,2,3"; n[c] = 4 }
		for (more = 1 + int(rand() * 6); more; more--) { blocks[c] = blocks[c] "," next_id++; n[c]++ }
		tokens = (n[c] - 1) * 512 + 1 + int(rand() * 512)
		printf "{\"timestamp\":%d,\"input_length\":%d,\"output_length\":%d,\"hash_ids\":[%s]}\n", i * 4000 + int(rand() * 3000), tokens, 20 + int(rand() * 400), blocks[c]
	}
}
