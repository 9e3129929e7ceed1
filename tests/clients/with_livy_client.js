// A day of npm's livy-client: node with_livy_client.js URL JOB NEVER [USER PASSWORD]. Prints what it saw as JSON.
'use strict';

const LivyClient = require('livy-client');

const [url, job, never, user, password] = process.argv.slice(2);
const { protocol, hostname, port, pathname } = new URL(url);
const headers = user && { Authorization: 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64') };
const client = new LivyClient({
  protocol: protocol.slice(0, -1), host: hostname, port, pathPrefix: pathname.replace(/\/$/, ''), headers,
});
const batch = client.Batch();

// It asks once a second, and says each state as an event of that name.
const end = (session) => new Promise((resolve) => {
  for (const state of ['success', 'dead', 'error']) session.once(state, () => resolve(state));
});

async function main() {
  const seen = {};
  const good = await batch.createSession({ file: job, args: ['do:lines=3', 'do:exit=0'], name: 'js' });
  const bad = await batch.createSession({ file: job, args: ['do:exit=3'], conf: { 'spark.a': 'b' }, numExecutors: 2 });
  [seen.good, seen.bad] = await Promise.all([end(good), end(bad)]);
  seen.log = (await good.log({ size: -1 })).log;
  seen.page = (await good.log({ from: 1, size: 2 })).log;
  seen.state = await good.state();
  const long = await batch.createSession({ file: job, args: [`do:wait=${never}`] }, { autoupdate: false });
  seen.ids = [good.id, bad.id, long.id];
  seen.listed = (await batch.sessions()).map((session) => session.id);
  seen.killed = await long.kill();
  seen.gone = await long.state().catch((e) => [e.status, e.code, e.response.data]);
  return seen;
}

main().then((seen) => {
  process.stdout.write(JSON.stringify(seen));
  process.exit(0);
}, (e) => {
  console.error(e);
  process.exit(1);
});
