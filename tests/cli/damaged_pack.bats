#!/usr/bin/env bats
# A pack whose checksums are right and whose numbers are not is refused, and never ends the program.
# with sanitizers, too
load common

# hurt SECTION FIELD VALUE: the pack with one number of its directory (SECTION -1: of its head) changed
hurt() {
	python3 - records.pack hurt.pack "$@" <<'PY'
import struct, sys, zlib
b = bytearray(open(sys.argv[1], 'rb').read())
sections, directory = struct.unpack_from('<QQ', b, 64)
section, field, value = map(int, sys.argv[3:])
struct.pack_into('<Q', b, field if section < 0 else directory + section * 56 + field, value)
struct.pack_into('<I', b, 144, zlib.crc32(bytes(b[directory:directory + sections * 56])))
struct.pack_into('<I', b, 148, zlib.crc32(bytes(b[:148])))
open(sys.argv[2], 'wb').write(b)
PY
}

@test "sizes and counts that the file cannot hold" {
	command -v python3 >/dev/null || skip "there is no python3"
	printf 'time,model,input,output\n2026-05-01T00:00:00Z,deepseek-v4-flash,100,30\n2026-05-01T00:20:00Z,deepseek-v4-pro,5,3\n' >t.csv
	run "$TALLY" pack t.csv -o records.pack
	expect 0
	for change in "2 24 549755813888" "3 24 549755813888" "0 24 5000000000000" "-1 40 4000000000" "-1 24 0" "-1 16 70000"; do
		hurt $change
		run "$TALLY" whatif hurt.pack --scenario deepseek-v4-flash
		expect 1 "the pack is damaged"
	done
}
