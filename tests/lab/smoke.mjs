// What the lab promises, asked of each node directly: BOSH over HTTP and HTTPS with the announced
// key, the home and backup names of each kind of user, PLAIN login, rosters, messages, and nodes
// that die, freeze and come back. Run by tests/lab/smoke inside `lab run`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';

const lab = JSON.parse(run('env', '--json'));
const ca = execFileSync('cat', [lab.ca_file]);

function run(command, ...rest) {
  const words = [command, process.env.LAB_DIR, ...rest];
  return execFileSync(process.env.LAB, words, { encoding: 'utf8' });
}

function attribute(xml, name) {
  return new RegExp(`^<body[^>]*\\s${name}=['"]([^'"]*)['"]`).exec(xml)?.[1];
}

async function post(url, body, timeout = 10_000) {
  const client = url.startsWith('https:') ? https : http;
  const options = {
    method: 'POST', timeout, headers: { 'content-type': 'text/xml' }, rejectUnauthorized: false,
    agent: false, // a connection for each request: none of a node's former life
  };
  const request = client.request(url, options);
  request.on('timeout', () => request.destroy(new Error('timeout')));
  request.end(body);
  const [answer] = await once(request, 'response');
  let text = '';
  for await (const part of answer.setEncoding('utf8')) text += part;
  assert.equal(answer.statusCode, 200, url);
  return text;
}

class Session {
  constructor(url, user) {
    this.url = url;
    this.user = user;
    this.rid = 1_000_000 + Math.floor(Math.random() * 1_000_000);
  }

  async open(from = `${this.user}@${lab.domain}`, timeout = 10_000) {
    const features = await post(this.url,
      `<body xmlns='http://jabber.org/protocol/httpbind' to='${lab.domain}'`
      + (from ? ` from='${from}'` : '')
      + ` rid='${this.rid++}' wait='10' hold='1' ver='1.9' xml:lang='en'`
      + ` xmlns:xmpp='urn:xmpp:xbosh' xmpp:version='1.0'/>`, timeout);
    this.sid = attribute(features, 'sid');
    assert.ok(this.sid, `no sid in ${features}`);
    return features;
  }

  send(payload = '', attributes = '') {
    return post(this.url, `<body xmlns='http://jabber.org/protocol/httpbind' sid='${this.sid}'`
      + ` rid='${this.rid++}' ${attributes}>${payload}</body>`);
  }

