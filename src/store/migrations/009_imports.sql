-- SPDX-License-Identifier: Apache-2.0
-- Files that were loaded, what each of them wrote (so that it can be taken back), and the words a
-- price list has for availability.
CREATE TABLE imports (
    {id},
    {uuid:uuid} NOT NULL UNIQUE,
    {enum:kind|'map', 'price_list', 'product_categories', 'product_families', 'products',
        'packaging', 'density_params', 'stock', 'locations', 'users'} NOT NULL,
    {text:file_name|255},
    {text:file_sha256|64} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {int:created_count} NOT NULL,
    {int:updated_count} NOT NULL,
    {int:skipped_count} NOT NULL,
    {int:failed_count} NOT NULL,
    {json:report} NOT NULL,
    {ts:undone_at},
    {fk:undone_by_user_id|users},
    {times},
    {chars:file_sha256|0-9a-f|64},
    {check:counts|created_count >= 0 AND updated_count >= 0 AND skipped_count >= 0
        AND failed_count >= 0},
    {check:undone|(undone_at IS NULL) = (undone_by_user_id IS NULL)}
);
{index:imports|user_id};
{index:imports|undone_by_user_id};

-- One row written by an import: before is null when it was created.
CREATE TABLE import_changes (
    {id},
    {fk:import_id|imports} NOT NULL,
    {text:table_name|50} NOT NULL,
    {int64:row_id} NOT NULL,
    {json:before},
    {json:after} NOT NULL,
    {created}
);
{index:import_changes|import_id};
{no_update:import_changes|FALSE};
{no_delete:import_changes|FALSE};

ALTER TABLE price_list_items ADD COLUMN {text:availability_label|50};
