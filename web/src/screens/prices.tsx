// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useState} from 'preact/hooks';
import {get} from '../api';
import {money, named, number, t} from '../i18n';
import type {ScreenProps} from '../main';
import {setQuery} from '../router';
import {Empty, Show, useLoad} from '../ui/parts';

interface Price {
  id: number;
  SKU: string | null;
  wholesale_unit_price: number;
  net_wholesale_price: number;
  wholesale_total_price_per_box: number | null;
  discount_factor: number | null;
  availability: string | null;
  packaging: {name: string; diameter_cm: number | null};
  category: {name: string};
}

export default function Prices({place}: ScreenProps): JSX.Element {
  const q = place.query.get('q') ?? '';
  const [text, setText] = useState(q);
  const list = useLoad(() => get<Price[] | {prices?: Price[]; items?: Price[]}>(`prices?per_page=200${q ? `&q=${encodeURIComponent(q)}` : ''}`), [q]);
  return (
    <>
      <h1>{t('nav.prices')}</h1>
      <form onSubmit={(e) => { e.preventDefault(); setQuery({q: text}); }}>
        <input type="search" value={text} placeholder={t('home.search')} aria-label={t('home.search')}
          onInput={(e) => setText(e.currentTarget.value)} />
      </form>
      <Show from={list}>
        {(reply) => {
          const rows = Array.isArray(reply) ? reply : reply.prices ?? reply.items ?? [];
          return rows.length === 0 ? <Empty text={t('prices.empty')} /> : (
            <ul class="list card">
              {rows.map((p) => (
                <li key={p.id}><div class="line">
                  <strong>{p.category.name} · {p.packaging.name}</strong>
                  <strong class="num">{money(p.net_wholesale_price)}</strong>
                  <span class="muted">
                    {p.SKU} {p.availability && `· ${named('availability', p.availability)}`}
                    {!!p.discount_factor && <span class="badge warn">−{number(p.discount_factor)} %</span>}
                  </span>
                  <span class="muted num">{p.wholesale_total_price_per_box !== null ? `${t('prices.box')} ${money(p.wholesale_total_price_per_box)}` : ''}</span>
                </div></li>
              ))}
            </ul>
          );
        }}
      </Show>
    </>
  );
}
