#include "reports/left_out.h"

#include "reports/plain.h"
#include "reports/table.h"

static int print_named(const char *what, int64_t count, const struct left_out_named *named,
		       size_t n, const char *more)
{
	char room[COUNT_WORDS_MAX];
	if (!count)
		return 0;
	print_note("%s %s and %s not counted%s", count_words(room, count, what),
		   what[0] == 'f' ? "could not be read or understood" : "could not be taken",
		   count == 1 ? "is" : "are", n ? ":" : more);
	for (size_t i = 0; i < n; i++)
		print_note("  %s: %s", named[i].where, named[i].why);
	if (n && (int64_t)n < count)
		print_note("  and %s more%s", COUNTED(count - (int64_t)n, ""), more);
	return 1 + (int)n;
}

int print_left_out(const struct left_out *l)
{
	if (l->partial)
		print_note("a response has further pages (has_more) that are missing here");
	struct buf said = { 0 };
	const int doubts = doubts_put_sentences(&said, l->columns, "");
	for (const char *line = said.n ? said.p : ""; *line; line += strcspn(line, "\n") + 1)
		print_note("%.*s", (int)strcspn(line, "\n"), line);
	buf_release(&said);
	return print_named("record", l->quarantined, l->record, l->records,
			   l->in_database ? " (tally quarantine list)" : "") +
	       print_named("file", l->unread, l->file, l->files, "") + l->partial + doubts;
}

void put_left_out(struct json_out *j, const struct left_out *l)
{
	json_out_int(j, "quarantined", l->quarantined);
	json_out_int(j, "unread", l->unread);
	json_out_bool(j, "partial", l->partial);
	put_columns_in_doubt(j, l->columns);
	if (!l->quarantined && !l->unread)
		return;
	json_out_array(j, "not_counted");
	for (size_t i = 0; i < l->records + l->files; i++) {
		const bool record = i < l->records;
		const struct left_out_named *n = record ? &l->record[i] : &l->file[i - l->records];
		json_out_object(j, NULL);
		json_out_string(j, "what", record ? "record" : "file");
		json_out_string(j, "where", n->where);
		json_out_string(j, "why", n->why);
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
}

void put_columns_in_doubt(struct json_out *j, struct text columns)
{
	struct text name;
	json_out_array(j, "columns_in_doubt");
	for (size_t at = 0; doubts_next_column(columns, &at, &name);)
		json_out_text(j, NULL, name);
	json_out_end(j, ']');
}

void put_doubts(struct json_out *j, const struct doubts *doubts)
{
	json_out_bool(j, "partial", page_list_is_part(&doubts->pages));
	put_columns_in_doubt(j, (struct text){ doubts->columns.p, doubts->columns.n });
}
