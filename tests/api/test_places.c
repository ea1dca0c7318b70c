/* SPDX-License-Identifier: Apache-2.0
 *
 * Places over HTTP: naves, canteros, claros, containers, finding them, labels. */
#include <string.h>

#include "support/api_steps.h"
#include "support/books.h"

/* w x h metres at x, y. */
#define SQUARE(x0, y0, x1, y1)                                                                     \
    "{'type':'Polygon','coordinates':[[[" x0 "," y0 "],[" x1 "," y0 "],[" x1 "," y1 "],[" x0       \
    "," y1 "],[" x0 "," y0 "]]]}"
#define NAVE       SQUARE("-68.50", "-33.000", "-68.499", "-32.999")
#define CANTERO    SQUARE("-68.4999", "-32.9999", "-68.4995", "-32.9995")
#define CLARO      SQUARE("-68.4999", "-32.9999", "-68.4998", "-32.9998")
#define CLARO_2    SQUARE("-68.4997", "-32.9999", "-68.4996", "-32.9998")
#define OUTSIDE    SQUARE("-68.48", "-33.000", "-68.479", "-32.999")
#define CROSSING   "{'type':'Polygon','coordinates':[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}"
#define WAREHOUSES "/api/v1/locations/warehouses"
#define AREAS      "/api/v1/locations/areas"
#define CLAROS     "/api/v1/locations/locations"
#define BINS       "/api/v1/locations/bins"
#define TYPES      "/api/v1/locations/bin-types"

static const struct api_step build[] = {
    {INV_ADMIN, "POST", WAREHOUSES,
     "{'code':'NAVE07','name':'Nave 7','warehouse_type':'greenhouse','geojson_coordinates':" NAVE
     "}",
     201, "{'code':'NAVE07','active':true,'centroid':{'type':'Point'}}", "w=warehouse_id", NULL,
     "Location"},
    {INV_ADMIN, "POST", AREAS,
     "{'warehouse_id':$w,'name':'Norte','position':'N','geojson_coordinates':" CANTERO "}", 201,
     "{'code':'NAVE07-N','warehouse_id':$w}", "a=storage_area_id", NULL, "Location"},
    {INV_ADMIN, "POST", CLAROS,
     "{'storage_area_id':$a,'name':'Claro 7','geojson_coordinates':" CLARO "}", 201,
     "{'code':'NAVE07-N-C07','storage_area_id':$a}", "l=storage_location_id", NULL, "Location"},
    {INV_ADMIN, "POST", TYPES,
     "{'code':'tray_x','name':'Tray','category':'plug','is_grid':true,'rows':4,'columns':5}", 201,
     "{'code':'TRAY_X','rows':4,'is_grid':true}", "t=storage_bin_type_id", NULL, "Location"},
    {INV_SUPERVISOR, "POST", BINS,
     "{'storage_location_id':$l,'storage_bin_type_id':$t,'label':'Uno'}", 201,
     "{'label':'Uno','status':'active'}", "b=bin_id", NULL, "Location"},
};

