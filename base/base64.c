#include "base/base64.h"

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct buf *out, struct text t)
{
	const size_t before = out->n;
	size_t pad = 0;
	while (pad < 2 && pad < t.n && t.p[t.n - 1 - pad] == '=')
		pad++;
	if (t.n % 4)
		return false;
	for (size_t i = 0; i < t.n; i += 4) {
		unsigned group = 0;
		for (size_t k = 0; k < 4; k++) {
			const bool filler = i + k >= t.n - pad;
			const int d = filler ? 0 : digit(t.p[i + k]);
			if (d < 0) {
				out->n = before;
				return false;
			}
			group = group << 6 | (unsigned)d;
		}
		const char bytes[3] = { (char)(group >> 16), (char)(group >> 8), (char)group };
		buf_add(out, bytes, i + 4 == t.n ? 3 - pad : 3);
	}
	return true;
}
