// Sessions by npm's livy-client: node with_livy_client_sessions.js URL [USER PASSWORD]. Prints what it saw as JSON.
'use strict';

const LivyClient = require('livy-client');

const [url, user, password] = process.argv.slice(2);
const { protocol, hostname, port, pathname } = new URL(url);
const headers = user && { Authorization: 'Basic ' + Buffer.from(`${user}:${password}`).toString('base64') };
const client = new LivyClient({
  protocol: protocol.slice(0, -1), host: hostname, port, pathPrefix: pathname.replace(/\/$/, ''), headers,
});

// It asks once a second, and says each state as an event of that name.
const is = (what, ...states) => new Promise((resolve) => {
  for (const state of states) what.once(state, resolve);
});

async function ended(statement) {
  let shown;
  do shown = await statement.status();
  while (!['available', 'cancelled'].includes(shown.state));
  return shown;
}

async function run(session, code) {
  return (await ended(await session.run({ code }, { autoupdate: false }))).output;
}

async function main() {
  const seen = {};
  const session = await client.createSession({ kind: 'pyspark', name: 'js', conf: { 'spark.a': 'b' } });
  await is(session, 'idle');
  seen.sum = await run(session, '20 + 1');
  seen.error = (await run(session, '1/0')).ename;
  const sleeping = await session.run({ code: 'import time\ntime.sleep(600)' }, { autoupdate: false });
  seen.cancelled = [await sleeping.cancel(), (await ended(sleeping)).state];
  seen.statements = (await session.statements()).map((each) => each.o.state);
  seen.listed = (await client.sessions()).map((each) => each.id).includes(session.id);
  seen.state = (await session.state()).state;
  seen.log = (await session.log({ size: -1 })).log.includes('driver starts');
  const sql = await client.createSession({ kind: 'sql' });
  await is(sql, 'idle');
  seen.sql = (await run(sql, 'select 1')).data['application/json'].data;
  seen.killed = [await session.kill(), await sql.kill()];
  seen.gone = await session.state().catch((e) => [e.status, e.code]);
  return seen;
}

main().then((seen) => {
  process.stdout.write(JSON.stringify(seen));
  process.exit(0);
}, (e) => {
  console.error(e);
  process.exit(1);
});
