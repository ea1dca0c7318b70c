/* SPDX-License-Identifier: Apache-2.0
 *
 * Excel workbooks by libxlsxwriter, in constant-memory mode: rows go to a temporary file as they
 * come, so that 100,000 of them need no more memory than one. That mode wants rows in order and
 * has no look back, hence widths before data. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "inventory/sheet_priv.h"

enum { ROWS_MAX = 1048000 }; /* the format ends at 2^20 */

struct book {
    lxw_workbook *wb;
    lxw_format *bold, *format[SHEET_TYPE_MAX_];
};

static lxw_datetime instant_of(const struct sheet *s, int64_t at_ms)
{
    const struct dm_civil c = dm_zone_civil(s->zone, at_ms);
    return (lxw_datetime){.year = c.year,
                          .month = c.month,
                          .day = c.day,
                          .hour = c.hour,
                          .min = c.minute,
                          .sec = c.second + c.millisecond / 1000.0};
}

/* Strings are written as strings, never as formulas; the apostrophe keeps them harmless when the
 * sheet is saved as CSV later (api.md 20.1). */
static lxw_error text_cell(lxw_worksheet *ws, lxw_row_t row, lxw_col_t col, const char *t,
                           lxw_format *f)
{
    enum { CELL_MAX = 32767 }; /* characters Excel takes */
    char guarded[CELL_MAX + 1];
    const bool risky = t[0] && strchr("=+-@\t\r", t[0]) != NULL;
    (void)snprintf(guarded, sizeof(guarded), "%s%s", risky ? "'" : "", t);
    return worksheet_write_string(ws, row, col, guarded, f);
}

static lxw_error data_cell(const struct sheet *s, const struct book *b, lxw_worksheet *ws,
                           lxw_row_t row, lxw_col_t col, const struct sheet_cell *c)
{
    const enum sheet_type type = s->column[col].type;
    lxw_format *f = b->format[type];
    char text[SHEET_TEXT_MAX];
    struct dm_civil day;
    if (c->null) {
        return LXW_NO_ERROR;
    }
    if (type == SHEET_MONEY) {
        return worksheet_write_number(ws, row, col, (double)c->i / 100.0, f);
    }
    if (type == SHEET_PERCENT) {
        return worksheet_write_number(ws, row, col, c->r / 100.0, f);
    }
    if (type == SHEET_INT || type == SHEET_REAL) {
        return worksheet_write_number(ws, row, col, type == SHEET_INT ? (double)c->i : c->r, f);
    }
    if (type == SHEET_BOOL) {
        return worksheet_write_boolean(ws, row, col, c->b, f);
    }
    if (type == SHEET_INSTANT) {
        lxw_datetime at = instant_of(s, c->i);
        return worksheet_write_datetime(ws, row, col, &at, f);
    }
    if (type == SHEET_DATE && dm_date_parse(c->t, &day)) {
        lxw_datetime at = {.year = day.year, .month = day.month, .day = day.day};
        return worksheet_write_datetime(ws, row, col, &at, f);
    }
    return text_cell(ws, row, col, sheet_cell_text(s, type, c, text), f);
}

static lxw_error pairs(const struct book *b, lxw_worksheet *ws, lxw_row_t *row,
                       const struct sheet_pair *p, size_t n)
{
    for (size_t i = 0; i < n; i++, (*row)++) {
        lxw_error failed = text_cell(ws, *row, 0, p[i].name, b->bold);
        failed = failed ? failed : text_cell(ws, *row, 1, p[i].value, NULL);
        if (failed) {
            return failed;
        }
    }
    return LXW_NO_ERROR;
}

static lxw_error summary_sheet(const struct sheet *s, const struct book *b)
{
    lxw_worksheet *ws = workbook_add_worksheet(b->wb, "Summary");
    lxw_row_t row = 2;
    if (!ws) {
        return LXW_ERROR_MEMORY_MALLOC_FAILED;
    }
    (void)worksheet_set_column(ws, 0, 1, 32, NULL);
    lxw_error failed = text_cell(ws, 0, 0, s->title, b->bold);
    failed = failed ? failed : pairs(b, ws, &row, s->summary, s->n_summary);
    for (size_t k = 0; !failed && s->total && k < s->n_columns; k++) {
        char title[SHEET_TITLE_MAX];
        char text[SHEET_TEXT_MAX];
        if (!s->total[k].null) {
            failed = text_cell(ws, row, 0, sheet_title_of(&s->column[k], title), b->bold);
            const char *t = sheet_cell_text(s, s->column[k].type, &s->total[k], text);
            failed = failed ? failed : worksheet_write_string(ws, row++, 1, t, NULL);
        }
    }
    return failed;
}

