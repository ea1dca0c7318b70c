/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to the catalogue (domain.md 16): SKUs, volumes and names that are made when
 * nobody gives them, what a change touches, the one primary picture of a product. */
#include <math.h>
#include <string.h>

#include "inventory/master_private.h"

enum { SKU_TAKEN, PRICES_OF_PACKAGING, OTHER_PRIMARY, IMAGE };

static const struct store_query queries[] = {
    [SKU_TAKEN] = {"catalogue.sku_taken", "SELECT count(*) FROM products WHERE sku = ?1", "t", "i"},
    [PRICES_OF_PACKAGING] = {"catalogue.prices_of_packaging",
                             "SELECT count(*) FROM price_list_items"
                             " WHERE packaging_catalog_id = ?1 AND availability <> 'discontinued'",
                             "i", "i"},
    [OTHER_PRIMARY] = {"catalogue.other_primary",
                       "UPDATE product_sample_images SET is_primary = ?3, updated_at = ?4"
                       " WHERE product_id = ?1 AND id <> ?2 AND is_primary",
                       "iibT", ""},
    [IMAGE] = {"catalogue.image",
               "SELECT count(*) FROM images WHERE id = ?1 AND deleted_at IS NULL", "i", "i"},
};
STORE_QUERIES(catalogue_queries, queries);

static int set_text(struct master_op *op, const char *name, const char *text, struct dm_err *e)
{
    return inv_json_set(op->row, name, text ? json_string(text) : NULL, e);
}

/* Family name, 15 letters and digits, and the first number that is free: ECHEVERIA-001. */
int catalogue_prepare_product(struct master_op *op, struct dm_err *e)
{
    enum { MOST = 999 };
    DM_CLEANUP(inv_json_freep) json_t *family = NULL;
    if (!json_is_object(json_object_get(op->row, "custom_attributes"))) {
        return master_invalid("custom_attributes", "an object is needed", e);
    }
    if (inv_json_str(op->row, "sku")) {
        return DM_OK;
    }
    DM_TRY(master_read(op->tx, MASTER_FAMILY, inv_json_int(op->row, "product_family_id"), true,
                       op->a, &family, e));
    const char *stem = master_code_of(inv_json_str(family, "name"), 15, op->a);
    for (int i = 1; stem && i <= MOST; i++) {
        int64_t taken;
        const char *sku = dm_arena_printf(op->a, "%s-%03d", strlen(stem) > 1 ? stem : "PROD", i);
        if (!sku) {
            break;
        }
        DM_TRY(store_int(op->tx, &queries[SKU_TAKEN], STORE_ARGS(store_t(sku)), &taken, e));
        if (!taken) {
            return set_text(op, "sku", sku, e);
        }
    }
    return master_invalid("sku", "no SKU of the family is free, choose one", e);
}

int catalogue_prepare_size(struct master_op *op, struct dm_err *e)
{
    const json_t *low = json_object_get(op->row, "min_height_cm");
    const json_t *high = json_object_get(op->row, "max_height_cm");
    if (json_is_number(low) && json_is_number(high) &&
        json_number_value(high) < json_number_value(low)) {
        return master_invalid("max_height_cm", "it is below min_height_cm", e);
    }
    return DM_OK;
}

/* Code from the name, '#' in front of the digits. */
int catalogue_prepare_color(struct master_op *op, struct dm_err *e)
{
    const char *hex = inv_json_str(op->row, "hex_code");
    if (hex && (hex[0] != '#' || strchr(hex + 1, '#'))) {
        return master_invalid("hex_code", "#RRGGBB is needed", e);
    }
    if (!inv_json_str(op->row, "code") && inv_json_str(op->row, "name")) {
        return set_text(op, "code", master_code_of(inv_json_str(op->row, "name"), 3, op->a), e);
    }
    return DM_OK;
}

/* "5" for 5.0, "5.5" as it is. */
static const char *centimetres(double cm, struct dm_arena *a)
{
    return dm_arena_printf(a, "%.10g", cm);
}

