import { api, converse } from '@converse/headless';

converse.plugins.add('notes', {
  initialize() {
    for (const event of ['connected', 'reconnected', 'disconnected', 'will-reconnect']) {
      api.listen.on(event, () => window.note(event));
    }
  },
});
window.login = () =>
  converse.initialize({
    authentication: 'login',
    auto_login: true,
    bosh_service_url: `${window.location.origin}/bosh`,
    discover_connection_methods: false,
    i18n: 'en',
    jid: 'alice@example.com',
    loglevel: 'fatal',
    password: 'secret',
    whitelisted_plugins: ['notes'],
  });
window.say = (text) => {
  const opening = '<message xmlns="jabber:client" to="bob@example.com" type="chat">';
  const stanza = `${opening}<body>${text}</body></message>`;
  api.send(new DOMParser().parseFromString(stanza, 'text/xml').documentElement);
};
