// The clients of these tests, by the names that they go by.

const sources = {
  strophe: ['./strophe_client.mjs', 'StropheClient'],
  stanza: ['./stanza_client.mjs', 'StanzaClient'],
  converse: ['./converse_client.mjs', 'ConverseClient'],
  caxl: ['./caxl_client.mjs', 'CaxlClient'],
  'caxl-sd': ['./caxl_discovery_client.mjs', 'CaxlDiscoveryClient'],
};

export const names = Object.keys(sources);

// Loads what it takes, which is a second for some.
export async function clientOf(name) {
  const [file, className] = sources[name];
  return (await import(file))[className];
}
