// SPDX-License-Identifier: Apache-2.0
// The documentation page: reads openapi.json beside it and asks nobody else. /redoc is the same page
// without the forms that send requests.
'use strict';

const reading = location.pathname.replace(/\/$/, '').endsWith('/redoc');
const base = location.pathname.replace(/\/(docs|redoc)\/?$/, '');
let doc = null;

function make(tag, props, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children.filter((c) => c !== null && c !== undefined));
  return node;
}

function follow(thing) {
  let at = thing || {};
  for (let i = 0; at.$ref && i < 20; i++) {
    at = at.$ref.slice(2).split('/').reduce((o, key) => (o ? o[key] : undefined), doc) || {};
  }
  return at;
}

function nameOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.anyOf) return schema.anyOf.map(nameOf).join(' or ');
  const type = [].concat(schema.type || 'any').join(' or ');
  if (schema.items) return nameOf(schema.items) + '[]' + (type.includes('null') ? ' or null' : '');
  return type + (schema.format ? ' ' + schema.format : '');
}

function rulesOf(schema) {
  const s = follow(schema);
  const rules = [];
  const say = (key, text) => { if (s[key] !== undefined) rules.push(text + ' ' + s[key]); };
  if (s.enum) rules.push(s.enum.filter((v) => v !== null).join(', '));
  say('minimum', '≥'); say('maximum', '≤'); say('exclusiveMinimum', '>');
  say('minLength', 'characters ≥'); say('maxLength', 'characters ≤'); say('pattern', 'matches');
  say('minItems', 'items ≥'); say('maxItems', 'items ≤');
  if (s.default !== undefined) rules.push('default ' + JSON.stringify(s.default));
  return rules.join('; ');
}

// An example of a schema: what it says itself, else one built from its members.
function example(schema, depth = 0) {
  const s = follow(schema);
  if (s.examples) return s.examples[0];
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.anyOf) return example(s.anyOf[0], depth);
  const type = [].concat(s.type || [])[0];
  if (type === 'array') return depth > 4 ? [] : [example(s.items, depth + 1)];
  if (type === 'object') {
    const o = {};
    if (depth <= 4) for (const [key, value] of Object.entries(s.properties || {})) o[key] = example(value, depth + 1);
    return o;
  }
  if (type === 'integer' || type === 'number') return s.minimum > 0 ? s.minimum : s.exclusiveMinimum >= 0 ? 1 : 0;
  if (type === 'boolean') return true;
  const formats = { uuid: '3f2a1c9e-5b1d-4e0a-9d57-0c4a7e6b8f21', date: '2026-11-23', 'date-time': '2026-11-23T15:04:05Z' };
  return type === 'string' ? formats[s.format] || 'text' : null;
}

function members(schema) {
  const s = follow(schema.items ? schema.items : schema);
  const rows = Object.entries(s.properties || {}).map(([name, value]) => make('tr', {},
    make('td', {}, make('code', { textContent: name, className: (s.required || []).includes(name) ? 'must' : '' })),
    make('td', { textContent: nameOf(value) }),
    make('td', { textContent: [rulesOf(value), value.description].filter(Boolean).join(' — ') })));
  return rows.length ? make('table', {}, make('tbody', {}, ...rows)) : null;
}

function contentParts(content, title) {
  const parts = [];
  for (const [type, media] of Object.entries(content || {})) {
    parts.push(make('h4', { textContent: `${title} ${type} ${nameOf(media.schema)}` }));
    if (media.schema) {
      parts.push(members(media.schema));
      if (type === 'application/json') parts.push(make('pre', { textContent: JSON.stringify(example(media.schema), null, 2) }));
    }
    const examples = Object.entries(media.examples || {});
    if (examples.length) {
      parts.push(make('table', {}, make('tbody', {}, ...examples.map(([name, e]) => make('tr', {},
        make('td', {}, make('code', { textContent: name })), make('td', { textContent: e.summary || '' }))))));
    }
  }
  return parts;
}

function parameterTable(list) {
  return make('table', {}, make('tbody', {}, ...list.map((p) => make('tr', {},
    make('td', {}, make('code', { textContent: p.name, className: p.required ? 'must' : '' })),
    make('td', { textContent: p.in }),
    make('td', { textContent: nameOf(p.schema) }),
    make('td', { textContent: [rulesOf(p.schema), p.description].filter(Boolean).join(' — ') })))));
}

