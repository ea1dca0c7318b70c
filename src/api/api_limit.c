/* SPDX-License-Identifier: Apache-2.0
 *
 * How often an address may do something in a minute: sign in, by default ten times. The lock-out of
 * an account (inventory/users_sign_in.c) stops guessing at one person's password; this stops one
 * address from trying everybody, and from making the machine compute hashes. */
#include <string.h>

#include <sodium.h>

#include "api/api_priv.h"
#include "base/alloc.h"

enum {
    SLOTS = 4096, /* a power of two; a slot taken by another address starts anew */
    WINDOW_MS = 60 * 1000,
};

struct slot {
    uint64_t address; /* keyed hash, so that nobody can aim at another one's slot */
    int64_t since_ms;
    int64_t n;
};

/* Locking: slot - mu. */
struct api_limit {
    int64_t most;
    unsigned char key[crypto_shorthash_KEYBYTES];
    pthread_mutex_t mu;
    struct slot slot[SLOTS];
};

int api_limit_new(int64_t per_minute, struct api_limit **ret, struct dm_err *e)
{
    struct api_limit *l = dm_calloc(1, sizeof(*l));
    if (!l) {
        DM_FAIL(e, DM_ENOMEM, "no memory for limits");
    }
    l->most = per_minute;
    crypto_shorthash_keygen(l->key);
    (void)pthread_mutex_init(&l->mu, NULL);
    *ret = l;
    return DM_OK;
}

void api_limit_free(struct api_limit *l)
{
    if (l) {
        (void)pthread_mutex_destroy(&l->mu);
        dm_free(l);
    }
}

static int count(struct api_limit *l, const char *address, int64_t now_ms, int64_t add,
                 struct dm_err *e)
{
    uint64_t hash;
    int64_t left_ms = 0;
    if (!l) {
        return DM_OK;
    }
    (void)crypto_shorthash((unsigned char *)&hash, (const unsigned char *)address, strlen(address),
                           l->key);
    (void)pthread_mutex_lock(&l->mu);
    struct slot *s = &l->slot[hash & (SLOTS - 1)];
    if (s->address != hash || now_ms - s->since_ms >= WINDOW_MS || now_ms < s->since_ms) {
        *s = (struct slot){.address = hash, .since_ms = now_ms};
    }
    if (s->n >= l->most) {
        left_ms = s->since_ms + WINDOW_MS - now_ms;
    } else {
        s->n += add;
    }
    (void)pthread_mutex_unlock(&l->mu);
    if (left_ms > 0) {
        DM_REFUSE(e, INV_RATE_LIMITED,
                  DM_FIELDS(DM_I("retry_after_s", (left_ms + 999) / 1000), DM_I("limit", l->most),
                            DM_I("window_s", WINDOW_MS / 1000)),
                  "too many attempts, wait a little");
    }
    return DM_OK;
}

int api_limit_take(struct api_limit *l, const char *address, int64_t now_ms, struct dm_err *e)
{
    return count(l, address, now_ms, 1, e);
}

int api_limit_look(struct api_limit *l, const char *address, int64_t now_ms, struct dm_err *e)
{
    return count(l, address, now_ms, 0, e);
}
