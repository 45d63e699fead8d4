//! Messages between processes: queues in shared memory, connections over sockets, and waiting for several of them.
