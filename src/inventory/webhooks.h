/* SPDX-License-Identifier: Apache-2.0
 *
 * Webhooks: other programs are told what happens here. An event becomes one delivery for each hook
 * that wants it and a job of the I/O worker, in the transaction of what happened; each delivery is
 * kept as a log and can be sent again.
 *
 *   POST url
 *   X-Demeter-Event: movement.created
 *   X-Demeter-Delivery: uuid of the delivery; the same when it is tried again
 *   X-Demeter-Signature: t=UNIX SECONDS,v1=HEX of HMAC-SHA-256(secret, "UNIX SECONDS.BODY")
 *
 * Anything but a 2xx within WEBHOOKS_MS is tried again as jobs are (2, 4 s), then the delivery has
 * failed. Redirects are not followed. */
#ifndef INVENTORY_WEBHOOKS_H
#define INVENTORY_WEBHOOKS_H

#include "inventory/list.h"
#include "queue/queue.h"

enum { WEBHOOKS_MS = 10000, WEBHOOKS_MAX = 50, WEBHOOKS_SECRET_SIZE = 65 };

/* "count.manual", "movement.created", "reconciliation.reviewed", "session.completed"; NULL-ended,
 * sorted. */
extern const char *const webhooks_events[];

/* Add one; its secret is shown this once. Needs SETTINGS, as below. INV_VALIDATION: not http or
 * https, no or unknown events; INV_IN_USE: WEBHOOKS_MAX exist. */
DM_MUST_CHECK int webhooks_add(const struct inv_ctx *c, const char *url, const json_t *events,
                               char ret_uuid[static STORE_UUID_SIZE],
                               char ret_secret[static WEBHOOKS_SECRET_SIZE], struct dm_err *e);

/* Members url, events, active of change. INV_NOT_FOUND, INV_VALIDATION. */
DM_MUST_CHECK int webhooks_change(const struct inv_ctx *c, const char *uuid, const json_t *change,
                                  struct dm_err *e);

/* With its log. INV_NOT_FOUND. */
DM_MUST_CHECK int webhooks_delete(const struct inv_ctx *c, const char *uuid, struct dm_err *e);

/* Tell everybody who wants to know, in the transaction of what happened. payload borrowed. */
DM_MUST_CHECK int webhooks_emit(struct store_tx *tx, const struct inv_ctx *c, const char *event,
                                const json_t *payload, struct dm_err *e);
/* The same in a transaction of its own. */
DM_MUST_CHECK int webhooks_tell(const struct inv_ctx *c, const char *event, const json_t *payload,
                                struct dm_err *e);

/* The same once more, as a new delivery; its uuid. INV_NOT_FOUND. */
DM_MUST_CHECK int webhooks_replay(const struct inv_ctx *c, const char *hook,
                                  const char *delivery_uuid, char ret_uuid[static STORE_UUID_SIZE],
                                  struct dm_err *e);

/* What the job does: one try. perform runs a prepared transfer (CURL *) and gives its CURLcode.
 * DM_EIO: not taken, to be tried again; the last try notes the failure. */
DM_MUST_CHECK int webhooks_send(struct store *s, const struct queue_job *j,
                                int (*perform)(void *unused, void *curl_easy), struct dm_err *e);

extern const struct list list_webhooks;   /* filters: id */
extern const struct list list_deliveries; /* filters: webhook_id, id, status; newest first */
extern const struct store_query_table webhooks_queries;

#endif
