// Module Linux.
