/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of /api/v1/stock. Private to it and to the table of tables. */
#ifndef API_STOCK_H
#define API_STOCK_H

#include "http/http.h"

extern const struct http_schema StockView;
extern const struct http_route stock_routes[];
extern const struct http_route stock_write_routes[];

#endif
