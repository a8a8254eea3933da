#include "CEventLoop.h"

// Declared by the runtime's ConcurrencyHooks.def; exported, but in no header of the toolchain.
typedef __attribute__((swiftcall)) void (*original_enqueue)(void *job);
extern __attribute__((swiftcall)) void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original);

static void (*take)(void *job);

static __attribute__((swiftcall)) void enqueue_global(void *job, original_enqueue original) {
    (void)original;
    take(job);
}

void bulkhead_take_unowned_jobs(void (*enqueue)(void *job)) {
    take = enqueue;
    swift_task_enqueueGlobal_hook = enqueue_global;
}

// The standard library's GlobalObjects.h has it; its headers are no module.
extern struct {
    uint64_t seed0, seed1;
    bool deterministic;
} _swift_stdlib_Hashing_parameters;

void bulkhead_set_hash_seeds(uint64_t first, uint64_t second) {
    _swift_stdlib_Hashing_parameters.seed0 = first;
    _swift_stdlib_Hashing_parameters.seed1 = second;
}
