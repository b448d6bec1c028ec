/* a * b + c, rounded once, where constants may stand for vectors (FMA takes vectors only). */

#ifndef CPNUM_FMA_H
#define CPNUM_FMA_H

#include "../vector.h"

INLINE vf64 fma_f64(vf64 a, vf64 b, vf64 c) { return FMA(a, b, c); }
INLINE vf32 fma_f32(vf32 a, vf32 b, vf32 c) { return FMA(a, b, c); }

#endif
