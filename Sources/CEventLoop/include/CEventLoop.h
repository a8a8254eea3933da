/// Swift's concurrency runtime runs jobs that belong to no actor on a pool of threads. Here they can be had instead.
#pragma once

/// From now on hands every such job to `enqueue`, on whatever thread it is made; `job` is Swift's UnownedJob.
/// To be called before the first task is made.
void bulkhead_take_unowned_jobs(void (*enqueue)(void *job));
