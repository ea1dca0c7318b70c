/* SPDX-License-Identifier: Apache-2.0
 *
 * Raw connections: tests/support/raw_http.h. */
#include "support/raw_http.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/testing.h"

enum { AFTER_MS = 60 }; /* of silence, once an answer has begun */

int raw_connect(int port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

void raw_send(int fd, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        p += sent;
        n -= (size_t)sent;
    }
}

size_t raw_read(int fd, int quiet_ms, char *ret, size_t size, int *ret_closed)
{
    size_t n = 0;
    *ret_closed = 0;
    while (n + 1 < size) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, n ? DM_MIN(quiet_ms, AFTER_MS) : quiet_ms) <= 0) {
            break;
        }
        ssize_t got = recv(fd, ret + n, size - 1 - n, 0);
        if (got <= 0) {
            *ret_closed = 1;
            break;
        }
        n += (size_t)got;
    }
    ret[n] = '\0';
    return n;
}

int raw_status(const char *text)
{
    return strncmp(text, "HTTP/1.", 7) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}
