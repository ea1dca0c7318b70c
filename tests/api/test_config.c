/* SPDX-License-Identifier: Apache-2.0
 *
 * What is meant to stand in claros, and how much room a plant takes, over HTTP. Claro 1 of the tiny
 * nursery has a configuration and one before it, claro 2 has none. */
#include <string.h>

#include "support/api_steps.h"
#include "support/books.h"

#define C       "/api/v1/config"
#define D       "/api/v1/config/density-params"
#define ADMIN   "/api/admin/storage-location-config"
#define CROP    "'product_id':1,'packaging_catalog_id':1,'expected_product_state_id':$s,"
#define SESSION "00000000-0000-4000-8000-000000000011"
#define BARE    "00000000-0000-4000-8000-000000000078"
#define OTHER   "00000000-0000-4000-8000-000000000077"

static void configurations_are_kept(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_VIEWER, "GET", C "/location-defaults?location_id=1", NULL, 200,
         "{'storage_location_id':1,'product_id':1,'active':true,'valid_to':null}",
         "s=expected_product_state_id"},
        {INV_VIEWER, "GET", C "/location-defaults?location_id=2", NULL, 200, "null"},
        {INV_VIEWER, "GET", C "/location-defaults?location_id=999", NULL, 200, "null"},
        {INV_VIEWER, "GET", C "/location-defaults", NULL, 422},
        {INV_SUPERVISOR, "POST", C "/location-defaults",
         "{'storage_location_id':2," CROP "'area_cm2':70000.5,'notes':'borde'}", 201,
         "{'storage_location_id':2,'area_cm2':70000.5,'notes':'borde','plants_per_container':1}",
         "c=id", NULL, "Location"},
        {INV_SUPERVISOR, "POST", C "/location-defaults",
         "{'storage_location_id':2," CROP "'area_cm2':60000}", 201, "{'id':$c,'area_cm2':60000}"},
        {INV_SUPERVISOR, "POST", C "/location-defaults",
         "{'storage_location_id':999," CROP "'area_cm2':1}", 404,
         "{'code':'StorageLocationNotFoundException'}"},
        {INV_SUPERVISOR, "POST", C "/location-defaults",
         "{'storage_location_id':2,'product_id':999,'expected_product_state_id':$s,'area_cm2':1}",
         404},
        {INV_SUPERVISOR, "POST", C "/location-defaults",
         "{'storage_location_id':2," CROP "'area_cm2':0}", 422},
        {INV_WORKER, "POST", C "/location-defaults", "{}", 403},
        /* one claro */
        {INV_VIEWER, "GET", C "/locations/1", NULL, 200,
         "{'product_name':'Mammillaria bocasana','packaging_name':'R5 terracota'}", NULL, NULL,
         "e=ETag"},
        {INV_VIEWER, "GET", C "/locations/1?at=2025-12-15", NULL, 200,
         "{'product_id':2,'active':false}"},
        {INV_VIEWER, "GET", C "/locations/1?at=2020-01-01", NULL, 404,
         "{'code':'ConfigNotFoundException'}"},
        {INV_VIEWER, "GET", C "/locations/999", NULL, 404,
         "{'code':'StorageLocationNotFoundException'}"},
        {INV_VIEWER, "GET", C "/locations/1/history", NULL, 200,
         "[{'product_id':1},{'product_id':2,'active':false}]", NULL, NULL, "X-Total-Count"},
        {INV_VIEWER, "GET", C "/locations/999/history", NULL, 404},
        {INV_SUPERVISOR, "PATCH", C "/locations/1", "{'notes':'al sol'}", 200,
         "{'notes':'al sol','product_id':1,'area_cm2':72000}", NULL, "If-Match: $e"},
        {INV_SUPERVISOR, "PATCH", C "/locations/1", "{'notes':'x'}", 412, NULL, NULL,
         "If-Match: $e"},
        {INV_SUPERVISOR, "PATCH", C "/locations/1", "{'product_id':999}", 404},
        {INV_SUPERVISOR, "PATCH", C "/locations/999", "{'notes':'x'}", 404},
        {INV_SUPERVISOR, "POST", C "/locations/2", "{" CROP "'area_cm2':60000,'mode':'create'}",
         409, "{'rule':'CONFIG_UNCHANGED'}"},
        {INV_SUPERVISOR, "POST", C "/locations/2",
         "{'product_id':2,'expected_product_state_id':$s,'area_cm2':60000,'mode':'create'}", 201,
         "{'packaging_catalog_id':null,'warnings':['open_stock_exists']}", "d=id", NULL,
         "Location"},
        {INV_SUPERVISOR, "POST", C "/locations/999", "{" CROP "'area_cm2':1}", 404},
        /* all of them */
        {INV_VIEWER, "GET", C "/locations?warehouse_id=1", NULL, 200,
         "{'items':[{'storage_location_id':1,'storage_location_code':'NAVE01-N-C01'},"
         "{'id':$d}],'pagination':{'total_items':2}}"},
        {INV_VIEWER, "GET", C "/locations?stale_days=30", NULL, 200, "{'items':[]}"},
        {INV_VIEWER, "GET", C "/locations?missing=true", NULL, 200, "{'items':[]}"},
        {INV_SUPERVISOR, "DELETE", C "/locations/2", NULL, 200, "{'deleted_id':$d,'mode':'soft'}"},
        {INV_SUPERVISOR, "DELETE", C "/locations/2", NULL, 404,
         "{'code':'ConfigNotFoundException'}"},
        {INV_SUPERVISOR, "DELETE", C "/locations/999", NULL, 404},
        {INV_VIEWER, "GET", C "/locations?missing=true", NULL, 200,
         "{'items':[{'id':null,'storage_location_id':2}]}"},
        {INV_VIEWER, "GET", C "/locations?product_id=1", NULL, 200,
         "{'items':[{'storage_location_id':1}]}"},
        /* many */
        {INV_SUPERVISOR, "POST", C "/locations/bulk",
         "{'location_ids':[2,1,2]," CROP "'area_cm2':50000}", 200,
         "[{'location_id':2,'config':{'area_cm2':50000},'warnings':[]},{'location_id':1}]"},
        {INV_SUPERVISOR, "POST", C "/locations/bulk",
         "{'location_ids':[2,999]," CROP "'area_cm2':50000}", 404},
        {INV_SUPERVISOR, "POST", C "/locations/bulk",
         "{'location_ids':[2,1]," CROP "'area_cm2':50000,'mode':'create'}", 409},
        {INV_SUPERVISOR, "POST", C "/locations/bulk", "{'location_ids':[]}", 422},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-update",
         "{'location_ids':[1,2]," CROP "'area_cm2':40000}", 200,
         "[{'storage_location_id':1,'area_cm2':40000},{'storage_location_id':2}]"},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-update",
         "{'location_ids':[1,999]," CROP "'area_cm2':40000}", 404,
         "{'details':{'identifier':999}}"},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-create",
         "{'location_ids':[1]," CROP "'area_cm2':40000}", 409, "{'rule':'CONFIG_UNCHANGED'}"},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-create",
         "{'location_ids':[1],'product_id':2,'expected_product_state_id':$s,'area_cm2':1}", 200,
         "[{'storage_location_id':1,'product_id':2}]"},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-create",
         "{'location_ids':[999],'product_id':2,'expected_product_state_id':$s,'area_cm2':1}", 404},
        {INV_SUPERVISOR, "POST", "/api/v1/admin/storage-location-config/bulk-update",
         "{'location_ids':[1]," CROP "'area_cm2':40000}", 200},
        {INV_WORKER, "POST", ADMIN "/bulk-update", "{}", 403},
        /* the older system's way for one claro */
        {INV_SUPERVISOR, "POST", ADMIN,
         "{'storage_location_id':1,'product_id':2,'expected_product_state_id':$s,'area_cm2':2}",
         201, "{'storage_location_id':1,'product_id':2}", "c=id"},
        {INV_SUPERVISOR, "POST", ADMIN,
         "{'storage_location_id':1,'product_id':2,'expected_product_state_id':$s,'area_cm2':2}",
         409},
        {INV_SUPERVISOR, "POST", ADMIN,
         "{'storage_location_id':999,'product_id':2,'expected_product_state_id':$s,'area_cm2':2}",
         404},
        {INV_SUPERVISOR, "PUT", ADMIN "/$c", "{'area_cm2':3}", 200, "{'id':$c,'area_cm2':3}"},
        {INV_SUPERVISOR, "PUT", ADMIN "/1", "{'area_cm2':3}", 404,
         "{'code':'ConfigNotFoundException'}"},
        {INV_SUPERVISOR, "PUT", "/api/v1/admin/storage-location-config/999", "{'area_cm2':3}", 404},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_audited(g, "storage_location_configs", "update");
    api_kept_clear(&k);
}

