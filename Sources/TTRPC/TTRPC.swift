// Module TTRPC.
