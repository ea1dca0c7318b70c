/* SPDX-License-Identifier: Apache-2.0
 *
 * The price list as the nursery keeps it (domain.md 2 and 16, api.md 19): title lines, headers over
 * several lines, sales codes such as "C R5 T-1" (cactus, rigid pot of 5 cm, terracotta, first of
 * its kind), amounts whose point separates thousands. Pots that the catalogue does not have are
 * made from the code; goods that are not plants are left out and listed. */
#include <ctype.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"
#include "inventory/import_private.h"

enum { FIND_PACKAGING };

static const struct store_query queries[] = {
    [FIND_PACKAGING] = {"import.find_packaging",
                        "SELECT id FROM packaging_catalog WHERE packaging_type_id = ?1"
                        " AND packaging_material_id = ?2 AND packaging_color_id = ?3"
                        " AND coalesce(diameter_cm, 0) = ?4 AND coalesce(height_cm, 0) = ?5",
                        "iiirr", "i"},
};
STORE_QUERIES(import_prices_queries, queries);

enum column { DESCRIPTION, POT, PRICE, CODE, PER_BOX, BOX_PRICE, NOTES, AVAILABILITY, COLUMN_MAX_ };

#define HEADERS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const struct dm_csv_column columns[COLUMN_MAX_] = {
    [DESCRIPTION] = {"DESCRIPCION", HEADERS("descripcion", "producto"), true},
    [POT] = {"MACETA", HEADERS("maceta"), false},
    [PRICE] = {"Precio unitario", HEADERS("precio_unitario", "precio", "precio_unit"), true},
    [CODE] = {"CODIGO", HEADERS("codigo", "cod"), true},
    [PER_BOX] = {"Unid.X Cajón", HEADERS("unid_x_cajon", "unidades_x_cajon", "unid_cajon"), false},
    [BOX_PRICE] = {"Total $ x cajón", HEADERS("total_x_cajon", "total_cajon"), false},
    [NOTES] = {"OBSERVACIONES", HEADERS("observaciones", "observacion"), false},
    [AVAILABILITY] = {"DISPONIBILIDAD", HEADERS("disponibilidad"), false},
};

struct line {
    const struct dm_csv_row *row;
    const int *at;           /* [COLUMN_MAX_] */
    const char *description; /* of this row, or of the one that heads its group */
};

static const char *cell(const struct line *l, enum column c)
{
    return dm_csv_cell(l->row, l->at[c]);
}

/* ---- amounts --------------------------------------------------------------------------------- */

/* Digits of at most max characters at *s; their number. */
static int take_digits(const char **s, int64_t *value)
{
    int n = 0;
    for (; isdigit((unsigned char)**s); (*s)++, n++) {
        if (n >= 12) {
            return -1;
        }
        *value = *value * 10 + (**s - '0');
    }
    return n;
}

/* Groups after points: all but the last have three digits, the last may have lost its zeros. */
static bool take_thousands(const char **s, int64_t *pesos)
{
    while (**s == '.') {
        (*s)++;
        int64_t group = 0;
        int n = take_digits(s, &group);
        if (n < 1 || n > 3 || (n < 3 && **s == '.') || *pesos > INT64_C(1000000000)) {
            return false;
        }
        for (; n < 3; n++) {
            group *= 10;
        }
        *pesos = *pesos * 1000 + group;
    }
    return true;
}

bool import_amount(const char *text, int64_t *ret_cents)
{
    int64_t pesos = 0;
    int64_t cents = 0;
    text += strspn(text, "$ \t");
    if (take_digits(&text, &pesos) < 1 || !take_thousands(&text, &pesos)) {
        return false;
    }
    if (*text == ',') {
        text++;
        const int n = take_digits(&text, &cents);
        if (n < 1 || n > 2) {
            return false;
        }
        cents *= n == 1 ? 10 : 1;
    }
    text += strspn(text, " \t");
    if (*text || pesos > INT64_C(1000000000)) {
        return false;
    }
    *ret_cents = pesos * 100 + cents;
    return true;
}

/* A whole number in a cell; 0 for an empty one. */
static bool whole(const char *text, int64_t *ret)
{
    *ret = 0;
    return !*text || (take_digits(&text, ret) > 0 && !*text);
}

/* ---- what a code says ------------------------------------------------------------------------ */

struct sales_code {
    char kind;          /* C, S, I; 0 unknown */
    char pot;           /* R, T, S, F */
    double diameter_cm; /* 0 unknown */
    double height_cm;   /* second number of 15/17, 0 for none */
    char colour;
    const char *number; /* after the hyphen, "" for none */
};

