/* Any bytes as a pack, with its checksums made right, so that what they guard is met: an error, or
 * columns whose numbers lie in their tables; never a crash, never more memory than the file can
 * fill. */
#include "sim/pack.c"

static void seal(char *bytes, size_t size)
{
	struct header h;
	if (size < sizeof h)
		return;
	memcpy(&h, bytes, sizeof h);
	memcpy(h.magic, magic, sizeof magic);
	h.order = ORDER_MARK;
	h.size = size;
	if (h.directory > size || h.directory % 16)
		h.directory = size;
	h.sections = (size - h.directory) / sizeof(struct section);
	for (uint64_t i = 0; i < h.sections; i++) {
		struct section s;
		char *at = bytes + h.directory + i * sizeof s;
		memcpy(&s, at, sizeof s);
		if (s.offset <= size && s.stored <= size - s.offset &&
		    s.offset + s.stored <= h.directory)
			s.crc = (uint32_t)crc32_z(0, (const void *)(bytes + s.offset), s.stored);
		memcpy(at, &s, sizeof s);
	}
	h.directory_crc = (uint32_t)crc32_z(0, (const void *)(bytes + h.directory),
					    h.sections * sizeof(struct section));
	h.crc = (uint32_t)crc32_z(0, (const void *)&h, offsetof(struct header, crc));
	memcpy(bytes, &h, sizeof h);
}

static void read_all(struct pack *p)
{
	static int64_t column[PACK_CHUNK], scratch[PACK_CHUNK];
	struct block_trace *t;
	for (size_t chunk = 0; chunk < pack_chunks(p) && chunk < 2; chunk++)
		for (int c = 0; c < PACK_COLUMNS; c++)
			if (pack_read_column(p, chunk, (enum pack_column)c, column, scratch,
					     NULL) != 0)
				return;
	if (pack_need_names(p, NULL) == 0 && pack_has_blocks(p) &&
	    pack_read_blocks(&t, p, NULL) == 0)
		block_trace_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[40];
	struct pack *p;
	if (fd < 0) {
		fd = memfd_create("pack", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	char *bytes = mem_alloc(size + 1);
	memcpy(bytes, data, size);
	seal(bytes, size);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
	free(bytes);
	if (pack_open(&p, path, NULL) != 0)
		return 0;
	read_all(p);
	pack_close(p);
	return 0;
}
