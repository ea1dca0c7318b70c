/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to a price: its key and SKU, its history, and finding it. */
#include "inventory/prices.h"

#include <string.h>

#include "inventory/master_private.h"

enum { FIND, REVISION, CATEGORY_OF_PRODUCT };

static const struct store_query queries[] = {
    /* own entry of the product first, then that of its category */
    [FIND] = {"prices.find",
              "SELECT i.id, i.wholesale_unit_price_cents, i.retail_unit_price_cents,"
              " i.discount_percent FROM price_list_items i WHERE i.packaging_catalog_id = ?2"
              " AND i.availability <> 'discontinued' AND (i.product_id = ?1"
              " OR (i.product_id IS NULL AND i.variant = '' AND i.product_category_id ="
              " (SELECT f.product_category_id FROM products p JOIN product_families f"
              " ON f.id = p.product_family_id WHERE p.id = ?1)))"
              " ORDER BY CASE WHEN i.product_id IS NULL THEN 1 ELSE 0 END,"
              " CASE WHEN i.variant = '' THEN 0 ELSE 1 END, i.id LIMIT 1",
              "ii", "iiii"},
    [REVISION] = {"prices.revision",
                  "INSERT INTO price_list_revisions (price_list_item_id, user_id,"
                  " bulk_operation_id, old_values, new_values, created_at)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                  "iiijjT", ""},
    [CATEGORY_OF_PRODUCT] = {"prices.category_of_product",
                             "SELECT f.product_category_id FROM products p"
                             " JOIN product_families f ON f.id = p.product_family_id"
                             " WHERE p.id = ?1",
                             "i", "i"},
};
STORE_QUERIES(prices_queries, queries);

int64_t prices_net(int64_t cents, int64_t discount_percent)
{
    return cents / 100 * (100 - discount_percent) + cents % 100 * (100 - discount_percent) / 100;
}

int prices_find(struct store_tx *tx, int64_t product_id, int64_t packaging_id, struct dm_arena *a,
                struct prices_entry *ret, struct dm_err *e)
{
    const struct store_value *row;
    if (!packaging_id) {
        return 0;
    }
    const int found = store_maybe(
        tx, &queries[FIND], STORE_ARGS(store_i(product_id), store_i(packaging_id)), a, &row, e);
    if (found > 0) {
        const int64_t retail = row[2].null ? 0 : row[2].i;
        *ret = (struct prices_entry){
            .id = row[0].i,
            .wholesale_cents = row[1].i,
            .retail_cents = retail,
            .discount_percent = row[3].i,
            .net_wholesale_cents = prices_net(row[1].i, row[3].i),
            .net_retail_cents = prices_net(retail, row[3].i),
        };
    }
    return found;
}

static int check_product(struct master_op *op, struct dm_err *e)
{
    const int64_t product = inv_json_int(op->row, "product_id");
    int64_t category;
    if (!product) {
        return DM_OK;
    }
    const int code = store_int(op->tx, &queries[CATEGORY_OF_PRODUCT], STORE_ARGS(store_i(product)),
                               &category, e);
    if (code == DM_ENOTFOUND) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "product"), DM_I("identifier", product)),
                  "there is no product %lld", (long long)product);
    }
    DM_TRY(code);
    return category == inv_json_int(op->row, "product_category_id")
               ? DM_OK
               : master_invalid("product_id", "the product is of another category", e);
}

/* {CATEGORY}-{PACKAGING SKU}, at most 50 characters. */
static int default_sku(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *category = NULL;
    DM_CLEANUP(inv_json_freep) json_t *packaging = NULL;
    DM_TRY(master_read(op->tx, MASTER_CATEGORY, inv_json_int(op->row, "product_category_id"), false,
                       op->a, &category, e));
    DM_TRY(master_read(op->tx, MASTER_PACKAGING, inv_json_int(op->row, "packaging_catalog_id"),
                       false, op->a, &packaging, e));
    char *sku = dm_arena_printf(op->a, "%.20s-%.25s", inv_json_str(category, "code"),
                                inv_json_str(packaging, "sku"));
    const char *free_sku = sku;
    if (!sku) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an SKU");
    }
    for (char *c = sku; *c; c++) { /* category codes have '_', SKUs of prices have not */
        *c = (char)(*c == '_' ? '-' : *c);
    }
    DM_TRY(master_free_code(op->tx, "price_list_items", "sku", sku, op->a, &free_sku, e));
    return inv_json_set(op->row, "sku", json_string(free_sku), e);
}

int prices_prepare(struct master_op *op, struct dm_err *e)
{
    const int64_t wholesale = inv_json_int(op->row, "wholesale_unit_price_cents");
    const int64_t retail = inv_json_int(op->row, "retail_unit_price_cents");
    if (retail && retail < wholesale) {
        return master_invalid("retail_unit_price_cents", "it is below the wholesale price", e);
    }
    DM_TRY(check_product(op, e));
    if (op->before) {
        const int64_t version = inv_json_int(op->before, "row_version");
        DM_TRY(inv_json_set(op->row, "row_version", json_integer(version + 1), e));
    }
    return inv_json_str(op->row, "sku") ? DM_OK : default_sku(op, e);
}

/* Old and new value of the columns that change. */
int prices_after(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *old = json_object();
    DM_CLEANUP(inv_json_freep) json_t *new = json_object();
    const char *old_text;
    const char *new_text;
    if (!op->before) {
        return DM_OK;
    }
    for (size_t i = 0; i < op->entity->n_field; i++) {
        const char *name = op->entity->field[i].name;
        json_t *was = json_object_get(op->before, name);
        json_t *is = json_object_get(op->row, name);
        if (!json_equal(was, is) && strcmp(name, "row_version") != 0) {
            DM_TRY(inv_json_set(old, name, json_incref(was), e));
            DM_TRY(inv_json_set(new, name, json_incref(is), e));
        }
    }
    DM_TRY(inv_json_text(old, op->a, &old_text, e));
    DM_TRY(inv_json_text(new, op->a, &new_text, e));
    return store_exec(op->tx, &queries[REVISION],
                      STORE_ARGS(store_i(op->id), store_i(op->c->user_id), store_ref(op->bulk_id),
                                 store_j(old_text), store_j(new_text), store_at(op->c->now_ms)),
                      NULL, e);
}
