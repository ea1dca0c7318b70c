// SPDX-License-Identifier: Apache-2.0
// Point at the label, shoot, walk on. A photo is kept on the phone, read back and compared before it
// counts as stored.
import type {JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {t} from '../i18n';
import type {ScreenProps} from '../main';
import {sha256, store, type Item} from '../offline/database';
import {drain, outbox} from '../offline/outbox';
import {judge} from '../offline/quality';
import {useValue} from '../store';
import {Icon} from '../ui/parts';

const MIN_PIXELS = 8e6; // below that the phone's own camera is better

interface Detector {
  detect(source: CanvasImageSource): Promise<{rawValue: string}[]>;
}
declare const BarcodeDetector: {new (options: {formats: string[]}): Detector} | undefined;

/** "LOC000123" or an address ending in /l/LOC000123. */
export function labelCode(text: string): string | null {
  const match = /(?:^|\/l\/)([A-Z0-9_-]{8,20})$/i.exec(text.trim());
  return match?.[1]?.toUpperCase() ?? null;
}

function position(): Promise<Item['gps']> {
  return new Promise((resolve) => {
    if (!('geolocation' in navigator)) return resolve(null);
    navigator.geolocation.getCurrentPosition(
      ({coords}) => resolve({longitude: coords.longitude, latitude: coords.latitude, accuracy_m: coords.accuracy}),
      () => resolve(null), {maximumAge: 20000, timeout: 3000, enableHighAccuracy: true});
    return undefined;
  });
}

async function keep(blob: Blob, name: string, owner: number, code: string | null): Promise<void> {
  const bytes = await blob.arrayBuffer();
  await store({
    uuid: crypto.randomUUID(), owner, name, type: blob.type || 'image/jpeg', sha256: await sha256(bytes),
    size: bytes.byteLength, location_id: null, location_code: code, captured_at: new Date().toISOString(),
    gps: await position(), state: 'waiting', sent_bytes: 0, upload: null, tries: 0, next_try: 0, reason: null,
    sent_at: null,
  }, bytes);
  navigator.vibrate?.(80);
  void drain();
}

export function Camera({me}: ScreenProps): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [refused, setRefused] = useState(false);
  const [code, setCode] = useState<string | null>(null);
  const [note, setNote] = useState<{text: string; bad: boolean} | null>(null);
  const [lost, setLost] = useState<Blob | null>(null);
  const [busy, setBusy] = useState(false);
  const today = useValue(outbox).filter((i) => i.captured_at.slice(0, 10) === new Date().toISOString().slice(0, 10)).length;

  useEffect(() => {
    let live: MediaStream | null = null;
    const wanted = {video: {facingMode: 'environment', width: {ideal: 4096}, height: {ideal: 3072}}};
    (navigator.mediaDevices?.getUserMedia(wanted) ?? Promise.reject(new Error('none'))).then(
      (s) => {
        live = s;
        setStream(s);
        if (video.current) video.current.srcObject = s;
      }, () => setRefused(true));
    return () => live?.getTracks().forEach((track) => track.stop());
  }, []);

  useEffect(() => {
    if (!stream || typeof BarcodeDetector === 'undefined') return undefined;
    const detector = new BarcodeDetector({formats: ['qr_code']});
    const timer = setInterval(() => {
      const source = video.current;
      if (source && source.readyState >= 2)
        void detector.detect(source).then((found) => {
          const read = found.map((f) => labelCode(f.rawValue)).find(Boolean);
          if (read) setCode((old) => { if (old !== read) navigator.vibrate?.(30); return read; });
        }, () => undefined);
    }, 300);
    return () => clearInterval(timer);
  }, [stream]);

  const save = async (blob: Blob, name: string) => {
    setBusy(true);
    try {
      const warning = await judge(blob);
      await keep(blob, name, me.id, code);
      setNote({text: warning ? t(warning) : `${t('camera.saved')} ✓`, bad: warning !== null});
    } catch {
      setLost(blob);
    } finally {
      setBusy(false);
    }
  };

  const shoot = async () => {
    const source = video.current;
    if (!source) return;
    const canvas = new OffscreenCanvas(source.videoWidth, source.videoHeight);
    canvas.getContext('2d')?.drawImage(source, 0, 0);
    await save(await canvas.convertToBlob({type: 'image/jpeg', quality: 0.92}), `${Date.now()}.jpg`);
  };

  const choose = (event: JSX.TargetedEvent<HTMLInputElement>) => {
    const files = [...(event.currentTarget.files ?? [])];
    void (async () => {
      for (const file of files) await save(file, file.name);
    })();
  };

  if (lost) {
    const url = URL.createObjectURL(lost);
    return (
      <div class="shoot" style={{background: '#8d0f0f', placeItems: 'center'}} role="alert">
        <h1>{t('camera.notsaved')}</h1>
        <a class="button field" href={url} download="foto.jpg">{t('camera.download')}</a>
        <button class="field" onClick={() => setLost(null)}>{t('common.close')}</button>
      </div>
    );
  }
  const settings = stream?.getVideoTracks()[0]?.getSettings();
  const small = !!settings && (settings.width ?? 0) * (settings.height ?? 0) < MIN_PIXELS;
  return (
    <div class="shoot">
      <video ref={video} autoplay playsInline muted />
      <header>
        <div class="row between">
          <span class="claro">{code ?? t('camera.noclaro')}</span>
          <a class="button" href="#/home">{t('common.close')}</a>
        </div>
        {note && <p role="status" class={`badge ${note.bad ? 'warn' : ''}`}>{note.text}</p>}
        {refused && <p>{t('camera.permission')}</p>}
      </header>
      <span />
      <footer>
        {stream && (
          <button class="primary shutter" disabled={busy} onClick={() => void shoot()}>
            <Icon name="camera" />{t('camera.shutter')}
          </button>
        )}
        <div class="row between">
          {(refused || small) && (
            <label class="button field">{t('camera.system')}
              <input class="visually-hidden" type="file" accept="image/*" capture="environment" onChange={choose} /></label>
          )}
          <label class="button field">{t('camera.gallery')}
            <input class="visually-hidden" type="file" accept="image/*" multiple onChange={choose} /></label>
          <span>{t('camera.today', {n: today})}</span>
        </div>
      </footer>
    </div>
  );
}
