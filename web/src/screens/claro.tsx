// SPDX-License-Identifier: Apache-2.0
// One claro: its photo, stock, configuration and the history that leads to it.
import type {JSX} from 'preact';
import {get} from '../api';
import {day, money, number, signed, since, t} from '../i18n';
import type {ScreenProps} from '../main';
import {Empty, Figure, Photo, Show, Sparkline, useLoad} from '../ui/parts';

interface Detail {
  storage_location: {
    location_id: number; code: string; name: string; description: string | null;
    storage_area: {name: string}; warehouse: {name: string};
    config: {product_id: number; product_name?: string} | null;
  };
  latest_session: {
    session_id: string; total_detected: number; total_estimated: number; total_empty_containers: number;
    avg_confidence: number | null; created_at: string; validated: boolean; original_image_url: string | null;
  } | null;
  stock_summary: {total_quantity: number; total_value: number | null; avg_quality_score: number | null;
    maceta_distribution: Record<string, number>} | null;
}
interface Period {
  fecha: string;
  session_id: string | null;
  cantidad_inicial: number | null;
  muertes: number | null;
  transplantes: number | null;
  plantados: number | null;
  cantidad_vendida: number | null;
  cantidad_final: number | null;
}
interface History {
  periods: Period[];
}

function Timeline({id}: {id: string}): JSX.Element {
  const history = useLoad(() => get<History>(`storage-locations/${id}/history?per_page=12`), [id]);
  return (
    <section class="card">
      <h2>{t('claro.history')}</h2>
      <Show from={history}>
        {({periods}) => periods.length < 2 ? <p class="muted">{t('claro.history.first')}</p> : (
          <>
            <Sparkline values={[...periods].reverse().map((p) => p.cantidad_final ?? p.cantidad_inicial ?? 0)} label={t('claro.history')} />
            <div class="scroll"><table>
              <thead><tr>
                <th>{t('claro.period')}</th><th class="num">{t('claro.opening')}</th><th class="num">{t('claro.planted')}</th>
                <th class="num">{t('claro.deaths')}</th><th class="num">{t('claro.moves')}</th>
                <th class="num">{t('claro.sold')}</th><th class="num">{t('claro.closing')}</th>
              </tr></thead>
              <tbody>{periods.map((p) => (
                <tr key={p.fecha}>
                  <td>{p.session_id ? <a href={`#/session/${p.session_id}`}>{day(p.fecha)}</a> : day(p.fecha)}</td>
                  {[p.cantidad_inicial, p.plantados, p.muertes, p.transplantes, p.cantidad_vendida, p.cantidad_final].map((v, i) => (
                    <td class="num" key={i}>{v === null ? '' : i === 0 || i === 5 ? number(v) : signed(v)}</td>
                  ))}
                </tr>
              ))}</tbody>
            </table></div>
          </>
        )}
      </Show>
    </section>
  );
}

export default function ClaroScreen({place}: ScreenProps): JSX.Element {
  const id = place.path[1] ?? '';
  const detail = useLoad(() => get<Detail>(`storage-locations/${id}/detail?detections=false`), [id]);
  return (
    <>
      <Show from={detail} rows={3}>
        {(d) => (
          <>
            <div class="row between wrap">
              <div>
                <h1>{d.storage_location.code}</h1>
                <p class="muted">{d.storage_location.warehouse.name} · {d.storage_location.storage_area.name}</p>
              </div>
              <a class="button primary field" href="#/camera">{t('claro.photograph')}</a>
            </div>
            {d.latest_session ? (
              <a class="photo-card tall" href={`#/session/${d.latest_session.session_id}`}>
                <Photo path={d.latest_session.original_image_url ? `photos/sessions/${d.latest_session.session_id}/thumbnail` : null}
                  alt={t('session.title')} />
                <span class="text">
                  <strong>{t('common.plants', {n: d.latest_session.total_detected + d.latest_session.total_estimated})}</strong>
                  <span class="muted">{t('claro.last')}: {t('common.ago', {time: since(d.latest_session.created_at)})}</span>
                </span>
              </a>
            ) : <Empty text={t('claro.never')} />}
            {d.stock_summary && (
              <div class="grid figures">
                <Figure name={t('claro.stock')} value={number(d.stock_summary.total_quantity)} />
                {d.stock_summary.total_value !== null && <Figure name={t('claro.value')} value={money(d.stock_summary.total_value, true)} />}
                {d.stock_summary.avg_quality_score !== null && <Figure name={t('claro.quality')} value={number(d.stock_summary.avg_quality_score, 1)} />}
              </div>
            )}
            {!d.storage_location.config && <p class="notice">{t('claro.noconfig')}</p>}
          </>
        )}
      </Show>
      <Timeline id={id} />
    </>
  );
}
