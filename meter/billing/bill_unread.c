/*
 * What a bill says in columns that nobody reads: named, and where it may change what was billed, in
 * doubt. The set of columns is closed, as it is for usage (meter/formats/export_unread.c).
 */
#include <string.h>
#include <strings.h>

#include "meter/billing/bill_parts.h"
#include "meter/read/item_words.h"

/* What was said of a name already. */
enum { NAMED = 1, DOUBTED = 2, JUDGED = 4, LISTED = 8 };

static void add_to(struct bill *b, struct text *list, struct text name)
{
	struct buf all = { 0 };
	buf_printf(&all, "%.*s%s%.*s", (int)list->n, list->n ? list->p : "", list->n ? ", " : "",
		   name.n > 100 ? 100 : (int)name.n, name.p);
	*list = (struct text){ arena_text(&b->arena, all.p, all.n), all.n };
	buf_release(&all);
}

static bool is_amount(struct text s)
{
	struct decimal d;
	int places;
	return loose_number(&d, &places, s, false, NULL) == 0 && d.digits != 0;
}

static bool is_kind(struct text s)
{
	return bill_kind_of_words(s) != BILL_USAGE;
}

static bool is_list_of_credits(struct text s)
{
	return s.n > 2 && *s.p == '[' && text_holds(s, "\"amount\"");
}

/* Whether a meaning for which the file has no column may be said here: an amount of tax, credit or
 * discount, of which nobody knows whether the cost has it already, always may. */
static bool may_be_missing(const struct bill_reader *r, const struct bill_seen *seen,
			   struct text name, struct text value)
{
	const struct export_format *f = r->format;
	bool has[EXPORT_ROLES] = { false };
	for (const struct export_column *c = f->column; c->name; c++)
		has[c->role] = !c->optional;
	const bool missing_kind = has[ROLE_KIND] && !seen->role[ROLE_KIND];
	return (is_amount(value) && bill_kind_of_name(name) != BILL_USAGE) ||
	       (missing_kind && is_kind(value)) ||
	       (has[ROLE_CREDITS] && !seen->role[ROLE_CREDITS] && is_list_of_credits(value)) ||
	       (has[ROLE_UNIT] && !seen->role[ROLE_UNIT] && item_unit_is_no_count(value)) ||
	       (!seen->net && is_amount(value));
}

/* By the registry, or by who asks. */
static bool is_settled(const struct bill_reader *r, struct text name)
{
	for (const char *const *none = r->o->none; *none; none++)
		if (export_is_named(name, *none))
			return true;
	return !r->format->general && export_is_listed(r->format, name);
}

int bill_judge(struct bill_reader *r, const struct bill_seen *seen, struct text name,
	       struct text value, struct err *e)
{
	if (!value.n)
		return 0;
	const char *only = r->format->only;
	if (only && export_is_named(name, only) && !text_is(value, r->format->only_value))
		return err_set(e, ERR_INVALID,
			       "the column '%s' says '%.*s': only rows by %s can be compared; "
			       "export it so",
			       only, (int)(value.n > 40 ? 40 : value.n), value.p,
			       r->format->only_value);
	uint64_t *said = dict_need(&r->names, name, NULL);
	if (!*said)
		*said = JUDGED | (is_settled(r, name) ? LISTED : 0);
	if (*said & LISTED)
		return 0;
	char code[4];
	if (!seen->role[ROLE_CURRENCY] && loose_currency_code(code, value) &&
	    strcmp(code, "USD") != 0 && !r->format->currency)
		return err_set(e, ERR_INVALID,
			       "the column '%.*s' says %.*s, and no column is known to be the "
			       "currency; name it with " ASKED("map") " currency=COLUMN",
			       (int)name.n, name.p, (int)value.n, value.p);
	if (!(*said & NAMED) && export_is_unread(r->format, name) && is_amount(value)) {
		*said |= NAMED;
		add_to(r->bill, &r->bill->unread, name);
	}
	if (!(*said & DOUBTED) && may_be_missing(r, seen, name, value)) {
		*said |= DOUBTED;
		add_to(r->bill, &r->bill->doubtful, name);
	}
	return 0;
}

void bill_is_read(struct bill_reader *r, struct text name)
{
	*dict_need(&r->names, name, NULL) = LISTED;
}

void bill_judge_words(struct bill_reader *r, const struct bill_seen *seen,
		      const struct bill_row *row)
{
	bool has[EXPORT_ROLES] = { false };
	const struct text kind = row->value[ROLE_KIND];
	uint64_t *said = dict_need(&r->names, TEXT(" "), NULL);
	if (*said || row->word_count || r->format->general || seen->role[ROLE_WHAT] ||
	    r->o->column[ROLE_MODEL] || (kind.n && bill_kind_of_words(kind) != BILL_USAGE))
		return;
	for (const struct export_column *c = r->format->column; c->name; c++)
		has[c->role] = true;
	const bool service = has[ROLE_SERVICE] && seen->role[ROLE_SERVICE];
	if (service || (!has[ROLE_SERVICE] && seen->role[ROLE_MODEL]))
		return;
	*said = DOUBTED;
	add_to(r->bill, &r->bill->doubtful, TEXT("the column that names the model"));
}

void bill_note_words(struct bill_reader *r, struct text words)
{
	struct bill *b = r->bill;
	char code[4];
	for (size_t from = 0; loose_currency_in_words(code, words, &from);) {
		if (!*code || (*b->beside && strcmp(b->beside, code) != 0))
			b->unclear = "the words beside its table speak of more than one currency";
		memcpy(b->beside, code, sizeof code);
	}
}
