/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of /api/v1/stock. Private to it and to the table of tables. */
#ifndef API_STOCK_H
#define API_STOCK_H

#include "http/http.h"

extern const struct http_schema OperationIn, OperationOut;
extern const struct http_schema StockView;

/* Do what an operation says (a body of OperationIn), tell who wants to know, and give its
 * OperationResult; new reference. uuid of the movement: NULL for a new one; the same again gives
 * what was done. */
DM_MUST_CHECK int stock_operate(struct http_request *r, const json_t *operation, const char *uuid,
                                json_t **ret, struct dm_err *e);

extern const struct http_route stock_routes[];
extern const struct http_route stock_write_routes[];

#endif
