// SPDX-License-Identifier: Apache-2.0
// The server, as the page talks to it: the access token lives in memory only, a refresh cookie that
// no script can read brings a new one, errors carry what the server said.

export interface Me {
  id: number;
  email: string;
  first_name: string | null;
  last_name: string | null;
  role: Role | null;
  must_change_password?: boolean;
}
export type Role = 'viewer' | 'worker' | 'supervisor' | 'admin';

export interface Problem {
  detail: string | {loc: (string | number)[]; msg: string; type: string}[];
  error: string;
  code: string;
  rule: string | null;
  details: Record<string, unknown> | null;
  correlation_id: string;
}

/** What the server refused, or `offline` when it could not be reached. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly problem: Problem | null) {
    super(problem?.error ?? (status === 0 ? 'offline' : String(status)));
  }
  get offline(): boolean {
    return this.status === 0;
  }
}

const AGAIN_MS = 300;
let token: string | null = null;
let expires = 0;
let refreshing: Promise<boolean> | null = null;
const lost = new Set<() => void>();

/** Called when the session is over and a person has to sign in again. */
export function onSignedOut(listener: () => void): () => void {
  lost.add(listener);
  return () => lost.delete(listener);
}

interface LoginReply {
  access_token: string;
  expires_in: number;
  user: Me;
}

function keep(reply: LoginReply): Me {
  token = reply.access_token;
  expires = Date.now() + (reply.expires_in - 30) * 1000;
  return reply.user;
}

async function raw(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token) headers.set('Authorization', `Bearer ${token}`);
  if (typeof init.body === 'string') headers.set('Content-Type', 'application/json');
  // The refresh token lives in a cookie no script reads; its second half proves that it is this page.
  headers.set('X-Session', 'cookie');
  const csrf = /(?:^|; )demeter_csrf=([^;]*)/.exec(document.cookie)?.[1];
  if (csrf) headers.set('X-CSRF-Token', decodeURIComponent(csrf));
  const ask = () => fetch(path, {...init, headers, credentials: 'same-origin'});
  try {
    return await ask();
  } catch {
    // A phone that changes its network drops what is under way; asking again for the same does no harm.
    if (init.method === undefined || init.method === 'GET') {
      await new Promise((done) => setTimeout(done, AGAIN_MS));
      const again = await ask().catch(() => null);
      if (again) return again;
    }
    throw new ApiError(0, null);
  }
}

async function failure(response: Response): Promise<ApiError> {
  let problem: Problem | null = null;
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // Not ours: a proxy's page.
  }
  return new ApiError(response.status, problem);
}

/** A new access token from the refresh cookie. False: somebody has to sign in. */
export function refresh(): Promise<boolean> {
  refreshing ??= (async () => {
    try {
      const response = await raw('api/v1/auth/refresh', {method: 'POST', body: '{}'});
      if (!response.ok) return false;
      keep((await response.json()) as LoginReply);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.offline) throw error;
      return false;
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  if (token && Date.now() > expires) await refresh();
  let response = await raw(path, init);
  if (response.status === 401 && (await refresh())) response = await raw(path, init);
  if (response.status === 401) {
    token = null;
    lost.forEach((listener) => listener());
  }
  if (!response.ok) throw await failure(response);
  return response;
}

export async function get<T>(path: string): Promise<T> {
  return (await (await request(`api/v1/${path}`)).json()) as T;
}

export async function send<T>(method: 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, body?: unknown,
                              headers: Record<string, string> = {}): Promise<T> {
  const init: RequestInit = {method, headers};
  if (body instanceof FormData) init.body = body;
  else if (body !== undefined) init.body = JSON.stringify(body);
  const response = await request(`api/v1/${path}`, init);
  return (response.status === 204 ? null : await response.json()) as T;
}

/** Any of the ways in: what answers with a session. */
export async function enter(path: string, body: Record<string, unknown>): Promise<Me> {
  const response = await raw(`api/v1/${path}`, {method: 'POST', body: JSON.stringify(body)});
  if (!response.ok) throw await failure(response);
  return keep((await response.json()) as LoginReply);
}

export const signIn = (email: string, password: string): Promise<Me> => enter('auth/login', {email, password});

export async function signOut(): Promise<void> {
  try {
    await request('api/v1/auth/logout', {method: 'POST', body: '{}'});
  } finally {
    token = null;
  }
}

/** The person of the stored session, null when there is none. */
export async function whoami(): Promise<Me | null> {
  if (!token && !(await refresh())) return null;
  return get<Me>('auth/me');
}

/** Pictures need the token too: bytes as an address for <img>. Release it when done. */
export async function picture(path: string): Promise<string> {
  return URL.createObjectURL(await (await request(`api/v1/${path}`)).blob());
}
