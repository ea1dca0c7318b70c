/* SPDX-License-Identifier: Apache-2.0
 *
 * /api/v1/products: categories, families, products, sizes, states (api.md 5.4, 12). */
#include <stdlib.h>
#include <string.h>

#include "api/resource.h"
#include "api/rows.h"
#include "inventory/json.h"

enum { ATTRIBUTES_MAX = 16 << 10 }; /* bytes of custom_attributes */

/* ---- shapes ---------------------------------------------------------------------------------- */

#define TIMES                                                                                      \
    {"created_at", HTTP_INSTANT},                                                                  \
    {                                                                                              \
        "updated_at", HTTP_INSTANT, HTTP_NULL                                                      \
    }
#define MORE                                                                                       \
    {"description", HTTP_STR, HTTP_NULL},                                                          \
    {                                                                                              \
        "sort_order", HTTP_INT, .example = "99"                                                    \
    }

static const struct http_field category_fields[] = {
    {"id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"CACTUS\""},
    {"name", HTTP_STR, .example = "\"Cactus\""},
    {"description", HTTP_STR, HTTP_NULL},
    TIMES,
    {NULL},
};
static const struct http_schema ProductCategory = {"ProductCategory", category_fields};
static const struct http_field category_count_fields[] = {
    {"family_count", HTTP_INT, .example = "12"},
    {"product_count", HTTP_INT, .example = "90"},
    {NULL},
};
static const struct http_schema CategoryCounts = {"ProductCategoryCounts", category_count_fields,
                                                  &ProductCategory, 0};

