/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of places and of what is meant to stand in them (api.md section 4). */
#ifndef API_SCHEMAS_PLACES_H
#define API_SCHEMAS_PLACES_H

#include "http/schema.h"

#define API_WAREHOUSE_TYPES "greenhouse|shadehouse|open_field|tunnel"
#define API_POSITIONS       "N|S|E|W|C"
#define API_BIN_STATUS      "active|maintenance|retired"
#define API_BIN_CATEGORIES  "plug|seedling_tray|box|segment|pot"

extern const struct http_schema GeoPoint;
extern const struct http_schema GeoPolygon;
extern const struct http_schema Warehouse;
extern const struct http_schema StorageArea;
extern const struct http_schema StorageLocation;
extern const struct http_schema StorageBin;
extern const struct http_schema BinType;
extern const struct http_schema LocationConfig;

#endif
