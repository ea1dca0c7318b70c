/* SPDX-License-Identifier: Apache-2.0
 *
 * Sample pictures of products (api.md 12). */
#include <string.h>

#include "api/photos.h"
#include "api/resource.h"
#include "api/rows.h"
#include "inventory/master.h"

#define BASE  "/api/v1/products/by-id/{product_id}/samples"
#define ID    .min = 1, .max = INT32_MAX
#define TYPES "reference|growth_stage|quality_check|monthly_sample"

static const struct http_field sample_form[] = {
    {"file", HTTP_FILE, HTTP_REQ},
    {"sample_type", HTTP_STR, HTTP_REQ, .one_of = TYPES},
    {"product_state_id", HTTP_INT, HTTP_NULL, ID},
    {"product_size_id", HTTP_INT, HTTP_NULL, ID},
    {"storage_location_id", HTTP_INT, HTTP_NULL, ID},
    {"capture_date", HTTP_DATE, HTTP_NULL, .about = "today without"},
    {"notes", HTTP_STR, HTTP_NULL, .min = 0, .max = 2000},
    {"is_primary", HTTP_BOOL, .fallback = "false", .about = "instead of the one that is now"},
    {"display_order", HTTP_INT, .min = 0, .max = 100000, .fallback = "0"},
    {NULL},
};
static const struct http_field sample_out[] = {
    {"id", HTTP_INT},
    {"product_id", HTTP_INT},
    {"image_id", HTTP_UUID},
    {"url", HTTP_STR, HTTP_NULL},
    {"thumbnail_url", HTTP_STR, HTTP_NULL},
    {"sample_type", HTTP_STR, .one_of = TYPES},
    {"capture_date", HTTP_DATE},
    {"is_primary", HTTP_BOOL},
    {"display_order", HTTP_INT},
    {"notes", HTTP_STR, HTTP_NULL},
    {NULL},
};
static const struct http_schema Sample = {"Sample", sample_out};

static const char *const urls[] = {"url", "thumbnail_url", NULL};

static int get_samples(struct http_request *r, struct dm_err *e)
{
    const int64_t product = http_int(r->path, "product_id", 0);
    const struct list_value value = {"product_id", store_i(product)};
    const struct http_slice slice = http_slice(r);
    const struct list_ask ask = {
        .value = &value, .n_value = 1, .skip = slice.skip, .limit = slice.limit};
    json_t *row = NULL;
    json_t *rows = NULL;
    int64_t total;
    DM_TRY(list_one(api_ctx(r), &list_products, "id", store_i(product), &row, e));
    json_decref(row);
    DM_TRY(list_rows(api_ctx(r), &list_samples, &ask, &rows, &total, e));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const int made = photos_urls(r, json_array_get(rows, i), urls, e);
        if (made < 0) {
            json_decref(rows);
            return made;
        }
    }
    return http_reply_list(r, rows, total, e);
}

/* The image of the file, kept. */
static int take_file(struct http_request *r, int64_t *ret_image, struct dm_err *e)
{
    const struct http_file *f = &r->file[0];
    const struct photo_place *p;
    struct dm_err why = f->refused;
    DM_TRY(photos_place(r, &p, e));
    int code = f->refused.code;
    if (code == DM_OK) {
        code = photo_picture_take(api_ctx(r), p, f->own, f->filename, ret_image, &why);
    }
    if (code == INV_UNSUPPORTED_MEDIA) {
        DM_FAIL(e, API_EFILE_TYPE, "%s", dm_err_text(&why));
    }
    if (code < 0) {
        *e = why;
    }
    return code;
}

static int add_row(struct http_request *r, int64_t image, int64_t *ret_id, struct dm_err *e)
{
    struct master_row row = {0};
    json_t *values = json_copy(r->form);
    const bool whole =
        values && !json_object_set_new(values, "image_id", json_integer(image)) &&
        !json_object_set(values, "product_id", json_object_get(r->path, "product_id"));
    const int code = whole ? master_create(api_ctx(r), MASTER_SAMPLE, values, &row, e)
                           : dm_err_set(e, DM_ENOMEM, __FILE__, __LINE__, "no memory for a sample");
    *ret_id = row.id;
    json_decref(values);
    master_row_clear(&row);
    return code;
}

static int post_sample(struct http_request *r, struct dm_err *e)
{
    int64_t image = 0;
    int64_t id = 0;
    json_t *row = NULL;
    DM_TRY(take_file(r, &image, e));
    const int added = add_row(r, image, &id, e);
    if (added < 0) {
        DM_UNUSED const int dropped = photo_picture_drop(api_ctx(r), image, NULL);
        return added;
    }
    DM_TRY(list_one(api_ctx(r), &list_samples, "id", store_i(id), &row, e));
    int code = photos_urls(r, row, urls, e);
    code = code < 0 ? code : api_location(r, "/api/v1/products/samples", id, e);
    if (code < 0) {
        json_decref(row);
        return code;
    }
    return http_reply_json(r, 201, row, e);
}

static int delete_sample(struct http_request *r, struct dm_err *e)
{
    const struct inv_ctx *c = api_ctx(r);
    const int64_t id = http_int(r->path, "id", 0);
    struct master_row row = {0};
    DM_TRY(master_get(c, MASTER_SAMPLE, id, &row, e));
    const int64_t image = http_int(row.row, "image_id", 0);
    master_row_clear(&row);
    DM_TRY(master_remove(c, MASTER_SAMPLE, id, e));
    DM_TRY(photo_picture_drop(c, image, e));
    return resource_reply_deleted(r, id, "hard", "deleted", e);
}

// clang-format off
const struct http_route sample_routes[] = {
    {HTTP_GET, BASE, "list_samples", "products", "Sample pictures of a product", .role = API_VIEWER,
     .flags = HTTP_OFFSET, .answer = {{200, &Sample, true}}, .errors = "404", .handle = get_samples},
    {HTTP_POST, BASE, "create_sample", "products", "Add a sample picture", .role = API_SUPERVISOR,
     .form = sample_form, .files = &photos_files, .answer = {{201, &Sample}}, .errors = "400 404",
     .handle = post_sample},
    {HTTP_DELETE, "/api/v1/products/samples/{id}", "delete_sample", "products", "Remove a sample picture",
     .role = API_SUPERVISOR, .answer = {{200, &DeleteResult}}, .errors = "404", .handle = delete_sample},
    {0},
};
// clang-format on