static const struct http_field family_fields[] = {
    {"family_id", HTTP_INT, .example = "1"},
    {"category_id", HTTP_INT, .example = "1"},
    {"name", HTTP_STR, .example = "\"Mammillaria\""},
    {"scientific_name", HTTP_STR, HTTP_NULL, .example = "\"Mammillaria\""},
    {"description", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema ProductFamily = {"ProductFamily", family_fields};

static const struct http_field product_fields[] = {
    {"product_id", HTTP_INT, .example = "1"},
    {"family_id", HTTP_INT, .example = "1"},
    {"sku", HTTP_STR, .example = "\"MAMMILLARIA-001\""},
    {"common_name", HTTP_STR, .example = "\"Mammillaria bocasana\""},
    {"scientific_name", HTTP_STR, HTTP_NULL},
    {"description", HTTP_STR, HTTP_NULL},
    {"custom_attributes", HTTP_OBJ, .example = "{\"watering_frequency\": \"weekly\"}"},
    {NULL},
};
static const struct http_schema Product = {"Product", product_fields};

static const struct http_field size_fields[] = {
    {"product_size_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"M\""},
    {"name", HTTP_STR, .example = "\"Medium\""},
    {"min_height_cm", HTTP_NUM, HTTP_NULL, .example = "10"},
    {"max_height_cm", HTTP_NUM, HTTP_NULL, .example = "20"},
    TIMES,
    MORE,
    {NULL},
};
static const struct http_schema ProductSize = {"ProductSize", size_fields};

static const struct http_field state_fields[] = {
    {"product_state_id", HTTP_INT, .example = "1"},
    {"code", HTTP_STR, .example = "\"ADULT\""},
    {"name", HTTP_STR, .example = "\"Adult\""},
    {"is_sellable", HTTP_BOOL},
    TIMES,
    MORE,
    {NULL},
};
static const struct http_schema ProductState = {"ProductState", state_fields};

static const struct http_field branch_fields[] = {
    {"family", HTTP_OBJ, .of = &ProductFamily},
    {"products", HTTP_OBJ, HTTP_LIST, .of = &Product},
    {NULL},
};
static const struct http_schema FamilyBranch = {NULL, branch_fields};
static const struct http_field trunk_fields[] = {
    {"category", HTTP_OBJ, .of = &ProductCategory},
    {"families", HTTP_OBJ, HTTP_LIST, .of = &FamilyBranch},
    {NULL},
};
static const struct http_schema CategoryBranch = {NULL, trunk_fields};
static const struct http_field tree_fields[] = {
    {"hierarchy", HTTP_OBJ, HTTP_LIST, .of = &CategoryBranch},
    {NULL},
};
static const struct http_schema ProductHierarchy = {"ProductHierarchy", tree_fields};

/* ---- bodies ---------------------------------------------------------------------------------- */

#define NAME(need, most)                                                                           \
    {                                                                                              \
        "name", HTTP_STR, (need) | HTTP_TRIM, .min = 1, .max = (most)                              \
    }
#define LONG(field)                                                                                \
    {                                                                                              \
        (field), HTTP_STR, HTTP_NULL, .max = 10000                                                 \
    }
#define TEXT(field, most)                                                                          \
    {                                                                                              \
        (field), HTTP_STR, HTTP_NULL, .max = (most)                                                \
    }
#define CODE(least)                                                                                \
    {                                                                                              \
        "code", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = (least), .max = 50,                        \
                                                 .pattern = "[A-Z0-9_]+"                           \
    }
#define PARENT(field)                                                                              \
    {                                                                                              \
        (field), HTTP_INT, HTTP_REQ, .min = 1, .max = INT32_MAX                                    \
    }
#define SORT                                                                                       \
    {                                                                                              \
        "sort_order", HTTP_INT, .min = 0, .max = 1e6                                               \
    }
#define HEIGHT(field)                                                                              \
    {                                                                                              \
        (field), HTTP_NUM, HTTP_NULL, .min = 0, .max = 1e5                                         \
    }

#define FAMILY_FIELDS(need) NAME(need, 200), TEXT("scientific_name", 200), LONG("description")
#define PRODUCT_FIELDS(need)                                                                       \
    {"common_name", HTTP_STR, (need) | HTTP_TRIM, .min = 1, .max = 200},                           \
        TEXT("scientific_name", 200), LONG("description"),                                         \
    {                                                                                              \
        "custom_attributes", HTTP_OBJ                                                              \
    }
#define SIZE_FIELDS(need)                                                                          \
    NAME(need, 200), LONG("description"), HEIGHT("min_height_cm"), HEIGHT("max_height_cm"), SORT
#define STATE_FIELDS(need) NAME(need, 200), LONG("description"), {"is_sellable", HTTP_BOOL}, SORT

// clang-format off
static const struct http_field category_new[] = {CODE(3), NAME(HTTP_REQ, 200), LONG("description"), {NULL}};
static const struct http_field category_edit[] = {NAME(0, 200), LONG("description"), {NULL}};
static const struct http_field family_new[] = {PARENT("category_id"), FAMILY_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field family_edit[] = {FAMILY_FIELDS(0), {NULL}};
static const struct http_field product_new[] = {PARENT("family_id"), PRODUCT_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field product_edit[] = {PRODUCT_FIELDS(0), {NULL}};
static const struct http_field size_new[] = {CODE(1), SIZE_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field size_edit[] = {SIZE_FIELDS(0), {NULL}};
static const struct http_field state_new[] = {CODE(3), STATE_FIELDS(HTTP_REQ), {NULL}};
static const struct http_field state_edit[] = {STATE_FIELDS(0), {NULL}};
// clang-format on
static const struct http_schema CategoryNew = {"ProductCategoryNew", category_new};
static const struct http_schema CategoryEdit = {"ProductCategoryEdit", category_edit};
static const struct http_schema FamilyNew = {"ProductFamilyNew", family_new};
static const struct http_schema FamilyEdit = {"ProductFamilyEdit", family_edit};
static const struct http_schema ProductNew = {"ProductNew", product_new};
static const struct http_schema ProductEdit = {"ProductEdit", product_edit};
static const struct http_schema SizeNew = {"ProductSizeNew", size_new};
static const struct http_schema SizeEdit = {"ProductSizeEdit", size_edit};
static const struct http_schema StateNew = {"ProductStateNew", state_new};
static const struct http_schema StateEdit = {"ProductStateEdit", state_edit};

/* ---- resources ------------------------------------------------------------------------------- */

static const struct resource categories = {
    .noun = "category",
    .path = "/api/v1/products/categories",
    .list = &list_categories,
    .kind = MASTER_CATEGORY,
};
static const struct resource category_counts = {
    .noun = "category",
    .list = &list_categories,
    .one = &list_category_counts,
    .kind = MASTER_CATEGORY,
};
static const struct resource_name family_name[] = {{"category_id", "product_category_id"},
                                                   {NULL, NULL}};
static const struct resource_link of_category[] = {{"category_id", &categories, NULL},
                                                   {NULL, NULL, NULL}};
static const struct resource families = {
    .noun = "family",
    .path = "/api/v1/products/families",
    .list = &list_families,
    .kind = MASTER_FAMILY,
    .name = family_name,
    .link = of_category,
};
static const struct resource_name product_name[] = {{"family_id", "product_family_id"},
                                                    {NULL, NULL}};
static const struct resource_link of_family[] = {
    {"category_id", &categories, NULL}, {"family_id", &families, NULL}, {NULL, NULL, NULL}};
static const struct resource products = {
    .noun = "product",
    .path = "/api/v1/products/by-id",
    .list = &list_products,
    .kind = MASTER_PRODUCT,
    .name = product_name,
    .link = of_family,
};
static const struct resource sizes = {
    .noun = "size",
    .path = "/api/v1/products/sizes",
    .list = &list_sizes,
    .kind = MASTER_SIZE,
};
static const struct resource states = {
    .noun = "state",
    .path = "/api/v1/products/states",
    .list = &list_states,
    .kind = MASTER_STATE,
};

/* ---- handlers -------------------------------------------------------------------------------- */

static int small_attributes(const struct http_request *r, struct dm_err *e)
{
    const json_t *attributes = json_object_get(r->body, "custom_attributes");
    if (attributes && json_dumpb(attributes, NULL, 0, JSON_COMPACT) > ATTRIBUTES_MAX) {
        DM_REFUSE(e, INV_VALIDATION,
                  DM_FIELDS(DM_S("field", "custom_attributes"), DM_I("max_bytes", ATTRIBUTES_MAX)),
                  "custom_attributes: at most %d bytes", ATTRIBUTES_MAX);
    }
    return DM_OK;
}

static int create_product(struct http_request *r, struct dm_err *e)
{
    DM_TRY(small_attributes(r, e));
    return resource_create(r, e);
}

static int change_product(struct http_request *r, struct dm_err *e)
{
    DM_TRY(small_attributes(r, e));
    return resource_change(r, e);
}

/* A code; one to five digits are an id. */
static int get_product(struct http_request *r, struct dm_err *e)
{
    const char *sku = http_str(r->path, "sku");
    const size_t n = strlen(sku);
    json_t *row;
    if (n <= 5 && strspn(sku, "0123456789") == n) {
        DM_TRY(resource_read(r, &products, strtol(sku, NULL, 10), &row, e));
        return http_reply_json(r, 200, row, e);
    }
    const int code = list_one(api_ctx(r), &list_products, "sku", store_t(sku), &row, e);
    if (code == INV_NOT_FOUND) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "product"), DM_S("identifier", sku)),
                  "there is no product '%s'", sku);
    }
    DM_TRY(code);
    return http_reply_json(r, 200, row, e);
}

static int list_products_in_state(struct http_request *r, struct dm_err *e)
{
    const struct http_slice slice = http_slice(r);
    const struct store_value code = store_t(http_str(r->path, "code"));
    const struct list_value in_state = {"state_code", code};
    const struct list_ask ask = {&in_state, 1, slice.skip, slice.limit, NULL};
    json_t *row = NULL;
    json_t *rows;
    int64_t total;
    DM_TRY(list_one(api_ctx(r), &list_states, "code", code, &row, e));
    json_decref(row);
    DM_TRY(list_rows(api_ctx(r), &list_products, &ask, &rows, &total, e));
    return http_reply_list(r, rows, total, e);
}

/* Puts {own: row, below: []} for each row into the array `below` of the parent whose row has the
 * same id, or into top; the rows are few hundreds. */
struct level {
    const char *own, *below;
    const char *id, *parent_id; /* members; parent_id NULL: top level */
};

static int attach(json_t *top, const struct level *up, const struct level *l, const json_t *rows,
                  json_t *flat, struct dm_err *e)
{
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        json_t *to = top;
        for (size_t k = 0; up && k < json_array_size(top); k++) {
            json_t *node = json_array_get(top, k);
            if (inv_json_int(json_object_get(node, up->own), up->id) ==
                inv_json_int(row, l->parent_id)) {
                to = json_object_get(node, up->below);
            }
        }
        json_t *node = l->below ? json_pack("{s:O, s:[]}", l->own, row, l->below)
                                : json_incref((json_t *)(uintptr_t)row);
        if (!node || json_array_append(to, node) || (flat && json_array_append(flat, node))) {
            json_decref(node);
            DM_FAIL(e, DM_ENOMEM, "no memory for the catalogue");
        }
        json_decref(node);
    }
    return DM_OK;
}