/* More than a hundred claros want to be confirmed. */
static void many_are_confirmed(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static char many[2048];
    size_t n = (size_t)snprintf(many, sizeof(many), "{'location_ids':[");
    for (int i = 1; i <= 101; i++) {
        n += (size_t)snprintf(many + n, sizeof(many) - n, i > 1 ? ",%d" : "%d", i);
    }
    (void)snprintf(many + n, sizeof(many) - n,
                   "],'product_id':1,'expected_product_state_id':1,'area_cm2':1}");
    const struct api_step steps[] = {
        {INV_SUPERVISOR, "POST", C "/locations/bulk", many, 400, "{'code':'ValidationException'}"},
        {INV_SUPERVISOR, "POST", ADMIN "/bulk-update", many, 404},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

static void densities_are_kept(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_VIEWER, "GET", D, NULL, 200,
         "[{'id':1,'avg_area_per_plant_cm2':25,'plants_per_m2':400,'avg_diameter_cm':5}]",
         "t=storage_bin_type_id"},
        {INV_VIEWER, "GET", D "?packaging_catalog_id=1&product_id=1", NULL, 200, "[{'id':1}]"},
        {INV_VIEWER, "GET", D "?product_id=2", NULL, 200, "[]"},
        {INV_VIEWER, "GET", C "/density-parameters/product/1", NULL, 200, "[{'id':1}]"},
        {INV_VIEWER, "GET", D "/product/2", NULL, 200, "[]"},
        {INV_VIEWER, "GET", D "/1", NULL, 200, "{'locked':false}", NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", D "/999", NULL, 404},
        {INV_SUPERVISOR, "POST", D, "{'storage_bin_type_id':$t,'plants_per_m2':100}", 201,
         "{'avg_area_per_plant_cm2':100,'product_id':null,'overlap_adjustment_factor':0.85}",
         "d=id", NULL, "Location"},
        {INV_SUPERVISOR, "POST", D, "{'storage_bin_type_id':$t,'plants_per_m2':100}", 409},
        {INV_SUPERVISOR, "POST", D, "{'storage_bin_type_id':999,'plants_per_m2':100}", 404},
        {INV_SUPERVISOR, "POST", D, "{'storage_bin_type_id':$t,'product_id':2,'plants_per_m2':0.5}",
         400},
        {INV_SUPERVISOR, "POST", D, "{'storage_bin_type_id':$t,'product_id':2}", 422},
        {INV_WORKER, "POST", D, "{}", 403},
        {INV_SUPERVISOR, "PATCH", D "/$d", "{'locked':true,'notes':'medido'}", 200,
         "{'locked':true,'notes':'medido','avg_area_per_plant_cm2':100}"},
        {INV_SUPERVISOR, "PATCH", D "/1", "{'avg_area_per_plant_cm2':36}", 200,
         "{'avg_diameter_cm':6}", NULL, "If-Match: $e"},
        {INV_SUPERVISOR, "PATCH", D "/1", "{'locked':true}", 412, NULL, NULL, "If-Match: $e"},
        {INV_SUPERVISOR, "PATCH", D "/1", "{'plants_per_m2':0.5}", 400},
        {INV_SUPERVISOR, "PATCH", D "/999", "{'locked':true}", 404},
        {INV_VIEWER, "GET", D "/1/calibrations", NULL, 200,
         "[{'applied':true,'reason':'set by hand','old':{'avg_area_per_plant_cm2':25}}]", NULL,
         NULL, "X-Total-Count"},
        {INV_VIEWER, "GET", D "/999/calibrations", NULL, 404},
        /* from photos: claro 1 was counted twice; 250 cm2 of ground in the first */
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'product_id':1,'packaging_catalog_id':1,'references':["
         "{'session_id':'" SESSION "','known_count':10},{'session_id':'" SESSION
         "','known_count':10},{'session_id':'" SESSION "','known_count':5}]}",
         200,
         "{'proposed':{'avg_area_per_plant_cm2':30,'sample_size':3},'current':{'id':1},"
         "'error_pct':20,'applied':false}"},
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'product_id':1,'packaging_catalog_id':1,'apply':true,"
         "'references':[{'session_id':'" SESSION "','known_count':10},{'session_id':'" SESSION
         "','known_count':10},{'session_id':'" SESSION "','known_count':5}]}",
         200, "{'applied':true}"},
        {INV_VIEWER, "GET", D "/1", NULL, 200, "{'avg_area_per_plant_cm2':30}"},
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'references':[{'session_id':'" SESSION
         "','known_count':10},{'session_id':'" SESSION
         "','known_count':10},{'session_id':'00000000-0000-4000-8000-000000000099',"
         "'known_count':5}]}",
         404},
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'references':[{'session_id':'" SESSION "','known_count':10}]}",
         422},
        {INV_SUPERVISOR, "DELETE", D "/$d", NULL, 409, "{'details':{'density_calibrations':2}}"},
        {INV_SUPERVISOR, "DELETE", D "/999", NULL, 404},
    };
    static const struct api_step late[] = {
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'references':[{'session_id':'" OTHER
         "','known_count':10},{'session_id':'" OTHER "','known_count':10},{'session_id':'" OTHER
         "','known_count':5}]}",
         409, "{'code':'InvalidStatusTransitionException'}"},
        {INV_SUPERVISOR, "POST", D "/calibrate",
         "{'storage_bin_type_id':$t,'references':[{'session_id':'" BARE
         "','known_count':10},{'session_id':'" BARE "','known_count':10},{'session_id':'" BARE
         "','known_count':5}]}",
         400},
        {INV_SUPERVISOR, "DELETE", D "/77", NULL, 200, "{'mode':'hard'}"},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, "INSERT INTO photo_processing_sessions (id, uuid, image_id, captured_at, status)"
                  " VALUES (77, '00000000-0000-4000-8000-000000000077', 1,"
                  " '2026-03-01T00:00:00.000Z', 'pending')");
    books_sql(tx, "INSERT INTO photo_processing_sessions (id, uuid, image_id, captured_at, status)"
                  " VALUES (78, '00000000-0000-4000-8000-000000000078', 1,"
                  " '2026-03-01T00:00:00.000Z', 'completed')");
    books_sql(tx, "INSERT INTO density_parameters (id, storage_bin_type_id, product_id,"
                  " avg_area_per_plant_cm2, plants_per_m2, avg_diameter_cm) VALUES"
                  " (77, (SELECT MIN(id) FROM storage_bin_types), 2, 25, 400, 5)");
    assert_ok(store_commit(&tx, &e), &e);
    api_run_steps(g, &k, late, DM_COUNT(late));
    api_kept_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(configurations_are_kept),
        API_TEST(many_are_confirmed),
        API_TEST(densities_are_kept),
    };
    return api_rig_main(tests);
}
