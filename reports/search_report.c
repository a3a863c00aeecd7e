#include "reports/search_report.h"

#include "meter/store/record_id.h"

/* Names are sought in the dictionaries of series, never in the rows. */
static const struct kind {
	const char *name;
	const char *sql; /* name, and what else is told of it */
	const char *more[3];
} kinds[] = {
	{ "customers",
	  "SELECT DISTINCT customer FROM (SELECT customer FROM series UNION SELECT customer FROM "
	  "credit_account) x WHERE customer<>'' AND lower(customer) LIKE :word ESCAPE '!' AND "
	  "(CAST(:customer AS text)='' OR customer=:customer) ORDER BY customer LIMIT :limit",
	  { 0 } },
	{ "projects",
	  /* the customer of those that are of one alone */
	  "SELECT project,CASE WHEN min(customer)=max(customer) THEN min(customer) ELSE '' END "
	  "FROM series WHERE project<>'' AND lower(project) LIKE :word ESCAPE '!' AND "
	  "(CAST(:customer AS text)='' OR customer=:customer) GROUP BY project ORDER BY project "
	  "LIMIT :limit",
	  { "customer" } },
	{ "models",
	  "SELECT DISTINCT b.model FROM series s JOIN subject b ON b.id=s.subject WHERE b.model<>'' "
	  "AND lower(b.model) LIKE :word ESCAPE '!' AND (CAST(:customer AS text)='' OR "
	  "s.customer=:customer) ORDER BY b.model LIMIT :limit",
	  { 0 } },
	{ "invoices",
	  "SELECT coalesce(number,'#'||id),customer,status,kind FROM invoice WHERE "
	  "(lower(coalesce(number,'#'||id)) LIKE :word ESCAPE '!' OR "
	  "lower(customer) LIKE :word ESCAPE '!') AND (CAST(:customer AS text)='' OR "
	  "customer=:customer) ORDER BY period_from DESC,id DESC LIMIT :limit",
	  { "customer", "status", "kind" } },
};

/* The word anywhere in a name: % and _ of it are no signs. */
static void put_pattern(struct buf *b, const char *word)
{
	buf_puts(b, "%");
	for (; *word; word++) {
		if (*word == '%' || *word == '_' || *word == '!')
			buf_puts(b, "!");
		const char c = *word >= 'A' && *word <= 'Z' ? (char)(*word + 32) : *word;
		buf_add(b, &c, 1);
	}
	buf_puts(b, "%");
}

static int put_kind(struct json_out *j, struct store *s, const struct kind *k,
		    const struct search_question *q, bool *any, struct err *e)
{
	struct query *found = NULL;
	struct buf word = { 0 };
	put_pattern(&word, q->words);
	int rc = db_prepare(store_db(s), k->sql, &found, e);
	json_out_array(j, k->name);
	if (rc == 0) {
		db_bind_text(found, ":word", (struct text){ word.p, word.n });
		db_bind_text(found, ":customer", text_of(q->customer ? q->customer : ""));
		db_bind_int(found, ":limit", q->limit);
	}
	while (rc == 0 && (rc = db_step(store_db(s), found, e)) == 1) {
		*any = true;
		json_out_object(j, NULL);
		json_out_text(j, "name", db_text(found, 0));
		for (int i = 0; i < 3 && k->more[i]; i++)
			json_out_text(j, k->more[i], db_text(found, i + 1));
		json_out_end(j, '}');
		rc = 0;
	}
	db_drop(found);
	buf_release(&word);
	json_out_end(j, ']');
	return rc;
}

/* The record that has the word as its id. */
static int put_record(struct json_out *j, struct store *s, const struct search_question *q,
		      struct err *e)
{
	struct known_id known = { 0 };
	struct usage_row row = { 0 };
	int rc = store_find(s, text_of(q->words), &known, e);
	if (rc == 0 && !known.first && q->customer) {
		struct buf own = { 0 };
		record_id_put_own(&own, text_of(q->customer), text_of(q->words));
		rc = store_find(s, (struct text){ own.p, own.n }, &known, e);
		buf_release(&own);
	}
	json_out_array(j, "records");
	if (rc == 0 && known.first)
		rc = store_row(s, known.current ? known.current : known.first, &row, e);
	if (rc == 0 && known.first &&
	    (!q->customer || text_is(row.record.text[FIELD_CUSTOMER], q->customer))) {
		json_out_object(j, NULL);
		json_out_string(j, "name", q->words);
		json_out_text(j, "customer", row.record.text[FIELD_CUSTOMER]);
		json_out_text(j, "model", row.record.text[FIELD_MODEL]);
		json_out_instant(j, "time", (struct instant){ row.record.time_us });
		json_out_end(j, '}');
	}
	json_out_end(j, ']');
	return rc;
}

int search_report_put(struct json_out *j, struct store *s, const struct search_question *q,
		      struct err *e)
{
	bool any = false;
	int rc = 0;
	json_out_object(j, NULL);
	json_out_string(j, "schema", "tally.search/1");
	json_out_string(j, "q", q->words);
	for (size_t i = 0; rc == 0 && *q->words && i < sizeof kinds / sizeof *kinds; i++)
		rc = put_kind(j, s, &kinds[i], q, &any, e);
	/* null: not sought */
	if (rc == 0 && *q->words && (!any || q->ids))
		rc = put_record(j, s, q, e);
	else if (*q->words)
		json_out_null(j, "records");
	json_out_end(j, '}');
	return rc;
}
