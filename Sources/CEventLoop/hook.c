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
