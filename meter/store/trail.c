#include "meter/store/trail.h"

int trail_add(struct store *s, const struct trail_entry *t, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s),
			    "INSERT INTO trail(at,who,what,customer,about,detail) "
			    "VALUES(:at,:who,:what,:customer,:about,:detail)",
			    &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":at", t->at.us);
	db_bind_text(q, ":who", t->who);
	db_bind_text(q, ":what", t->what);
	db_bind_text(q, ":customer", t->customer);
	db_bind_text(q, ":about", t->about);
	db_bind_text(q, ":detail", t->detail);
	rc = db_done(store_db(s), q, e);
	db_drop(q);
	return rc;
}

int trail_each(struct store *s, const struct trail_question *ask,
	       int (*take)(void *user, const struct trail_entry *t), void *user, struct err *e)
{
	struct query *q = NULL;
	int rc = db_prepare(store_db(s),
			    "SELECT id,at,who,what,customer,about,detail FROM trail WHERE "
			    "(:before=0 OR id<:before) AND (CAST(:customer AS text)='' OR "
			    "customer=:customer) ORDER BY id DESC LIMIT :most",
			    &q, e);
	if (rc != 0)
		return rc;
	db_bind_int(q, ":before", ask->before);
	db_bind_text(q, ":customer", text_of(ask->customer ? ask->customer : ""));
	db_bind_int(q, ":most", ask->most);
	while ((rc = db_step(store_db(s), q, e)) == 1) {
		const struct trail_entry t = { db_int(q, 0),  { db_int(q, 1) }, db_text(q, 2),
					       db_text(q, 3), db_text(q, 4),	db_text(q, 5),
					       db_text(q, 6) };
		if ((rc = take(user, &t)) != 0)
			break;
	}
	db_drop(q);
	return rc;
}
