/* SPDX-License-Identifier: Apache-2.0
 *
 * W3C Trace Context, https://www.w3.org/TR/trace-context-1/, and the samplers of OpenTelemetry. */
#include "telemetry/trace.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

static const unsigned char zeros[16];

/* n bytes of lower-case hex; NULL when they are not, else what follows. */
static const char *take_hex(const char *text, unsigned char *ret, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        const char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) {
            return NULL;
        }
        ret[i / 2] = (unsigned char)(i % 2 ? ret[i / 2] << 4 | digit : digit);
    }
    return text + 2 * n;
}

bool telemetry_traceparent_parse(const char *text, struct telemetry_context *ret)
{
    struct telemetry_context c = {0};
    unsigned char version = 0;
    unsigned char flags = 0;
    *ret = c;
    const char *at = take_hex(text, &version, 1);
    at = at && *at == '-' ? take_hex(at + 1, c.trace, sizeof(c.trace)) : NULL;
    at = at && *at == '-' ? take_hex(at + 1, c.span, sizeof(c.span)) : NULL;
    at = at && *at == '-' ? take_hex(at + 1, &flags, 1) : NULL;
    if (!at || version == 0xff || (*at && (version == 0 || *at != '-')) ||
        !memcmp(c.trace, zeros, sizeof(c.trace)) || !memcmp(c.span, zeros, sizeof(c.span))) {
        return false;
    }
    c.sampled = flags & 1;
    *ret = c;
    return true;
}

void telemetry_tracestate_take(struct telemetry_context *c, const char *text)
{
    size_t n = strlen(text);
    c->state[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (n >= sizeof(c->state) || text[i] < ' ' || text[i] > '~') {
            return;
        }
    }
    memcpy(c->state, text, n + 1);
}

const char *telemetry_hex(const unsigned char *bytes, size_t n, char *ret)
{
    return sodium_bin2hex(ret, 2 * n + 1, bytes, n);
}

const char *telemetry_traceparent(const struct telemetry_context *c,
                                  char ret[static TELEMETRY_TRACEPARENT_SIZE])
{
    char trace[33];
    char span[17];
    ret[0] = '\0';
    if (memcmp(c->trace, zeros, sizeof(c->trace)) != 0) {
        (void)snprintf(ret, TELEMETRY_TRACEPARENT_SIZE, "00-%s-%s-%02x",
                       telemetry_hex(c->trace, sizeof(c->trace), trace),
                       telemetry_hex(c->span, sizeof(c->span), span), (unsigned)c->sampled);
    }
    return ret;
}

int telemetry_sampler_parse(const char *name, const char *arg, struct telemetry_sampler *ret,
                            struct dm_err *e)
{
    static const char *const names[] = {"always_on", "always_off", "traceidratio"};
    static const char before[] = "parentbased_";
    struct telemetry_sampler s = {.ratio = 1};
    const char *kind = name;
    char *end = NULL;
    if (!strncmp(name, before, sizeof(before) - 1)) {
        s.parent_decides = true;
        kind += sizeof(before) - 1;
    }
    while (s.kind < DM_COUNT(names) && strcmp(kind, names[s.kind]) != 0) {
        s.kind++;
    }
    if (s.kind == DM_COUNT(names)) {
        DM_FAIL(e, DM_EBADINPUT, "no sampler is called \"%s\"", name);
    }
    if (*arg) {
        s.ratio = strtod(arg, &end);
        if (*end || end == arg || !(s.ratio >= 0 && s.ratio <= 1)) {
            DM_FAIL(e, DM_EBADINPUT, "not a ratio between 0 and 1: \"%s\"", arg);
        }
    }
    *ret = s;
    return DM_OK;
}

/* The last seven bytes are the random ones of every tracer; as a fraction of their range. */
static bool in_ratio(const unsigned char trace[static 16], double ratio)
{
    uint64_t v = 0;
    for (size_t i = 9; i < 16; i++) {
        v = v << 8 | trace[i];
    }
    return (double)v < ldexp(ratio, 56);
}

struct telemetry_context telemetry_context_new(const struct telemetry_sampler *s,
                                               const struct telemetry_context *parent)
{
    struct telemetry_context c = {0};
    bool has_parent = parent && memcmp(parent->trace, zeros, sizeof(zeros)) != 0;
    if (has_parent) {
        c = *parent;
    } else {
        randombytes_buf(c.trace, sizeof(c.trace));
    }
    randombytes_buf(c.span, sizeof(c.span));
    if (!has_parent || !s->parent_decides) {
        c.sampled = s->kind == TELEMETRY_SAMPLE_ALL ||
                    (s->kind == TELEMETRY_SAMPLE_RATIO && in_ratio(c.trace, s->ratio));
    }
    return c;
}
