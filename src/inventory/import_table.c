/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables whose rows are rows of master data: categories, families, pots, claros. A table is its
 * columns, the members they become, and how a row that exists already is found. */
#include <string.h>

#include "inventory/import_private.h"

enum { FIND_PACKAGING, FIND_LOCATION };

static const struct store_query queries[] = {
    [FIND_PACKAGING] = {"import.find_packaging",
                        "SELECT id FROM packaging_catalog WHERE packaging_type_id = ?1"
                        " AND packaging_material_id = ?2 AND packaging_color_id = ?3"
                        " AND diameter_cm {same} ?4 AND height_cm {same} ?5",
                        "iiirr", "i", false},
    [FIND_LOCATION] = {"import.find_location",
                       "SELECT id FROM storage_locations WHERE storage_area_id = ?1"
                       " AND {lower:name} = {lower:?2} ORDER BY id LIMIT 1",
                       "it", "i", false},
};
STORE_QUERIES(import_table_queries, queries);

/* What a cell becomes. */
enum cell_kind { CELL_TEXT, CELL_INT, CELL_REAL, CELL_MONEY, CELL_JSON, CELL_REF, CELL_CATEGORY };

struct field {
    const char *member;
    enum cell_kind kind;
    enum master_kind ref; /* CELL_REF: by its code */
    bool once;            /* given at creation only */
};

struct table {
    enum master_kind kind;
    struct import_sheet sheet;
    const struct field *field; /* [sheet.n] */
    /* 1 and the id of the row that the values name, or 0 */
    int (*find)(struct import_run *r, const json_t *values, int64_t *ret, struct dm_err *e);
};

/* ---- the row that exists --------------------------------------------------------------------- */

static int by_code(struct import_run *r, enum master_kind kind, const char *code, int64_t *ret,
                   struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    const int found = code ? master_lookup(r->tx, kind, code, r->a, &row, e) : 0;
    *ret = found > 0 ? inv_json_int(row, "id") : 0;
    return found;
}

static int find_category(struct import_run *r, const json_t *values, int64_t *ret, struct dm_err *e)
{
    return by_code(r, MASTER_CATEGORY, inv_json_str(values, "code"), ret, e);
}

static int find_family(struct import_run *r, const json_t *values, int64_t *ret, struct dm_err *e)
{
    return import_family(r, inv_json_int(values, "product_category_id"),
                         inv_json_str(values, "name"), ret, e);
}

static struct store_value real_or_null(const json_t *values, const char *member)
{
    const json_t *v = json_object_get(values, member);
    return json_is_number(v) ? store_r(json_number_value(v)) : store_null();
}

static int one(struct import_run *r, const struct store_query *q, struct store_args args,
               int64_t *ret, struct dm_err *e)
{
    const struct store_value *row;
    const int found = store_maybe(r->tx, q, args, r->a, &row, e);
    *ret = found > 0 ? row[0].i : 0;
    return found;
}

/* By SKU when there is one, else by what makes a pot. */
static int find_packaging(struct import_run *r, const json_t *values, int64_t *ret,
                          struct dm_err *e)
{
    const int found = by_code(r, MASTER_PACKAGING, inv_json_str(values, "sku"), ret, e);
    if (found || inv_json_str(values, "sku")) {
        return found;
    }
    return one(r, &queries[FIND_PACKAGING],
               STORE_ARGS(store_i(inv_json_int(values, "packaging_type_id")),
                          store_i(inv_json_int(values, "packaging_material_id")),
                          store_i(inv_json_int(values, "packaging_color_id")),
                          real_or_null(values, "diameter_cm"), real_or_null(values, "height_cm")),
               ret, e);
}

static int find_location(struct import_run *r, const json_t *values, int64_t *ret, struct dm_err *e)
{
    const int found = by_code(r, MASTER_LOCATION, inv_json_str(values, "code"), ret, e);
    if (found || inv_json_str(values, "code")) {
        return found;
    }
    return one(r, &queries[FIND_LOCATION],
               STORE_ARGS(store_i(inv_json_int(values, "storage_area_id")),
                          store_t(inv_json_str(values, "name"))),
               ret, e);
}

/* ---- the tables ------------------------------------------------------------------------------ */