static void places_are_built_and_changed(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        /* lists */
        {INV_VIEWER, "GET", WAREHOUSES "?q=nave", NULL, 200, "[{'warehouse_id':$w}]", NULL, NULL,
         "X-Total-Count"},
        {INV_VIEWER, "GET", WAREHOUSES "?warehouse_type=tunnel", NULL, 200, "[]"},
        {INV_VIEWER, "GET", WAREHOUSES "?warehouse_type=barn", NULL, 422},
        {INV_VIEWER, "GET", AREAS "?warehouse_id=$w&position=N", NULL, 200,
         "[{'storage_area_id':$a}]"},
        {INV_VIEWER, "GET", AREAS "?warehouse_id=999", NULL, 404,
         "{'code':'WarehouseNotFoundException','details':{'identifier':999}}"},
        {INV_VIEWER, "GET", CLAROS "?has_config=false", NULL, 200, "[{'storage_location_id':$l}]"},
        {INV_VIEWER, "GET", CLAROS "?storage_area_id=999", NULL, 404,
         "{'code':'StorageAreaNotFoundException'}"},
        {INV_VIEWER, "GET", BINS "?status=active", NULL, 200, "[{'bin_id':$b}]"},
        {INV_VIEWER, "GET", BINS "?storage_location_id=999", NULL, 404,
         "{'code':'StorageLocationNotFoundException'}"},
        {INV_VIEWER, "GET", TYPES "?category=plug&limit=1000", NULL, 200},
        {INV_VIEWER, "GET", WAREHOUSES "/$w/areas", NULL, 200, "[{'storage_area_id':$a}]"},
        {INV_VIEWER, "GET", WAREHOUSES "/999/areas", NULL, 404,
         "{'code':'WarehouseNotFoundException'}"},
        {INV_VIEWER, "GET", AREAS "/$a/locations", NULL, 200, "[{'storage_location_id':$l}]"},
        {INV_VIEWER, "GET", AREAS "/999/locations", NULL, 404},
        {INV_VIEWER, "GET", CLAROS "/$l/bins", NULL, 200, "[{'bin_id':$b}]"},
        {INV_VIEWER, "GET", CLAROS "/999/bins", NULL, 404},
        /* single rows */
        {INV_VIEWER, "GET", WAREHOUSES "/$w", NULL, 200, "{'name':'Nave 7'}", NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", WAREHOUSES "/$w", NULL, 304, NULL, NULL, "If-None-Match: $e"},
        {INV_VIEWER, "GET", WAREHOUSES "/999", NULL, 404},
        {INV_VIEWER, "GET", AREAS "/$a", NULL, 200, "{'position':'N'}"},
        {INV_VIEWER, "GET", AREAS "/999", NULL, 404},
        {INV_VIEWER, "GET", CLAROS "/$l", NULL, 200, "{'coordinates':{'type':'Point'}}"},
        {INV_VIEWER, "GET", CLAROS "/999", NULL, 404},
        {INV_VIEWER, "GET", BINS "/$b", NULL, 200},
        {INV_VIEWER, "GET", BINS "/999", NULL, 404, "{'code':'StorageBinNotFoundException'}"},
        {INV_VIEWER, "GET", TYPES "/$t", NULL, 200},
        {INV_VIEWER, "GET", TYPES "/999", NULL, 404},
        /* changes */
        {INV_ADMIN, "PATCH", WAREHOUSES "/$w", "{'name':'Nave siete'}", 200,
         "{'name':'Nave siete','code':'NAVE07'}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PUT", WAREHOUSES "/$w", "{'name':'Nave 7'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", WAREHOUSES "/999", "{'name':'x'}", 404},
        {INV_ADMIN, "PATCH", WAREHOUSES "/$w", "{'geojson_coordinates':" OUTSIDE "}", 400,
         "{'code':'GeometryOutOfBoundsException'}"},
        {INV_ADMIN, "PATCH", AREAS "/$a", "{'position':null,'name':'Cantero'}", 200,
         "{'position':null}"},
        {INV_ADMIN, "PATCH", AREAS "/999", "{'name':'x'}", 404},
        {INV_ADMIN, "PATCH", CLAROS "/$l", "{'description':'junto a la puerta'}", 200,
         "{'description':'junto a la puerta'}"},
        {INV_ADMIN, "PATCH", CLAROS "/999", "{'name':'x'}", 404},
        {INV_SUPERVISOR, "PATCH", BINS "/$b", "{'status':'maintenance'}", 200,
         "{'status':'maintenance'}"},
        {INV_SUPERVISOR, "PATCH", BINS "/999", "{'label':'x'}", 404},
        {INV_ADMIN, "PATCH", TYPES "/$t", "{'capacity':20}", 200, "{'capacity':20}"},
        {INV_ADMIN, "PATCH", TYPES "/999", "{'capacity':20}", 404},
        {INV_ADMIN, "PATCH", TYPES "/$t", "{'rows':null}", 400},
        /* refusals */
        {INV_ADMIN, "POST", WAREHOUSES,
         "{'code':'NAVE07','name':'x','warehouse_type':'tunnel','geojson_coordinates':" NAVE "}",
         409, "{'code':'DuplicateCodeException','details':{'field':'code'}}"},
        {INV_ADMIN, "POST", WAREHOUSES,
         "{'code':'NAVE08','name':'x','warehouse_type':'tunnel','geojson_coordinates':" CROSSING
         "}",
         400, "{'code':'InvalidGeometryException'}"},
        {INV_ADMIN, "POST", WAREHOUSES, "{'name':'x'}", 422, "{'detail':[{'type':'missing'}]}"},
        {INV_SUPERVISOR, "POST", WAREHOUSES, "{}", 403, "{'code':'ForbiddenException'}"},
        {INV_ROLE_MAX_, "GET", WAREHOUSES, NULL, 401, "{'code':'UnauthorizedException'}"},
        {INV_ADMIN, "POST", AREAS,
         "{'warehouse_id':999,'name':'x','geojson_coordinates':" CANTERO "}", 404,
         "{'code':'WarehouseNotFoundException'}"},
        {INV_ADMIN, "POST", AREAS,
         "{'warehouse_id':$w,'code':'NAVE07-N','name':'x','geojson_coordinates':" CANTERO "}", 409},
        {INV_ADMIN, "POST", AREAS,
         "{'warehouse_id':$w,'name':'Sur','geojson_coordinates':" OUTSIDE "}", 400,
         "{'code':'GeometryOutOfBoundsException'}"},
        {INV_ADMIN, "POST", CLAROS,
         "{'storage_area_id':999,'name':'x','geojson_coordinates':" CLARO "}", 404},
        {INV_ADMIN, "POST", CLAROS,
         "{'storage_area_id':$a,'name':'Claro 7','code':'NAVE07-N-C07','geojson_coordinates':" CLARO
         "}",
         409},
        {INV_ADMIN, "POST", CLAROS,
         "{'storage_area_id':$a,'name':'Claro 8','geojson_coordinates':" OUTSIDE "}", 400},
        {INV_SUPERVISOR, "POST", BINS,
         "{'storage_location_id':999,'storage_bin_type_id':$t,'label':'x'}", 404},
        {INV_ADMIN, "POST", TYPES, "{'code':'TRAY_X','name':'x','category':'plug'}", 409},
        {INV_ADMIN, "POST", TYPES, "{'code':'TRAY_Y','name':'x','category':'plug','is_grid':true}",
         400},
        {INV_ADMIN, "POST", WAREHOUSES,
         "{'code':'NAVE09','name':'x','warehouse_type':'tunnel','geojson_coordinates':" OUTSIDE "}",
         201, NULL, "x=warehouse_id"},
        {INV_ADMIN, "PATCH", WAREHOUSES "/$x", "{'code':'NAVE07'}", 409},
        {INV_ADMIN, "POST", AREAS,
         "{'warehouse_id':$x,'name':'Sur','geojson_coordinates':" OUTSIDE "}", 201, NULL,
         "y=storage_area_id"},
        {INV_ADMIN, "PATCH", AREAS "/$y", "{'code':'NAVE07-N'}", 409},
        {INV_ADMIN, "PATCH", AREAS "/$y", "{'geojson_coordinates':" CANTERO "}", 400},
        {INV_ADMIN, "PATCH", AREAS "/$y", "{'name':'x'}", 412, NULL, NULL, "If-Match: W/\"0\""},
        {INV_ADMIN, "POST", CLAROS,
         "{'storage_area_id':$a,'name':'Claro 9','geojson_coordinates':" CLARO_2 "}", 201, NULL,
         "z=storage_location_id"},
        {INV_ADMIN, "PATCH", CLAROS "/$z", "{'code':'NAVE07-N-C07'}", 409},
        {INV_ADMIN, "PATCH", CLAROS "/$z", "{'geojson_coordinates':" OUTSIDE "}", 400},
        {INV_ADMIN, "PATCH", CLAROS "/$z", "{'name':'x'}", 412, NULL, NULL, "If-Match: W/\"0\""},
        {INV_SUPERVISOR, "POST", BINS,
         "{'storage_location_id':$l,'storage_bin_type_id':$t,'label':'x','code':'A-B-C-PLU007'}",
         201, NULL, "n=bin_id"},
        {INV_SUPERVISOR, "POST", BINS,
         "{'storage_location_id':$l,'storage_bin_type_id':$t,'label':'x','code':'A-B-C-PLU007'}",
         409},
        {INV_SUPERVISOR, "PATCH", BINS "/$n", "{'label':'y'}", 412, NULL, NULL,
         "If-Match: W/\"0\""},
        {INV_ADMIN, "PATCH", TYPES "/$t", "{'capacity':2}", 412, NULL, NULL, "If-Match: W/\"0\""},
        {INV_SUPERVISOR, "DELETE", BINS "/$n", NULL, 200},
        {INV_ADMIN, "DELETE", CLAROS "/$z", NULL, 200},
        {INV_ADMIN, "DELETE", WAREHOUSES "/$x", NULL, 200},
        /* removal */
        {INV_SUPERVISOR, "DELETE", BINS "/$b", NULL, 200, "{'mode':'soft','deleted_id':$b}"},
        {INV_SUPERVISOR, "DELETE", BINS "/999", NULL, 404},
        {INV_SUPERVISOR, "PATCH", BINS "/$b", "{'status':'active'}", 409,
         "{'code':'InvalidStatusTransitionException'}"},
        {INV_ADMIN, "DELETE", TYPES "/$t", NULL, 200, "{'mode':'soft'}"},
        {INV_ADMIN, "DELETE", TYPES "/999", NULL, 404},
        {INV_ADMIN, "DELETE", CLAROS "/$l", NULL, 200, "{'mode':'soft'}"},
        {INV_ADMIN, "DELETE", CLAROS "/999", NULL, 404},
        {INV_VIEWER, "GET", CLAROS, NULL, 200, "[]"},
        {INV_VIEWER, "GET", CLAROS "?active_only=false", NULL, 200, "[{'active':false}]"},
        {INV_ADMIN, "PATCH", CLAROS "/$l", "{'active':true}", 200, "{'active':true}"},
        {INV_ADMIN, "DELETE", AREAS "/$a", NULL, 200},
        {INV_ADMIN, "DELETE", AREAS "/999", NULL, 404},
        {INV_ADMIN, "DELETE", WAREHOUSES "/$w", NULL, 200},
        {INV_ADMIN, "DELETE", WAREHOUSES "/999", NULL, 404},
        {INV_VIEWER, "GET", WAREHOUSES "/$w/areas", NULL, 404},
    };
    api_run_steps(g, &k, build, DM_COUNT(build));
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_audited(g, "warehouses", "deactivate");
    api_audited(g, "storage_bins", "update");
    api_kept_clear(&k);
}

