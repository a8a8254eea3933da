/// Swift's concurrency runtime runs jobs that belong to no actor on a pool of threads. Here they can be had instead.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// From now on hands every such job to `enqueue`, on whatever thread it is made; `job` is Swift's UnownedJob.
/// To be called before the first task is made.
void bulkhead_take_unowned_jobs(void (*enqueue)(void *job));

/// Replaces what the standard library has drawn at the process's start for every Hasher. Dictionaries and sets that exist
/// are of no use afterwards, other than for going through them.
void bulkhead_set_hash_seeds(uint64_t first, uint64_t second);
