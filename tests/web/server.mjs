// SPDX-License-Identifier: Apache-2.0
// A server of the test's own, which it may kill; and patience.
import {spawn} from 'node:child_process';

const {DEMETER, PASSWORD, PORT} = process.env;
export const BASE = `http://127.0.0.1:${PORT}`;
let server = null;

export async function serve() {
  server = spawn(DEMETER, ['serve', '--port', PORT], {stdio: ['ignore', 'ignore', 'inherit']});
  await until('the server answers', () => fetch(`${BASE}/health`).then((r) => r.ok, () => false), 20000);
}

export async function kill(signal) {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  await gone;
}

export async function until(what, question, limit = 60000) {
  for (const end = Date.now() + limit; Date.now() < end;) {
    if (await question()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited in vain: ${what}`);
}

export async function token(role) {
  const reply = await fetch(`${BASE}/api/v1/auth/login`, {method: 'POST',
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({email: `${role}@example.org`, password: PASSWORD})});
  return (await reply.json()).access_token;
}
