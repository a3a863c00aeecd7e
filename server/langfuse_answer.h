/*
 * langfuse_answer: what Langfuse's ingestion answers to a batch: of each event whether it was
 * taken.
 *
 * Source: langfuse.com, API reference, POST /api/public/ingestion.
 */
#ifndef TALLY_SERVER_LANGFUSE_ANSWER_H
#define TALLY_SERVER_LANGFUSE_ANSWER_H

#include "server/writer.h"

/* 207 with the events of the job and what became of them, in place of any answer before. */
void langfuse_answer(struct job *j);

#endif
