// Module Yamux.