static int get_hierarchy(struct http_request *r, struct dm_err *e)
{
    static const struct level category = {"category", "families", "id", NULL};
    static const struct level family = {"family", "products", "family_id", "category_id"};
    static const struct level product = {NULL, NULL, NULL, "family_id"};
    static const struct list_ask all = {0};
    json_t *tree = NULL;
    const struct inv_ctx *c = api_ctx(r);
    DM_CLEANUP(inv_json_freep) json_t *top = json_array();
    DM_CLEANUP(inv_json_freep) json_t *branches = json_array();
    DM_CLEANUP(inv_json_freep) json_t *groups = NULL;
    DM_CLEANUP(inv_json_freep) json_t *kinds = NULL;
    DM_CLEANUP(inv_json_freep) json_t *plants = NULL;
    DM_TRY(list_rows(c, &list_categories, &all, &groups, NULL, e));
    DM_TRY(list_rows(c, &list_families, &all, &kinds, NULL, e));
    DM_TRY(list_rows(c, &list_products, &all, &plants, NULL, e));
    DM_TRY(attach(top, NULL, &category, groups, NULL, e));
    DM_TRY(attach(top, &category, &family, kinds, branches, e));
    DM_TRY(attach(branches, &family, &product, plants, NULL, e));
    DM_TRY(api_json(json_pack("{s:O}", "hierarchy", top), &tree, e));
    return http_reply_json(r, 200, tree, e);
}

