/* SPDX-License-Identifier: Apache-2.0
 *
 * Products, packaging and prices over HTTP. */
#include <string.h>

#include "support/api_steps.h"
#include "support/books.h"

#define P "/api/v1/products"
#define K "/api/v1/packaging"
#define M "/api/v1/prices"

static void products_are_kept(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        /* categories */
        {INV_ADMIN, "POST", P "/categories", "{'code':'helecho_x','name':' Helechos '}", 201,
         "{'code':'HELECHO_X','name':'Helechos','description':null}", "c=id", NULL, "Location"},
        {INV_ADMIN, "POST", P "/categories", "{'code':'HELECHO_X','name':'x'}", 409,
         "{'code':'DuplicateCodeException','details':{'field':'code','value':'HELECHO_X'}}"},
        {INV_ADMIN, "POST", P "/categories", "{'code':'a-b','name':'x'}", 422},
        {INV_VIEWER, "GET", P "/categories?limit=1000", NULL, 200, NULL, NULL, NULL,
         "X-Total-Count"},
        {INV_VIEWER, "GET", P "/categories/$c", NULL, 200, "{'family_count':0,'product_count':0}",
         NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", P "/categories/99999", NULL, 404},
        {INV_ADMIN, "PATCH", P "/categories/$c", "{'description':'de sombra'}", 200,
         "{'description':'de sombra'}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/categories/$c", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/categories/99999", "{'name':'x'}", 404},
        /* families */
        {INV_ADMIN, "POST", P "/families",
         "{'category_id':$c,'name':'Ñandú','scientific_name':'Pteris'}", 201,
         "{'category_id':$c,'name':'Ñandú'}", "f=family_id", NULL, "Location"},
        {INV_ADMIN, "POST", P "/families", "{'category_id':$c,'name':'ñandú'}", 201, NULL,
         "g=family_id"},
        {INV_ADMIN, "POST", P "/families", "{'category_id':$c,'name':'Ñandú'}", 409},
        {INV_ADMIN, "POST", P "/families", "{'category_id':99999,'name':'x'}", 404},
        {INV_VIEWER, "GET", P "/families?category_id=$c", NULL, 200, "[{'family_id':$f}]"},
        {INV_VIEWER, "GET", P "/families?category_id=99999", NULL, 404},
        {INV_VIEWER, "GET", P "/categories/$c/families?skip=1", NULL, 200, "[{'family_id':$g}]"},
        {INV_VIEWER, "GET", P "/categories/99999/families", NULL, 404},
        {INV_VIEWER, "GET", P "/families/$f", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", P "/families/99999", NULL, 404},
        {INV_ADMIN, "PATCH", P "/families/$f", "{'scientific_name':null}", 200,
         "{'scientific_name':null}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/families/$f", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/families/$g", "{'name':'Ñandú'}", 409},
        {INV_ADMIN, "PATCH", P "/families/99999", "{'name':'x'}", 404},
        /* products */
        {INV_ADMIN, "POST", P,
         "{'family_id':$f,'common_name':'Helecho macho','sku':'IGNORED-1',"
         "'custom_attributes':{'light':'shade'}}",
         201, "{'sku':'NANDU-001','custom_attributes':{'light':'shade'}}", "p=product_id", NULL,
         "Location"},
        {INV_ADMIN, "POST", P, "{'family_id':$f,'common_name':'Helecho hembra'}", 201,
         "{'sku':'NANDU-002','custom_attributes':{}}", "q=product_id"},
        {INV_ADMIN, "POST", P, "{'family_id':99999,'common_name':'x'}", 404},
        {INV_WORKER, "POST", P, "{'family_id':$f,'common_name':'x'}", 403},
        {INV_VIEWER, "GET", P "/nandu-001", NULL, 200, "{'product_id':$p}"},
        {INV_VIEWER, "GET", P "/$p", NULL, 200, "{'sku':'NANDU-001'}"},
        {INV_VIEWER, "GET", P "/NANDU-999", NULL, 404, "{'code':'NotFoundException'}"},
        {INV_VIEWER, "GET", P "?q=MACHO&family_id=$f", NULL, 200, "[{'product_id':$p}]"},
        {INV_VIEWER, "GET", P "?category_id=99999", NULL, 404},
        {INV_VIEWER, "GET", P "/families/$f/products", NULL, 200, "[{'product_id':$p}]"},
        {INV_VIEWER, "GET", P "/families/99999/products", NULL, 404},
        {INV_VIEWER, "GET", P "/by-id/$p", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", P "/by-id/99999", NULL, 404},
        {INV_ADMIN, "PATCH", P "/by-id/$p", "{'common_name':'Macho'}", 200,
         "{'common_name':'Macho'}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/by-id/$p", "{'common_name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/by-id/99999", "{'common_name':'x'}", 404},
        {INV_VIEWER, "GET", P "/hierarchy", NULL, 200},
        {INV_VIEWER, "GET", P "/categories/$c", NULL, 200, "{'family_count':2,'product_count':2}"},
        /* sizes and states */
        {INV_ADMIN, "POST", P "/sizes", "{'code':'q','name':'Q','min_height_cm':1}", 201,
         "{'code':'Q','sort_order':99,'max_height_cm':null}", "s=product_size_id", NULL,
         "Location"},
        {INV_ADMIN, "POST", P "/sizes", "{'code':'Q','name':'Q'}", 409},
        {INV_ADMIN, "POST", P "/sizes",
         "{'code':'R','name':'R','min_height_cm':3,'max_height_cm':2}", 400},
        {INV_VIEWER, "GET", P "/sizes", NULL, 200},
        {INV_VIEWER, "GET", P "/sizes/$s", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", P "/sizes/99999", NULL, 404},
        {INV_ADMIN, "PATCH", P "/sizes/$s", "{'max_height_cm':9.5}", 200, "{'max_height_cm':9.5}",
         NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/sizes/$s", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/sizes/$s", "{'max_height_cm':0.5}", 400,
         "{'code':'ValidationException'}"},
        {INV_ADMIN, "PATCH", P "/sizes/99999", "{'name':'x'}", 404},
        {INV_ADMIN, "POST", P "/states", "{'code':'WILD','name':'Wild','is_sellable':true}", 201,
         "{'is_sellable':true}", "t=product_state_id", NULL, "Location"},
        {INV_ADMIN, "POST", P "/states", "{'code':'WILD','name':'Wild'}", 409},
        {INV_VIEWER, "GET", P "/states", NULL, 200},
        {INV_VIEWER, "GET", P "/states/$t", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", P "/states/99999", NULL, 404},
        {INV_ADMIN, "PATCH", P "/states/$t", "{'is_sellable':false}", 200, "{'is_sellable':false}",
         NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/states/$t", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", P "/states/99999", "{'name':'x'}", 404},
        {INV_VIEWER, "GET", P "/states/adult/products", NULL, 200, "[{'product_id':1}]"},
        {INV_VIEWER, "GET", P "/states/NOPE/products", NULL, 404},
        /* removal */
        {INV_ADMIN, "DELETE", P "/by-id/1", NULL, 409, "{'code':'StillReferencedException'}"},
        {INV_ADMIN, "DELETE", P "/by-id/$p", NULL, 200, "{'mode':'hard','deleted_id':$p}"},
        {INV_ADMIN, "DELETE", P "/by-id/$p", NULL, 404},
        {INV_ADMIN, "DELETE", P "/families/$f", NULL, 409},
        {INV_ADMIN, "DELETE", P "/families/$g", NULL, 200},
        {INV_ADMIN, "DELETE", P "/families/$g", NULL, 404},
        {INV_ADMIN, "DELETE", P "/categories/$c", NULL, 409},
        {INV_ADMIN, "DELETE", P "/categories/99999", NULL, 404},
        {INV_ADMIN, "POST", P "/categories", "{'code':'EMPTY','name':'x'}", 201, NULL, "d=id"},
        {INV_ADMIN, "DELETE", P "/categories/$d", NULL, 200},
        {INV_ADMIN, "DELETE", P "/sizes/$s", NULL, 200},
        {INV_ADMIN, "DELETE", P "/sizes/$s", NULL, 404},
        {INV_ADMIN, "DELETE", P "/states/$t", NULL, 200},
        {INV_ADMIN, "DELETE", P "/states/$t", NULL, 404},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_audited(g, "products", "delete");
    api_kept_clear(&k);
}

/* Rows that others refer to stay; too much in custom_attributes is refused. */
static void what_is_used_stays(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static char large[20000];
    static const struct api_step used[] = {
        {INV_VIEWER, "GET", P "/states?limit=1000", NULL, 200},
        {INV_VIEWER, "GET", K "/catalog/1", NULL, 200, NULL, "y=packaging_type_id"},
        {INV_VIEWER, "GET", K "/catalog/1", NULL, 200, NULL, "m=packaging_material_id"},
        {INV_VIEWER, "GET", K "/catalog/1", NULL, 200, NULL, "o=packaging_color_id"},
        {INV_ADMIN, "DELETE", K "/types/$y", NULL, 409},
        {INV_ADMIN, "DELETE", K "/materials/$m", NULL, 409},
        {INV_ADMIN, "DELETE", K "/colors/$o", NULL, 409},
        {INV_ADMIN, "DELETE", K "/catalog/1", NULL, 409,
         "{'details':{'price_list_items':1,'stock_batches':3}}"},
        {INV_VIEWER, "GET", "/api/v1/config/location-defaults?location_id=1", NULL, 200, NULL,
         "s=expected_product_state_id"},
        {INV_ADMIN, "DELETE", P "/states/$s", NULL, 409},
        {INV_ADMIN, "PATCH", K "/catalog/1", "{'height_cm':6}", 200,
         "{'affected_price_list_entries':1,'warning':'1 prices are for this pot','height_cm':6}"},
        {INV_ADMIN, "DELETE", K "/catalog/1?force_soft_delete=true", NULL, 200, "{'mode':'soft'}"},
        {INV_VIEWER, "GET", K "/catalog/1", NULL, 404},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, used, DM_COUNT(used));
    struct dm_err e = {0};
    struct store_tx *tx = NULL;
    assert_ok(store_begin(g->db->store, STORE_WRITE, &tx, &e), &e);
    books_sql(tx, "UPDATE stock_batches SET product_size_id = (SELECT MIN(id) FROM product_sizes)"
                  " WHERE id = 1");
    assert_ok(store_commit(&tx, &e), &e);
    static const struct api_step size[] = {
        {INV_VIEWER, "GET", P "/sizes?limit=1", NULL, 200, NULL, "s=product_size_id"},
        {INV_ADMIN, "DELETE", P "/sizes/$s", NULL, 409},
    };
    api_run_steps(g, &k, size, DM_COUNT(size));
    const int n = snprintf(large, sizeof(large), "{'custom_attributes':{'a':'");
    memset(large + n, 'x', 17000);
    (void)snprintf(large + n + 17000, 10, "'}}");
    const struct api_step too_large = {INV_ADMIN, "PATCH", P "/by-id/1", large, 422};
    api_run_steps(g, &k, &too_large, 1);
    api_kept_clear(&k);
}

static void pots_are_kept(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_ADMIN, "POST", K "/types", "{'code':'colgante_x','name':'Colgante'}", 201,
         "{'code':'COLGANTE_X'}", "y=id", NULL, "Location"},
        {INV_ADMIN, "POST", K "/types", "{'code':'COLGANTE_X','name':'x'}", 409},
        {INV_VIEWER, "GET", K "/types", NULL, 200},
        {INV_VIEWER, "GET", K "/types/$y", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", K "/types/99999", NULL, 404},
        {INV_ADMIN, "PATCH", K "/types/$y", "{'name':'De colgar'}", 200, "{'name':'De colgar'}",
         NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/types/$y", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/types/99999", "{'name':'x'}", 404},
        {INV_ADMIN, "POST", K "/materials", "{'code':'CORCHO','name':'Corcho'}", 201, NULL, "m=id"},
        {INV_ADMIN, "POST", K "/materials", "{'code':'CORCHO','name':'x'}", 409},
        {INV_VIEWER, "GET", K "/materials", NULL, 200},
        {INV_VIEWER, "GET", K "/materials/$m", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", K "/materials/99999", NULL, 404},
        {INV_ADMIN, "PATCH", K "/materials/$m", "{'description':'de alcornoque'}", 200},
        {INV_ADMIN, "PATCH", K "/materials/$m", "{'name':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/materials/99999", "{'name':'x'}", 404},
        {INV_ADMIN, "POST", K "/colors", "{'name':'Azul mar','hex_code':'#0a0bFF'}", 201,
         "{'name':'Azul mar','hex_code':'#0A0BFF'}", "o=id"},
        {INV_ADMIN, "POST", K "/colors", "{'name':'Azul mar','hex_code':'#000000'}", 409},
        {INV_ADMIN, "POST", K "/colors", "{'name':'Azul','hex_code':'blue'}", 422},
        {INV_ADMIN, "POST", K "/colors", "{'name':'Verde mar','hex_code':'#00FF00'}", 201, NULL,
         "p=id"},
        {INV_VIEWER, "GET", K "/colors", NULL, 200},
        {INV_VIEWER, "GET", K "/colors/$o", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", K "/colors/99999", NULL, 404},
        {INV_ADMIN, "PATCH", K "/colors/$o", "{'hex_code':'#000001'}", 200},
        {INV_ADMIN, "PATCH", K "/colors/$o", "{'hex_code':'#000002'}", 412, NULL, NULL,
         "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/colors/$p", "{'name':'Azul mar'}", 409},
        {INV_ADMIN, "PATCH", K "/colors/99999", "{'hex_code':'#000001'}", 404},
        /* the catalogue */
        {INV_ADMIN, "POST", K "/catalog",
         "{'type_id':$y,'packaging_material_id':$m,'color_id':$o,'diameter_cm':10,'height_cm':8}",
         201, "{'name':'R10 Azul mar','volume_liters':0.47,'type_name':'De colgar'}", "i=id", NULL,
         "Location"},
        {INV_ADMIN, "POST", K "/catalog",
         "{'packaging_type_id':$y,'packaging_material_id':$m,'packaging_color_id':$o,"
         "'diameter_cm':10,'height_cm':8}",
         409},
        {INV_ADMIN, "POST", K "/catalog",
         "{'packaging_type_id':$y,'packaging_material_id':99999,'packaging_color_id':$o}", 404},
        {INV_ADMIN, "POST", K "/catalog",
         "{'packaging_type_id':$y,'packaging_material_id':$m,'packaging_color_id':$p,"
         "'diameter_cm':12,'sku':'COL-R12'}",
         201, "{'sku':'COL-R12','height_cm':null}", "j=id"},
        {INV_VIEWER, "GET", K "/catalog?type_id=$y&sort=-diameter_cm", NULL, 200,
         "{'items':[{'id':$j},{'id':$i}],'pagination':{'total_items':2,'total_pages':1}}"},
        {INV_VIEWER, "GET", K "/catalog?min_diameter=9&max_diameter=11&q=AZUL", NULL, 200,
         "{'items':[{'id':$i}]}"},
        {INV_VIEWER, "GET", K "/catalog?sort=weight", NULL, 422},
        {INV_VIEWER, "GET", K "/catalog/$i", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", K "/catalog/99999", NULL, 404},
        {INV_ADMIN, "PUT", K "/catalog/$i", "{'height_cm':9}", 200,
         "{'height_cm':9,'affected_price_list_entries':0,'warning':null}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/catalog/$i", "{'height_cm':9}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", K "/catalog/99999", "{'height_cm':9}", 404},
        {INV_ADMIN, "PATCH", K "/catalog/$j",
         "{'packaging_color_id':$o,'diameter_cm':10,'height_cm':9}", 409},
        {INV_ADMIN, "DELETE", K "/catalog/$i", NULL, 200, "{'mode':'hard'}"},
        {INV_ADMIN, "DELETE", K "/catalog/$i", NULL, 404},
        {INV_ADMIN, "DELETE", K "/catalog/$j", NULL, 200},
        {INV_ADMIN, "DELETE", K "/colors/$o", NULL, 200},
        {INV_ADMIN, "DELETE", K "/colors/$o", NULL, 404},
        {INV_ADMIN, "DELETE", K "/materials/$m", NULL, 200},
        {INV_ADMIN, "DELETE", K "/materials/$m", NULL, 404},
        {INV_ADMIN, "DELETE", K "/types/$y", NULL, 200},
        {INV_ADMIN, "DELETE", K "/types/$y", NULL, 404},
    };
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_audited(g, "packaging_catalog", "delete");
    api_kept_clear(&k);
}

static void prices_are_for_some(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_VIEWER, "GET", M, NULL, 200,
         "{'items':[{'id':1,'wholesale_unit_price':95000,'wholesale_total_price_per_box':5130000,"
         "'currency':'ARS','category':{'code':'CACTUS'},'packaging':{'id':1}}]}",
         NULL},
        {INV_WORKER, "GET", M, NULL, 403},
        {INV_VIEWER, "GET", M "/1", NULL, 200, NULL, "c=product_categories_id"},
        {INV_ADMIN, "POST", M,
         "{'packaging_catalog_id':1,'product_categories_id':$c,'variant':'flor',"
         "'wholesale_unit_price':10001,'unit_per_storage_box':10,'discount_factor':33}",
         201,
         "{'net_wholesale_price':6700,'wholesale_total_price_per_box':100010,'variant':'flor',"
         "'availability':'available','retail_unit_price':null}",
         "p=id", NULL, "Location"},
        {INV_ADMIN, "POST", M,
         "{'packaging_catalog_id':1,'product_categories_id':$c,'variant':'flor',"
         "'wholesale_unit_price':1}",
         409},
        {INV_ADMIN, "POST", M,
         "{'packaging_catalog_id':9999,'product_categories_id':$c,'wholesale_unit_price':1}", 404},
        {INV_ADMIN, "POST", M,
         "{'packaging_catalog_id':1,'product_categories_id':$c,'variant':'b',"
         "'wholesale_unit_price':10,'retail_unit_price':9}",
         400, "{'code':'ValidationException'}"},
        {INV_VIEWER, "GET", M "/$p", NULL, 200, NULL, NULL, NULL, "e=ETag"},
        {INV_VIEWER, "GET", M "/9999", NULL, 404},
        {INV_WORKER, "GET", M "/$p", NULL, 403},
        {INV_ADMIN, "PATCH", M "/$p", "{'wholesale_unit_price':20000,'observations':'nuevo'}", 200,
         "{'changes_applied':2,'wholesale_unit_price':20000}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", M "/$p", "{'variant':'x'}", 412, NULL, NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", M "/$p", "{'retail_unit_price':1}", 400},
        {INV_ADMIN, "PATCH", M "/$p", "{'SKU':'c r5 t-1'}", 409},
        {INV_ADMIN, "PATCH", M "/9999", "{'variant':'x'}", 404},
        {INV_VIEWER, "GET", M "/$p/history?limit=1", NULL, 200, "[{'user_id':$u}]", NULL, NULL,
         "X-Total-Count"},
        {INV_VIEWER, "GET", M "/9999/history", NULL, 404},
        {INV_VIEWER, "GET", M "?min_wholesale_price=20000&max_wholesale_price=20000&sort=-SKU",
         NULL, 200, "{'items':[{'id':$p}],'pagination':{'total_items':1}}"},
        {INV_VIEWER, "GET", M "?sort=colour", NULL, 422},
        /* many at once */
        {INV_ADMIN, "POST", M "/bulk-update-prices/preview",
         "{'percentage_change':10,'round_to':100,'min_price':20000,'max_price':20000}", 200,
         "{'operation':'update_prices','affected_count':1,'expires_in':600,"
         "'items':[{'id':$p,'current_wholesale':20000,'new_wholesale':22000,"
         "'price_change_amount':2000}],'summary':{'percentage_change':10}}",
         "t=confirmation_token"},
        {INV_ADMIN, "POST", M "/bulk-update-prices",
         "{'percentage_change':11,'round_to':100,'min_price':20000,'max_price':20000,"
         "'confirmation_token':'$t'}",
         409, "{'rule':'STALE_PREVIEW'}"},
        {INV_ADMIN, "POST", M "/bulk-update-prices",
         "{'percentage_change':10,'round_to':100,'min_price':20000,'max_price':20000,"
         "'confirmation_token':'$t'}",
         200, "{'success':true,'affected_count':1,'errors':null}"},
        {INV_ADMIN, "POST", M "/bulk-update-prices/execute",
         "{'percentage_change':10,'round_to':100,'min_price':20000,'max_price':20000,"
         "'confirmation_token':'$t'}",
         409},
        {INV_ADMIN, "POST", M "/bulk-update-prices", "{'percentage_change':10}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-prices/preview", "{'percentage_change':0}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-prices/preview", "{'percentage_change':1.234}", 422},
        {INV_ADMIN, "POST", M "/bulk-update-prices/preview",
         "{'percentage_change':1,'category_id':9999}", 400, "{'rule':'EMPTY_FILTER_RESULT'}"},
        {INV_ADMIN, "POST", M "/bulk-update-availability/preview",
         "{'new_availability':'limited','category_id':$c}", 200,
         "{'items':[{'current_availability':'available','new_availability':'limited'}]}",
         "t=confirmation_token"},
        {INV_ADMIN, "POST", M "/bulk-update-availability/preview",
         "{'new_availability':'limited','category_id':9999}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-availability", "{'new_availability':'limited'}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-availability",
         "{'new_availability':'limited','category_id':$c,'confirmation_token':'$t'}", 200,
         "{'affected_count':2}"},
        {INV_ADMIN, "POST", M "/bulk-update-availability",
         "{'new_availability':'limited','category_id':$c,'confirmation_token':'$t'}", 409},
        {INV_ADMIN, "POST", M "/bulk-update-discount/preview",
         "{'discount_factor':5,'packaging_id':1}", 200,
         "{'items':[{'current_discount':0,'new_discount':5}]}", "t=confirmation_token"},
        {INV_ADMIN, "POST", M "/bulk-update-discount/preview",
         "{'discount_factor':5,'packaging_id':9999}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-discount", "{'discount_factor':5}", 400},
        {INV_ADMIN, "POST", M "/bulk-update-discount/execute",
         "{'discount_factor':5,'packaging_id':1,'confirmation_token':'$t'}", 200},
        {INV_ADMIN, "POST", M "/bulk-update-discount",
         "{'discount_factor':5,'packaging_id':1,'confirmation_token':'$t'}", 409},
        {INV_ADMIN, "POST", M "/bulk-update-discount/preview",
         "{'discount_factor':6,'packaging_id':1}", 200, NULL, "t=confirmation_token"},
        {INV_ADMIN, "POST", M "/bulk-update-discount",
         "{'discount_factor':6,'packaging_id':1,'confirmation_token':'$t'}", 200},
        {INV_ADMIN, "POST", M "/bulk-update-availability/execute",
         "{'new_availability':'limited','category_id':$c,'confirmation_token':'$t'}", 409},
        {INV_SUPERVISOR, "POST", M "/bulk-update-prices", "{'percentage_change':10}", 403},
        /* files */
        {INV_VIEWER, "GET", M "/export.csv?bom=true", NULL, 200, NULL, NULL, NULL,
         "Content-Disposition"},
        {INV_VIEWER, "GET", M "/export.xlsx", NULL, 200},
        {INV_VIEWER, "GET", M "/export.pdf", NULL, 200},
        {INV_VIEWER, "GET", M "/export.csv?category_id=$c", NULL, 200},
        {INV_WORKER, "GET", M "/export.csv", NULL, 403},
        /* gone from the list of viewers */
        {INV_ADMIN, "DELETE", M "/$p", NULL, 200, "{'mode':'soft'}"},
        {INV_ADMIN, "DELETE", M "/9999", NULL, 404},
        {INV_VIEWER, "GET", M "/$p", NULL, 404},
        {INV_VIEWER, "GET", M "?availability=discontinued", NULL, 200, "{'items':[]}"},
        {INV_SUPERVISOR, "GET", M "/$p", NULL, 200, "{'availability':'discontinued'}"},
    };
    char id[24];
    books_tiny(g->db->store);
    (void)snprintf(id, sizeof(id), "%lld", (long long)g->person[INV_ADMIN].id);
    api_remember(&k, 'u', id);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

/* Other names lead to the same rows. */
static void promised_paths_are_served(void **state)
{
    struct api_rig *g = *state;
    struct api_kept k = {0};
    static const struct api_step steps[] = {
        {INV_VIEWER, "GET", "/api/v1/warehouses", NULL, 200, "[{'code':'NAVE01'}]"},
        {INV_VIEWER, "GET", "/api/v1/warehouses/1/", NULL, 200, "{'code':'NAVE01'}"},
        {INV_VIEWER, "GET", "/api/v1/warehousesx", NULL, 404, "{'code':'RouteNotFound'}"},
        {INV_VIEWER, "GET", "/api/v1/storage-locations?warehouse_id=1", NULL, 200,
         "[{'storage_location_id':1}]"},
        {INV_VIEWER, "POST", "/api/v1/uploads/images", NULL, 403},
        {INV_VIEWER, "GET", "/api/admin/packaging-catalog", NULL, 200, "{'items':[{'id':1}]}"},
        {INV_VIEWER, "GET", "/api/v1/admin/packaging-catalog/1", NULL, 200, "{'id':1}"},
        {INV_VIEWER, "GET", "/api/v1/config/packaging/1", NULL, 200, "{'id':1}"},
        {INV_VIEWER, "GET", "/api/admin/price-list", NULL, 200, "{'items':[{'id':1}]}"},
        {INV_ADMIN, "POST", "/api/admin/price-list/bulk-update-prices/preview",
         "{'percentage_change':10}", 200},
        {INV_VIEWER, "GET", "/api/v1/config/prices/1", NULL, 200, "{'id':1}"},
        {INV_VIEWER, "GET", "/api/v1/price-list", NULL, 200},
        {INV_VIEWER, "GET", "/api/admin/product-categories", NULL, 200},
        {INV_VIEWER, "GET", "/api/admin/product-families/1", NULL, 200, "{'family_id':1}"},
        {INV_VIEWER, "GET", "/api/admin/products/hierarchy", NULL, 200},
        {INV_VIEWER, "GET", "/api/admin/products/1", NULL, 200, "{'product_id':1}", NULL, NULL,
         "e=ETag"},
        {INV_ADMIN, "PATCH", "/api/admin/products/1", "{'common_name':'x'}", 200,
         "{'common_name':'x'}", NULL, "If-Match: $e"},
        {INV_ADMIN, "PATCH", "/api/admin/products/1", "{'common_name':'y'}", 412, NULL, NULL,
         "If-Match: $e"},
        {INV_VIEWER, "GET", "/api/admin/products/", NULL, 200, "[{'product_id':1}]"},
        {INV_VIEWER, "DELETE", "/api/admin/products", NULL, 405, NULL, NULL, NULL, "Allow"},
        {INV_VIEWER, "GET", "/api/v1/config/density-parameters", NULL, 200, "[{'id':1}]"},
        {INV_VIEWER, "GET", "/api/v1/analytics/inventory", NULL, 200, "{'total_plants':8}"},
        {INV_SUPERVISOR, "GET", "/api/v1/admin/warehouses/hierarchy", NULL, 200},
    };
    books_tiny(g->db->store);
    api_run_steps(g, &k, steps, DM_COUNT(steps));
    api_kept_clear(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        API_TEST(products_are_kept),   API_TEST(what_is_used_stays),        API_TEST(pots_are_kept),
        API_TEST(prices_are_for_some), API_TEST(promised_paths_are_served),
    };
    return api_rig_main(tests);
}
