/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format 0.0.4. Each metric has its HELP and TYPE even without a series, so that a
 * new installation shows what it will say. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "telemetry/registry.h"

/* Shortest text that reads back as the same number. */
static void put_number(struct dm_buf *out, double v)
{
    char text[32];
    if (isinf(v) || isnan(v)) {
        dm_buf_puts(out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v) {
            break;
        }
    }
    dm_buf_puts(out, text);
}

/* Backslash, quote and newline are escaped in the value of a label. */
static void put_quoted(struct dm_buf *out, const char *s)
{
    dm_buf_putc(out, '"');
    for (; *s; s++) {
        if (*s == '\\' || *s == '"') {
            dm_buf_putc(out, '\\');
        }
        if (*s == '\n') {
            dm_buf_puts(out, "\\n");
        } else {
            dm_buf_putc(out, *s);
        }
    }
    dm_buf_putc(out, '"');
}

/* name{a="1",b="2"} and the blank; le is a bound, or -1 for none. */
static void put_series(struct dm_buf *out, const struct telemetry_info *info, const char *suffix,
                       const struct telemetry_sample *s, double le)
{
    const char *name = info->labels;
    char mark = '{';
    dm_buf_printf(out, "%s%s", info->name, suffix);
    for (size_t i = 0; *name; i++) {
        size_t n = strcspn(name, ",");
        dm_buf_printf(out, "%c%.*s=", mark, (int)n, name);
        put_quoted(out, s->label[i]);
        name += n + (name[n] == ',');
        mark = ',';
    }
    if (le >= 0) {
        dm_buf_printf(out, "%cle=\"", mark);
        put_number(out, le);
        dm_buf_putc(out, '"');
        mark = ',';
    }
    dm_buf_puts(out, mark == ',' ? "} " : " ");
}

struct text {
    struct dm_buf *out;
    const struct telemetry_info *info;
    bool any;
};

static int put_sample(void *ctx, const struct telemetry_sample *s, struct dm_err *e)
{
    struct text *text = ctx;
    const struct telemetry_info *info = text->info;
    struct dm_buf *out = text->out;
    text->any = true;
    if (info->type != TELEMETRY_HISTOGRAM) {
        put_series(out, info, "", s, -1);
        put_number(out, s->value);
        dm_buf_putc(out, '\n');
        return dm_buf_ok(out, e);
    }
    uint64_t below = 0;
    for (size_t i = 0; i <= info->n_bounds; i++) {
        below += s->count[i];
        put_series(out, info, "_bucket", s, i < info->n_bounds ? info->bounds[i] : INFINITY);
        dm_buf_printf(out, "%" PRIu64 "\n", below);
    }
    put_series(out, info, "_sum", s, -1);
    put_number(out, s->value);
    dm_buf_putc(out, '\n');
    put_series(out, info, "_count", s, -1);
    dm_buf_printf(out, "%" PRIu64 "\n", below);
    return dm_buf_ok(out, e);
}

int telemetry_text(struct telemetry *t, struct dm_buf *out, struct dm_err *e)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    static const struct telemetry_sample nothing;
    telemetry_process(t);
    telemetry_fill(t);
    telemetry_set(t, TELEMETRY_DROPPED, NULL, (double)atomic_load(&t->shared->dropped));
    for (unsigned m = 0; m < TELEMETRY_METRIC_MAX_; m++) {
        struct text text = {out, telemetry_info(m), false};
        if (text.info->way != TELEMETRY_SCRAPED) {
            continue;
        }
        dm_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", text.info->name, text.info->help,
                      text.info->name, types[text.info->type]);
        DM_TRY(telemetry_each(t, m, put_sample, &text, e));
        if (!text.any && text.info->type == TELEMETRY_COUNTER && !*text.info->labels) {
            DM_TRY(put_sample(&text, &nothing, e));
        }
    }
    return dm_buf_ok(out, e);
}