/* ---- routes ---------------------------------------------------------------------------------- */

static const struct http_field family_query[] = {RESOURCE_ID("category_id"), {NULL}};
static const struct http_field product_query[] = {
    RESOURCE_ID("category_id"), RESOURCE_ID("family_id"), RESOURCE_Q, {NULL}};
static const struct http_field sku_path[] = {
    {"sku", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = 1, .max = 20, .pattern = "[A-Z0-9-]+",
     .about = "code, or an id of one to five digits", .example = "\"MAMMILLARIA-001\""},
    {NULL},
};
static const struct http_field state_path[] = {
    {"code", HTTP_STR, HTTP_REQ | HTTP_UPPER, .min = 1, .max = 50, .pattern = "[A-Z0-9_]+",
     .example = "\"ADULT\""},
    {NULL},
};

// clang-format off
const struct http_route product_routes[] = {
    {HTTP_GET, "/api/v1/products/categories", "list_categories", "products", "List categories", .role = API_VIEWER,
     .flags = HTTP_OFFSET, .answer = {{200, &ProductCategory, true}}, .handle = resource_list, .own = &categories},
    {HTTP_POST, "/api/v1/products/categories", "create_category", "products", "Create a category", .role = API_ADMIN,
     .flags = HTTP_IDEMPOTENT, .body = &CategoryNew, .answer = {{201, &ProductCategory}}, .errors = "400 409",
     .handle = resource_create, .own = &categories},
    {HTTP_GET, "/api/v1/products/categories/{id}", "get_category", "products", "One category and how much it holds",
     .role = API_VIEWER, .flags = HTTP_ETAG, .answer = {{200, &CategoryCounts}}, .errors = "404",
     .handle = resource_get, .own = &category_counts},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/products/categories/{id}", "update_category", "products", "Change a category",
     .role = API_ADMIN, .flags = HTTP_IF_MATCH, .body = &CategoryEdit, .answer = {{200, &CategoryCounts}},
     .errors = "400 404 412", .handle = resource_change, .own = &category_counts},
    {HTTP_DELETE, "/api/v1/products/categories/{id}", "delete_category", "products", "Remove a category",
     .role = API_ADMIN, .flags = HTTP_IF_MATCH, .answer = {{200, &DeleteResult}}, .errors = "404 409",
     .handle = resource_delete, .own = &categories},
    {HTTP_GET, "/api/v1/products/categories/{category_id}/families", "list_category_families", "products",
     "Families of a category", .role = API_VIEWER, .flags = HTTP_OFFSET, .answer = {{200, &ProductFamily, true}},
     .errors = "404", .handle = resource_list, .own = &families},

    RESOURCE_ROUTES("/api/v1/products/families", "family", "families", "products", API_ADMIN, families, ProductFamily,
                    FamilyNew, FamilyEdit, family_query, "404", "400 404 409", "400 404 409 412", "404 409"),
    {HTTP_GET, "/api/v1/products/families/{family_id}/products", "list_family_products", "products",
     "Products of a family", .role = API_VIEWER, .flags = HTTP_OFFSET, .answer = {{200, &Product, true}},
     .errors = "404", .handle = resource_list, .own = &products},

    {HTTP_GET, "/api/v1/products", "list_products", "products", "List products", .role = API_VIEWER,
     .flags = HTTP_OFFSET | HTTP_KEPT, .query = product_query, .answer = {{200, &Product, true}}, .errors = "404",
     .handle = resource_list, .own = &products},
    {HTTP_POST, "/api/v1/products", "create_product", "products", "Create a product; its code is made from its family",
     .role = API_ADMIN, .flags = HTTP_IDEMPOTENT, .body = &ProductNew, .answer = {{201, &Product}},
     .errors = "400 404", .handle = create_product, .own = &products},
    {HTTP_GET, "/api/v1/products/hierarchy", "get_product_hierarchy", "products", "Categories, families, products",
     .role = API_VIEWER, .flags = HTTP_ETAG | HTTP_KEPT, .answer = {{200, &ProductHierarchy}}, .handle = get_hierarchy},
    {HTTP_GET, "/api/v1/products/{sku}", "get_product_by_sku", "products", "One product by its code",
     .role = API_VIEWER, .flags = HTTP_ETAG, .params = sku_path, .answer = {{200, &Product}}, .errors = "404",
     .handle = get_product},
    {HTTP_GET, "/api/v1/products/by-id/{id}", "get_product", "products", "One product", .role = API_VIEWER,
     .flags = HTTP_ETAG, .answer = {{200, &Product}}, .errors = "404", .handle = resource_get, .own = &products},
    {HTTP_PATCH | HTTP_PUT, "/api/v1/products/by-id/{id}", "update_product", "products", "Change a product",
     .role = API_ADMIN, .flags = HTTP_IF_MATCH, .body = &ProductEdit, .answer = {{200, &Product}},
     .errors = "400 404 412", .handle = change_product, .own = &products},
    {HTTP_DELETE, "/api/v1/products/by-id/{id}", "delete_product", "products", "Remove a product", .role = API_ADMIN,
     .flags = HTTP_IF_MATCH, .answer = {{200, &DeleteResult}}, .errors = "404 409", .handle = resource_delete,
     .own = &products},

    RESOURCE_ROUTES("/api/v1/products/sizes", "size", "sizes", "products", API_ADMIN, sizes, ProductSize, SizeNew,
                    SizeEdit, NULL, NULL, "400 409", "400 404 412", "404 409"),
    RESOURCE_ROUTES("/api/v1/products/states", "state", "states", "products", API_ADMIN, states, ProductState,
                    StateNew, StateEdit, NULL, NULL, "400 409", "400 404 412", "404 409"),
    {HTTP_GET, "/api/v1/products/states/{code}/products", "list_state_products", "products",
     "Products with plants in this state", .role = API_VIEWER, .flags = HTTP_OFFSET, .params = state_path,
     .answer = {{200, &Product, true}}, .errors = "404", .handle = list_products_in_state},
    {0},
};
// clang-format on
