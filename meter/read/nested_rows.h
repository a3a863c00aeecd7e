/*
 * nested_rows: documents whose rows lie two lists deep, or are the members of an object, made into
 * a page of rows with what the lists around them say.
 */
#ifndef TALLY_METER_READ_NESTED_ROWS_H
#define TALLY_METER_READ_NESTED_ROWS_H

#include "base/json.h"

/* Appends {"data":[ROW,..],"has_more":false} to out where v, or the items of the list v, are such
 * documents; an item without rows is a row that says only when. False: they are not. */
bool nested_put_page(struct buf *out, json_value *v);

#endif
