import { $msg, $pres, Strophe } from 'strophe.js';

const connection = new Strophe.Connection('/bosh', { mechanisms: [Strophe.SASLPlain] });
const names = Object.fromEntries(
  Object.entries(Strophe.Status).map(([name, number]) => [number, name]),
);

window.login = () =>
  connection.connect('alice@example.com', 'secret', (status, condition) => {
    window.note(`${names[status]}${condition ? ` ${condition}` : ''}`);
    if (status === Strophe.Status.CONNECTED) {
      connection.send($pres());
    }
  });
window.say = (text) =>
  connection.send($msg({ to: 'bob@example.com', type: 'chat' }).c('body').t(text));
