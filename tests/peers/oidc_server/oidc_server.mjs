// Test identity server with Keycloak's paths, on the certified `oidc-provider`. Loopback only.
//
// oidc-provider checks the client secret, issues and signs the tokens, and serves discovery and the key set.
// The layer in front gives the answers Keycloak gives where they differ: its error bodies, the extra fields of
// a token response, both ways of sending the secret for one client, and introspection of a signed token.
import { createServer } from 'node:http';
import { createHash, createPublicKey, generateKeyPairSync, randomUUID, verify as verifySig } from 'node:crypto';
import Provider from 'oidc-provider';

const opt = { port: 18300, host: '127.0.0.1', prefix: '', realm: 'dhafnck', ttl: 300, 'mgmt-port': 0, resource: 'ignore', 'introspect-aud': 'off', 'https-required': 'off', log: 'off', 'end-with-stdin': 'off' };
for (let i = 2; i < process.argv.length; i += 2) {
  const k = process.argv[i].replace(/^--/, '');
  if (!(k in opt)) { console.error(`unknown option --${k}; known: ${Object.keys(opt).join(', ')}`); process.exit(2); }
  opt[k] = typeof opt[k] === 'number' ? Number(process.argv[i + 1]) : process.argv[i + 1];
}
if (!['127.0.0.1', 'localhost', '::1'].includes(opt.host)) { console.error('loopback only'); process.exit(2); }

// The parent holds our standard input open: it ends with the parent, however that ends, and so do we.
if (opt['end-with-stdin'] === 'on') process.stdin.on('end', () => process.exit(0)).resume();

// The issuer names the port, so the port comes first (0: any free one); requests wait until the provider is there.
let ready;
const provided = new Promise((r) => { ready = r; });
const server = createServer((req, res) => provided.then(() => answer(req, res)));
await new Promise((r) => server.listen(opt.port, opt.host, r));
const started = { ...opt };

const base = `http://${opt.host}:${server.address().port}`;
const mount = `${opt.prefix}/realms/${opt.realm}`;
const issuer = `${base}${mount}`;
const oidc = '/protocol/openid-connect';
const AGAIN = 'For more on this error consult the server log at the debug level.';
const BAD = 'Invalid client or Invalid client credentials';

// enabled, serviceAccounts and public are Keycloak's client switches; the secrets are test values
const CLIENTS = {
  'claude-hooks': { secret: 'claude-hooks-secret' },
  'task-server': { secret: 'task-server-secret' },
  'disabled-client': { secret: 'disabled-secret', enabled: false },
  'no-service-account': { secret: 'no-service-account-secret', serviceAccounts: false },
  'public-client': { public: true },
  'odd+secret client': { secret: 'p@ss:w%rd+&=~' },
};

const REGISTERED = Object.fromEntries(Object.entries(CLIENTS).map(([id, c]) => [id, c.secret]));

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() };
const DEFAULT_RESOURCE = 'urn:keycloak:account';
const uuidOf = (s) => createHash('sha1').update(s).digest('hex').replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-5$3-8$4-$5');

const provider = new Provider(issuer, {
  clients: Object.entries(CLIENTS).filter(([, c]) => !c.public).map(([id, c]) => ({
    client_id: id, client_secret: c.secret, token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
  })),
  jwks: { keys: [jwk] },
  scopes: ['openid', 'profile', 'email', 'mcp:tools'],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
  routes: { token: `${oidc}/token`, introspection: `${oidc}/token/introspect`, jwks: `${oidc}/certs`, authorization: `${oidc}/auth`, revocation: `${oidc}/revoke`, userinfo: `${oidc}/userinfo`, end_session: `${oidc}/logout` },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => DEFAULT_RESOURCE,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: 'openid profile email mcp:tools', audience: resource === DEFAULT_RESOURCE ? 'account' : resource,
        accessTokenFormat: 'jwt', accessTokenTTL: opt.ttl, jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  ttl: { ClientCredentials: () => opt.ttl },
  extraTokenClaims: (_ctx, token) => ({
    typ: 'Bearer', azp: token.clientId, acr: '1', preferred_username: `service-account-${token.clientId}`,
    clientHost: '127.0.0.1', clientAddress: '127.0.0.1', email_verified: false, service_account: uuidOf(token.clientId),
  }),
});
provider.on('server_error', (_ctx, err) => console.error(err));
const callback = provider.callback();

const secrets = Object.fromEntries(Object.entries(CLIENTS).map(([id, c]) => [id, c.secret]));
let faults = [];
let log = [];

