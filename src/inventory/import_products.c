/* SPDX-License-Identifier: Apache-2.0
 *
 * The plant catalogue as a table: one product a row, its family made when it is new, its category
 * one that exists. */
#include <string.h>

#include "base/text.h"
#include "inventory/import_private.h"

enum { FIND_CATEGORY, FIND_FAMILY, FIND_PRODUCT };

static const struct store_query queries[] = {
    [FIND_CATEGORY] = {"import.categories",
                       "SELECT id, code, name FROM product_categories WHERE active ORDER BY id", "",
                       "itt"},
    [FIND_FAMILY] = {"import.find_family",
                     "SELECT id FROM product_families WHERE product_category_id = ?1"
                     " AND {lower:name} = {lower:?2}",
                     "it", "i"},
    [FIND_PRODUCT] = {"import.find_product",
                      "SELECT id FROM products WHERE product_family_id = ?1"
                      " AND {lower:common_name} = {lower:?2} ORDER BY id LIMIT 1",
                      "it", "i"},
};
STORE_QUERIES(import_products_queries, queries);

enum column { CATEGORY, FAMILY, NAME, SKU, SCIENTIFIC, GROWTH, DESCRIPTION, COLUMN_MAX_ };

#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const struct dm_csv_column columns[COLUMN_MAX_] = {
    [CATEGORY] = {"category", HEADERS("category", "category_code", "categoria"), true},
    [FAMILY] = {"family", HEADERS("family", "familia", "genero"), true},
    [NAME] = {"common_name",
              HEADERS("common_name", "name", "nombre", "nombre_comun", "producto", "especie"),
              true},
    [SKU] = {"sku", HEADERS("sku", "codigo", "code"), false},
    [SCIENTIFIC] = {"scientific_name", HEADERS("scientific_name", "nombre_cientifico"), false},
    [GROWTH] = {"growth_days", HEADERS("growth_days", "dias_crecimiento", "dias"), false},
    [DESCRIPTION] = {"description", HEADERS("description", "descripcion"), false},
};

/* Category by code or name, singular or plural: "Cactus", "SUCCULENT", "suculentas". */
int import_category(struct import_run *r, const char *text, int64_t *ret, struct dm_err *e)
{
    struct store_table t;
    const char *wanted = dm_text_key(text, r->a);
    DM_TRY(store_all(r->tx, &queries[FIND_CATEGORY], STORE_NO_ARGS, r->a, &t, e));
    for (size_t i = 0; wanted && i < t.n; i++) {
        const struct store_value *row = store_row(&t, i);
        for (int k = 1; k <= 2; k++) {
            const char *key = dm_text_key(row[k].t, r->a);
            const size_t n = key ? strlen(key) : 0;
            if (n && !strncmp(key, wanted, n) && (!wanted[n] || !strcmp(wanted + n, "s"))) {
                *ret = row[0].i;
                return DM_OK;
            }
        }
    }
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("field", "category"), DM_S("identifier", text)),
              "there is no category '%.60s'", text);
}

int import_family(struct import_run *r, int64_t category, const char *name, int64_t *ret,
                  struct dm_err *e)
{
    const struct store_value *row;
    const int found = store_maybe(r->tx, &queries[FIND_FAMILY],
                                  STORE_ARGS(store_i(category), store_t(name)), r->a, &row, e);
    *ret = found > 0 ? row[0].i : 0;
    return found;
}

/* The family of a row, made when it is new. */
static int family_of(struct import_run *r, const struct import_line *l, int64_t category,
                     int64_t *ret, struct dm_err *e)
{
    const int found = import_family(r, category, import_cell(l, FAMILY), ret, e);
    if (found != 0) {
        return found < 0 ? found : DM_OK;
    }
    DM_CLEANUP(inv_json_freep)
    json_t *values = json_pack("{s:I, s:s}", "product_category_id", (json_int_t)category, "name",
                               import_cell(l, FAMILY));
    if (!values) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a family");
    }
    return import_put(r, MASTER_FAMILY, NULL, values, false, ret, e);
}

/* By SKU when there is one, else by its name within the family. */
static int existing_product(struct import_run *r, const struct import_line *l, int64_t family,
                            json_t **ret, struct dm_err *e)
{
    const struct store_value *row;
    if (*import_cell(l, SKU)) {
        const int found = master_lookup(r->tx, MASTER_PRODUCT, import_cell(l, SKU), r->a, ret, e);
        return found < 0 ? found : DM_OK;
    }
    const int found =
        store_maybe(r->tx, &queries[FIND_PRODUCT],
                    STORE_ARGS(store_i(family), store_t(import_cell(l, NAME))), r->a, &row, e);
    return found > 0 ? master_read(r->tx, MASTER_PRODUCT, row[0].i, false, r->a, ret, e) : found;
}

/* Cells that are empty leave what is there. */
static int set_cells(const struct import_line *l, json_t *values, struct dm_err *e)
{
    static const struct {
        enum column column;
        const char *member;
    } texts[] = {
        {NAME, "common_name"}, {SCIENTIFIC, "scientific_name"}, {DESCRIPTION, "description"}};
    for (size_t i = 0; i < DM_COUNT(texts); i++) {
        const char *text = import_cell(l, texts[i].column);
        if (*text) {
            DM_TRY(inv_json_set(values, texts[i].member, json_string(text), e));
        }
    }
    const char *days = import_cell(l, GROWTH);
    if (*days) {
        char *end;
        const long n = strtol(days, &end, 10);
        if (*end || n < 1 || n > 36500) {
            return master_invalid("growth_days", "1 to 36500 days are possible", e);
        }
        return inv_json_set(values, "growth_days", json_integer(n), e);
    }
    return DM_OK;
}

static int product_row(struct import_run *r, void *row, struct dm_err *e)
{
    const struct import_line *l = row;
    DM_CLEANUP(inv_json_freep) json_t *values = json_object();
    DM_CLEANUP(inv_json_freep) json_t *existing = NULL;
    int64_t category = 0;
    int64_t family = 0;
    if (!*import_cell(l, FAMILY) || !*import_cell(l, NAME)) {
        return master_invalid(*import_cell(l, NAME) ? "family" : "common_name", "it is needed", e);
    }
    DM_TRY(import_category(r, import_cell(l, CATEGORY), &category, e));
    DM_TRY(family_of(r, l, category, &family, e));
    DM_TRY(existing_product(r, l, family, &existing, e));
    DM_TRY(set_cells(l, values, e));
    DM_TRY(inv_json_set(values, "product_family_id", json_integer(family), e));
    if (*import_cell(l, SKU) && !existing) {
        DM_TRY(inv_json_set(values, "sku", json_string(import_cell(l, SKU)), e));
    }
    r->code = existing ? dm_arena_strdup(r->a, inv_json_str(existing, "sku")) : import_cell(l, SKU);
    return import_put(r, MASTER_PRODUCT, existing, values, true, NULL, e);
}

int import_products(struct import_run *r, struct dm_err *e)
{
    static const struct import_sheet sheet = {columns, COLUMN_MAX_, NAME};
    return import_sheet_read(r, &sheet, product_row, e);
}
