/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of carriers, and the one that tells nothing. */
#include "queue/carrier_priv.h"

#include <string.h>

#include "base/alloc.h"

static int sql_open(const char *url, const char *password, struct queue_carrier **ret,
                    struct dm_err *e);
static void sql_close(struct queue_carrier *c);

static const char *const sql_schemes[] = {"sql", NULL};
static const struct queue_carrier_ops sql = {
    .schemes = sql_schemes, .open = sql_open, .close = sql_close};

static const struct queue_carrier_ops *const carriers[] = {&sql, &queue_carrier_redis};

static int sql_open(const char *url, const char *password, struct queue_carrier **ret,
                    struct dm_err *e)
{
    (void)url;
    (void)password;
    struct queue_carrier *c = dm_calloc(1, sizeof(*c));
    if (!c) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a carrier");
    }
    c->ops = &sql;
    *ret = c;
    return DM_OK;
}

static void sql_close(struct queue_carrier *c)
{
    dm_free(c);
}

static const struct queue_carrier_ops *find(const char *url)
{
    size_t n = strcspn(url, ":");
    for (size_t i = 0; i < DM_COUNT(carriers); i++) {
        for (const char *const *s = carriers[i]->schemes; *s; s++) {
            if (strlen(*s) == n && !strncmp(*s, url, n)) {
                return carriers[i];
            }
        }
    }
    return NULL;
}

int queue_carrier_open(const char *url, const char *password, struct queue_carrier **ret,
                       struct dm_err *e)
{
    const char *address = url && *url ? url : "sql:";
    const struct queue_carrier_ops *ops = find(address);
    if (!ops) {
        DM_FAIL(e, DM_EBADINPUT, "the address of a queue begins with sql:, redis: or rediss:");
    }
    return ops->open(address, password, ret, e);
}

void queue_carrier_close(struct queue_carrier *c)
{
    if (c) {
        c->ops->close(c);
    }
}

bool queue_carrier_tells(const struct queue_carrier *c)
{
    return c->ops->tells;
}

bool queue_carrier_up(struct queue_carrier *c)
{
    return c->ops->tells && c->ops->up(c);
}

int queue_carrier_publish(struct queue_carrier *c, const char *queue, const char *uuid,
                          const char *traceparent, struct dm_err *e)
{
    return c->ops->tells ? c->ops->publish(c, queue, uuid, traceparent, e) : DM_OK;
}

void queue_carrier_ring(struct queue_carrier *c, enum queue_kind kind, size_t n)
{
    int code = DM_OK;
    for (size_t i = 0; code >= 0 && i < n; i++) {
        code = queue_carrier_publish(c, queue_kind_info(kind)->queue, "", NULL, NULL);
    }
}

int queue_carrier_listen(struct queue_carrier *c, const char *const *queues, size_t n,
                         const char *consumer, struct dm_err *e)
{
    return c->ops->tells ? c->ops->listen(c, queues, n, consumer, e) : DM_OK;
}

int queue_carrier_fd(struct queue_carrier *c)
{
    return c->ops->tells ? c->ops->fd(c) : -1;
}

int queue_carrier_next(struct queue_carrier *c, char ret[static QUEUE_ENTRY_SIZE], struct dm_err *e)
{
    return c->ops->tells ? c->ops->next(c, ret, e) : 0;
}

int queue_carrier_ack(struct queue_carrier *c, const char *entry, struct dm_err *e)
{
    return c->ops->tells && *entry ? c->ops->ack(c, entry, e) : DM_OK;
}

int queue_carrier_claim(struct queue_carrier *c, int64_t idle_ms, struct dm_err *e)
{
    return c->ops->tells ? c->ops->claim(c, idle_ms, e) : DM_OK;
}

int queue_carrier_sweep(struct queue_carrier *c, struct store *s, int64_t now_ms,
                        int64_t *ret_missing, struct dm_err *e)
{
    *ret_missing = 0;
    return c->ops->tells ? c->ops->sweep(c, s, now_ms, ret_missing, e) : DM_OK;
}