/* Claro 1 of the tiny nursery holds plants. */
static void where_plants_stand_stays(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_ADMIN, "DELETE", WAREHOUSES "/1", NULL, 409, "{'rule':'HAS_STOCK'}"},
        {INV_ADMIN, "DELETE", AREAS "/1", NULL, 409, "{'rule':'HAS_STOCK'}"},
        {INV_ADMIN, "DELETE", CLAROS "/1", NULL, 409, "{'rule':'HAS_STOCK'}"},
        {INV_SUPERVISOR, "GET", BINS "/1", NULL, 200, NULL, "t=storage_bin_type_id"},
        {INV_SUPERVISOR, "DELETE", BINS "/1", NULL, 409, "{'rule':'HAS_STOCK'}"},
        {INV_ADMIN, "DELETE", TYPES "/$t", NULL, 409, "{'rule':'HAS_STOCK'}"},
        {INV_SUPERVISOR, "GET", BINS "/3", NULL, 200, NULL, "p=storage_bin_type_id"},
        {INV_SUPERVISOR, "PATCH", BINS "/1", "{'storage_bin_type_id':$p}", 400},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

static void places_are_found(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_VIEWER, "GET", "/api/v1/locations/search?longitude=-68.49985&latitude=-32.99985", NULL,
         200,
         "{'match':'contains','distance_m':0,'location':{'storage_location_id':$l},"
         "'area':{'storage_area_id':$a},'bins':[{'bin_id':$b}]}"},
        {INV_VIEWER, "GET", "/api/v1/locations/search?longitude=-68.49977&latitude=-32.99985", NULL,
         200, "{'match':'nearest','location':{'storage_location_id':$l}}"},
        {INV_VIEWER, "GET", "/api/v1/locations/search?longitude=10&latitude=50", NULL, 404,
         "{'code':'StorageLocationNotFoundException'}"},
        {INV_VIEWER, "GET", "/api/v1/locations/search?longitude=10", NULL, 422},
        {INV_VIEWER, "POST", "/api/v1/locations/validate",
         "{'warehouse_id':$w,'area_id':$a,'location_id':$l,'bin_id':$b}", 200,
         "{'valid':true,'errors':[],'hierarchy':{'bin_id':$b}}"},
        {INV_VIEWER, "POST", "/api/v1/locations/validate?warehouse_id=$w&bin_id=$b", NULL, 200,
         "{'valid':true,'hierarchy':{'area_id':null}}"},
        {INV_VIEWER, "POST", "/api/v1/locations/validate?warehouse_id=999", "{'location_id':$l}",
         200,
         "{'valid':false,'errors':['warehouse 999 does not exist',"
         "'location $l does not belong to warehouse 999']}"},
        {INV_VIEWER, "GET", "/api/v1/locations/tree?depth=4", NULL, 200,
         "{'warehouses':[{'code':'NAVE07','storage_areas':[{'locations':[{'bins':"
         "[{'bin_id':$b}]}]}]}]}"},
        {INV_VIEWER, "GET", "/api/v1/locations/tree?warehouse_id=$w&depth=1", NULL, 200,
         "{'warehouses':[{'code':'NAVE07'}]}"},
        {INV_VIEWER, "GET", "/api/v1/locations/tree?warehouse_id=999", NULL, 404},
        {INV_VIEWER, "GET", AREAS "/$a/utilization", NULL, 200,
         "{'storage_area_id':$a,'used_area_m2':0,'utilization_pct':0}"},
        {INV_VIEWER, "GET", AREAS "/999/utilization", NULL, 404},
        {INV_VIEWER, "GET", "/api/v1/map/export.geojson?level=warehouse", NULL, 200},
        {INV_VIEWER, "GET", "/api/v1/map/export.geojson?level=area&warehouse_id=$w", NULL, 200},
        {INV_VIEWER, "GET", "/api/v1/map/export.geojson?level=location", NULL, 200},
        {INV_VIEWER, "GET", "/api/v1/map/export.geojson", NULL, 422},
        {INV_SUPERVISOR, "GET", "/api/admin/warehouses/hierarchy", NULL, 200,
         "{'warehouses':[{'warehouse':{'code':'NAVE07'},'areas':[{'area':{'storage_area_id':$a},"
         "'locations':[{'location':{'storage_location_id':$l},'bins':[{'bin_id':$b}],"
         "'current_config':null,'has_warning':true}]}]}]}"},
        {INV_SUPERVISOR, "GET", "/api/v1/admin/warehouses/hierarchy", NULL, 200},
        {INV_WORKER, "GET", "/api/admin/warehouses/hierarchy", NULL, 403},
    };
    api_run_steps(g, &k, build, DM_COUNT(build));
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

