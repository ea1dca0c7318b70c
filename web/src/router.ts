// SPDX-License-Identifier: Apache-2.0
// Screens by the part of the address after '#': works from any sub-path and without the server.
import {useEffect, useState} from 'preact/hooks';

export interface Place {
  path: string[]; // "#/claro/12?x=1" -> ["claro", "12"]
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return {path: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query)};
}

export function usePlace(): Place {
  const [place, set] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => set(parse(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return place;
}

export function go(path: string): void {
  location.hash = `#/${path}`;
}

/** Change filters in the address without a new entry in the history. */
export function setQuery(values: Record<string, string | null>): void {
  const place = parse(location.hash);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === '') place.query.delete(name);
    else place.query.set(name, value);
  }
  const query = place.query.toString();
  location.replace(`#/${place.path.map(encodeURIComponent).join('/')}${query ? `?${query}` : ''}`);
}
