/** Where the machine API listens on every node, unless a test says otherwise. */
export const API_PORT = 50000;
