/*
 * columns: which columns of a trace may be billed. The set is closed: a column that speaks of money
 * is a field, is listed as harmless (columns.def), is mapped, or is empty or zero in a record; any
 * other leaves the record without a price.
 */
#ifndef TALLY_METER_READ_COLUMNS_H
#define TALLY_METER_READ_COLUMNS_H

#include "base/json.h"
#include "meter/read/shape.h"

/* Whether the field is a column that nobody reads, of whose values a word for a price is told. */
static inline bool field_is_unread(enum record_field f)
{
	return f == FIELD_OBSCURE || f == FIELD_LABEL;
}
/* Whether a name speaks of money: tokens, requests, cost, credit, cache and the like. */
bool name_speaks_of_money(struct text name);
/* Whether a value says nothing: it is empty, zero, false or null. */
bool value_is_nothing(struct text value);
bool json_is_nothing(json_value *v);
/* Words that stand for another price than the usual. */
#define PRICE_WORDS(X) \
	X("batch") \
	X("flex") X("priority") X("fast") X("turbo") X("express") X("scale") X("provisioned")
/* Whether a value is a word of a dimension of prices: batch, flex, priority, fast and the like. */
bool value_is_price_word(struct text value);
/* By its first byte, of whatever stands around it. */
static inline bool value_may_be_price_word(char first)
{
#define FIRST_LETTER(word) | UINT32_C(1) << (*(word) - 'a')
	const uint32_t letters = 0 PRICE_WORDS(FIRST_LETTER);
#undef FIRST_LETTER
	const unsigned letter = ((unsigned char)first | 0x20) - 'a';
	return letter < 26 ? letters >> letter & 1 : first <= '"';
}

/* Whether a name says that its values are names, times, places or addresses, which count nothing.
 */
bool name_is_naming(struct text name);
/* The same of a table of one's own, where more is harmless: scores, attempts, numbers of rows. */
bool name_is_label(struct text name);
/* Whether a value is a whole number from one, thousands parted or not. */
bool value_may_be_count(struct text value);
bool json_may_be_count(json_value *v);

/* Whether a record that has these fields (a bit each) lacks its prompt or its answer, so that any
 * number of no known meaning may be it. */
bool fields_lack_counts(uint64_t fields);
/* In the value of a member of a record that has these fields: a number under the name of a count
 * that is none of them; NULL: there is none. */
json_value *column_find_lost(json_value *v, uint64_t fields);

/* As shape_field, but FIELD_UNKNOWN for a column that may be billed, and of a native shape
 * FIELD_OBSCURE for one whose name says nothing, FIELD_LABEL for one that counts nothing. */
enum record_field column_field(const struct shape *s, const struct field_map *map, size_t map_count,
			       struct text name);

/* The field that people mean by a column of that name, where none has the field's own name:
 * "Model", "Cache Read", "timestamp"; or FIELD_NONE. */
enum record_field column_field_meant(struct text name);

/* Whether a column of that name costs nothing of its own in a file of any kind. */
bool column_is_harmless(struct text name);

/* Of our own files: what the reader of usage takes and a trace has no field for. */
bool column_is_of_usage(struct text name);

/* Why a record has no price: the column, or the member of a JSON record. */
void column_tell(struct buf *out, struct text name);
/* Takes the names of columns that may count, and of whom nothing is known; each once. */
typedef void column_doubt(void *user, struct text name);
/* What in the value of a key that is no field may be billed; false: nothing. Where it is,
 * column_tell has been called. */
bool column_judge(struct buf *out, const struct shape *s, json_value *v, enum record_field f);

/* A column, or a member, and what a record has in it. */
struct named_value {
	struct text name, value;
	enum value_kind kind;
};
/* What says the time once more: the same instant, or the same to the second or the day where it is
 * written so; the record has the finer one. Errors: ERR_INVALID names both, and what to map. */
int column_time_again(struct record *r, const struct named_value *first,
		      const struct named_value *again, enum time_kind time, struct err *e);

/* Whether v is the object `units` of a native record, which counts what is no token, by name. */
bool column_is_units(const struct shape *s, json_value *v);
/* Takes its counts. Errors: as record_set; ERR_INVALID for a unit that no record can hold. */
int column_take_units(struct record *r, json_value *units, struct err *e);

#endif
