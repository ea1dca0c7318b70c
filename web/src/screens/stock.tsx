// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get} from '../api';
import {number, t} from '../i18n';
import type {ScreenProps} from '../main';
import {setQuery} from '../router';
import {Empty, Show, useLoad} from '../ui/parts';

interface Batch {
  batch_id: number;
  batch_code: string;
  quantity_current: number;
  quality_score: number | null;
  planting_date: string | null;
}

export default function Stock({place}: ScreenProps): JSX.Element {
  const q = place.query.get('q') ?? '';
  const [text, setText] = useState(q);
  const batches = useLoad(() => get<Batch[]>(`stock/batches?batch_status=active&limit=200${q ? `&q=${encodeURIComponent(q)}` : ''}`), [q]);
  return (
    <>
      <h1>{t('nav.stock')}</h1>
      <form onSubmit={(e) => { e.preventDefault(); setQuery({q: text}); }}>
        <input type="search" value={text} placeholder={t('common.search')} aria-label={t('common.search')}
          onInput={(e) => setText(e.currentTarget.value)} />
      </form>
      <Show from={batches}>
        {(rows) => rows.length === 0 ? <Empty text={t('stock.empty')} /> : (
          <ul class="list card">
            {rows.map((b) => (
              <li key={b.batch_id}><div class="line">
                <strong>{b.batch_code}</strong><span class="num">{number(b.quantity_current)}</span>
                <span class="muted">{b.planting_date ?? ''}</span>
                <span class="muted num">{b.quality_score === null ? '' : number(b.quality_score, 1)}</span>
              </div></li>
            ))}
          </ul>
        )}
      </Show>
    </>
  );
}
