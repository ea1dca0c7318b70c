/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection to a Redis server. */
#include "queue/redis_link.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { FIRST_PAUSE_MS = 100, LAST_PAUSE_MS = 10000, READ_BYTES = 16384 };

void redis_link_drop(struct redis_link *l)
{
    if (l->curl) {
        curl_easy_cleanup(l->curl);
        redisReaderFree(l->reader);
    }
    l->curl = NULL;
    l->reader = NULL;
    l->fd = -1;
}

/* Lost: the next try waits longer each time, a random quarter of it off. */
static int lost(struct redis_link *l, const char *why, struct dm_err *e)
{
    int64_t pause = (int64_t)FIRST_PAUSE_MS << DM_MIN(l->failures, 10);
    pause = DM_MIN(pause, LAST_PAUSE_MS);
    pause -= randombytes_uniform((uint32_t)(pause / 4 + 1));
    redis_link_drop(l);
    l->failures++;
    l->again = dm_now() + pause * 1000;
    DM_FAIL(e, DM_EIO, "Redis: %s", why);
}

static int ready(const struct redis_link *l, short events, int ms)
{
    struct pollfd p = {.fd = l->fd, .events = events};
    int n;
    do {
        n = poll(&p, 1, ms);
    } while (n < 0 && errno == EINTR);
    return n > 0;
}

static int send_all(struct redis_link *l, const char *bytes, size_t n, struct dm_err *e)
{
    while (n > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(l->curl, bytes, n, &sent);
        if (code == CURLE_AGAIN) {
            if (!ready(l, POLLOUT, REDIS_TIMEOUT_MS)) {
                return lost(l, "takes nothing", e);
            }
            continue;
        }
        if (code != CURLE_OK) {
            return lost(l, curl_easy_strerror(code), e);
        }
        bytes += sent;
        n -= sent;
    }
    return DM_OK;
}

int redis_link_send(struct redis_link *l, int argc, const char *const *argv, struct dm_err *e)
{
    char *command = NULL;
    DM_TRY(redis_link_up(l, e));
    int n = redisFormatCommandArgv(&command, argc, (const char **)(uintptr_t)argv, NULL);
    if (n < 0) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a command");
    }
    int code = send_all(l, command, (size_t)n, e);
    redisFreeCommand(command);
    return code;
}

/* What has arrived goes to the reader. */
static int feed(struct redis_link *l, struct dm_err *e)
{
    char bytes[READ_BYTES];
    size_t n = 0;
    CURLcode code = curl_easy_recv(l->curl, bytes, sizeof(bytes), &n);
    if (code == CURLE_AGAIN) {
        return 0;
    }
    if (code != CURLE_OK || n == 0) {
        return lost(l, code == CURLE_OK ? "connection closed" : curl_easy_strerror(code), e);
    }
    if (redisReaderFeed(l->reader, bytes, n) != REDIS_OK) {
        return lost(l, "not understood", e);
    }
    return 1;
}

int redis_link_receive(struct redis_link *l, int ms, redisReply **ret, struct dm_err *e)
{
    dm_usec end = dm_now() + INT64_C(1000) * ms;
    if (!l->curl) {
        DM_FAIL(e, DM_EIO, "Redis: not connected");
    }
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(l->reader, &reply) != REDIS_OK) {
            return lost(l, "not understood", e);
        }
        if (reply) {
            *ret = reply;
            return 1;
        }
        int got = feed(l, e);
        DM_TRY(got);
        int64_t left = (end - dm_now()) / 1000;
        if (!got && (left <= 0 || !ready(l, POLLIN, (int)left))) {
            return 0;
        }
    }
}

int redis_link_ask(struct redis_link *l, int argc, const char *const *argv, redisReply **ret,
                   struct dm_err *e)
{
    DM_TRY(redis_link_send(l, argc, argv, e));
    int got = redis_link_receive(l, REDIS_TIMEOUT_MS, ret, e);
    DM_TRY(got);
    return got ? DM_OK : lost(l, "does not answer", e);
}

static int expect_ok(struct redis_link *l, int argc, const char *const *argv, struct dm_err *e)
{
    redisReply *r = NULL;
    char why[160] = "";
    DM_TRY(redis_link_ask(l, argc, argv, &r, e));
    bool ok = r->type != REDIS_REPLY_ERROR;
    if (!ok) {
        (void)snprintf(why, sizeof(why), "%s", r->str);
    }
    freeReplyObject(r);
    if (ok) {
        return DM_OK;
    }
    bool loading = !strncmp(why, "LOADING", 7);
    (void)lost(l, why, e);
    return loading ? DM_EIO : dm_err_set(e, DM_ECONFLICT, __FILE__, __LINE__, "Redis: %s", why);
}

static int greet(struct redis_link *l, struct dm_err *e)
{
    const struct redis_address *a = l->address;
    char db[12];
    (void)snprintf(db, sizeof(db), "%d", a->db);
    if (a->user && *a->user && a->password) {
        DM_TRY(expect_ok(l, 3, (const char *[]){"AUTH", a->user, a->password}, e));
    } else if (a->password && *a->password) {
        DM_TRY(expect_ok(l, 2, (const char *[]){"AUTH", a->password}, e));
    }
    if (a->db) {
        DM_TRY(expect_ok(l, 2, (const char *[]){"SELECT", db}, e));
    }
    return expect_ok(l, 1, (const char *[]){"PING"}, e);
}

int redis_link_up(struct redis_link *l, struct dm_err *e)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (l->curl) {
        return DM_OK;
    }
    if (dm_now() < l->again) {
        DM_FAIL(e, DM_EAGAIN, "Redis: is away, tried again soon");
    }
    l->curl = curl_easy_init();
    l->reader = l->curl ? redisReaderCreate() : NULL;
    if (!l->reader) {
        curl_easy_cleanup(l->curl);
        l->curl = NULL;
        DM_FAIL(e, DM_ENOMEM, "no memory for a connection");
    }
    (void)curl_easy_setopt(l->curl, CURLOPT_URL, l->address->base);
    (void)curl_easy_setopt(l->curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(l->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(l->curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(l->curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    (void)curl_easy_setopt(l->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    (void)curl_easy_setopt(l->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)REDIS_TIMEOUT_MS);
    if (l->address->ca_file) {
        (void)curl_easy_setopt(l->curl, CURLOPT_CAINFO, l->address->ca_file);
    }
    CURLcode code = curl_easy_perform(l->curl);
    if (code == CURLE_OK) {
        code = curl_easy_getinfo(l->curl, CURLINFO_ACTIVESOCKET, &fd);
    }
    if (code != CURLE_OK) {
        return lost(l, curl_easy_strerror(code), e);
    }
    l->fd = fd;
    DM_TRY(greet(l, e));
    l->failures = 0;
    return DM_OK;
}