function tryForm(method, path, op) {
  const parameters = op.parameters || [];
  const json = op.requestBody && op.requestBody.content['application/json'];
  const multipart = op.requestBody && op.requestBody.content['multipart/form-data'];
  const inputs = parameters.map((p) => ({ p, node: make('input', { required: !!p.required, name: p.name }) }));
  const fields = multipart ? Object.entries(follow(multipart.schema).properties || {}).map(([name, s]) => ({
    name, node: make('input', { type: (s.items || s).contentMediaType ? 'file' : 'text', multiple: !!s.items }) })) : [];
  const body = json && !multipart ? make('textarea', { value: JSON.stringify(example(json.schema), null, 2), spellcheck: false }) : null;
  const answer = make('pre', { hidden: true, tabIndex: 0 });
  const form = make('form', { className: 'only-try' },
    ...inputs.map(({ p, node }) => make('label', {}, make('span', { textContent: `${p.name} (${p.in})` }), node)),
    ...fields.map((f) => make('label', {}, make('span', { textContent: f.name }), f.node)),
    body ? make('label', {}, make('span', { textContent: 'body' }), body) : null,
    make('div', {}, make('button', { textContent: 'Send' })), answer);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    let target = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { p, node } of inputs) {
      if (node.value === '') continue;
      if (p.in === 'path') target = target.replace(`{${p.name}}`, encodeURIComponent(node.value));
      else if (p.in === 'query') query.append(p.name, node.value);
      else headers[p.name] = node.value;
    }
    const token = document.getElementById('token').value;
    if (token) headers.Authorization = 'Bearer ' + token;
    let payload;
    if (multipart) {
      payload = new FormData();
      for (const f of fields) {
        if (f.node.type === 'file') for (const file of f.node.files) payload.append(f.name, file);
        else if (f.node.value !== '') payload.append(f.name, f.node.value);
      }
    } else if (body) {
      payload = body.value;
      headers['Content-Type'] = 'application/json';
    }
    answer.hidden = false;
    answer.textContent = 'Waiting…';
    try {
      const response = await fetch(base + target + (query.size ? '?' + query : ''), { method: method.toUpperCase(), headers, body: payload });
      const type = response.headers.get('Content-Type') || '';
      let text = type.startsWith('application/json') ? JSON.stringify(await response.json(), null, 2)
        : type.startsWith('text/') ? await response.text() : `${(await response.blob()).size} bytes of ${type}`;
      if (text.length > 200000) text = text.slice(0, 200000) + '…';
      answer.textContent = `${response.status}\n${text}`;
    } catch (error) {
      answer.textContent = 'No answer: ' + error.message;
    }
  });
  return form;
}

function fill(box, method, path, op) {
  const content = make('div', { className: 'body' });
  if (op.description) content.append(make('p', { textContent: op.description }));
  if (op.parameters) content.append(make('h4', { textContent: 'Parameters' }), parameterTable(op.parameters));
  if (op.requestBody) content.append(...contentParts(op.requestBody.content, 'Body').filter(Boolean));
  if (!reading) content.append(tryForm(method, path, op));
  for (const [status, response] of Object.entries(op.responses)) {
    const r = follow(response);
    const one = make('details', {}, make('summary', {}, make('code', { textContent: status }), r.description));
    one.append(make('div', { className: 'body' }, ...contentParts(r.content, '').filter(Boolean)));
    content.append(one);
  }
  box.append(content);
}

function operationBox(method, path, op) {
  const box = make('details', { id: op.operationId },
    make('summary', {}, make('span', { className: 'method ' + method, textContent: method }),
      make('code', { textContent: path }), make('span', { textContent: op.summary || '' }),
      make('span', { className: 'role', textContent: op['x-role'] || '' })));
  box.dataset.words = `${method} ${path} ${op.summary || ''} ${op.operationId}`.toLowerCase();
  box.addEventListener('toggle', () => { if (box.open && box.children.length === 1) fill(box, method, path, op); });
  return box;
}

function show() {
  const main = document.getElementById('routes');
  const tags = document.getElementById('tags');
  document.title = doc.info.title;
  document.getElementById('title').textContent = `${doc.info.title} ${doc.info.version}`;
  main.replaceChildren();
  for (const { name } of doc.tags) {
    const section = make('section', { id: 'tag-' + name }, make('h2', { textContent: name }));
    for (const [path, item] of Object.entries(doc.paths)) {
      for (const [method, op] of Object.entries(item)) {
        if (op.tags.includes(name)) section.append(operationBox(method, path, op));
      }
    }
    main.append(section);
    tags.append(make('a', { href: '#tag-' + name, textContent: name }));
  }
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted) {
    wanted.open = true;
    wanted.scrollIntoView();
  }
}

document.getElementById('search').addEventListener('input', (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('main section')) {
    let any = false;
    for (const box of section.querySelectorAll(':scope > details')) {
      box.hidden = !words.every((w) => box.dataset.words.includes(w));
      any = any || !box.hidden;
    }
    section.hidden = !any;
  }
});
document.body.classList.toggle('reading', reading);
fetch(base + '/openapi.json').then((r) => {
  if (!r.ok) throw new Error('status ' + r.status);
  return r.json();
}).then((d) => { doc = d; show(); }).catch((error) => {
  document.getElementById('state').textContent = 'The document cannot be read: ' + error.message;
});
