/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes from the network to a whole server. The first byte chooses: a request as it comes, or a
 * multipart body. Whatever comes, the server answers only whole status lines that are no fault of
 * its own, hands no more bytes on than it got, and still serves the next one. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "http/http.h"

enum { INPUT_MAX = 1 << 15, WAIT_MS = 100, HONEST_MS = 5000 };

static _Atomic int64_t file_bytes;

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static int take(struct http_request *r, struct dm_err *e)
{
    for (size_t i = 0; i < r->n_file; i++) {
        must(r->file[i].filename && r->file[i].field && r->file[i].index == i);
        atomic_fetch_add(&file_bytes, r->file[i].bytes);
    }
    return http_reply_empty(r, 204, e);
}

static const struct http_field form[] = {{"file", HTTP_FILE, HTTP_REQ, .items_max = 3},
                                         {"note", HTTP_STR, .max = 10},
                                         {"meta", HTTP_OBJ},
                                         {NULL}};
static const struct http_field fields[] = {{"name", HTTP_STR, HTTP_REQ, .max = 10}, {NULL}};
static const struct http_schema Body = {"Body", fields};
static const struct http_route routes[] = {
    {HTTP_GET, "/a/{id}", "a", "t", "t", .answer = {{204}}, .handle = take},
    {HTTP_POST, "/json", "json", "t", "t", .body = &Body, .answer = {{204}}, .handle = take},
    {HTTP_POST, "/form", "form", "t", "t", .form = form, .answer = {{204}}, .handle = take},
    {0},
};
static const struct http_route *const tables[] = {routes, NULL};
static const struct http_app app = {.tables = tables};
static const struct http_options options = {.threads = 1};

static struct http_server *server(void)
{
    static struct http_server *s;
    if (!s) {
        struct dm_err e = {0};
        dm_log_setup(STDERR_FILENO, DM_LOG_CRITICAL, DM_LOG_TEXT);
        must(http_server_start(&app, &options, &s, &e) == DM_OK);
    }
    return s;
}

static void put(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    for (ssize_t w; n > 0 && (w = send(fd, p, n, MSG_NOSIGNAL)) > 0; p += w, n -= (size_t)w) {
    }
}

/* Status of the first answer; 0 for none. */
static int ask(const void *head, size_t head_n, const void *bytes, size_t n, int wait_ms)
{
    char text[4096];
    size_t got = 0;
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)http_server_port(server())),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0);
    put(fd, head, head_n);
    put(fd, bytes, n);
    if (wait_ms < HONEST_MS) {
        (void)shutdown(fd, SHUT_WR);
    }
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char rest[4096];
        if (poll(&p, 1, wait_ms) == 0) {
            break; /* of half a head it waits for the rest */
        }
        ssize_t k = recv(fd, rest, sizeof(rest), 0);
        if (k <= 0) {
            break;
        }
        size_t room = sizeof(text) - 1 - got;
        size_t part = (size_t)k < room ? (size_t)k : room;
        memcpy(text + got, rest, part);
        got += part;
    }
    text[got] = '\0';
    (void)close(fd);
    must(got == 0 || !strncmp(text, "HTTP/1.", 7));
    return got > 12 ? (int)strtol(text + 9, NULL, 10) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char plain[] = "GET /a/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char head[256] = "";
    int head_n = 0;
    if (n == 0 || n > INPUT_MAX) {
        return 0;
    }
    if (bytes[0] & 1) {
        head_n = snprintf(head, sizeof(head),
                          "POST /form HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                          "multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n",
                          n - 1);
    }
    atomic_store(&file_bytes, 0);
    int status = ask(head, (size_t)head_n, bytes + 1, n - 1, WAIT_MS);
    must(status == 0 || (status >= 200 && status < 500) || status == 501 || status == 505);
    must(atomic_load(&file_bytes) <= (int64_t)n);
    must(ask(plain, sizeof(plain) - 1, "", 0, HONEST_MS) == 204);
    return 0;
}
