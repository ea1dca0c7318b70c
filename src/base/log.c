/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured log. A line is built on the stack and leaves in one write, so that lines of several
 * threads and processes never mix; what does not fit into a line is cut. */
#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 2048 };

static struct {
    int fd;
    enum dm_log_level lowest;
    bool json;
    dm_log_line_fn line;
    dm_log_trace_fn trace;
} config = {.fd = STDERR_FILENO, .lowest = DM_LOG_INFO};

static const char *const level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

void dm_log_setup(int fd, enum dm_log_level lowest, enum dm_log_format format)
{
    config.fd = fd;
    config.lowest = lowest;
    config.json = format == DM_LOG_JSON || (format == DM_LOG_AUTO && !isatty(fd));
}

void dm_log_tap(dm_log_line_fn line, dm_log_trace_fn trace)
{
    config.line = line;
    config.trace = trace;
}

struct line {
    size_t len;
    char text[LINE_MAX_BYTES];
};

/* Room for the closing brace and the newline is always kept. */
static void add(struct line *l, const char *s, size_t n)
{
    size_t room = sizeof(l->text) - 4 - l->len;
    n = DM_MIN(n, room);
    memcpy(l->text + l->len, s, n);
    l->len += n;
}

static void add_text(struct line *l, const char *s)
{
    add(l, s, strlen(s));
}

/* Quoted for JSON. An escape is added whole or not at all, and the closing quote always fits. */
static void add_json(struct line *l, const char *s)
{
    const size_t last = sizeof(l->text) - 16;
    add_text(l, "\"");
    for (; *s && l->len < last; s++) {
        unsigned char c = (unsigned char)*s;
        char escape[8];
        if (c == '"' || c == '\\') {
            (void)snprintf(escape, sizeof(escape), "\\%c", c);
        } else if (c < 0x20) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", c);
        } else {
            (void)snprintf(escape, sizeof(escape), "%c", c);
        }
        add_text(l, escape);
    }
    while (l->len > 0 && ((unsigned char)*s & 0xC0) == 0x80) {
        /* cut inside a character: drop its first bytes as well */
        unsigned char c = (unsigned char)l->text[--l->len];
        if (c >= 0xC0) {
            break;
        }
    }
    add_text(l, "\"");
}

static void add_value(struct line *l, const struct dm_field *f)
{
    char number[40];
    switch (f->type) {
    case DM_FIELD_STR:
        if (config.json) {
            add_json(l, f->s ? f->s : "");
        } else {
            add_text(l, f->s ? f->s : "");
        }
        break;
    case DM_FIELD_I64:
        (void)snprintf(number, sizeof(number), "%" PRId64, f->i);
        add_text(l, number);
        break;
    case DM_FIELD_F64:
        if (config.json && !(f->f - f->f == 0.0)) { /* JSON has no infinity and no NaN */
            add_text(l, "null");
            break;
        }
        (void)snprintf(number, sizeof(number), "%.6g", f->f);
        add_text(l, number);
        break;
    case DM_FIELD_END:
        break;
    }
}

static void begin(struct line *l, enum dm_log_level level, const char *message)
{
    char now[DM_RFC3339_SIZE];
    dm_rfc3339_now(now);
    if (config.json) {
        add_text(l, "{\"timestamp\":\"");
        add_text(l, now);
        add_text(l, "\",\"level\":\"");
        add_text(l, level_names[level]);
        add_text(l, "\",\"event\":");
        add_json(l, message);
        return;
    }
    add_text(l, now);
    add_text(l, " ");
    add_text(l, level_names[level]);
    add_text(l, " ");
    add_text(l, message);
}

static void add_fields(struct line *l, const struct dm_field *fields)
{
    for (; fields->type != DM_FIELD_END; fields++) {
        size_t whole = l->len;
        add_text(l, config.json ? ",\"" : "  ");
        add_text(l, fields->name);
        add_text(l, config.json ? "\":" : "=");
        add_value(l, fields);
        if (config.json && l->len + 20 > sizeof(l->text)) {
            l->len = whole; /* a field that does not fit is left out whole: the line stays JSON */
        }
    }
}

void dm_log_fields_(enum dm_log_level level, const char *message, const struct dm_field *fields)
{
    struct line l = {0};
    char trace[33];
    char span[17];
    if (level < config.lowest) {
        return;
    }
    begin(&l, level, message);
    add_fields(&l, fields);
    if (config.trace && config.trace(trace, span)) {
        add_fields(&l, DM_FIELDS(DM_S("trace_id", trace), DM_S("span_id", span)));
    }
    if (config.line) {
        config.line(level, message, fields);
    }
    if (config.json) {
        l.text[l.len++] = '}';
    }
    l.text[l.len++] = '\n';
    ssize_t written = write(config.fd, l.text, l.len);
    (void)written; /* nowhere to report that the log itself is gone */
}
