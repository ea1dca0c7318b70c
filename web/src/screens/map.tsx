// SPDX-License-Identifier: Apache-2.0
// Naves, canteros and claros as polygons, coloured by what one asks; needs no tile server.
import type {JSX} from 'preact';
import {useEffect, useMemo, useRef, useState} from 'preact/hooks';
import L from 'leaflet';
import 'leaflet/dist/leaflet.css';
import {get} from '../api';
import {number, t, type Key} from '../i18n';
import type {ScreenProps} from '../main';
import {go, setQuery} from '../router';
import {Empty, ErrorCard, useLoad} from '../ui/parts';

interface Preview {
  current_quantity: number | null;
  quantity_change: number | null;
  last_photo_date: string | null;
}
interface Claro {
  location_id: number;
  code: string;
  name: string;
  preview: Preview | null;
  polygon: GeoJSON.Polygon | null;
}
interface MapBulk {
  warehouses: {
    warehouse_id: number; code: string; name: string; geojson: GeoJSON.Polygon;
    storage_areas: {storage_area_id: number; code: string; name: string; geojson: GeoJSON.Polygon; locations: Claro[]}[];
  }[];
}

type Colour = 'count' | 'days' | 'change';
const scale = ['#eef3d2', '#cfe3a3', '#a5cf82', '#6fb26b', '#3d8f5a', '#1c6a48'];
const heat = ['#3d8f5a', '#a5cf82', '#f2e29b', '#f0b35f', '#d9703f', '#a8281e'];
const diverging = ['#a8281e', '#e08a6d', '#efe7d6', '#a5cf82', '#1c6a48'];

const bounds: Record<Colour, number[]> = {count: [1, 100, 250, 500, 1000], days: [7, 14, 21, 35, 60], change: [-100, -10, 10, 100]};
const palette: Record<Colour, string[]> = {count: scale, days: heat, change: diverging};

export function valueOf(c: Claro, by: Colour, now = Date.now()): number | null {
  if (!c.preview) return null;
  if (by === 'count') return c.preview.current_quantity;
  if (by === 'change') return c.preview.quantity_change;
  return c.preview.last_photo_date ? (now - Date.parse(c.preview.last_photo_date)) / 86400000 : null;
}

function colourOf(value: number | null, by: Colour): string {
  if (value === null) return '#b9b6aa';
  const step = bounds[by].findIndex((bound) => value < bound);
  return palette[by][step < 0 ? palette[by].length - 1 : step] as string;
}

export default function MapScreen({place}: ScreenProps): JSX.Element {
  const bulk = useLoad(() => get<MapBulk>('map/bulk-load?geometry=full'), []);
  const by = (place.query.get('colour') as Colour | null) ?? 'count';
  const [search, setSearch] = useState('');
  const holder = useRef<HTMLDivElement>(null);
  const map = useRef<L.Map | null>(null);
  const shapes = useRef<{claro: Claro; layer: L.Polygon}[]>([]);
  const claros = useMemo(() => bulk.data?.warehouses.flatMap((w) => w.storage_areas.flatMap((a) => a.locations)) ?? [], [bulk.data]);

  useEffect(() => {
    if (!holder.current || !bulk.data || claros.length === 0) return undefined;
    const m = L.map(holder.current, {preferCanvas: true, attributionControl: false, zoomControl: false, zoomSnap: 0.25});
    map.current = m;
    L.control.zoom({position: 'bottomright'}).addTo(m);
    const all = L.featureGroup().addTo(m);
    const ring = (p: GeoJSON.Polygon) => p.coordinates.map((r) => r.map(([lon, lat]) => [lat, lon] as L.LatLngTuple));
    for (const w of bulk.data.warehouses) {
      L.polygon(ring(w.geojson), {color: '#6b705f', weight: 2, fill: false, interactive: false}).addTo(all)
        .bindTooltip(w.name, {permanent: false});
      for (const a of w.storage_areas)
        L.polygon(ring(a.geojson), {color: '#9a9d8d', weight: 1, fill: false, interactive: false}).addTo(all);
    }
    shapes.current = claros.filter((c) => c.polygon).map((claro) => {
      const layer = L.polygon(ring(claro.polygon as GeoJSON.Polygon), {weight: 1, color: '#4b5045', fillOpacity: 0.9});
      layer.on('click', () => go(`claro/${claro.location_id}`));
      layer.bindTooltip(() => `<strong>${claro.code}</strong><br>${
        claro.preview?.current_quantity == null ? t('map.legend.none') : t('common.plants', {n: claro.preview.current_quantity})}`);
      layer.addTo(all);
      return {claro, layer};
    });
    m.fitBounds(all.getBounds(), {padding: [24, 24]});
    return () => {
      m.remove();
      map.current = null;
    };
  }, [bulk.data, claros]);

  useEffect(() => {
    for (const {claro, layer} of shapes.current) layer.setStyle({fillColor: colourOf(valueOf(claro, by), by)});
  }, [by, bulk.data]);

  const find = (text: string) => {
    setSearch(text);
    const wanted = text.trim().toLowerCase();
    const hit = wanted.length > 1 && shapes.current.find(({claro}) =>
      claro.code.toLowerCase().includes(wanted) || claro.name.toLowerCase() === wanted);
    if (hit && map.current) {
      map.current.fitBounds(hit.layer.getBounds(), {maxZoom: 21});
      hit.layer.openTooltip();
    }
  };
  const me = () => map.current?.locate({setView: true, maxZoom: 20}).once('locationfound', (e) => {
    if (map.current) L.circle(e.latlng, {radius: e.accuracy}).addTo(map.current);
  });

  if (bulk.error && !bulk.data) return <div style={{padding: '16px'}}><ErrorCard error={bulk.error} retry={bulk.reload} /></div>;
  if (bulk.data && claros.length === 0) return <Empty text={t('map.empty')} />;
  const options: [Colour, Key][] = [['count', 'map.colour.count'], ['days', 'map.colour.days'], ['change', 'map.colour.change']];
  return (
    <div class="map">
      <h1 class="visually-hidden">{t('nav.map')}</h1>
      <div ref={holder} style={{position: 'absolute', inset: 0}} />
      <div class="tools">
        <input type="search" style={{width: '220px'}} placeholder={t('map.find')} aria-label={t('map.find')} value={search}
          onInput={(e) => find(e.currentTarget.value)} />
        <div class="chips" role="group" aria-label={t('map.colour')}>
          {options.map(([name, key]) => (
            <button key={name} aria-pressed={by === name} onClick={() => setQuery({colour: name})}>{t(key)}</button>
          ))}
        </div>
        <button onClick={() => void me()}>{t('map.me')}</button>
      </div>
      <div class="legend card" aria-hidden="true">
        {palette[by].map((colour, i) => (
          <span class="row" key={colour}>
            <span style={{width: '18px', height: '18px', background: colour, borderRadius: '4px'}} />
            {i === 0 ? `< ${number(bounds[by][0] as number)}` : `≥ ${number(bounds[by][i - 1] as number)}`}
          </span>
        ))}
      </div>
    </div>
  );
}
