// SPDX-License-Identifier: Apache-2.0
// A plot over the table it comes from: lines over days, bars over names; with its words for who does
// not see it, and as PNG, SVG and CSV.
import type {JSX} from 'preact';
import {useEffect, useRef} from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import {day, number, t} from '../i18n';
import {theme, useValue} from '../store';
import {handOver} from './download';
import '../i18n/office';

export interface Series {
  label: string;
  values: (number | null)[];
}
export interface PlotData {
  name: string;
  x: string[]; // days (2026-01-31) or names
  time: boolean;
  series: Series[];
  digits?: number;
}
const HEIGHT = 320;
const inks = ['--accent', '--plot-2', '--plot-3', '--plot-4', '--plot-5', '--plot-6'];

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** In a sentence: what is highest, what lowest. */
export function summary(data: PlotData): string {
  const first = data.series[0];
  if (!first || data.x.length === 0) return '';
  const at = (best: (a: number, b: number) => boolean) => first.values.reduce<number>((found, v, i) =>
    v !== null && (found < 0 || best(v, first.values[found] as number)) ? i : found, -1);
  const [high, low] = [at((a, b) => a > b), at((a, b) => a < b)];
  if (high < 0) return '';
  const name = (i: number) => (data.time ? day(`${data.x[i] as string}T12:00:00`) : data.x[i] as string);
  const value = (i: number) => number(first.values[i] as number, data.digits ?? 0);
  return t('plot.summary', {what: first.label, high: name(high), n: value(high), low: name(low), m: value(low)});
}

function csvOf(data: PlotData): string {
  const cell = (v: unknown) => (v === null ? '' : /[",\n]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : String(v));
  return [['', ...data.series.map((s) => s.label)], ...data.x.map((x, i) => [x, ...data.series.map((s) => s.values[i] ?? null)])]
    .map((row) => row.map(cell).join(',')).join('\r\n');
}

/** The same plot as a drawing that stays sharp at any size. */
function svgOf(data: PlotData): string {
  const [w, h, left, bottom] = [960, 480, 72, 110];
  const all = data.series.flatMap((s) => s.values).filter((v): v is number => v !== null);
  const [low, high] = [Math.min(0, ...all), Math.max(1, ...all)];
  const y = (v: number) => 16 + ((high - v) / (high - low)) * (h - bottom - 16);
  const step = (w - left - 16) / Math.max(1, data.x.length);
  const text = (s: string) => s.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const marks = data.series.map((s, n) => {
    const ink = css(inks[n % inks.length] as string);
    if (data.time)
      return `<polyline fill="none" stroke="${ink}" stroke-width="2" points="${s.values.map((v, i) => (v === null ? '' : `${left + step * (i + 0.5)},${y(v)}`)).join(' ')}"/>`;
    const width = (step * 0.8) / data.series.length;
    return s.values.map((v, i) => (v === null ? '' : `<rect fill="${ink}" x="${left + step * (i + 0.1) + width * n}" width="${width}" y="${Math.min(y(v), y(0))}" height="${Math.abs(y(v) - y(0))}"/>`)).join('');
  }).join('');
  const every = Math.ceil(data.x.length / 24);
  const names = data.x.map((x, i) => (i % every ? '' : `<text transform="translate(${left + step * (i + 0.5)},${h - bottom + 14}) rotate(-40)" text-anchor="end">${text(x)}</text>`)).join('');
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((p) => low + (high - low) * p).map((v) =>
    `<line x1="${left}" x2="${w}" y1="${y(v)}" y2="${y(v)}" stroke="#cccccc"/><text x="${left - 8}" y="${y(v) + 4}" text-anchor="end">${number(v, data.digits ?? 0)}</text>`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#ffffff"/>${ticks}${marks}${names}</svg>`;
}

export function Plot({data}: {data: PlotData}): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const chosen = useValue(theme);
  useEffect(() => {
    const box = holder.current;
    if (!box) return undefined;
    const grid = {stroke: css('--line'), width: 1};
    const axis = {stroke: css('--muted'), grid, ticks: grid, font: '12px system-ui, sans-serif'};
    const xs = data.time ? data.x.map((d) => Date.parse(`${d}T12:00:00`) / 1000) : data.x.map((_, i) => i);
    const short = (name: string) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
    const bars = uPlot.paths.bars;
    const n = data.series.length;
    const options: uPlot.Options = {
      width: box.clientWidth, height: HEIGHT, legend: {show: false}, cursor: {drag: {x: data.time, y: false}},
      scales: {x: data.time ? {time: true} : {time: false, range: [-0.6, data.x.length - 0.4]}, y: {range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.06 : 1]}},
      axes: [
        {...axis, ...(data.time ? {values: (_: uPlot, splits: number[]) => splits.map((s) => day(new Date(s * 1000).toISOString()).slice(0, 5))}
          : {splits: () => xs, values: () => data.x.map(short), rotate: data.x.length > 4 ? -40 : 0, size: data.x.length > 4 ? 96 : 40, grid: {show: false}})},
        {...axis, size: 76, values: (_: uPlot, splits: number[]) => splits.map((v) => number(v, Math.abs(splits[1] as number - (splits[0] as number)) < 1 ? 2 : 0))}],
      series: [{}, ...data.series.map((s, i): uPlot.Series => {
        const ink = css(inks[i % inks.length] as string);
        return {label: s.label, stroke: ink, width: data.time ? 2 : 0, ...(data.time ? {points: {show: false}} : {fill: ink, ...(bars ? {
          paths: (u: uPlot, series: number, from: number, to: number) => bars({size: [0.8 / n, 80], align: n === 1 ? 0 : i === 0 ? -1 : 1})(u, series, from, to)} : {}), points: {show: false}})};
      })],
    };
    plot.current = new uPlot(options, [xs, ...data.series.map((s) => s.values)] as uPlot.AlignedData, box);
    const watch = new ResizeObserver(() => plot.current?.setSize({width: box.clientWidth, height: HEIGHT}));
    watch.observe(box);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
    };
  }, [data, chosen]);
  const png = () => {
    const from = plot.current?.ctx.canvas;
    if (!from) return;
    const to = document.createElement('canvas');
    to.width = from.width;
    to.height = from.height;
    const pen = to.getContext('2d');
    if (!pen) return;
    pen.fillStyle = css('--surface');
    pen.fillRect(0, 0, to.width, to.height);
    pen.drawImage(from, 0, 0);
    to.toBlob((blob) => blob && handOver(blob, `${data.name}.png`));
  };
  return (
    <figure class="plot">
      <div class="row between wrap">
        <span class="row wrap tight legend-row">{data.series.length > 1 && data.series.map((s, i) => <span key={s.label} class={`key ink-${i % inks.length}`}>{s.label}</span>)}</span>
        <span class="row downloads" role="group" aria-label={t('plot.save')}>
          <button class="small" onClick={png}>PNG</button>
          <button class="small" onClick={() => handOver(new Blob([svgOf(data)], {type: 'image/svg+xml'}), `${data.name}.svg`)}>SVG</button>
          <button class="small" onClick={() => handOver(new Blob(['\ufeff', csvOf(data)], {type: 'text/csv'}), `${data.name}.csv`)}>CSV</button>
        </span>
      </div>
      <div ref={holder} class="canvas" role="img" aria-label={summary(data)} />
      <figcaption class="muted">{summary(data)}</figcaption>
    </figure>
  );
}
