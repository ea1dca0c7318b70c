/* SPDX-License-Identifier: Apache-2.0
 *
 * The demo's catalogue and map. Sizes follow the real nursery (domain.md section 1): 28 naves, 56
 * canteros, 1,290 claros of 3.0 to 14.9 m2, median 7.3, short side 1.8 m. */
#include <math.h>
#include <string.h>

#include "inventory/seed_priv.h"

enum { CLAROS_OF_AREA = 23, CLAROS_DEFAULT = 1290 };

static const struct {
    int category;
    const char *genus, *species[8];
} plants[] = {
    {0,
     "Mammillaria",
     {"bocasana", "plumosa", "elongata", "hahniana", "gracilis", "spinosissima", "zeilmanniana",
      "prolifera"}},
    {0,
     "Echinopsis",
     {"oxygona", "chamaecereus", "eyriesii", "subdenudata", "pachanoi", "terscheckii", NULL, NULL}},
    {0,
     "Gymnocalycium",
     {"mihanovichii", "baldianum", "saglionis", "horstii", "bruchii", NULL, NULL, NULL}},
    {0,
     "Opuntia",
     {"microdasys", "rufida", "subulata", "cylindrica", "monacantha", NULL, NULL, NULL}},
    {0, "Parodia", {"magnifica", "leninghausii", "scopa", "warasii", NULL, NULL, NULL, NULL}},
    {0, "Rebutia", {"minuscula", "krainziana", "fiebrigii", "heliosa", NULL, NULL, NULL, NULL}},
    {0,
     "Astrophytum",
     {"myriostigma", "ornatum", "asterias", "capricorne", NULL, NULL, NULL, NULL}},
    {0, "Ferocactus", {"latispinus", "glaucescens", "stainesii", NULL, NULL, NULL, NULL, NULL}},
    {0, "Cereus", {"jamacaru", "peruvianus", "repandus", NULL, NULL, NULL, NULL, NULL}},
    {1,
     "Echeveria",
     {"elegans", "lilacina", "agavoides", "setosa", "pulvinata", "gibbiflora", "runyonii",
      "derenbergii"}},
    {1,
     "Sedum",
     {"morganianum", "rubrotinctum", "burrito", "dasyphyllum", "nussbaumerianum", "palmeri", NULL,
      NULL}},
    {1,
     "Crassula",
     {"ovata", "perforata", "capitella", "muscosa", "arborescens", "rupestris", NULL, NULL}},
    {1,
     "Haworthia",
     {"fasciata", "cooperi", "limifolia", "attenuata", "cymbiformis", NULL, NULL, NULL}},
    {1,
     "Graptopetalum",
     {"paraguayense", "pentandrum", "macdougallii", NULL, NULL, NULL, NULL, NULL}},
    {1,
     "Kalanchoe",
     {"tomentosa", "thyrsiflora", "beharensis", "daigremontiana", "marmorata", NULL, NULL, NULL}},
    {1, "Aloe", {"vera", "aristata", "juvenna", "variegata", "brevifolia", NULL, NULL, NULL}},
    {1, "Senecio", {"rowleyanus", "haworthii", "serpens", "radicans", NULL, NULL, NULL, NULL}},
    {1, "Sempervivum", {"tectorum", "arachnoideum", "calcareum", NULL, NULL, NULL, NULL, NULL}},
    {2, "Gymnocalycium injerto", {"rojo", "amarillo", "naranja", "rosado", NULL, NULL, NULL, NULL}},
    {2, "Mammillaria injerto", {"crestada", "variegada", NULL, NULL, NULL, NULL, NULL, NULL}},
    {2, "Astrophytum injerto", {"super kabuto", "crestado", NULL, NULL, NULL, NULL, NULL, NULL}},
    {3,
     "Agave",
     {"attenuata", "victoriae-reginae", "parryi", "americana", "potatorum", "filifera", NULL,
      NULL}},
};