/* {TYPE}-R{diameter}-{COLOUR}, SKUs having no decimal point. */
static int packaging_sku(struct master_op *op, const json_t *type, const json_t *color,
                         struct dm_err *e)
{
    const double cm = json_number_value(json_object_get(op->row, "diameter_cm"));
    const char *kind = master_code_of(inv_json_str(type, "code"), 3, op->a);
    const char *colour = master_code_of(inv_json_str(color, "code"), 3, op->a);
    char *size = cm > 0 ? dm_arena_printf(op->a, "-R%s", centimetres(cm, op->a))
                        : dm_arena_strdup(op->a, "");
    for (char *c = size; c && *c; c++) {
        *c = (char)(*c == '.' ? '-' : *c);
    }
    const char *sku =
        kind && colour && size ? dm_arena_printf(op->a, "%s%s-%s", kind, size, colour) : NULL;
    if (!sku) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an SKU");
    }
    DM_TRY(master_free_code(op->tx, "packaging_catalog", "sku", sku, op->a, &sku, e));
    return set_text(op, "sku", sku, e);
}

/* Three quarters of a cylinder, in litres with two decimals: pots are narrower below. */
static int volume(struct master_op *op, struct dm_err *e)
{
    const double d = json_number_value(json_object_get(op->row, "diameter_cm"));
    const double h = json_number_value(json_object_get(op->row, "height_cm"));
    const double litres = M_PI * (d / 2) * (d / 2) * h * 0.75 / 1000;
    const double rounded = round(litres * 100) / 100;
    if (d > 0 && h > 0) {
        return inv_json_set(op->row, "volume_liters", json_real(rounded > 0 ? rounded : litres), e);
    }
    return DM_OK;
}

int catalogue_prepare_packaging(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *type = NULL;
    DM_CLEANUP(inv_json_freep) json_t *color = NULL;
    if (!json_is_number(json_object_get(op->row, "volume_liters"))) {
        DM_TRY(volume(op, e));
    }
    if (inv_json_str(op->row, "sku") && inv_json_str(op->row, "name")) {
        return DM_OK;
    }
    DM_TRY(master_read(op->tx, MASTER_PACKAGING_TYPE, inv_json_int(op->row, "packaging_type_id"),
                       false, op->a, &type, e));
    DM_TRY(master_read(op->tx, MASTER_PACKAGING_COLOR, inv_json_int(op->row, "packaging_color_id"),
                       false, op->a, &color, e));
    if (!inv_json_str(op->row, "name")) {
        const double cm = json_number_value(json_object_get(op->row, "diameter_cm"));
        const char *what = cm > 0 ? dm_arena_printf(op->a, "R%s", centimetres(cm, op->a))
                                  : inv_json_str(type, "name");
        DM_TRY(set_text(
            op, "name",
            dm_arena_printf(op->a, "%s %s", what ? what : "", inv_json_str(color, "name")), e));
    }
    return inv_json_str(op->row, "sku") ? DM_OK : packaging_sku(op, type, color, e);
}

/* Prices hang on the pot: who changes it should know how many. */
int catalogue_after_packaging(struct master_op *op, struct dm_err *e)
{
    int64_t n;
    if (!op->before) {
        return DM_OK;
    }
    DM_TRY(store_int(op->tx, &queries[PRICES_OF_PACKAGING], STORE_ARGS(store_i(op->id)), &n, e));
    json_t *warning =
        n ? json_pack("{s:s, s:I}", "code", "prices_affected", "count", (json_int_t)n) : NULL;
    if (n && (!warning || json_array_append_new(op->warnings, warning))) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a warning");
    }
    return DM_OK;
}

int catalogue_prepare_sample(struct master_op *op, struct dm_err *e)
{
    const int64_t image = inv_json_int(op->row, "image_id");
    int64_t there;
    if (!op->before) {
        DM_TRY(store_int(op->tx, &queries[IMAGE], STORE_ARGS(store_i(image)), &there, e));
        if (!there) {
            DM_REFUSE(e, INV_NOT_FOUND,
                      DM_FIELDS(DM_S("resource", "image"), DM_I("identifier", image)),
                      "there is no image %lld", (long long)image);
        }
        DM_TRY(inv_json_set(op->row, "captured_by_user_id", json_integer(op->c->user_id), e));
    }
    if (!inv_json_str(op->row, "capture_date")) {
        char today[DM_DATE_SIZE];
        dm_zone_date(op->c->zone, op->c->now_ms, today);
        DM_TRY(set_text(op, "capture_date", today, e));
    }
    /* The others first: one primary per product holds at every instant. */
    return !json_is_true(json_object_get(op->row, "is_primary"))
               ? DM_OK
               : store_exec(op->tx, &queries[OTHER_PRIMARY],
                            STORE_ARGS(store_i(inv_json_int(op->row, "product_id")),
                                       store_i(op->id), store_b(false), store_at(op->c->now_ms)),
                            NULL, e);
}
