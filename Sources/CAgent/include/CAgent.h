/// What must happen in the guest's first process before the Swift runtime is there.
#pragma once
