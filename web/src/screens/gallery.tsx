// SPDX-License-Identifier: Apache-2.0
import type {JSX} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {get} from '../api';
import {dayTime, named, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {setQuery} from '../router';
import {Chips, Empty, Photo, Show, useLoad} from '../ui/parts';

interface Item {
  image_id: string;
  status: string;
  error_details: string | null;
  uploaded_at: string;
  warehouse_name: string | null;
  filename?: string | null;
  warning?: string | null;
  processing_session: {session_id: string | null; total_detected: number | null; total_estimated: number | null;
    storage_location_name: string | null} | null;
}
interface Page {
  photos: Item[];
  pagination: {page: number; total_pages: number; total_items: number};
}

const filters: [string, Key][] = [['', 'gallery.all'], ['success', 'gallery.ready'], ['processing', 'gallery.processing'],
  ['warnings', 'gallery.warnings'], ['errors', 'gallery.failed']];

function Card({item}: {item: Item}): JSX.Element {
  const s = item.processing_session;
  const total = s && s.total_detected !== null ? s.total_detected + (s.total_estimated ?? 0) : null;
  return (
    <a class="photo-card" href={s?.session_id ? `#/session/${s.session_id}` : undefined}>
      <Photo path={`photos/${item.image_id}/thumbnail?size=400`} alt={item.filename ?? item.image_id} />
      <span class="text">
        <strong>{total === null ? named('status', item.status) : t('common.plants', {n: total})}</strong>
        <span>{s?.storage_location_name ?? item.warehouse_name ?? t('warning.needs_location')}</span>
        <span class="muted">{dayTime(item.uploaded_at)}</span>
        {item.warning && <span class="badge warn">{named('warning', item.warning)}</span>}
        {item.status === 'failed' && <span class="badge bad">{item.error_details ?? t('status.failed')}</span>}
      </span>
    </a>
  );
}

export default function Gallery({place}: ScreenProps): JSX.Element {
  const filter = place.query.get('filter') ?? '';
  const [pages, setPages] = useState(1);
  const [older, setOlder] = useState<Item[]>([]);
  const page = useLoad(() => get<Page>(`photos/gallery?per_page=48&page=${pages}${filter ? `&status=${filter}` : ''}`), [filter, pages]);
  useEffect(() => {
    setPages(1);
    setOlder([]);
  }, [filter]);
  return (
    <>
      <h1>{t('nav.gallery')}</h1>
      <Chips options={filters} value={filter} onChange={(value) => setQuery({filter: value})} />
      <Show from={page} rows={4}>
        {(p) => p.pagination.total_items === 0 ? (
          <Empty text={t('gallery.empty')}>
            {filter && <button onClick={() => setQuery({filter: null})}>{t('gallery.clear')}</button>}
          </Empty>
        ) : (
          <>
            <div class="grid">{[...older, ...p.photos].map((item) => <Card key={item.image_id} item={item} />)}</div>
            {p.pagination.page < p.pagination.total_pages && (
              <button class="field" onClick={() => { setOlder([...older, ...p.photos]); setPages(pages + 1); }}>{t('gallery.more')}</button>
            )}
          </>
        )}
      </Show>
    </>
  );
}
