/* SPDX-License-Identifier: Apache-2.0
 *
 * From the parameters of a request to the filters of a list and back: what a handler of a list, of
 * one row or of a table to download is made of. A filter takes the parameter of its own name, of
 * the query or of the path. */
#ifndef API_ROWS_H
#define API_ROWS_H

#include "http/http.h"
#include "inventory/list.h"
#include "inventory/sheet.h"

/* Filters that the request gives, in its arena. */
DM_MUST_CHECK int rows_filters(const struct http_request *r, const struct list *l,
                               struct list_ask *ret, struct dm_err *e);

/* 200 with the rows of a route with HTTP_OFFSET or HTTP_PAGED. */
DM_MUST_CHECK int rows_reply(struct http_request *r, const struct list *l, struct dm_err *e);

/* The same with rows that are there already. */
DM_MUST_CHECK int rows_send(struct http_request *r, json_t *rows, int64_t total, struct dm_err *e);

/* The one row whose filter name has the value of that parameter of the path: status 200. */
DM_MUST_CHECK int rows_reply_one(struct http_request *r, const struct list *l, const char *name,
                                 struct dm_err *e);

/* INV_NOT_FOUND unless the row exists. */
DM_MUST_CHECK int rows_need(const struct http_request *r, const struct list *l, const char *name,
                            struct dm_err *e);

/* 200 with the table as a file; the format is the end of the route's path or parameter
 * "export_format". name NULL: demeter_<report>_<time>.<ext>. */
DM_MUST_CHECK int rows_reply_sheet(struct http_request *r, const struct sheet *s, const char *name,
                                   struct dm_err *e);

/* The list as such a file: its filters from the request, at most LIST_SHEET_MAX rows. */
DM_MUST_CHECK int rows_reply_export(struct http_request *r, const struct list *l,
                                    const char *report, const char *name, struct dm_err *e);

#endif