  // Sends, then polls until what came matches.
  async until(pattern, payload = '', attributes = '') {
    let seen = await this.send(payload, attributes);
    for (let polls = 0; polls < 20 && !pattern.test(seen); polls++) {
      assert.doesNotMatch(seen, /^<body[^>]*type=['"]terminate/, `${this.user} on ${this.url}`);
      seen += await this.send();
    }
    assert.match(seen, pattern);
    return seen;
  }

  async login() {
    await this.open();
    const words = `\0${this.user}\0${lab.accounts[this.user].password}`;
    const secret = Buffer.from(words).toString('base64');
    await this.until(/<success/,
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${secret}</auth>`);
    await this.until(/<bind/, '',
      `xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh' to='${lab.domain}'`);
    await this.until(/<jid>/, `<iq xmlns='jabber:client' type='set' id='b'>`
      + `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`);
    this.roster = await this.until(/id=['"]r['"]/,
      `<iq xmlns='jabber:client' type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`);
    await this.until(/<presence/, `<presence xmlns='jabber:client'/>`);
  }

  close() {
    return this.send('', "type='terminate'");
  }
}

const checks = {
  async 'every certificate has the announced key, and the right signer'() {
    for (const [name, node] of Object.entries(lab.nodes)) {
      const socket = tls.connect({
        host: node.address, port: lab.https_port, ca, servername: node.host,
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      const certificate = socket.getPeerX509Certificate();
      const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
      assert.equal(`sha256//${createHash('sha256').update(key).digest('base64')}`, node.pin, name);
      const { authorized, authorizationError: because } = socket;
      assert.equal(authorized, node.signer === 'ca', `${name}: ${because}`);
      for (const host of [node.host, name]) {
        assert.ok(certificate.checkHost(host), `${name}: ${host}`);
      }
      assert.ok(certificate.checkIP(node.address), `${name}: ${node.address}`);
      socket.destroy();
    }
  },

  async 'the stand-ins name home and backup by the from of the session request'() {
    const names = {
      alice: ['node-a1', 'node-b1'], bob: ['node-a1'], carol: [], frank: ['node-e1', 'node-a1'],
      dave: ['node-a1.example.com', 'node-b1.example.com'],
      erin: [lab.nodes['node-a1'].address, lab.nodes['node-b1'].address],
      user1: ['node-a1', 'node-b1'], user60: ['node-b1', 'node-a1'], nobody: [],
    };
    for (const name of ['node-sd1', 'node-sd2', 'node-a1', 'node-b1']) {
      for (const [user, expected] of Object.entries(names)) {
        const session = new Session(lab.nodes[name].http, user);
        const features = await session.open();
        const hostname = /<hostname xmlns='urn:xmpp:domain-based-name:0'>([^<]*)</g;
        const found = [...features.matchAll(hostname)];
        assert.deepEqual(found.map((match) => match[1]), expected, `${user} on ${name}`);
        await session.close();
      }
    }
  },

  async 'no from, and odd ones, get features without names'() {
    for (const from of ['', 'alice@example.org', 'example.com', '@', 'Q&apos;&lt;']) {
      const session = new Session(lab.nodes['node-sd1'].http, 'alice');
      assert.doesNotMatch(await session.open(from), /<hostname/, `from='${from}'`);
      await session.close();
    }
    const session = new Session(lab.nodes['node-sd1'].http, 'alice');
    assert.match(await session.open('ALICE@example.com/there'), /<hostname/,
      'any case, and a resource');
    await session.close();
  },

  async 'two users of one node chat, on every node, over HTTP and HTTPS'() {
    const text = 'grüße &lt;b&gt; &amp; 日本 🎈';
    for (const [name, node] of Object.entries(lab.nodes)) {
      for (const url of [node.http, node.https]) {
        const alice = new Session(url, 'alice');
        const bob = new Session(url, 'bob');
        await alice.login();
        await bob.login();
        assert.match(alice.roster, /bob@example\.com/, name);
        assert.match(alice.roster, /<group>Team<\/group>/, name);
        const [heard] = await Promise.all([
          bob.until(/<message[\s\S]*<\/message>/),
          alice.send(`<message xmlns='jabber:client' to='bob@${lab.domain}' type='chat'>`
            + `<body>${text}</body></message>`),
        ]);
        assert.ok(heard.includes(text), `${name}: ${heard}`);
        await Promise.all([alice.close(), bob.close()]);
      }
    }
  },

  async 'a GET of the path is a page'() {
    for (const node of Object.values(lab.nodes)) {
      const [answer] = await once(http.get(node.http), 'response');
      answer.resume();
      assert.equal(answer.statusCode, 200, node.http);
    }
  },

  async 'a frozen node accepts and does not answer, and goes on when thawed'() {
    const url = lab.nodes['node-a1'].http;
    run('freeze', 'node-a1');
    await assert.rejects(new Session(url, 'alice').open(undefined, 500), /timeout/);
    assert.match(run('status'), /node-a1 +frozen/);
    run('thaw', 'node-a1');
    await new Session(url, 'alice').open();
  },

  async 'a killed node refuses; restarted, it knows its users and no session'() {
    for (const name of ['node-b1', 'node-e1']) {
      const url = lab.nodes[name].http;
      const session = new Session(url, 'user60');
      await session.login();
      run('kill', name);
      await assert.rejects(session.send(),
        (error) => ['ECONNREFUSED', 'ECONNRESET'].includes(error.code), name);
      run('restart', name);
      assert.equal(attribute(await session.send(), 'condition'), 'item-not-found', name);
      const again = new Session(url, 'user60');
      await again.login();
      await again.close();
    }
  },
};

for (const [name, check] of Object.entries(checks)) {
  const began = performance.now();
  await check();
  console.log(`ok  ${name}  (${Math.round(performance.now() - began)} ms)`);
}
