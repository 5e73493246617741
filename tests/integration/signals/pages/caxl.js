import { CaxlClient } from '../../clients/caxl_client.mjs';

// XMLHttpRequest as the library's own jQuery uses it.
const http = {
  post(url, headers, body, onAnswer, onFailure) {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value);
    }
    request.onload = () => onAnswer(request.status, request.responseText);
    request.onerror = () => onFailure(new Error('status 0'));
    request.send(body);
    return () => request.abort();
  },
  close() {},
};

const client = new CaxlClient({
  url: '/bosh',
  jid: 'alice@example.com',
  password: 'secret',
  http,
  onMessage() {},
  onLost: (why) => window.note(`lost ${why}`),
});
window.login = () =>
  client.login().then(
    () => window.note('connected'),
    (error) => window.note(`login failed ${error.message}`),
  );
window.say = (text) => client.send('bob@example.com', text);