// clang-format off
#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const struct dm_csv_column category_columns[] = {
    {"code", HEADERS("code", "codigo", "category_code"), true},
    {"name", HEADERS("name", "nombre", "category_name"), true},
    {"description", HEADERS("description", "descripcion"), false},
    {"sort_order", HEADERS("sort_order", "orden"), false},
};
static const struct field category_fields[] = {
    {.member = "code"}, {.member = "name"}, {.member = "description"},
    {.member = "sort_order", .kind = CELL_INT},
};
static const struct dm_csv_column family_columns[] = {
    {"category", HEADERS("category", "category_code", "categoria"), true},
    {"name", HEADERS("name", "family", "familia", "nombre", "genero"), true},
    {"scientific_name", HEADERS("scientific_name", "nombre_cientifico"), false},
    {"description", HEADERS("description", "descripcion"), false},
};
static const struct field family_fields[] = {
    {.member = "product_category_id", .kind = CELL_CATEGORY, .once = true}, {.member = "name"},
    {.member = "scientific_name"}, {.member = "description"},
};
static const struct dm_csv_column packaging_columns[] = {
    {"type_code", HEADERS("type_code", "packaging_type", "packaging_type_code", "tipo"), true},
    {"material_code", HEADERS("material_code", "packaging_material", "packaging_material_code", "material"), true},
    {"color_code", HEADERS("color_code", "packaging_color", "packaging_color_code", "color"), true},
    {"diameter_cm", HEADERS("diameter_cm", "diameter", "diametro", "diametro_cm"), false},
    {"height_cm", HEADERS("height_cm", "height", "alto", "altura", "altura_cm"), false},
    {"volume_liters", HEADERS("volume_liters", "volume", "volumen", "litros"), false},
    {"sku", HEADERS("sku", "codigo"), false},
    {"name", HEADERS("name", "nombre"), false},
    {"unit_cost", HEADERS("unit_cost", "costo", "costo_unitario"), false},
};
static const struct field packaging_fields[] = {
    {.member = "packaging_type_id", .kind = CELL_REF, .ref = MASTER_PACKAGING_TYPE},
    {.member = "packaging_material_id", .kind = CELL_REF, .ref = MASTER_PACKAGING_MATERIAL},
    {.member = "packaging_color_id", .kind = CELL_REF, .ref = MASTER_PACKAGING_COLOR},
    {.member = "diameter_cm", .kind = CELL_REAL}, {.member = "height_cm", .kind = CELL_REAL},
    {.member = "volume_liters", .kind = CELL_REAL}, {.member = "sku", .once = true},
    {.member = "name"}, {.member = "unit_cost_cents", .kind = CELL_MONEY},
};
static const struct dm_csv_column location_columns[] = {
    {"area_code", HEADERS("area_code", "storage_area_code", "cantero"), true},
    {"name", HEADERS("name", "nombre", "claro", "label"), true},
    {"geojson", HEADERS("geojson", "geometry", "poligono"), false},
    {"code", HEADERS("code", "codigo", "storage_location_code"), false},
    {"qr_code", HEADERS("qr_code", "qr"), false},
    {"description", HEADERS("description", "descripcion"), false},
};
static const struct field location_fields[] = {
    {.member = "storage_area_id", .kind = CELL_REF, .ref = MASTER_AREA, .once = true},
    {.member = "name"}, {.member = "geojson", .kind = CELL_JSON}, {.member = "code", .once = true},
    {.member = "qr_code"}, {.member = "description"},
};

static const struct table tables[IMPORT_KIND_MAX_] = {
    [IMPORT_CATEGORIES] = {MASTER_CATEGORY, {category_columns, DM_COUNT(category_columns), 0},
                           category_fields, find_category},
    [IMPORT_FAMILIES] = {MASTER_FAMILY, {family_columns, DM_COUNT(family_columns), 1},
                         family_fields, find_family},
    [IMPORT_PACKAGING] = {MASTER_PACKAGING, {packaging_columns, DM_COUNT(packaging_columns), 6},
                          packaging_fields, find_packaging},
    [IMPORT_LOCATIONS] = {MASTER_LOCATION, {location_columns, DM_COUNT(location_columns), 1},
                          location_fields, find_location},
};