static void read_size(const char *s, struct sales_code *ret)
{
    char *end;
    if (!isdigit((unsigned char)*s)) {
        return;
    }
    ret->diameter_cm = strtod(s, &end);
    if (*end == '/' && isdigit((unsigned char)end[1])) {
        ret->height_cm = strtod(end + 1, NULL);
    }
}

/* "C R5 T-1", "S T15/17 N-1". What is not there stays unknown. */
static struct sales_code read_code(const char *code, struct dm_arena *a)
{
    struct sales_code c = {.number = ""};
    char *copy = dm_arena_strdup(a, code);
    char *part[3] = {NULL};
    size_t n = 0;
    for (char *s = copy; s && *s && n < DM_COUNT(part);) {
        s += strspn(s, " ");
        part[n++] = s;
        s += strcspn(s, " ");
        if (*s) {
            *s++ = '\0';
        }
    }
    if (n < 2 || strlen(part[0]) != 1) {
        return c;
    }
    c.kind = (char)toupper((unsigned char)part[0][0]);
    c.pot = (char)toupper((unsigned char)part[1][0]);
    read_size(part[1] + 1, &c);
    if (n == 3) {
        const char *hyphen = strchr(part[2], '-');
        c.colour = (char)toupper((unsigned char)part[2][0]);
        c.number = hyphen ? hyphen + 1 : "";
    }
    return c;
}

/* Category of a line; NULL for goods that are not plants. */
static const char *category_of(const struct line *l, const struct sales_code *c, struct dm_arena *a)
{
    static const char *const words[][2] = {{"agave", "AGAVE"},
                                           {"injert", "GRAFTED"},
                                           {"cact", "CACTUS"},
                                           {"suculent", "SUCCULENT"},
                                           {"crasa", "SUCCULENT"}};
    const char *key = dm_text_key(l->description, a);
    switch (c->kind) {
    case 'C':
        return "CACTUS";
    case 'S':
        return "SUCCULENT";
    case 'I':
        return "GRAFTED";
    case 'A':
        return "AGAVE";
    default:
        break;
    }
    for (size_t i = 0; key && i < DM_COUNT(words); i++) {
        if (strstr(key, words[i][0])) {
            return words[i][1];
        }
    }
    return NULL;
}

/* ---- the pot --------------------------------------------------------------------------------- */

/* Letter of a pot or colour -> code in the catalogue; from the words of MACETA where the code has
 * none. */
static const char *lookup_word(char letter, const char *text, const char *const (*words)[2],
                               size_t n, struct dm_arena *a)
{
    const char *key = dm_text_key(text, a);
    for (size_t i = 0; i < n; i++) {
        if (letter && words[i][0][0] == letter) {
            return words[i][1];
        }
    }
    for (size_t i = 0; key && i < n; i++) {
        const char *word = dm_text_key(words[i][1], a);
        if (word && strlen(word) > 3) {
            const char *stem = dm_arena_strndup(a, word, strlen(word) - 1); /* blanco, blanca */
            if (stem && strstr(key, stem)) {
                return words[i][1];
            }
        }
    }
    return NULL;
}

static const char *const pots[][2] = {
    {"R", "RIGIDA"}, {"T", "TERMOFORMADA"}, {"S", "SOPLADA"}, {"F", "FLEXIBLE"}, {"-", "TERRINA"},
};
static const char *const colours[][2] = {
    {"T", "TERRACOTA"}, {"D", "DORADA"}, {"G", "GRIS"},    {"B", "BLANCA"},
    {"A", "AZUL"},      {"N", "NEGRA"},  {"V", "VIOLETA"},
};

static int id_of(struct import_run *r, enum master_kind kind, const char *code, int64_t *ret,
                 struct dm_err *e)
{
    DM_CLEANUP(inv_json_freep) json_t *row = NULL;
    const int found = master_lookup(r->tx, kind, code, r->a, &row, e);
    if (found < 0) {
        return found;
    }
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("field", "MACETA"), DM_S("identifier", code)),
                  "the catalogue has no %s %s", master_noun(kind), code);
    }
    *ret = inv_json_int(row, "id");
    return DM_OK;
}

