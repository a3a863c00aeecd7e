/*
 * flat_document: documents whose rows have no names of their own, as the rows that they mean.
 *
 * Interfaces of clouds name their columns once and hand out rows as lists (Azure's query of costs,
 * tables of databases), or name groups once and hand out their keys as lists (AWS Cost Explorer).
 * They become a page of objects, which the registry of exports (exports.h) can read.
 */
#ifndef TALLY_METER_READ_FLAT_DOCUMENT_H
#define TALLY_METER_READ_FLAT_DOCUMENT_H

#include "base/json.h"

/* As json_open, of what such a document means; any other is opened as it is. Errors: ERR_INVALID,
 * also for a row that has another number of values than there are names. */
int flat_document_open(struct json_document **out, struct text all, struct err *e);

#endif
