/// libyaml, of Debian's libyaml-dev. Its static archive is what our programs are linked with.
#pragma once

#include <yaml.h>
