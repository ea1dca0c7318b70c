/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to a Redis server: libcurl carries the bytes (so TLS is verified as everywhere
 * else), hiredis writes and reads the protocol. Inside queue/ only. */
#ifndef QUEUE_REDIS_LINK_H
#define QUEUE_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/error.h"

enum { REDIS_TIMEOUT_MS = 5000, REDIS_ARGS_MAX = 24 };

/* Where and as whom. Texts live as long as the links. */
struct redis_address {
    const char *base;            /* "http://host:port", "https://..." for TLS */
    const char *user, *password; /* NULL without */
    const char *ca_file;         /* of certificates to trust; NULL: the system's */
    int db;
};

struct redis_link {
    const struct redis_address *address;
    void *curl; /* CURL *, NULL: not connected */
    redisReader *reader;
    int fd;
    dm_usec again; /* not before, after a failure */
    int failures;
};

/* Connected and authenticated, now or already. DM_EAGAIN: too soon after a failure; DM_EIO;
 * DM_ECONFLICT: it refuses us. */
DM_MUST_CHECK int redis_link_up(struct redis_link *l, struct dm_err *e);
void redis_link_drop(struct redis_link *l);

/* Send a command and wait for its answer, at most REDIS_TIMEOUT_MS. An error answer is an answer
 * (type REDIS_REPLY_ERROR). *ret is freed with freeReplyObject. DM_EIO: the link is dropped. */
DM_MUST_CHECK int redis_link_ask(struct redis_link *l, int argc, const char *const *argv,
                                 redisReply **ret, struct dm_err *e);
DM_MUST_CHECK int redis_link_send(struct redis_link *l, int argc, const char *const *argv,
                                  struct dm_err *e);
/* An answer that has arrived, waiting at most ms: 1, or 0 for none. */
DM_MUST_CHECK int redis_link_receive(struct redis_link *l, int ms, redisReply **ret,
                                     struct dm_err *e);

#endif