/* The pot of a line in the catalogue, made when it is not there. */
static int packaging_of(struct import_run *r, const struct line *l, const struct sales_code *c,
                        int64_t *ret, struct dm_err *e)
{
    const char *type = lookup_word(c->pot, cell(l, POT), pots, DM_COUNT(pots), r->a);
    const char *colour = lookup_word(c->colour, cell(l, POT), colours, DM_COUNT(colours), r->a);
    int64_t type_id = 0;
    int64_t material_id = 0;
    int64_t color_id = 0;
    const struct store_value *row;
    if (!type || !colour) {
        return master_invalid(type ? "CODIGO" : "MACETA",
                              type ? "it does not say the colour of the pot"
                                   : "neither it nor the code says the kind of pot",
                              e);
    }
    DM_TRY(id_of(r, MASTER_PACKAGING_TYPE, type, &type_id, e));
    DM_TRY(id_of(r, MASTER_PACKAGING_MATERIAL,
                 strcmp(type, "FLEXIBLE") ? "PLASTICO" : "POLIETILENO", &material_id, e));
    DM_TRY(id_of(r, MASTER_PACKAGING_COLOR, colour, &color_id, e));
    const int found =
        store_maybe(r->tx, &queries[FIND_PACKAGING],
                    STORE_ARGS(store_i(type_id), store_i(material_id), store_i(color_id),
                               store_r(c->diameter_cm), store_r(c->height_cm)),
                    r->a, &row, e);
    if (found != 0) {
        *ret = found > 0 ? row[0].i : 0;
        return found < 0 ? found : DM_OK;
    }
    DM_CLEANUP(inv_json_freep)
    json_t *values = json_pack("{s:I, s:I, s:I}", "packaging_type_id", (json_int_t)type_id,
                               "packaging_material_id", (json_int_t)material_id,
                               "packaging_color_id", (json_int_t)color_id);
    if (!values) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a pot");
    }
    if (c->diameter_cm > 0) {
        DM_TRY(inv_json_set(values, "diameter_cm", json_real(c->diameter_cm), e));
    }
    if (c->height_cm > 0) {
        DM_TRY(inv_json_set(values, "height_cm", json_real(c->height_cm), e));
    }
    return import_put(r, MASTER_PACKAGING, NULL, values, false, ret, e);
}

/* ---- availability ---------------------------------------------------------------------------- */

/* "OFERTA 20% DTO": the number; 0 when it is no offer. */
static int64_t offer(const char *key)
{
    int64_t percent = 0;
    if (strncmp(key, "oferta", 6) != 0) {
        return 0;
    }
    key += 6 + strspn(key + 6, "_");
    return take_digits(&key, &percent) > 0 && percent <= 100 ? percent : 0;
}

static int set_availability(struct import_run *r, const struct line *l, json_t *values,
                            struct dm_err *e)
{
    static const char *const words[][2] = {
        {"", "available"},
        {"todo_el_ano", "available"},
        {"stock_limitado", "limited"},
        {"hasta_agotar_stock", "until_sold_out"},
        {"no_disponible", "out_of_stock"},
    };
    const char *text = cell(l, AVAILABILITY);
    const char *key = dm_text_key(text, r->a);
    const char *word = NULL;
    const int64_t discount = key ? offer(key) : 0;
    for (size_t i = 0; key && i < DM_COUNT(words) && !word; i++) {
        word = strcmp(words[i][0], key) ? NULL : words[i][1];
    }
    if (!word && discount == 0) {
        import_say(r, "availability not understood: taken as available");
    }
    DM_TRY(inv_json_set(values, "availability", json_string(word ? word : "available"), e));
    DM_TRY(inv_json_set(values, "discount_percent", json_integer(discount), e));
    return *text ? inv_json_set(values, "availability_label", json_string(text), e) : DM_OK;
}

/* ---- one line -------------------------------------------------------------------------------- */

/* Units x price against the total that the list itself has. */
static int check_box(struct import_run *r, const struct line *l, int64_t cents, int64_t units,
                     struct dm_err *e)
{
    int64_t listed = 0;
    if (!*cell(l, BOX_PRICE) || !units) {
        return DM_OK;
    }
    if (!import_amount(cell(l, BOX_PRICE), &listed)) {
        return master_invalid("Total $ x cajón", "it is no amount", e);
    }
    const int64_t off = cents * units > listed ? cents * units - listed : listed - cents * units;
    if (off * 100 > listed) {
        const char *words =
            dm_arena_printf(r->a, "the list says %lld centavos a box, price x units is %lld",
                            (long long)listed, (long long)(cents * units));
        if (!words) {
            DM_FAIL(e, DM_ENOMEM, "no memory for a remark");
        }
        import_say(r, words);
    }
    return DM_OK;
}

