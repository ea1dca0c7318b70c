/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a request ends must be beyond doubt: a proxy that reads it otherwise would take a part of
 * the body for the next request, of somebody else (RFC 9112 6.3, 11.2). libmicrohttpd is lenient
 * here; we are not. */
#include <string.h>
#include <strings.h>

#include "http/problem.h"
#include "http/server_priv.h"

struct framing {
    unsigned lengths, codings, hosts;
    const char *fault;
};

static bool all_digits(const char *s, size_t n)
{
    return n > 0 && strspn(s, "0123456789") == n;
}

/* A name is a token of RFC 9110 5.6.2: no blank before the colon, no zero. */
static bool is_token(const char *s, size_t n)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];
        const bool letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && !(c && strchr(others, c))) {
            return false;
        }
    }
    return n > 0;
}

static enum MHD_Result look(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
                            const char *value, size_t value_n)
{
    struct framing *f = cls;
    (void)kind;
    value = value ? value : "";
    if (!is_token(name, name_n)) {
        f->fault = "the name of a header field is not one";
    } else if (strlen(value) != value_n || strpbrk(value, "\r\n")) {
        f->fault = "a header field holds a control character";
    } else if (strcasecmp(name, "Content-Length") == 0) {
        f->lengths++;
        f->fault = all_digits(value, value_n) ? f->fault : "Content-Length is not a number";
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        f->codings++;
        f->fault = strcasecmp(value, "chunked") == 0 ? f->fault : "only chunked is taken";
    } else if (strcasecmp(name, "Host") == 0) {
        f->hosts++;
    }
    return f->fault ? MHD_NO : MHD_YES;
}

int http_framing_check(struct http_state *st, struct dm_err *e)
{
    struct framing f = {0};
    (void)MHD_get_connection_values_n(st->connection, MHD_HEADER_KIND, look, &f);
    if (!f.fault && f.lengths + f.codings > 1) {
        f.fault = "the length of the body is said twice";
    }
    if (!f.fault && f.hosts > 1) {
        f.fault = "Host is said twice";
    }
    if (f.fault) {
        st->close = true;
        DM_FAIL(e, HTTP_E_BAD_REQUEST, "%s", f.fault);
    }
    return DM_OK;
}
