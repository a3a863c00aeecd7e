/* token_list: the tokens that a server knows, as answers tell them: no token, and no hash of one.
 */
#ifndef TALLY_SERVER_TOKEN_LIST_H
#define TALLY_SERVER_TOKEN_LIST_H

#include "reports/json_out.h"
#include "server/reader.h"

/* The member `tokens`. customer: only those of that one; NULL: all. */
void token_list_put(struct json_out *j, struct reader *r, const char *customer);

#endif
