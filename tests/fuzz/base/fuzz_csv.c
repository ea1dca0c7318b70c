/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV: any bytes give rows of valid UTF-8 in ascending lines, or an error of a stated kind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/limits.h"
#include "base/text.h"

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_row(const struct dm_csv_row *row)
{
    bool something = false;
    must(row->n >= 1 && row->n <= LIMIT_CSV_COLUMNS);
    for (size_t i = 0; i < row->n; i++) {
        const size_t n = strlen(row->cell[i]);
        must(n <= LIMIT_CSV_CELL_BYTES && dm_text_valid(row->cell[i], n));
        must(n == 0 ||
             (!strchr(" \t\r\n", row->cell[i][0]) && !strchr(" \t\r\n", row->cell[i][n - 1])));
        something = something || n > 0;
    }
    must(something);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char separators[] = {0, ',', ';', '\t'};
    struct dm_arena a = {0};
    struct dm_err e = {0};
    struct dm_csv c;
    struct dm_csv_row row;
    size_t line = 0;
    int code = dm_csv_open(&c, (const char *)bytes, n, separators[n % 4], &a, &e);
    while (code >= 0 && (code = dm_csv_next(&c, &a, &row, &e)) > 0) {
        must(row.line > line);
        line = row.line;
        check_row(&row);
    }
    must(code == DM_OK || code == DM_EBADINPUT || code == DM_ELIMIT);
    must(code == DM_OK || e.code == code);
    dm_arena_clear(&a);
    return 0;
}
