/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths that clients of the older system were promised, for routes that have another name here
 * (api.md section 25). They are not in the document. Longer ones come first. */
#include "api/api.h"

// clang-format off
const struct http_alias api_aliases[] = {
    {"/api/v1/warehouses", "/api/v1/locations/warehouses"},
    {"/api/v1/storage-locations", "/api/v1/locations/locations"},
    {"/api/v1/uploads/images", "/api/v1/photos/upload"},
    {"/api/admin/packaging-catalog", "/api/v1/packaging/catalog"},
    {"/api/v1/config/packaging", "/api/v1/packaging/catalog"},
    {"/api/admin/price-list", "/api/v1/prices"},
    {"/api/v1/config/prices", "/api/v1/prices"},
    {"/api/v1/price-list", "/api/v1/prices"},
    {"/api/admin/product-categories", "/api/v1/products/categories"},
    {"/api/admin/product-families", "/api/v1/products/families"},
    {"/api/admin/products/hierarchy", "/api/v1/products/hierarchy"},
    {"/api/admin/products/", "/api/v1/products/by-id/"},
    {"/api/admin/products", "/api/v1/products"},
    {"/api/v1/config/density-parameters", "/api/v1/config/density-params"},
    {"/api/v1/analytics/inventory", "/api/v1/analytics/inventory-report"},
    /* every route for administrators is served below v1 as well */
    {"/api/v1/admin/", "/api/admin/"},
    {NULL, NULL},
};
// clang-format on
