/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the writers of reports. */
#ifndef INVENTORY_SHEET_PRIV_H
#define INVENTORY_SHEET_PRIV_H

#include "inventory/sheet.h"

enum { SHEET_TEXT_MAX = 64, SHEET_TITLE_MAX = 64 };

/* Heading for people; ret is used when it has to be made. */
const char *sheet_title_of(const struct sheet_column *c, char ret[static SHEET_TITLE_MAX]);

/* The cell as text, "" for a null; ret is used when it has to be made. */
const char *sheet_cell_text(const struct sheet *s, enum sheet_type type, const struct sheet_cell *c,
                            char ret[static SHEET_TEXT_MAX]);

/* "2026-01-31T09:30:00-03:00" */
void sheet_instant_text(const struct sheet *s, int64_t at_ms, char ret[static SHEET_TEXT_MAX]);

bool sheet_is_number(enum sheet_type type);

/* A JSON string with its quotes. */
void sheet_json_text(struct dm_buf *out, const char *t);

#endif
