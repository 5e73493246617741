import { createClient } from 'stanza';

const client = createClient({
  jid: 'alice@example.com',
  password: 'secret',
  autoReconnect: true, // off by default; then it ends where it opens a new session here
  transports: { bosh: `${window.location.origin}/bosh`, websocket: false },
});

client.on('session:started', () => {
  window.note('session:started');
  client.sendPresence();
});
client.on('stream:error', ({ condition }) => window.note(`stream:error ${condition}`));
client.on('auth:failed', () => window.note('auth:failed'));
client.on('disconnected', () => window.note('disconnected'));
window.login = () => client.connect();
window.say = (body) => client.sendMessage({ to: 'bob@example.com', type: 'chat', body });