/* First bytes of files. */
static void starts(struct api_rig *g, const char *path, const char *type, const char *magic)
{
    api_rig_as(g, INV_VIEWER);
    struct test_reply r = test_call(g->client, &(struct test_ask){.method = "GET", .path = path});
    assert_int_equal(r.status, 200);
    assert_string_equal(test_field(&r, "Content-Type"), type);
    assert_true(r.n > strlen(magic) && !memcmp(r.body, magic, strlen(magic)));
    test_reply_clear(&r);
}

static void labels_lead_to_claros(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    char path[120];
    static const struct api_step steps[] = {
        {INV_SUPERVISOR, "POST", CLAROS "/$l/qr", "{'qr_code':'CLARO-0007'}", 200,
         "{'qr_code':'CLARO-0007'}"},
        {INV_ADMIN, "POST", CLAROS,
         "{'storage_area_id':$a,'name':'Claro 8','geojson_coordinates':" CLARO_2 "}", 201, NULL,
         "m=storage_location_id"},
        {INV_SUPERVISOR, "POST", CLAROS "/$m/qr", "{'qr_code':'claro-0007'}", 409,
         "{'details':{'field':'qr_code'}}"},
        {INV_SUPERVISOR, "POST", CLAROS "/$m/qr", NULL, 200},
        {INV_SUPERVISOR, "POST", CLAROS "/999/qr", NULL, 404},
        {INV_WORKER, "POST", CLAROS "/$m/qr", NULL, 403},
        {INV_VIEWER, "GET", "/api/v1/locations/qr/claro-0007", NULL, 200,
         "{'location':{'storage_location_id':$l},'warehouse':{'warehouse_id':$w},'config':null}"},
        {INV_VIEWER, "GET", "/api/v1/locations/qr/CLARO-9999", NULL, 404,
         "{'code':'StorageLocationNotFoundException'}"},
        {INV_VIEWER, "GET", "/api/v1/locations/qr/short", NULL, 422},
        {INV_ROLE_MAX_, "GET", "/l/CLARO-0007", NULL, 307, NULL, NULL, NULL, "Location"},
        {INV_ROLE_MAX_, "GET", "/l/CLARO-9999", NULL, 404},
        {INV_VIEWER, "GET", CLAROS "/999/qr.png", NULL, 404},
        {INV_VIEWER, "GET", CLAROS "/999/qr.svg", NULL, 404},
        {INV_VIEWER, "GET", CLAROS "/$l/qr.png?size=10", NULL, 422},
        {INV_VIEWER, "GET", "/api/v1/locations/qr-labels.pdf", NULL, 400,
         "{'rule':'EMPTY_FILTER_RESULT'}"},
        {INV_VIEWER, "GET", "/api/v1/locations/qr-labels.pdf?location_ids=$l,$m&layout=single",
         NULL, 200},
    };
    api_run_steps(g, &k, build, DM_COUNT(build));
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    (void)snprintf(path, sizeof(path), CLAROS "/%s/qr.png?size=200", k.text['l' - 'a']);
    starts(g, path, "image/png", "\x89PNG");
    (void)snprintf(path, sizeof(path), CLAROS "/%s/qr.svg?ecc=H&content=url", k.text['l' - 'a']);
    starts(g, path, "image/svg+xml", "<svg ");
    (void)snprintf(path, sizeof(path), "/api/v1/locations/qr-labels.pdf?area_id=%s&layout=a4-65",
                   k.text['a' - 'a']);
    starts(g, path, "application/pdf", "%PDF-1.");
    api_kept_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(places_are_built_and_changed),
        API_TEST(where_plants_stand_stays),
        API_TEST(places_are_found),
        API_TEST(labels_lead_to_claros),
    };
    return api_rig_main(tests);
}
