/*
 * quota_log: observations of subscription windows, kept as they change; and the newest ones from
 * Codex's own logs.
 */
#ifndef TALLY_METER_INGEST_QUOTA_LOG_H
#define TALLY_METER_INGEST_QUOTA_LOG_H

#include "meter/formats/quota.h"

/* Adds what was kept in $XDG_STATE_HOME/tally or ~/.local/state/tally; nothing where there is no
 * such file. */
void quota_log_read(struct quota_list *l);
/* Keeps those that changed since they were kept last, each at most once a minute. Failures to write
 * are of no account: the next observation comes. */
void quota_log_keep(const struct quota_list *l);
/* Adds what the ends of the newest Codex logs on this machine tell. */
void quota_log_codex(struct quota_list *l);

#endif
