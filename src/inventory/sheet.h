/* SPDX-License-Identifier: Apache-2.0
 *
 * A report as a table: named, typed columns, rows, totals over everything the filter lets through,
 * and what was asked for. All reports come out as one of these; all writers (CSV, Excel, JSON,
 * GeoJSON, PDF) take one. Rows live in the arena of the report; 100,000 rows of 15 columns are 36
 * MB. */
#ifndef INVENTORY_SHEET_H
#define INVENTORY_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/zone.h"

enum sheet_type {
    SHEET_INT,
    SHEET_REAL,    /* two decimals for people */
    SHEET_PERCENT, /* 12.5 is 12.5 % */
    SHEET_MONEY,   /* centavos in i */
    SHEET_BOOL,
    SHEET_TEXT,
    SHEET_DATE,    /* YYYY-MM-DD in t */
    SHEET_INSTANT, /* ms since 1970 in i, shown in the zone of the sheet */
    SHEET_JSON,    /* JSON text in t: a value in JSON, text elsewhere */
    SHEET_TYPE_MAX_
};

struct sheet_cell {
    bool null;
    union {
        int64_t i;
        double r;
        bool b;
        const char *t;
    };
};

struct sheet_column {
    const char *name;  /* snake_case: header of CSV, key of JSON */
    const char *title; /* for people, "" = made from the name */
    enum sheet_type type;
    bool money; /* left out for those who may not see prices */
};

struct sheet_pair {
    const char *name, *value;
};

struct sheet {
    const char *name; /* "stock": part of the file name */
    const char *title;
    const struct sheet_column *column; /* [n_columns] */
    size_t n_columns;
    struct sheet_cell *cell; /* [n_rows][n_columns] */
    size_t n_rows, capacity;
    struct sheet_cell *total;   /* [n_columns], null where there is none; NULL = no totals */
    struct sheet_pair *summary; /* [n_summary] figures over everything */
    size_t n_summary;
    struct sheet_pair *filter; /* [n_filter] what was asked for */
    size_t n_filter;
    int64_t made_at_ms;
    const char *made_by;  /* user, "" = nobody */
    const char *currency; /* "ARS" */
    const struct dm_zone *zone;
};

/* A row of nulls at the end, to be filled in; NULL when out of memory. */
struct sheet_cell *sheet_add(struct sheet *s, struct dm_arena *a);

/* Append to the summary or the filter. value is copied. */
DM_MUST_CHECK int sheet_summary(struct sheet *s, struct dm_arena *a, struct dm_err *e,
                                const char *name, const char *fmt, ...) DM_PRINTF(5, 6);
DM_MUST_CHECK int sheet_filter(struct sheet *s, struct dm_arena *a, struct dm_err *e,
                               const char *name, const char *fmt, ...) DM_PRINTF(5, 6);

static inline struct sheet_cell sheet_i(int64_t v)
{
    return (struct sheet_cell){.i = v};
}
static inline struct sheet_cell sheet_r(double v)
{
    return (struct sheet_cell){.r = v};
}
static inline struct sheet_cell sheet_b(bool v)
{
    return (struct sheet_cell){.b = v};
}
/* NULL is a null. Borrowed. */
static inline struct sheet_cell sheet_t(const char *v)
{
    return (struct sheet_cell){.null = !v, .t = v};
}
static inline struct sheet_cell sheet_null(void)
{
    return (struct sheet_cell){.null = true};
}

/* Index of a column; -1 when there is none. */
int sheet_find(const struct sheet *s, const char *name);

/* Remove the columns that show money (domain.md section 3: workers see counts only). */
DM_MUST_CHECK int sheet_hide_money(struct sheet *s, struct dm_arena *a, struct dm_err *e);

/* ---- writers ------------------------------------------------------------------------------ */

enum sheet_format {
    SHEET_CSV,
    SHEET_XLSX,
    SHEET_AS_JSON,
    SHEET_GEOJSON,
    SHEET_PDF,
    SHEET_FORMAT_MAX_
};
extern const char
    *const sheet_format_names[]; /* "csv", "xlsx", "json", "geojson", "pdf"; NULL-ended */
extern const char *const sheet_media_types[]; /* in the same order */

struct sheet_options {
    char separator;     /* CSV: ',' or ';'; 0 = ',' */
    bool bom, metadata; /* CSV: byte order mark; '#' lines on top */
};

/* UTF-8, RFC 4180, CRLF, header first. Text that a spreadsheet would take for a formula (first
 * character = + - @, tab or CR) gets an apostrophe in front; numbers stay numbers (domain.md 14.3,
 * api.md 20.1). Money is written in whole currency with two decimals. */
void sheet_csv(const struct sheet *s, const struct sheet_options *o, struct dm_buf *out);

/* One object: report, filters, generated_at, columns, rows (an array of objects), totals, summary.
 * Money in centavos, instants in UTC. */
void sheet_json(const struct sheet *s, struct dm_buf *out);

/* A FeatureCollection: the column "geojson" is the geometry, all others are properties.
 * DM_EUSAGE: the report has no such column. */
DM_MUST_CHECK int sheet_geojson(const struct sheet *s, struct dm_buf *out, struct dm_err *e);

/* A workbook with the sheets Summary, Data (frozen header, filter, totals) and Metadata.
 * DM_ELIMIT: more than 1,048,000 rows; DM_EIO; DM_ENOMEM. */
DM_MUST_CHECK int sheet_xlsx(const struct sheet *s, struct dm_buf *out, struct dm_err *e);

/* Pages of A4 with the table. DM_ELIMIT {max_rows}: more than 50,000 rows; DM_ENOMEM. */
DM_MUST_CHECK int sheet_pdf(const struct sheet *s, struct dm_buf *out, struct dm_err *e);

/* Any of them. */
DM_MUST_CHECK int sheet_write(const struct sheet *s, enum sheet_format format,
                              const struct sheet_options *o, struct dm_buf *out, struct dm_err *e);

#define SHEET_NAME_MAX 96
/* "demeter_stock_20260131_093000.csv", in the time of the zone. Returns ret. */
const char *sheet_file_name(const struct sheet *s, enum sheet_format format,
                            char ret[static SHEET_NAME_MAX]);

#endif