static const char *const templates[IMPORT_KIND_MAX_] = {
    [IMPORT_PRICE_LIST] = "DESCRIPCION,MACETA,Precio unitario,CODIGO,Unid.X Cajon,Total $ x cajon,"
        "OBSERVACIONES,DISPONIBILIDAD\r\nCactus,R5,$1.05,C R5 T-1,60,$63,,Todo el año\r\n",
    [IMPORT_PRODUCTS] = "category,family,common_name,sku,scientific_name,growth_days,description\r\n"
        "CACTUS,Mammillaria,Mammillaria elongata,MAMMI-100,Mammillaria elongata,180,\r\n",
    [IMPORT_CATEGORIES] = "code,name,description,sort_order\r\nCRASAS,Crasas,Otras crasas,50\r\n",
    [IMPORT_FAMILIES] = "category,name,scientific_name,description\r\n"
        "SUCCULENT,Haworthia,Haworthia,\r\n",
    [IMPORT_PACKAGING] = "type_code,material_code,color_code,diameter_cm,height_cm,volume_liters,sku,"
        "name,unit_cost\r\nRIGIDA,PLASTICO,TERRACOTA,7,6.5,,,,120.50\r\n",
    [IMPORT_LOCATIONS] = "area_code,name,geojson,code,qr_code,description\r\n"
        "NAVE01-N,Claro 1,\"{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[-68.8,-32.9],"
        "[-68.79999,-32.9],[-68.79999,-32.89999],[-68.8,-32.9]]]}\",,,\r\n",
    [IMPORT_DENSITY] = "bin_type_code,avg_area_per_plant_cm2,product_sku,packaging_sku,"
        "overlap_adjustment_factor,locked,notes\r\nSEGMENT_STANDARD,25,,RIGIDA-R5-TERRACOTA,0.85,no,\r\n",
    [IMPORT_STOCK] = "storage_location_code,product_sku,quantity,packaging_sku,product_size_code,"
        "product_state_code,planting_date,notes\r\n"
        "NAVE01-N-C07,MAMMI-001,500,RIGIDA-R5-TERRACOTA,S,ADULT,2026-01-31,old list\r\n",
};
// clang-format on

const char *import_template(enum import_kind kind)
{
    return templates[kind];
}

/* ---- a row ----------------------------------------------------------------------------------- */

static int value_of(struct import_run *r, const struct field *f, const char *column,
                    const char *text, json_t **ret, struct dm_err *e)
{
    int64_t whole = 0;
    double number = 0;
    switch (f->kind) {
    case CELL_INT:
        DM_TRY(import_integer(text, column, &whole, e));
        *ret = json_integer(whole);
        break;
    case CELL_REAL:
        DM_TRY(import_number(text, column, &number, e));
        *ret = json_real(number);
        break;
    case CELL_MONEY:
        DM_TRY(import_number(text, column, &number, e));
        *ret = json_integer((json_int_t)(number * 100 + 0.5));
        break;
    case CELL_JSON:
        *ret = json_loads(text, 0, NULL);
        return *ret ? DM_OK : master_invalid(column, "it is not JSON", e);
    case CELL_REF:
        DM_TRY(import_reference(r, f->ref, text, column, &whole, e));
        *ret = json_integer(whole);
        break;
    case CELL_CATEGORY:
        DM_TRY(import_category(r, text, &whole, e));
        *ret = json_integer(whole);
        break;
    case CELL_TEXT:
        *ret = json_string(text);
        break;
    }
    if (!*ret) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a row");
    }
    return DM_OK;
}

/* Cells that are empty leave what is there. */
static int read_values(struct import_run *r, const struct table *t, const struct import_line *l,
                       json_t *values, struct dm_err *e)
{
    for (size_t i = 0; i < t->sheet.n; i++) {
        const struct dm_csv_column *column = &t->sheet.column[i];
        const char *text = import_cell(l, i);
        json_t *value = NULL;
        if (!*text && column->required) {
            return master_invalid(column->name, "it is needed", e);
        }
        if (*text) {
            DM_TRY(value_of(r, &t->field[i], column->name, text, &value, e));
            DM_TRY(inv_json_set(values, t->field[i].member, value, e));
        }
    }
    return DM_OK;
}

static int table_row(struct import_run *r, void *row, struct dm_err *e)
{
    const struct table *t = &tables[r->o->kind];
    DM_CLEANUP(inv_json_freep) json_t *values = json_object();
    DM_CLEANUP(inv_json_freep) json_t *existing = NULL;
    int64_t id = 0;
    DM_TRY(read_values(r, t, row, values, e));
    const int found = t->find(r, values, &id, e);
    DM_TRY(found);
    if (found) {
        DM_TRY(master_read(r->tx, t->kind, id, false, r->a, &existing, e));
        const char *code = inv_json_str(existing, master_entities[t->kind].code);
        r->code = code ? dm_arena_strdup(r->a, code) : NULL;
        for (size_t i = 0; i < t->sheet.n; i++) {
            if (t->field[i].once) {
                (void)json_object_del(values, t->field[i].member);
            }
        }
    }
    return import_put(r, t->kind, existing, values, true, NULL, e);
}

int import_table(struct import_run *r, struct dm_err *e)
{
    return import_sheet_read(r, &tables[r->o->kind].sheet, table_row, e);
}