static int set_prices(struct import_run *r, const struct line *l, json_t *values, struct dm_err *e)
{
    int64_t cents = 0;
    int64_t units = 0;
    if (!import_amount(cell(l, PRICE), &cents) || cents <= 0) {
        return master_invalid("Precio unitario", "it is no amount", e);
    }
    if (!whole(cell(l, PER_BOX), &units)) {
        return master_invalid("Unid.X Cajón", "a whole number is needed", e);
    }
    DM_TRY(inv_json_set(values, "wholesale_unit_price_cents", json_integer(cents), e));
    DM_TRY(inv_json_set(values, "units_per_box", units ? json_integer(units) : json_null(), e));
    return check_box(r, l, cents, units, e);
}

/* The first of a kind is the general price; others are variants by number and words. */
static const char *variant_of(const struct line *l, const struct sales_code *c, struct dm_arena *a)
{
    if (!c->number[0] || !strcmp(c->number, "1")) {
        return "";
    }
    const char *text = dm_arena_printf(a, "%s %s", c->number, l->description);
    return text ? dm_arena_strndup(a, text, dm_text_prefix(text, 100)) : NULL;
}

static int price_row(struct import_run *r, void *row, struct dm_err *e)
{
    const struct line *l = row;
    const struct sales_code c = read_code(cell(l, CODE), r->a);
    DM_CLEANUP(inv_json_freep) json_t *values = json_object();
    DM_CLEANUP(inv_json_freep) json_t *existing = NULL;
    int64_t category = 0;
    int64_t packaging = 0;
    r->code = cell(l, CODE);
    const int found = master_lookup(r->tx, MASTER_PRICE, r->code, r->a, &existing, e);
    if (found < 0) {
        return found;
    }
    DM_TRY(set_prices(r, l, values, e));
    DM_TRY(set_availability(r, l, values, e));
    DM_TRY(inv_json_set(values, "observations",
                        *cell(l, NOTES) ? json_string(cell(l, NOTES)) : json_null(), e));
    if (found == 0) { /* what cannot be changed any more is only read for new prices */
        const char *variant = variant_of(l, &c, r->a);
        DM_TRY(id_of(r, MASTER_CATEGORY, category_of(l, &c, r->a), &category, e));
        DM_TRY(packaging_of(r, l, &c, &packaging, e));
        DM_TRY(inv_json_set(values, "sku", json_string(r->code), e));
        DM_TRY(inv_json_set(values, "product_category_id", json_integer(category), e));
        DM_TRY(inv_json_set(values, "packaging_catalog_id", json_integer(packaging), e));
        DM_TRY(inv_json_set(values, "variant", variant ? json_string(variant) : NULL, e));
    }
    return import_put(r, MASTER_PRICE, existing, values, true, NULL, e);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Over the title lines to the header. */
static int find_header(struct import_run *r, struct dm_csv *csv, int *at, struct dm_err *e)
{
    enum { TITLES = 20 };
    struct dm_err why = {.code = DM_EBADINPUT, .text = "the file is empty"};
    struct dm_csv_row row;
    for (int i = 0; i < TITLES; i++) {
        const int more = dm_csv_next(csv, r->a, &row, &why);
        if (more <= 0) {
            break;
        }
        DM_TRY(import_headers(r, &row, e));
        if (dm_csv_columns(&row, columns, COLUMN_MAX_, at, r->a, &why) >= 0) {
            return DM_OK;
        }
    }
    return import_unreadable(&why, e);
}

static int one_line(struct import_run *r, struct line *l, struct dm_err *e)
{
    const char *code = cell(l, CODE);
    const struct sales_code c = read_code(code, r->a);
    if (!*code && !*cell(l, PRICE)) { /* the heading of a group */
        return DM_OK;
    }
    if (!category_of(l, &c, r->a)) {
        return import_skip(r, (int64_t)l->row->line, *code ? code : l->description,
                           "not a plant: left out", e);
    }
    return import_row(r, (int64_t)l->row->line, code, price_row, l, e);
}

int import_price_list(struct import_run *r, struct dm_err *e)
{
    struct dm_err why = {0};
    struct dm_csv csv;
    struct dm_csv_row row;
    int at[COLUMN_MAX_];
    const char *heading = "";
    int more;
    DM_TRY(import_open(r, &csv, e));
    DM_TRY(find_header(r, &csv, at, e));
    while ((more = dm_csv_next(&csv, r->a, &row, &why)) > 0) {
        struct line l = {.row = &row, .at = at};
        heading = *cell(&l, DESCRIPTION) ? cell(&l, DESCRIPTION) : heading;
        l.description = heading;
        DM_TRY(one_line(r, &l, e));
    }
    return more < 0 ? import_unreadable(&why, e) : DM_OK;
}
