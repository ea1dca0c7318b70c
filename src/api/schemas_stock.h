/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of the ledger that several resources show (api.md section 4). */
#ifndef API_SCHEMAS_STOCK_H
#define API_SCHEMAS_STOCK_H

#include "http/schema.h"

#define API_MOVEMENT_TYPES "plantar|sembrar|transplante|muerte|ventas|foto|ajuste|manual_init"
/* what requests may say besides */
#define API_MOVEMENT_TYPES_IN API_MOVEMENT_TYPES "|plantado|trasplante|venta"

extern const struct http_schema StockBatch;
extern const struct http_schema StockMovement;
extern const struct http_schema BulkResult; /* per item: api.md section 8 */

#endif
