/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that send as slowly as they can. libmicrohttpd closes those that are silent; one byte
 * now and then is not silence, so a head has to be whole in time, and a body has to move. Looked at
 * once a second; a thousand connections cost a millisecond. */
#include <linux/tcp.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "http/limits.h"
#include "http/server_priv.h"

enum { STATE_CLOSE_WAIT = 8 }; /* of the kernel's include/net/tcp_states.h */

struct http_peer {
    int fd;
    _Atomic int stage;     /* enum http_stage, set by the event thread */
    _Atomic int64_t bytes; /* of bodies, ever */
    /* of the ticker */
    int seen_stage;
    int64_t seen_bytes;
    uint64_t seen_received;
    dm_usec since;
    struct http_peer *next, *prev;
};

static struct http_peer *peer_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info =
        c ? MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;
    return info ? info->socket_context : NULL;
}

void http_peer_stage(struct MHD_Connection *c, enum http_stage stage)
{
    struct http_peer *p = peer_of(c);
    if (p) {
        atomic_store(&p->stage, (int)stage);
    }
}

void http_peer_bytes(struct MHD_Connection *c, size_t n)
{
    struct http_peer *p = peer_of(c);
    if (p) {
        atomic_fetch_add(&p->bytes, (int64_t)n);
    }
}

static void come(struct http_server *s, struct MHD_Connection *c, void **ret)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_peer *p = info ? dm_calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        return; /* not watched */
    }
    p->fd = info->connect_fd;
    p->since = dm_now();
    p->seen_stage = HTTP_STAGE_HEAD;
    atomic_store(&p->stage, HTTP_STAGE_HEAD);
    (void)pthread_mutex_lock(&s->peers_lock);
    p->next = s->peers;
    if (p->next) {
        p->next->prev = p;
    }
    s->peers = p;
    (void)pthread_mutex_unlock(&s->peers_lock);
    *ret = p;
}

static void go(struct http_server *s, struct http_peer *p)
{
    if (!p) {
        return;
    }
    (void)pthread_mutex_lock(&s->peers_lock);
    *(p->prev ? &p->prev->next : &s->peers) = p->next;
    if (p->next) {
        p->next->prev = p->prev;
    }
    (void)pthread_mutex_unlock(&s->peers_lock);
    dm_free(p);
}

void http_peer_notify(void *cls, struct MHD_Connection *c, void **socket_context,
                      enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        come(cls, c, socket_context);
    } else {
        go(cls, *socket_context);
        *socket_context = NULL;
    }
}

static struct tcp_info info_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t n = sizeof(info);
    (void)getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n);
    return info;
}

/* Whether its time is over. */
static bool is_slow(const struct http_server *s, struct http_peer *p, dm_usec now)
{
    const struct http_options *o = s->options;
    const dm_usec head_us =
        1000 * (dm_usec)(o->header_timeout_ms ? o->header_timeout_ms : HTTP_HEADER_MS);
    const dm_usec body_us =
        1000 * (dm_usec)(o->body_timeout_ms ? o->body_timeout_ms : HTTP_BODY_MS);
    const int stage = atomic_load(&p->stage);
    const struct tcp_info tcp = info_of(p->fd);
    if (tcp.tcpi_state == STATE_CLOSE_WAIT && stage != HTTP_STAGE_ANSWER) {
        return true; /* it hung up in the middle, which libmicrohttpd does not notice */
    }
    if (stage != p->seen_stage) {
        p->seen_stage = stage;
        p->since = now;
        p->seen_bytes = atomic_load(&p->bytes);
        p->seen_received = tcp.tcpi_bytes_received;
    }
    switch ((enum http_stage)stage) {
    case HTTP_STAGE_HEAD:
        return now - p->since >= head_us;
    case HTTP_STAGE_BETWEEN:
        /* The next request begins with its first byte; until then silence is allowed. */
        if (tcp.tcpi_bytes_received == p->seen_received) {
            p->since = now;
        }
        return now - p->since >= head_us;
    case HTTP_STAGE_BODY:
        break;
    case HTTP_STAGE_ANSWER:
        return false;
    }
    if (now - p->since < body_us) {
        return false;
    }
    const int64_t bytes = atomic_load(&p->bytes);
    const bool moved = bytes - p->seen_bytes >= LIMIT_HTTP_BODY_LEAST;
    p->seen_bytes = bytes;
    p->since = now;
    return !moved;
}

void http_peers_check(struct http_server *s)
{
    const dm_usec now = dm_now();
    (void)pthread_mutex_lock(&s->peers_lock);
    for (struct http_peer *p = s->peers; p; p = p->next) {
        if (is_slow(s, p, now)) {
            (void)shutdown(p->fd, SHUT_RDWR); /* its event thread sees the end and closes */
        }
    }
    (void)pthread_mutex_unlock(&s->peers_lock);
}
