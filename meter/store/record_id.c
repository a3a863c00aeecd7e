#include "meter/store/record_id.h"

#include "base/digest.h"

bool record_id_uuid(struct text id, uint8_t out[RECORD_UUID_BYTES])
{
	/* 1 + the value of a hexadecimal digit in lower case */
	static const uint8_t value[256] = {
		['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,
		['6'] = 7,  ['7'] = 8,	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
		['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	};
	static const uint8_t place[RECORD_UUID_BYTES] = { 0,  2,  4,  6,  9,  11, 14, 16,
							  19, 21, 24, 26, 28, 30, 32, 34 };
	if (id.n != 36)
		return false;
	bool ok = id.p[8] == '-' && id.p[13] == '-' && id.p[18] == '-' && id.p[23] == '-';
	for (int i = 0; i < RECORD_UUID_BYTES; i++) {
		unsigned high = value[(unsigned char)id.p[place[i]]],
			 low = value[(unsigned char)id.p[place[i] + 1]];
		ok &= high && low;
		out[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	return ok;
}

void record_id_put_uuid(struct buf *b, const uint8_t uuid[RECORD_UUID_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < RECORD_UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			buf_add(b, "-", 1);
		buf_add(b, &hex[uuid[i] >> 4], 1);
		buf_add(b, &hex[uuid[i] & 15], 1);
	}
}

void record_id_put_own(struct buf *b, struct text customer, struct text id)
{
	buf_puts(b, "@");
	for (size_t i = 0; i < customer.n; i++)
		if (customer.p[i] == '%' || customer.p[i] == '/')
			buf_puts(b, customer.p[i] == '%' ? "%25" : "%2F");
		else
			buf_add(b, &customer.p[i], 1);
	buf_puts(b, "/");
	buf_add(b, id.p, id.n);
}

struct text record_id_as_sent(struct text customer, struct text full)
{
	struct buf space = { 0 };
	record_id_put_own(&space, customer, TEXT(""));
	if (full.n > space.n && memcmp(full.p, space.p, space.n) == 0)
		full = (struct text){ full.p + space.n, full.n - space.n };
	buf_release(&space);
	return full;
}

int record_id_key(struct text id, struct record_key *out, struct err *e)
{
	uint8_t digest[DIGEST_BYTES];
	if (record_id_uuid(id, out->byte)) {
		out->n = RECORD_UUID_BYTES;
		return 0;
	}
	int rc = digest_sha256(digest, id, e);
	memcpy(out->byte, digest, RECORD_KEY_MAX);
	out->n = RECORD_KEY_MAX;
	return rc;
}
