/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to containers and their types (domain.md 5.3), whether people make them or the
 * ledger, for a photo or a movement that needs one. */
#include "inventory/bins.h"

#include <string.h>

#include "inventory/master_private.h"

enum { NEXT_ORDINAL, PLANTS, TYPE };

static const struct store_query queries[] = {
    [NEXT_ORDINAL] = {"bins.next_ordinal",
                      "SELECT coalesce(max(ordinal), 0) + 1 FROM storage_bins"
                      " WHERE storage_location_id = ?1 AND category = ?2",
                      "it", "i"},
    [PLANTS] = {"bins.plants",
                "SELECT coalesce(sum(quantity_current), 0) FROM stock_batches"
                " WHERE storage_bin_id = ?1",
                "i", "i"},
    [TYPE] = {"bins.type_for",
              "SELECT id FROM storage_bin_types WHERE category = ?1 AND active"
              " ORDER BY CASE WHEN code = ?2 THEN 0 ELSE 1 END, id LIMIT 1",
              "tt", "i"},
};
STORE_QUERIES(bins_queries, queries);

/* ---- words ----------------------------------------------------------------------------------- */

enum ledger_category bins_category_infer(enum ledger_category said, bool has_packaging,
                                         const char *state_code)
{
    if (said != LEDGER_CATEGORY_UNSAID) {
        return said;
    }
    if (has_packaging) {
        return LEDGER_SEGMENT;
    }
    const bool early = !strcmp(state_code, "SEED") || !strcmp(state_code, "GERMINATING");
    return early ? LEDGER_PLUG : LEDGER_SEEDLING_TRAY;
}

/* ---- types ------------------------------------------------------------------------------------
 */

int bins_prepare_type(struct master_op *op, struct dm_err *e)
{
    const bool grid = json_is_true(json_object_get(op->row, "is_grid"));
    if (grid && (!inv_json_int(op->row, "rows") || !inv_json_int(op->row, "columns"))) {
        return master_invalid("rows", "a grid needs rows and columns", e);
    }
    return DM_OK;
}

/* ---- containers -------------------------------------------------------------------------------
 */

/* Part of a code after the claro's, NAVE01-N-C07-SEG001, and the type that the program takes. */
static const struct {
    const char *tag, *type;
} words[LEDGER_CATEGORY_MAX_] = {
    [LEDGER_PLUG] = {"PLG", "PLUG_TRAY_288"}, [LEDGER_SEEDLING_TRAY] = {"ALM", "SEEDLING_TRAY_50"},
    [LEDGER_BOX] = {"BOX", "BOX_STANDARD"},   [LEDGER_SEGMENT] = {"SEG", "SEGMENT_STANDARD"},
    [LEDGER_POT] = {"POT", "POT_10CM"},
};

static const char *tag_of(const char *category)
{
    enum ledger_category c;
    return ledger_category_parse(category, &c) && words[c].tag ? words[c].tag : "BIN";
}

/* active <-> maintenance; either -> retired, which is final and empty. */
static int check_status(struct master_op *op, struct dm_err *e)
{
    const char *old = inv_json_str(op->before, "status");
    const char *new = inv_json_str(op->row, "status");
    int64_t plants;
    if (!strcmp(old, new)) {
        return DM_OK;
    }
    if (!strcmp(old, "retired")) {
        DM_REFUSE(e, INV_INVALID_TRANSITION, DM_FIELDS(DM_S("current", old), DM_S("target", new)),
                  "a retired container stays retired");
    }
    if (!strcmp(new, "retired")) {
        DM_TRY(store_int(op->tx, &queries[PLANTS], STORE_ARGS(store_i(op->id)), &plants, e));
        if (plants > 0) {
            DM_REFUSE(e, INV_HAS_STOCK, DM_FIELDS(DM_I("plants", plants)),
                      "there are still %lld plants in the container", (long long)plants);
        }
    }
    return DM_OK;
}

static int set_code(struct master_op *op, const json_t *location, const char *category,
                    struct dm_err *e)
{
    const char *code =
        dm_arena_printf(op->a, "%s-%s%03lld", inv_json_str(location, "code"), tag_of(category),
                        (long long)inv_json_int(op->row, "ordinal"));
    if (!code) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a code");
    }
    DM_TRY(master_free_code(op->tx, "storage_bins", "code", code, op->a, &code, e));
    return inv_json_set(op->row, "code", json_string(code), e);
}

/* At least four parts: NAVE01-N-C07-SEG001. */
static bool four_parts(const char *code)
{
    int hyphens = 0;
    for (; *code; code++) {
        hyphens += *code == '-';
    }
    return hyphens >= 3;
}

int bins_prepare(struct master_op *op, struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *type = NULL;
    DM_CLEANUP(inv_json_freep) json_t *location = NULL;
    int64_t ordinal;
    DM_TRY(master_read(op->tx, MASTER_BIN_TYPE, inv_json_int(op->row, "storage_bin_type_id"), false,
                       op->a, &type, e));
    DM_TRY(master_read(op->tx, MASTER_LOCATION, inv_json_int(op->row, "storage_location_id"), true,
                       op->a, &location, e));
    const char *category = inv_json_str(type, "category");
    const char *old = op->before ? inv_json_str(op->before, "category") : category;
    if (strcmp(old, category) != 0) {
        return master_invalid("storage_bin_type_id", "the new type is of another category", e);
    }
    DM_TRY(inv_json_set(op->row, "category", json_string(category), e));
    if (!inv_json_int(op->row, "ordinal")) {
        DM_TRY(store_int(
            op->tx, &queries[NEXT_ORDINAL],
            STORE_ARGS(store_i(inv_json_int(op->row, "storage_location_id")), store_t(category)),
            &ordinal, e));
        DM_TRY(inv_json_set(op->row, "ordinal", json_integer(ordinal), e));
    }
    if (!inv_json_str(op->row, "code")) {
        DM_TRY(set_code(op, location, category, e));
    }
    if (!four_parts(inv_json_str(op->row, "code"))) {
        return master_invalid("code", "a code like NAVE01-N-C07-SEG001 is needed", e);
    }
    return op->before ? check_status(op, e) : DM_OK;
}

int bins_make(struct store_tx *tx, const struct inv_ctx *c, int64_t location_id,
              enum ledger_category category, int32_t ordinal, int64_t *ret_id, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(inv_json_freep) json_t *values = NULL;
    DM_CLEANUP(master_op_clear)
    struct master_op op = {.c = c, .tx = tx, .a = &a, .kind = MASTER_BIN};
    const char *name = ledger_category_names[category];
    int64_t type = 0;
    int code = store_int(tx, &queries[TYPE],
                         STORE_ARGS(store_t(name), store_t(words[category].type)), &type, e);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, INV_CONFIG_NOT_FOUND, "there is no active type of containers for %s", name);
    }
    DM_TRY(code);
    values = json_pack("{s:I, s:I, s:i}", "storage_location_id", (json_int_t)location_id,
                       "storage_bin_type_id", (json_int_t)type, "ordinal", (int)ordinal);
    if (!values) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a container");
    }
    DM_TRY(master_op_create(&op, values, e));
    *ret_id = op.id;
    return DM_OK;
}
