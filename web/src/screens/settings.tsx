// SPDX-License-Identifier: Apache-2.0
// The nursery's own limits, each with what it does and what it was meant to be.
import type {JSX} from 'preact';
import {get, send} from '../api';
import {t, type Key} from '../i18n';
import type {Field, Values} from '../office/fields';
import {Form} from '../office/form';
import {say} from '../store';
import {Show, useLoad} from '../ui/parts';
import '../i18n/office';

const whole = (name: string, min: number, max: number): Field => ({name, key: `setting.${name}` as Key, kind: 'whole', need: true, min, max, help: `setting.${name}.help` as Key});
const part = (name: string, min: number, max: number): Field => ({...whole(name, min, max), kind: 'number'});
const text = (name: string): Field => ({name, key: `setting.${name}` as Key, kind: 'text', need: true, help: `setting.${name}.help` as Key});
const groups: [Key, Field[]][] = [
  ['settings.nursery', [text('timezone'), text('currency'), part('growth_uplift_percent', 0, 1000)]],
  ['settings.counts', [{name: 'auto_post_counts', key: 'setting.auto_post_counts', kind: 'yes', help: 'setting.auto_post_counts.help'},
    part('hold_min_confidence', 0, 1), part('hold_surplus_percent', 0, 100), whole('hold_surplus_plants', 0, 100000), part('hold_shortage_percent', 0, 100),
    whole('hold_shortage_plants', 0, 100000), whole('retake_window_hours', 0, 8760)]],
  ['settings.close', [whole('month_close_grace_days', 0, 31), part('sales_tolerance_percent', 0, 100), whole('sales_tolerance_plants', 0, 100000)]],
  ['settings.estimate', [whole('estimation_bands', 1, 64), part('calibration_alpha', 0, 1)]],
  ['settings.upload', [whole('upload_file_mib', 1, 10000), whole('upload_files', 1, 1000), whole('upload_request_mib', 1, 100000)]],
  ['settings.retention', [whole('retention_originals_days', 0, 100000), whole('retention_pictures_days', 0, 100000), whole('retention_jobs_days', 0, 100000),
    whole('retention_exports_hours', 0, 100000), whole('retention_deleted_photos_days', 0, 100000)]],
];

export default function Settings(): JSX.Element {
  const now = useLoad(() => get<Values>('admin/settings'), []);
  return (
    <>
      <h1>{t('nav.settings')}</h1>
      <Show from={now} rows={4}>
        {(values) => (
          <div class="columns">
            {groups.map(([key, fields]) => (
              <section class="card" key={key}>
                <h2>{t(key)}</h2>
                <Form id={`settings:${key}`} fields={fields} initial={values} label="common.save" submit={async (body) => {
                  const changed = Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== values[name]));
                  if (Object.keys(changed).length > 0) await send('PATCH', 'admin/settings', changed);
                  now.reload();
                  say(t('form.saved'));
                }} />
              </section>
            ))}
          </div>
        )}
      </Show>
    </>
  );
}