static const struct {
    const char *type, *letter;
    double diameter_cm;
    int64_t price_cents; /* of a cactus */
    const char *colors[3];
} pots[] = {
    {"RIGIDA", "R", 5, 95000, {"TERRACOTA", "NEGRA", "BLANCA"}},
    {"RIGIDA", "R", 7, 145000, {"TERRACOTA", "GRIS", NULL}},
    {"RIGIDA", "R", 8, 180000, {"TERRACOTA", "NEGRA", "VIOLETA"}},
    {"RIGIDA", "R", 10, 260000, {"TERRACOTA", "GRIS", NULL}},
    {"RIGIDA", "R", 12, 380000, {"TERRACOTA", NULL, NULL}},
    {"TERMOFORMADA", "T", 11, 210000, {"NEGRA", "TERRACOTA", NULL}},
    {"TERMOFORMADA", "T", 15, 450000, {"NEGRA", NULL, NULL}},
    {"SOPLADA", "S", 17, 720000, {"NEGRA", "TERRACOTA", NULL}},
    {"SOPLADA", "S", 20, 1150000, {"NEGRA", NULL, NULL}},
    {"FLEXIBLE", "F", 14, 320000, {"NEGRA", NULL, NULL}},
    {"TERRINA", "B", 25, 1650000, {"TERRACOTA", NULL, NULL}},
};

