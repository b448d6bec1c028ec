/* logaddexp2(a, b) = log2(2**a + 2**b): logaddexp.h, which has it. */

#ifndef CPNUM_LOGADDEXP2_H
#define CPNUM_LOGADDEXP2_H

#include "logaddexp.h"

#endif
