/* AVX2 permutes float64 only as halves: those of element n are 2 n and 2 n + 1, modulo 8. */

#ifndef CPNUM_HALVES_H
#define CPNUM_HALVES_H

#include "../vector.h"

#if X86_256 && LANE == 8
typedef VECTOR_OF(8, int) halves;

/* Of the low bits of n. */
INLINE halves halves_of(vi64 n) {
    halves low = __builtin_shufflevector(AS(halves, n), AS(halves, n), 0, 0, 2, 2, 4, 4, 6, 6);
    return (low + low) | (halves){0, 1, 0, 1, 0, 1, 0, 1};
}
#endif

#endif