uint64_t seed_next(struct seed_rng *r)
{
    uint64_t z = (r->s += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t seed_between(struct seed_rng *r, int64_t low, int64_t high)
{
    return high <= low ? low : low + (int64_t)(seed_next(r) % (uint64_t)(high - low + 1));
}

double seed_unit(struct seed_rng *r)
{
    return (double)(seed_next(r) >> 11) * 0x1p-53;
}

/* In place: "Gymnocal-001" becomes "GYMNOCAL-001". */
static void to_sku(char *s)
{
    for (; *s; s++) {
        *s = (char)(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s == ' ' ? '-' : *s);
    }
}

static void add_family(struct seed_world *w, size_t f)
{
    w->family[w->n_family++] = (struct seed_family){plants[f].category, plants[f].genus};
    for (int k = 0; k < 8 && plants[f].species[k]; k++) {
        struct seed_product *p = &w->product[w->n_product++];
        p->family = (int)f;
        (void)snprintf(p->name, sizeof(p->name), "%s %s", plants[f].genus, plants[f].species[k]);
        (void)snprintf(p->sku, sizeof(p->sku), "%.8s-%03d", plants[f].genus, k + 1);
        to_sku(p->sku);
        if (plants[f].category == 2) { /* a graft has the name of its genus: keep them apart */
            p->sku[0] = 'I';
        }
        p->growth_days = 120 + 15 * (int)((f * 7 + (size_t)k * 3) % 18);
    }
}

static void add_pot(struct seed_world *w, size_t i, const char *color)
{
    /* what a category costs compared to a cactus, in percent */
    static const int64_t level[SEED_CATEGORIES] = {100, 85, 160, 120};
    struct seed_pot *p = &w->pot[w->n_pot++];
    p->type = pots[i].type;
    p->color = color;
    p->diameter_cm = pots[i].diameter_cm;
    (void)snprintf(p->sku, sizeof(p->sku), "%s%.0f-%s", pots[i].letter, p->diameter_cm, color);
    (void)snprintf(p->name, sizeof(p->name), "%s%.0f %s", pots[i].letter, p->diameter_cm, color);
    for (char *s = strchr(p->name, ' ') + 1; *s; s++) {
        *s = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
    }
    for (int c = 0; c < SEED_CATEGORIES; c++) {
        const bool listed = c < 2 || p->diameter_cm <= 17; /* a few have no price */
        p->price_cents[c] = listed ? pots[i].price_cents * level[c] / 100 : 0;
    }
}

static void catalogue(struct seed_world *w)
{
    for (size_t f = 0; f < DM_COUNT(plants); f++) {
        add_family(w, f);
    }
    for (size_t i = 0; i < DM_COUNT(pots); i++) {
        for (int k = 0; k < 3 && pots[i].colors[k]; k++) {
            add_pot(w, i, pots[i].colors[k]);
        }
    }
}

/* Between 3.0 and 14.9 m2 with the middle at 7.3: a log-normal, cut. */
static double draw_area(struct seed_rng *r)
{
    const double u =
        seed_unit(r) + seed_unit(r) + seed_unit(r) + seed_unit(r) - 2; /* nearly normal */
    return DM_CLAMP(7.3 * exp(0.62 * u), 3.0, 14.9);
}

static void choose_crop(struct seed_world *w, struct seed_claro *c)
{
    const double u = seed_unit(&w->rng);
    c->kind = u < 0.06 ? SEED_PLUG : u < 0.20 ? SEED_GROWING : SEED_SELLABLE;
    c->product = (int)seed_between(&w->rng, 0, (int64_t)w->n_product - 1);
    c->pot = c->kind == SEED_PLUG ? -1 : (int)seed_between(&w->rng, 0, (int64_t)w->n_pot - 1);
    /* small pots are the bread and butter */
    if (c->pot >= 0 && w->pot[c->pot].diameter_cm > 12 && seed_chance(&w->rng, 0.8)) {
        c->pot = (int)seed_between(&w->rng, 0, 9);
    }
    c->plants_per_pot = c->kind == SEED_SELLABLE && seed_chance(&w->rng, 0.06) ? 3 : 1;
    c->flowering = seed_chance(&w->rng, 0.1);
}

/* Plants by ground and pot: small pots stand closer. Shares of the whole, largest remainder last.
 */
static void share_plants(struct seed_world *w)
{
    double sum = 0;
    for (size_t i = 0; i < w->claro.n; i++) {
        const struct seed_claro *c = &w->claro.at[i];
        const double d = c->pot < 0 ? 2.6 : w->pot[c->pot].diameter_cm;
        sum += c->area_m2 / (d * d);
    }
    int64_t left = w->p->plants - 10 * (int64_t)w->claro.n;
    const double spread = (double)left;
    for (size_t i = 0; i < w->claro.n; i++) {
        struct seed_claro *c = &w->claro.at[i];
        const double d = c->pot < 0 ? 2.6 : w->pot[c->pot].diameter_cm;
        const int64_t share = DM_MIN(left, (int64_t)(spread * c->area_m2 / (d * d) / sum));
        c->target = 10 + share;
        left -= share;
    }
    for (size_t i = 0; left > 0; i = i + 1 < w->claro.n ? i + 1 : 0, left--) {
        w->claro.at[i].target++;
    }
}

int seed_site(struct seed_world *w, struct dm_err *e)
{
    const int n = w->p->claros ? w->p->claros : CLAROS_DEFAULT;
    catalogue(w);
    w->n_area = n < CLAROS_OF_AREA ? 1 : n / CLAROS_OF_AREA;
    w->n_area += w->n_area % 2;
    w->n_warehouse = w->n_area / 2;
    for (int i = 0; i < n; i++) {
        struct seed_claro *c = SEED_ADD(w->claro);
        if (!c) {
            DM_FAIL(e, DM_ENOMEM, "no memory for the demo nursery");
        }
        c->area = i % w->n_area;
        c->warehouse = c->area / 2;
        c->number = i / w->n_area + 1;
        c->area_m2 = draw_area(&w->rng);
        choose_crop(w, c);
    }
    share_plants(w);
    return DM_OK;
}

/* Claros stand side by side, 1.8 m wide with a path of 0.2 m; two canteros fill a nave. */
enum { AREA_DEPTH_CM = 860, NAVES_IN_ROW = 7 };
static const double pitch_m = 2.0;

static double area_length(const struct seed_world *w)
{
    const int most = (int)w->claro.n / w->n_area + 1;
    return pitch_m * most + 0.4;
}

struct seed_rect seed_rect_of_warehouse(const struct seed_world *w, int warehouse)
{
    const double width = area_length(w) + 1;
    const double height = 2 * AREA_DEPTH_CM / 100.0 + 2;
    const int column = warehouse % NAVES_IN_ROW;
    const int row = warehouse / NAVES_IN_ROW;
    return (struct seed_rect){column * (width + 6), row * (height + 6), width, height};
}

struct seed_rect seed_rect_of_area(const struct seed_world *w, int area)
{
    struct seed_rect r = seed_rect_of_warehouse(w, area / 2);
    r.x += 0.5;
    r.w = area_length(w);
    r.h = AREA_DEPTH_CM / 100.0;
    r.y += area % 2 == 0 ? r.h + 1.5 : 0.5; /* north is up */
    return r;
}

struct seed_rect seed_rect_of_claro(const struct seed_world *w, const struct seed_claro *c)
{
    const struct seed_rect a = seed_rect_of_area(w, c->area);
    return (struct seed_rect){a.x + 0.2 + pitch_m * (c->number - 1), a.y + 0.1, 1.8,
                              c->area_m2 / 1.8};
}
