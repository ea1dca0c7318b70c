// SPDX-License-Identifier: Apache-2.0
// A real OpenID provider on loopback for the tests of signing in (npm oidc-provider), with a few
// levers: POST /test/rotate (new keys), /test/hide (sign with keys that are not published),
// /test/show; POST /test/forge {kind, claims} makes tokens that no honest provider makes.
// Prints "ready PORT" when it listens; ends when its standard input does.
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const people = new Map(); // client id -> claims of its tokens
let issuer;
let published; // whose keys and discovery document are shown
let signing; // who gives out tokens

function keys() {
  return ['RS256', 'ES256'].map((alg) => {
    const { privateKey } = alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID() };
  });
}

function makeProvider() {
  const jwks = keys();
  const provider = new Provider(issuer, {
    jwks: { keys: jwks },
    clients: [{
      client_id: 'tests', client_secret: 'tests-secret-tests-secret-tests-sec', grant_types: ['client_credentials'],
      redirect_uris: [], response_types: [], id_token_signed_response_alg: 'RS256',
    }],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        // the resource is the audience; its last part chooses the algorithm
        getResourceServerInfo: (_, resource) => ({
          scope: 'api', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300,
          jwt: { sign: { alg: resource.endsWith('/es256') ? 'ES256' : 'RS256' } },
        }),
      },
    },
    extraTokenClaims: () => people.get('tests') ?? {},
  });
  provider.on('server_error', (_, error) => console.error(error));
  return { provider, jwks };
}

const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url');

// What attackers send. Independent of our own code: node's crypto only.
function forge({ kind, claims }) {
  const rsa = signing.jwks[0];
  const pub = createPublicKey({ key: rsa, format: 'jwk' });
  const head = (h) => `${b64({ typ: 'JWT', ...h })}.${b64(claims)}`;
  const hmac = (text, secret) => `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  const hs = head({ alg: 'HS256', kid: rsa.kid });
  const rs = head({ alg: 'RS256', kid: rsa.kid });
  const other = kind === 'own-key' || kind === 'embedded-jwk' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : null;
  switch (kind) {
    case 'good': return `${rs}.${sign('sha256', Buffer.from(rs), { key: rsa, format: 'jwk' }).toString('base64url')}`;
    case 'hs256-pem': return hmac(hs, pub.export({ type: 'spki', format: 'pem' }));
    case 'hs256-der': return hmac(hs, pub.export({ type: 'spki', format: 'der' }));
    case 'hs256-jwk': return hmac(hs, JSON.stringify(pub.export({ format: 'jwk' })));
    case 'hs256-empty': return hmac(hs, '');
    case 'none': return `${head({ alg: 'none', kid: rsa.kid })}.`;
    case 'stripped': return `${rs}.`;
    case 'no-kid': { const t = head({ alg: 'RS256' }); return `${t}.${sign('sha256', Buffer.from(t), { key: rsa, format: 'jwk' }).toString('base64url')}`; }
    case 'own-key': return `${rs}.${sign('sha256', Buffer.from(rs), other.privateKey).toString('base64url')}`;
    case 'embedded-jwk': {
      const t = head({ alg: 'RS256', kid: rsa.kid, jwk: other.publicKey.export({ format: 'jwk' }) });
      return `${t}.${sign('sha256', Buffer.from(t), other.privateKey).toString('base64url')}`;
    }
    case 'es-by-rsa-kid': { const t = head({ alg: 'ES256', kid: rsa.kid });
      return `${t}.${sign('sha256', Buffer.from(t), { key: signing.jwks[1], format: 'jwk', dsaEncoding: 'ieee-p1363' }).toString('base64url')}`; }
    default: throw new Error(`no forgery ${kind}`);
  }
}

async function body(req) {
  let text = '';
  for await (const part of req) text += part;
  return text ? JSON.parse(text) : {};
}

async function lever(req, res) {
  let answer = '';
  switch (req.url) {
    case '/test/rotate': published = signing = makeProvider(); break;
    case '/test/hide': signing = makeProvider(); break;
    case '/test/show': signing = published; break;
    case '/test/claims': people.set('tests', await body(req)); break;
    case '/test/forge': answer = forge(await body(req)); break;
    default: res.statusCode = 404;
  }
  res.end(answer);
}

const server = createServer((req, res) => {
  if (req.url.startsWith('/test/')) {
    lever(req, res).catch((error) => { res.statusCode = 500; res.end(String(error)); });
  } else {
    (req.url === '/token' ? signing : published).provider.callback()(req, res);
  }
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  published = signing = makeProvider();
  console.log(`ready ${server.address().port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();
