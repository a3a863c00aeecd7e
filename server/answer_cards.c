/* Price cards of the database: those that are there, another one, and one less. */
#include <stdio.h>
#include <string.h>

#include "meter/store/cards.h"
#include "pricing/card.h"
#include "reports/json_out.h"
#include "server/action.h"
#include "server/answers.h"

enum { NAME_MOST = 100, IN_USE_SECONDS = 5 };

static int put_card(void *user, const struct own_card *c)
{
	struct json_out *j = user;
	struct fault_list faults = { 0 };
	struct card *card = NULL;
	json_out_object(j, NULL);
	json_out_text(j, "card", c->name);
	json_out_instant(j, "installed", c->at);
	if (card_parse(&card, c->content, "card", &faults) == 0)
		json_out_int(j, "prices", (int64_t)card->price_count);
	json_out_array(j, "models");
	for (size_t i = 0; card && i < card->price_count && i < 20; i++)
		json_out_string(j, NULL, card->price[i].model);
	json_out_end(j, ']');
	json_out_end(j, '}');
	card_close(card);
	fault_list_release(&faults);
	return 0;
}

int answer_cards(struct reader *r, const struct http_question *q, struct http_reply *out,
		 struct err *e)
{
	struct json_out j;
	(void)q;
	json_out_open(&j, NULL);
	json_out_object(&j, NULL);
	json_out_string(&j, "schema", "tally.cards/1");
	json_out_array(&j, "cards");
	int rc = own_cards_each(r->store, put_card, &j, e);
	json_out_end(&j, ']');
	json_out_end(&j, '}');
	json_out_take(&j, &out->body);
	return rc;
}

/* As the command calls it: a file name, with its ending. */
static int read_name(struct action *a, struct err *e)
{
	const char *name;
	int rc = action_text(a, "name", true, &name, e);
	if (rc != 0)
		return rc;
	const size_t n = strlen(name);
	if (n > NAME_MOST || strchr(name, '/'))
		return err_set(e, ERR_USAGE, "'name' has at most %d letters, and no '/'",
			       NAME_MOST);
	struct buf b = { 0 };
	buf_printf(&b, "%s%s", name, n > 5 && strcmp(name + n - 5, ".json") == 0 ? "" : ".json");
	a->about = text_of(arena_text(&a->arena, b.p, b.n));
	buf_release(&b);
	return 0;
}

static int put(struct action *a, struct err *e)
{
	json_value *card = setting(a->q, "card");
	struct buf content = { 0 };
	int rc = read_name(a, e);
	if (rc == 0 && json_kind(card) != JSON_OBJECT)
		rc = err_set(e, ERR_USAGE, "'card' is an object: a price card");
	if (rc == 0) {
		json_put_value(&content, card);
		rc = card_check((struct text){ content.p, content.n }, e);
	}
	if (rc == 0)
		rc = own_card_put(a->c.store, a->about, (struct text){ content.p, content.n }, e);
	buf_release(&content);
	return rc;
}

static int take_out(struct action *a, struct err *e)
{
	int rc = read_name(a, e);
	return rc == 0 ? own_card_remove(a->c.store, a->about, e) : rc;
}

/* Answers when the server prices with it, so that whoever asks next sees it. */
static int change_cards(struct reader *r, const struct http_question *q, struct http_reply *out,
			const char *what, int (*run)(struct action *a, struct err *e),
			struct err *e)
{
	const int64_t turn = shelf_turn(r->o->shelf);
	int rc = act(r, q, out, what, run, e);
	if (rc != 0)
		return rc;
	out->body.n = 0;
	buf_printf(&out->body, "{\"in_use\": %s}\n",
		   shelf_wait(r->o->shelf, turn, IN_USE_SECONDS) ? "true" : "false");
	return 0;
}

int answer_card_put(struct reader *r, const struct http_question *q, struct http_reply *out,
		    struct err *e)
{
	return change_cards(r, q, out, "price install", put, e);
}

int answer_card_remove(struct reader *r, const struct http_question *q, struct http_reply *out,
		       struct err *e)
{
	return change_cards(r, q, out, "price remove", take_out, e);
}
