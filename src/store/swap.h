/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole instance replaced by another. The new one is built beside the old, looked at there, and
 * put into its place in one step: whenever a process or the machine dies, the address leads to one
 * of the two, whole. The old one stays beside until somebody removes it.
 *
 *   SQLite      FILE.restore, then FILE; the old one is FILE.before-TIME
 *   PostgreSQL  schema demeter_restore, whose tables then move into the schema the address leads
 *               to; the old ones move to demeter_before_TIME. Only Demeter's own tables and
 *               functions move: what else lies in that schema stays. The user needs CREATE on the
 *               database. */
#ifndef STORE_SWAP_H
#define STORE_SWAP_H

#include "store/store.h"

struct store_swap;

/* Make an empty place beside the instance of the url; what an earlier try left there is removed.
 * The instance itself may be absent, and may be in use until store_swap_commit. Codes of
 * store_open; DM_EUNSUPPORTED: an address with options of its own. */
DM_MUST_CHECK int store_swap_begin(const char *url, const struct store_options *o,
                                   struct store_swap **ret, struct dm_err *e);

/* Address of that place, to be opened, filled and closed. Holds the password. Borrowed. */
const char *store_swap_url(const struct store_swap *s);

/* Whether there is an old instance. */
bool store_swap_replaces(const struct store_swap *s);

/* The new one takes the place. Nobody else may have the instance open: DM_EBUSY. */
DM_MUST_CHECK int store_swap_commit(struct store_swap *s, struct dm_err *e);

/* Where the old one is after a commit, for people: a file or a schema; "" when there was none. */
const char *store_swap_aside(const struct store_swap *s);

/* After a commit: the old one is back, as if nothing had been. */
DM_MUST_CHECK int store_swap_undo(struct store_swap *s, struct dm_err *e);

/* After a commit: remove the old one. */
DM_MUST_CHECK int store_swap_forget(struct store_swap *s, struct dm_err *e);

/* What was not committed is removed. Accepts NULL. */
void store_swap_free(struct store_swap *s);
DM_DEFINE_CLEANUP(store_swap_freep, struct store_swap *, store_swap_free)

#endif
