// What the CAXL-shaped client takes from Node.js, as a browser has it.

export const setTimeout = (ms) => new Promise((resolve) => globalThis.setTimeout(resolve, ms));
export const load = () => ({ DOMParser });
