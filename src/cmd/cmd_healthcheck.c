/* SPDX-License-Identifier: Apache-2.0
 *
 * demeter healthcheck: the probe of containers. One request by a plain socket, no library is
 * started: it runs every few seconds. */
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/side_door.h"

struct health_flags {
    bool ready;
    const char *url;
};

// clang-format off
static const struct dm_opt flags[] = {
    {.name = "ready", .type = DM_OPT_BOOL, .offset = DM_OPT_AT(struct health_flags, ready), .def = "false",
     .help = "ask whether it can do its work, not only whether it answers"},
    {.name = "url", .type = DM_OPT_STR, .offset = DM_OPT_AT(struct health_flags, url), .def = "", .unit = "URL",
     .help = "this server instead of the configured one"},
};
static const struct cmd_example examples[] = {
    {"demeter healthcheck --ready", MSG_HEALTHCHECK_EXAMPLE},
    {0},
};
// clang-format on

enum { TIMEOUT_S = 3, ANSWER_MAX = 64 };

/* Host, port and path of http://HOST[:PORT][/PATH]; a server that listens everywhere is asked on
 * this machine. */
static int target(struct cmd_run *r, const char **ret_host, const char **ret_port,
                  const char **ret_path, struct dm_err *e)
{
    const struct health_flags *f = r->flags;
    const struct settings_values *v = &r->settings.v;
    const char *url = f->url[0] ? f->url : v->api_url;
    const char *path = f->ready ? "/health/ready" : "/health";
    *ret_path = path;
    if (!url[0]) {
        const bool any = !strcmp(v->server_host, "0.0.0.0") || !strcmp(v->server_host, "::");
        *ret_host = any ? "127.0.0.1" : v->server_host;
        *ret_port = dm_arena_printf(&r->arena, "%d", v->server_port);
        return *ret_port ? DM_OK : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory");
    }
    if (strncmp(url, "http://", 7) != 0) {
        DM_FAIL(e, DM_EUSAGE, "healthcheck asks http:// addresses");
    }
    url += 7;
    const size_t n = strcspn(url, "/");
    const size_t n_host = DM_MIN(strcspn(url, ":"), n);
    *ret_host = dm_arena_strndup(&r->arena, url, n_host);
    *ret_port = n_host < n ? dm_arena_strndup(&r->arena, url + n_host + 1, n - n_host - 1) : "80";
    if (url[n] && url[n + 1]) {
        *ret_path = url + n;
    }
    return *ret_host && *ret_port
               ? DM_OK
               : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for an address");
}

static int connect_to(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    const struct timeval most = {.tv_sec = TIMEOUT_S};
    struct addrinfo *list = NULL;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &list) != 0) {
        return -1;
    }
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
            (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
            if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
                (void)close(fd);
                fd = -1;
            }
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* "HTTP/1.1 200 ..." */
static bool answers_200(int fd, const char *request)
{
    char answer[ANSWER_MAX] = "";
    size_t n = 0;
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request)) {
        return false;
    }
    while (n < 12) {
        const ssize_t got = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
        if (got <= 0) {
            return false;
        }
        n += (size_t)got;
    }
    return !strncmp(answer, "HTTP/1.", 7) && !strncmp(answer + 8, " 200", 4);
}

/* What is no server has its side door alone: a worker, the monitor, a backup. */
static int connect_side_door(struct cmd_run *r)
{
    const char *host = NULL;
    int number = 0;
    const char *port = NULL;
    if (side_door_place(r, &host, &number, NULL) == DM_OK && host) {
        port = dm_arena_printf(&r->arena, "%d", number);
    }
    return port ? connect_to(strcmp(host, "0.0.0.0") != 0 ? host : "127.0.0.1", port) : -1;
}

static int healthcheck_run(struct cmd_run *r, struct dm_err *e)
{
    const struct health_flags *f = r->flags;
    const char *host = NULL;
    const char *port = NULL;
    const char *path = NULL;
    DM_TRY(target(r, &host, &port, &path, e));
    const char *request = dm_arena_printf(
        &r->arena, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    if (!request) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a request");
    }
    int fd = connect_to(host, port);
    if (fd < 0 && !f->url[0] && !r->settings.v.api_url[0]) {
        fd = connect_side_door(r);
    }
    const bool good = fd >= 0 && answers_200(fd, request);
    if (fd >= 0) {
        (void)close(fd);
    }
    return good ? 0 : 1;
}

const struct cmd cmd_healthcheck = {
    .name = "healthcheck",
    .operands = "",
    .summary = MSG_HEALTHCHECK_SUMMARY,
    .about = MSG_EMPTY,
    .flags = flags,
    .n_flags = DM_COUNT(flags),
    .flags_size = sizeof(struct health_flags),
    .examples = examples,
    .run = healthcheck_run,
};
