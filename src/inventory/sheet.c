/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports as tables: building, and the text writers. Excel is in sheet_xlsx.c. */
#include "inventory/sheet.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/arith.h"
#include "inventory/sheet_priv.h"
#include "store/store.h"

const char *const sheet_format_names[] = {"csv", "xlsx", "json", "geojson", "pdf", NULL};
const char *const sheet_media_types[] = {
    "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/json",        "application/geo+json",
    "application/pdf",         NULL};

struct sheet_cell *sheet_add(struct sheet *s, struct dm_arena *a)
{
    if (s->n_rows == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 64;
        size_t n;
        if (!dm_mul_size(capacity, s->n_columns, &n)) {
            return NULL;
        }
        struct sheet_cell *cell = dm_arena_calloc(a, n, sizeof(*cell));
        if (!cell) {
            return NULL;
        }
        if (s->n_rows) {
            memcpy(cell, s->cell, s->n_rows * s->n_columns * sizeof(*cell));
        }
        s->cell = cell;
        s->capacity = capacity;
    }
    struct sheet_cell *row = s->cell + s->n_rows * s->n_columns;
    for (size_t i = 0; i < s->n_columns; i++) {
        row[i] = sheet_null();
    }
    s->n_rows++;
    return row;
}

DM_PRINTF(5, 0)
static int add_pair(struct sheet_pair **list, size_t *n, struct dm_arena *a, const char *name,
                    const char *fmt, va_list ap, struct dm_err *e)
{
    char value[512];
    (void)vsnprintf(value, sizeof(value), fmt, ap);
    struct sheet_pair *grown = dm_arena_calloc(a, *n + 1, sizeof(*grown));
    const char *copy = dm_arena_strdup(a, value);
    if (!grown || !copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    if (*n) {
        memcpy(grown, *list, *n * sizeof(*grown));
    }
    grown[*n] = (struct sheet_pair){name, copy};
    *list = grown;
    (*n)++;
    return DM_OK;
}

int sheet_summary(struct sheet *s, struct dm_arena *a, struct dm_err *e, const char *name,
                  const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int code = add_pair(&s->summary, &s->n_summary, a, name, fmt, ap, e);
    va_end(ap);
    return code;
}

int sheet_filter(struct sheet *s, struct dm_arena *a, struct dm_err *e, const char *name,
                 const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int code = add_pair(&s->filter, &s->n_filter, a, name, fmt, ap, e);
    va_end(ap);
    return code;
}

int sheet_find(const struct sheet *s, const char *name)
{
    for (size_t i = 0; i < s->n_columns; i++) {
        if (!strcmp(s->column[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}

int sheet_hide_money(struct sheet *s, struct dm_arena *a, struct dm_err *e)
{
    struct sheet_column *column = dm_arena_calloc(a, s->n_columns, sizeof(*column));
    if (!column) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a report");
    }
    size_t n = 0;
    for (size_t k = 0; k < s->n_columns; k++) {
        if (s->column[k].money) {
            continue;
        }
        column[n] = s->column[k];
        if (s->total) {
            s->total[n] = s->total[k];
        }
        n++;
    }
    for (size_t i = 0; i < s->n_rows; i++) {
        size_t to = 0;
        for (size_t k = 0; k < s->n_columns; k++) {
            if (!s->column[k].money) {
                s->cell[i * n + to++] = s->cell[i * s->n_columns + k];
            }
        }
    }
    s->capacity = n ? s->capacity * s->n_columns / n : 0;
    s->column = column;
    s->n_columns = n;
    return DM_OK;
}

const char *sheet_title_of(const struct sheet_column *c, char ret[static SHEET_TITLE_MAX])
{
    if (c->title && c->title[0]) {
        return c->title;
    }
    (void)snprintf(ret, SHEET_TITLE_MAX, "%s", c->name);
    for (char *p = ret; *p; p++) {
        *p = *p == '_' ? ' ' : *p;
    }
    ret[0] = (char)(ret[0] >= 'a' && ret[0] <= 'z' ? ret[0] - 'a' + 'A' : ret[0]);
    return ret;
}

void sheet_instant_text(const struct sheet *s, int64_t at_ms, char ret[static SHEET_TEXT_MAX])
{
    const struct dm_civil c = dm_zone_civil(s->zone, at_ms);
    const int32_t offset = dm_zone_offset_s(s->zone, at_ms);
    const int32_t minutes = (offset < 0 ? -offset : offset) / 60;
    (void)snprintf(ret, SHEET_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", c.year, c.month,
                   c.day, c.hour, c.minute, c.second, offset < 0 ? '-' : '+', minutes / 60,
                   minutes % 60);
}

static void money_text(int64_t cents, char ret[static SHEET_TEXT_MAX])
{
    const uint64_t size = cents < 0 ? -(uint64_t)cents : (uint64_t)cents;
    (void)snprintf(ret, SHEET_TEXT_MAX, "%s%llu.%02llu", cents < 0 ? "-" : "",
                   (unsigned long long)(size / 100), (unsigned long long)(size % 100));
}

const char *sheet_cell_text(const struct sheet *s, enum sheet_type type, const struct sheet_cell *c,
                            char ret[static SHEET_TEXT_MAX])
{
    ret[0] = '\0';
    if (c->null) {
        return ret;
    }
    switch (type) {
    case SHEET_INT:
        (void)snprintf(ret, SHEET_TEXT_MAX, "%lld", (long long)c->i);
        return ret;
    case SHEET_REAL:
    case SHEET_PERCENT:
        (void)snprintf(ret, SHEET_TEXT_MAX, "%.2f", isfinite(c->r) ? c->r : 0.0);
        return ret;
    case SHEET_MONEY:
        money_text(c->i, ret);
        return ret;
    case SHEET_BOOL:
        return c->b ? "true" : "false";
    case SHEET_INSTANT:
        sheet_instant_text(s, c->i, ret);
        return ret;
    case SHEET_TEXT:
    case SHEET_DATE:
    case SHEET_JSON:
    case SHEET_TYPE_MAX_:
        break;
    }
    return c->t;
}

bool sheet_is_number(enum sheet_type type)
{
    return type == SHEET_INT || type == SHEET_REAL || type == SHEET_PERCENT || type == SHEET_MONEY;
}

/* ---- CSV ---------------------------------------------------------------------------------- */

static bool looks_like_formula(const char *t)
{
    return t[0] && strchr("=+-@\t\r", t[0]) != NULL;
}

static void csv_text(struct dm_buf *out, const char *t, char separator)
{
    const bool guard = looks_like_formula(t);
    const char special[] = {separator, '"', '\r', '\n', '\0'};
    if (!strpbrk(t, special)) {
        dm_buf_puts(out, guard ? "'" : "");
        dm_buf_puts(out, t);
        return;
    }
    dm_buf_puts(out, guard ? "\"'" : "\"");
    for (; *t; t++) {
        if (*t == '"') {
            dm_buf_putc(out, '"');
        }
        dm_buf_putc(out, *t);
    }
    dm_buf_putc(out, '"');
}

/* One line, whatever a filter's value holds. */
static void csv_comment(struct dm_buf *out, const char *name, const char *value)
{
    dm_buf_printf(out, "# %s: ", name);
    for (; *value; value++) {
        dm_buf_putc(out, *value == '\r' || *value == '\n' ? ' ' : *value);
    }
    dm_buf_puts(out, "\r\n");
}

static void csv_row(const struct sheet *s, const struct sheet_cell *row, char separator,
                    struct dm_buf *out)
{
    for (size_t k = 0; k < s->n_columns; k++) {
        char text[SHEET_TEXT_MAX];
        const char *t = sheet_cell_text(s, s->column[k].type, &row[k], text);
        if (k) {
            dm_buf_putc(out, separator);
        }
        if (sheet_is_number(s->column[k].type)) {
            dm_buf_puts(out, t);
        } else {
            csv_text(out, t, separator);
        }
    }
    dm_buf_puts(out, "\r\n");
}

void sheet_csv(const struct sheet *s, const struct sheet_options *o, struct dm_buf *out)
{
    const char separator = o && o->separator ? o->separator : ',';
    if (o && o->bom) {
        dm_buf_puts(out, "\xEF\xBB\xBF");
    }
    if (o && o->metadata) {
        char made[SHEET_TEXT_MAX];
        sheet_instant_text(s, s->made_at_ms, made);
        csv_comment(out, "report", s->title);
        csv_comment(out, "generated_at", made);
        csv_comment(out, "generated_by", s->made_by ? s->made_by : "");
        for (size_t i = 0; i < s->n_filter; i++) {
            csv_comment(out, s->filter[i].name, s->filter[i].value);
        }
    }
    for (size_t k = 0; k < s->n_columns; k++) {
        if (k) {
            dm_buf_putc(out, separator);
        }
        csv_text(out, s->column[k].name, separator);
    }
    dm_buf_puts(out, "\r\n");
    for (size_t i = 0; i < s->n_rows; i++) {
        csv_row(s, s->cell + i * s->n_columns, separator, out);
    }
}

/* ---- JSON --------------------------------------------------------------------------------- */

void sheet_json_text(struct dm_buf *out, const char *t)
{
    dm_buf_putc(out, '"');
    for (; *t; t++) {
        const unsigned char c = (unsigned char)*t;
        if (c == '"' || c == '\\') {
            dm_buf_putc(out, '\\');
            dm_buf_putc(out, *t);
        } else if (c < 0x20) {
            dm_buf_printf(out, "\\u%04x", c);
        } else {
            dm_buf_putc(out, *t);
        }
    }
    dm_buf_putc(out, '"');
}

static void json_cell(const struct sheet *s, enum sheet_type type, const struct sheet_cell *c,
                      struct dm_buf *out)
{
    char text[SHEET_TEXT_MAX];
    if (c->null) {
        dm_buf_puts(out, "null");
    } else if (type == SHEET_INSTANT) {
        (void)store_time_text(c->i, text);
        sheet_json_text(out, text);
    } else if (type == SHEET_INT || type == SHEET_MONEY) {
        dm_buf_printf(out, "%lld", (long long)c->i);
    } else if (type == SHEET_REAL || type == SHEET_PERCENT) {
        dm_buf_printf(out, "%.10g", isfinite(c->r) ? c->r : 0.0);
    } else if (type == SHEET_BOOL || type == SHEET_JSON) {
        dm_buf_puts(out, sheet_cell_text(s, type, c, text));
    } else {
        sheet_json_text(out, c->t);
    }
}

static void json_row(const struct sheet *s, const struct sheet_cell *row, int skip,
                     struct dm_buf *out)
{
    bool first = true;
    dm_buf_putc(out, '{');
    for (size_t k = 0; k < s->n_columns; k++) {
        if ((int)k == skip) {
            continue;
        }
        dm_buf_puts(out, first ? "" : ",");
        first = false;
        sheet_json_text(out, s->column[k].name);
        dm_buf_putc(out, ':');
        json_cell(s, s->column[k].type, &row[k], out);
    }
    dm_buf_putc(out, '}');
}

static void json_pairs(const struct sheet_pair *p, size_t n, struct dm_buf *out)
{
    dm_buf_putc(out, '{');
    for (size_t i = 0; i < n; i++) {
        dm_buf_puts(out, i ? "," : "");
        sheet_json_text(out, p[i].name);
        dm_buf_putc(out, ':');
        sheet_json_text(out, p[i].value);
    }
    dm_buf_putc(out, '}');
}

void sheet_json(const struct sheet *s, struct dm_buf *out)
{
    char made[STORE_TIME_SIZE];
    (void)store_time_text(s->made_at_ms, made);
    dm_buf_puts(out, "{\"report\":");
    sheet_json_text(out, s->name);
    dm_buf_printf(out, ",\"generated_at\":\"%s\",\"filters\":", made);
    json_pairs(s->filter, s->n_filter, out);
    dm_buf_puts(out, ",\"rows\":[");
    for (size_t i = 0; i < s->n_rows; i++) {
        dm_buf_puts(out, i ? ",\n" : "\n");
        json_row(s, s->cell + i * s->n_columns, -1, out);
    }
    dm_buf_puts(out, "\n],\"totals\":");
    if (s->total) {
        json_row(s, s->total, -1, out);
    } else {
        dm_buf_puts(out, "null");
    }
    dm_buf_puts(out, ",\"summary\":");
    json_pairs(s->summary, s->n_summary, out);
    dm_buf_puts(out, "}\n");
}

int sheet_geojson(const struct sheet *s, struct dm_buf *out, struct dm_err *e)
{
    const int geometry = sheet_find(s, "geojson");
    if (geometry < 0) {
        DM_FAIL(e, DM_EUSAGE, "the report %s has no polygons", s->name);
    }
    dm_buf_puts(out, "{\"type\":\"FeatureCollection\",\"features\":[");
    for (size_t i = 0; i < s->n_rows; i++) {
        const struct sheet_cell *row = s->cell + i * s->n_columns;
        dm_buf_puts(out, i ? ",\n" : "\n");
        dm_buf_puts(out, "{\"type\":\"Feature\",\"geometry\":");
        json_cell(s, SHEET_JSON, &row[geometry], out);
        dm_buf_puts(out, ",\"properties\":");
        json_row(s, row, geometry, out);
        dm_buf_putc(out, '}');
    }
    dm_buf_puts(out, "\n]}\n");
    return dm_buf_ok(out, e);
}

int sheet_write(const struct sheet *s, enum sheet_format format, const struct sheet_options *o,
                struct dm_buf *out, struct dm_err *e)
{
    switch (format) {
    case SHEET_CSV:
        sheet_csv(s, o, out);
        return dm_buf_ok(out, e);
    case SHEET_AS_JSON:
        sheet_json(s, out);
        return dm_buf_ok(out, e);
    case SHEET_XLSX:
        return sheet_xlsx(s, out, e);
    case SHEET_GEOJSON:
        return sheet_geojson(s, out, e);
    case SHEET_PDF:
        return sheet_pdf(s, out, e);
    case SHEET_FORMAT_MAX_:
        break;
    }
    DM_FAIL(e, DM_EUSAGE, "there is no such format");
}

const char *sheet_file_name(const struct sheet *s, enum sheet_format format,
                            char ret[static SHEET_NAME_MAX])
{
    const struct dm_civil c = dm_zone_civil(s->zone, s->made_at_ms);
    (void)snprintf(ret, SHEET_NAME_MAX, "demeter_%.40s_%04d%02d%02d_%02d%02d%02d.%s", s->name,
                   c.year, c.month, c.day, c.hour, c.minute, c.second, sheet_format_names[format]);
    return ret;
}