async function answer(req, res) {
  const url = new URL(req.url, base);
  let body = '';
  for await (const chunk of req) body += chunk;
  if (url.pathname.startsWith('/__control')) return control(url.pathname, req, res, body);
  log.push({ n: log.length + 1, method: req.method, path: url.pathname, auth: req.headers.authorization ? req.headers.authorization.split(' ')[0] : null, port: req.socket.remotePort, fields: req.method === 'POST' ? [...new URLSearchParams(body).keys()] : [], client: new URLSearchParams(body).get('client_id'), resource: new URLSearchParams(body).get('resource'), scope: new URLSearchParams(body).get('scope') });
  if (opt.log === 'on') console.log(JSON.stringify(log.at(-1)));
  const kind = url.pathname.endsWith(`${oidc}/token`) ? 'token' : url.pathname.endsWith('/introspect') ? 'introspect' : url.pathname.includes('.well-known') ? 'discovery' : 'other';
  if (await fault(kind, res)) return;
  if (url.pathname === '/health' || url.pathname.startsWith('/health/')) return send(res, opt['mgmt-port'] ? 404 : 200, opt['mgmt-port'] ? notFound() : { status: 'UP', checks: [] });
  // RFC 8414 puts the well-known part before the issuer's path; Keycloak also serves it after the path
  for (const wk of ['oauth-authorization-server', 'openid-configuration']) {
    if (url.pathname === `/.well-known/${wk}${mount}` || url.pathname === `${mount}/.well-known/${wk}`) {
      req.url = `${mount}/.well-known/openid-configuration`;
      return pass(req, res, undefined);
    }
  }
  const inRealms = url.pathname.match(new RegExp(`^${opt.prefix}/realms/([^/]+)(/.*)?$`));
  if (!inRealms) return send(res, 404, { error: 'Unable to find matching target resource method', error_description: AGAIN });
  if (decodeURIComponent(inRealms[1]) !== opt.realm) return send(res, 404, { error: 'Realm does not exist', error_description: AGAIN });
  const rest = inRealms[2] ?? '';
  if (rest === '' && req.method === 'GET') return send(res, 200, { realm: opt.realm, public_key: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).toString('base64'), 'token-service': `${issuer}${oidc}`, 'account-service': `${issuer}/account`, 'tokens-not-before': 0 });
  if (opt['https-required'] === 'on') return send(res, 403, { error: 'invalid_request', error_description: 'HTTPS required' });
  if (rest === `${oidc}/token`) return token(req, res, body);
  if (rest === `${oidc}/token/introspect`) return introspect(req, res, body);
  return pass(req, res, body ? Object.fromEntries(new URLSearchParams(body)) : undefined);
}

if (opt['mgmt-port']) {
  createServer((req, res) => send(res, req.url.startsWith('/health') ? 200 : 404, req.url.startsWith('/health') ? { status: 'UP', checks: [] } : {})).listen(opt['mgmt-port'], opt.host);
}

const notFound = () => ({ error: 'Unable to find matching target resource method', error_description: AGAIN });