static lxw_error data_sheet(const struct sheet *s, const struct book *b)
{
    lxw_worksheet *ws = workbook_add_worksheet(b->wb, "Data");
    lxw_error failed = ws ? LXW_NO_ERROR : LXW_ERROR_MEMORY_MALLOC_FAILED;
    const lxw_col_t last = (lxw_col_t)(s->n_columns ? s->n_columns - 1 : 0);
    for (size_t k = 0; !failed && k < s->n_columns; k++) {
        const bool wide = s->column[k].type == SHEET_TEXT || s->column[k].type == SHEET_INSTANT;
        failed = worksheet_set_column(ws, (lxw_col_t)k, (lxw_col_t)k, wide ? 22 : 14, NULL);
    }
    if (!failed) {
        worksheet_freeze_panes(ws, 1, 0);
        failed = worksheet_autofilter(ws, 0, 0, (lxw_row_t)s->n_rows, last);
    }
    for (size_t k = 0; !failed && k < s->n_columns; k++) {
        char title[SHEET_TITLE_MAX];
        failed = text_cell(ws, 0, (lxw_col_t)k, sheet_title_of(&s->column[k], title), b->bold);
    }
    const size_t rows = s->n_rows + (s->total ? 1 : 0);
    for (size_t i = 0; !failed && i < rows; i++) {
        const struct sheet_cell *row = i < s->n_rows ? s->cell + i * s->n_columns : s->total;
        for (size_t k = 0; !failed && k < s->n_columns; k++) {
            failed = data_cell(s, b, ws, (lxw_row_t)(i + 1), (lxw_col_t)k, &row[k]);
        }
    }
    return failed;
}

static lxw_error metadata_sheet(const struct sheet *s, const struct book *b)
{
    lxw_worksheet *ws = workbook_add_worksheet(b->wb, "Metadata");
    char made[SHEET_TEXT_MAX];
    char rows[SHEET_TEXT_MAX];
    lxw_row_t row = 0;
    if (!ws) {
        return LXW_ERROR_MEMORY_MALLOC_FAILED;
    }
    sheet_instant_text(s, s->made_at_ms, made);
    (void)snprintf(rows, sizeof(rows), "%zu", s->n_rows);
    const struct sheet_pair own[] = {{"report", s->name},
                                     {"generated_at", made},
                                     {"generated_by", s->made_by ? s->made_by : ""},
                                     {"data_as_of", made},
                                     {"rows", rows},
                                     {"currency", s->currency ? s->currency : ""}};
    (void)worksheet_set_column(ws, 0, 1, 32, NULL);
    const lxw_error failed = pairs(b, ws, &row, own, DM_COUNT(own));
    return failed ? failed : pairs(b, ws, &row, s->filter, s->n_filter);
}

static void formats(struct book *b)
{
    static const char *const number_format[SHEET_TYPE_MAX_] = {
        [SHEET_INT] = "#,##0",       [SHEET_REAL] = "#,##0.00",
        [SHEET_PERCENT] = "0.0%",    [SHEET_MONEY] = "#,##0.00",
        [SHEET_DATE] = "yyyy-mm-dd", [SHEET_INSTANT] = "yyyy-mm-dd hh:mm:ss",
    };
    b->bold = workbook_add_format(b->wb);
    if (b->bold) {
        format_set_bold(b->bold);
    }
    for (int t = 0; t < SHEET_TYPE_MAX_; t++) {
        b->format[t] = number_format[t] ? workbook_add_format(b->wb) : NULL;
        if (b->format[t]) {
            format_set_num_format(b->format[t], number_format[t]);
        }
    }
}

static int write_file(const struct sheet *s, const char *path, struct dm_err *e)
{
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    struct book b = {.wb = workbook_new_opt(path, &options)};
    if (!b.wb) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a workbook");
    }
    formats(&b);
    lxw_error failed = summary_sheet(s, &b);
    failed = failed ? failed : data_sheet(s, &b);
    failed = failed ? failed : metadata_sheet(s, &b);
    const lxw_error closed = workbook_close(b.wb);
    failed = failed ? failed : closed;
    if (failed) {
        DM_FAIL(e, failed == LXW_ERROR_MEMORY_MALLOC_FAILED ? DM_ENOMEM : DM_EIO,
                "the workbook cannot be written: %s", lxw_strerror(failed));
    }
    return DM_OK;
}

int sheet_xlsx(const struct sheet *s, struct dm_buf *out, struct dm_err *e)
{
    char path[] = "/tmp/demeter-xlsx-XXXXXX";
    if (s->n_rows > ROWS_MAX) {
        DM_FAIL(e, DM_ELIMIT, "Excel holds at most %d rows", ROWS_MAX);
    }
    const int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        DM_FAIL(e, DM_EIO, "no temporary file: %s", strerror(errno));
    }
    (void)close(fd);
    int code = write_file(s, path, e);
    if (code >= 0) {
        code = dm_buf_read_file(out, path, e);
    }
    (void)unlink(path);
    return code;
}