function send(res, status, obj, headers = {}) {
  const text = typeof obj === 'string' ? obj : JSON.stringify(obj);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/** Hands the request to oidc-provider, with the form already parsed. */
function pass(req, res, form) {
  req.originalUrl = req.url;
  req.url = req.url.slice(mount.length) || '/';
  if (form) { req.body = form; req.headers['content-type'] = 'application/x-www-form-urlencoded'; }
  return callback(req, res);
}

/** client_id and secret as Keycloak reads them: the Basic header first, form fields win. */
function credentials(req, form) {
  let id; let secret;
  const m = /^Basic (.+)$/i.exec(req.headers.authorization ?? '');
  if (m) {
    const [u, ...p] = Buffer.from(m[1], 'base64').toString('utf8').split(':');
    const dec = (s) => { try { return decodeURIComponent(s.replace(/\+/g, ' ')); } catch { return s; } };
    id = dec(u); secret = dec(p.join(':'));
  }
  if (form.has('client_id')) id = form.get('client_id');
  if (form.has('client_secret')) secret = form.get('client_secret');
  return { id, secret };
}

/** null when the client may go on, else [status, body]: Keycloak's answers for a client that may not. */
function refuse({ id, secret }) {
  if (!id) return [401, { error: 'invalid_client', error_description: BAD }];
  const c = CLIENTS[id];
  if (!c || c.enabled === false) return [401, { error: 'invalid_client', error_description: BAD }];
  if (!c.public && (secret === undefined || secret !== c.secret)) return [401, { error: 'unauthorized_client', error_description: BAD }];
  return null;
}

async function token(req, res, body) {
  if (req.method !== 'POST') return send(res, 405, { error: 'HTTP 405 Method Not Allowed', error_description: AGAIN });
  if (!/^application\/x-www-form-urlencoded/i.test(req.headers['content-type'] ?? '')) return send(res, 415, { error: 'HTTP 415 Unsupported Media Type', error_description: AGAIN });
  const form = new URLSearchParams(body);
  const grant = form.get('grant_type');
  if (grant === null) return send(res, 400, { error: 'invalid_request', error_description: 'Missing form parameter: grant_type' });
  if (!['client_credentials', 'refresh_token', 'password', 'authorization_code'].includes(grant)) return send(res, 400, { error: 'unsupported_grant_type', error_description: 'Unsupported grant_type' });
  const cred = credentials(req, form);
  const no = refuse(cred);
  if (no) return send(res, no[0], no[1], { 'cache-control': 'no-store', pragma: 'no-cache' });
  for (const k of form.keys()) if (form.getAll(k).length > 1) return send(res, 400, { error: 'invalid_request', error_description: 'duplicated parameter' });
  if (grant !== 'client_credentials') return send(res, 400, { error: 'unauthorized_client', error_description: 'Client not allowed for this grant' });
  const c = CLIENTS[cred.id];
  if (c.public) return send(res, 401, { error: 'unauthorized_client', error_description: 'Public client not allowed to retrieve service account' });
  if (c.serviceAccounts === false) return send(res, 401, { error: 'unauthorized_client', error_description: 'Client not enabled to retrieve service account' });
  const asked = (form.get('scope') ?? '').split(' ').filter(Boolean);
  const unknown = asked.filter((s) => !['openid', 'profile', 'email', 'mcp:tools'].includes(s));
  if (unknown.length) return send(res, 400, { error: 'invalid_scope', error_description: `Invalid scopes: ${asked.join(' ')}` });
  const out = { grant_type: grant, client_id: cred.id, client_secret: REGISTERED[cred.id] };  // a rotated secret was checked above
  const scope = [...new Set(['profile', 'email', ...asked])].join(' ');
  if (opt.resource === 'honour' && form.get('resource')) out.resource = form.get('resource');
  out.scope = scope;
  delete req.headers.authorization;
  // take oidc-provider's answer and give it Keycloak's shape
  const end = res.end.bind(res);
  const parts = [];
  res.write = (d) => { parts.push(Buffer.from(d)); return true; };
  res.end = (d) => {
    if (d) parts.push(Buffer.from(d));
    let text = Buffer.concat(parts).toString();
    if (res.statusCode === 200) {
      const t = JSON.parse(text);
      text = JSON.stringify({ access_token: t.access_token, expires_in: t.expires_in, refresh_expires_in: 0, token_type: t.token_type, 'not-before-policy': 0, scope });
    }
    res.setHeader('content-length', Buffer.byteLength(text));
    return end(text);
  };
  return pass(req, res, out);
}

/** oidc-provider refuses to introspect a signed token; Keycloak does it, so this is done here. */
function introspect(req, res, body) {
  if (req.method !== 'POST') return send(res, 405, { error: 'HTTP 405 Method Not Allowed', error_description: AGAIN });
  const form = new URLSearchParams(body);
  const cred = credentials(req, form);
  const no = refuse(cred);
  if (no) return send(res, 401, { error: 'invalid_request', error_description: 'Authentication failed.' });
  if (CLIENTS[cred.id].public) return send(res, 403, { error: 'invalid_request', error_description: 'Client not allowed.' });
  const tok = form.get('token');
  if (tok === null) return send(res, 400, { error: 'invalid_request', error_description: 'Token not provided.' });
  const p = check(tok);
  const aud = [p?.aud ?? []].flat();
  if (!p || (opt['introspect-aud'] === 'on' && !aud.includes(cred.id))) return send(res, 200, { active: false });
  return send(res, 200, { ...p, client_id: p.azp, username: p.preferred_username, token_type: 'Bearer', active: true });
}

function check(tok) {
  try {
    const [h, p, s] = tok.split('.');
    const ok = verifySig('sha256', Buffer.from(`${h}.${p}`), createPublicKey(privateKey), Buffer.from(s, 'base64url'));
    const claims = JSON.parse(Buffer.from(p, 'base64url'));
    return ok && claims.exp > Date.now() / 1000 && claims.iss === issuer ? claims : null;
  } catch { return null; }
}

// ---- faults and a request count, so that a test can ask how many requests were made
async function fault(kind, res) {
  const f = faults.find((x) => x.left > 0 && ['any', kind].includes(x.match ?? 'any'));
  if (!f) return false;
  f.left -= 1;
  if (f.delay_ms) await new Promise((r) => setTimeout(r, f.delay_ms));
  if (f.do === 'pass') return false;
  if (f.do === 'hang') await new Promise((r) => setTimeout(r, f.seconds ? f.seconds * 1000 : 60000));
  if (f.do === 'drop') { res.socket.destroy(); return true; }
  send(res, f.status ?? 503, f.body ?? { error: 'injected' }, f.headers ?? {});
  return true;
}

function control(path, req, res, body) {
  if (path === '/__control/faults') faults = JSON.parse(body || '[]').map((f) => ({ ...f, left: f.times ?? 1 }));
  if (path === '/__control/set') Object.assign(opt, JSON.parse(body || '{}'));
  if (path === '/__control/forget') log = [];
  if (path === '/__control/reset') {
    faults = []; log = [];
    Object.assign(opt, started);
    for (const id of Object.keys(CLIENTS)) CLIENTS[id].secret = secrets[id];
  }
  if (path === '/__control/secret') { const { client, secret } = JSON.parse(body); CLIENTS[client].secret = secret; }
  const counts = {};
  for (const e of log) counts[`${e.method} ${e.path}`] = (counts[`${e.method} ${e.path}`] ?? 0) + 1;
  send(res, 200, { issuer, requests: log.length, counts, log });
}

console.log(`identity server: ${issuer}`);
ready();
