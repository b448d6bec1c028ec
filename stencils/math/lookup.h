/* Tables of eight columns, and a choice of column in each lane: the coefficients of piecewise
   polynomials.

   x86 permutes registers: float64 one of eight on v4, two of four and a blend on v3, float32 one
   of eight on both.  AArch64 loads each lane's element.  The columns are chosen once for all rows
   of a table, by the lowest three bits of an integer in each lane. */

#ifndef CPNUM_LOOKUP_H
#define CPNUM_LOOKUP_H

#include "../vector.h"
#include "halves.h"

#define TABLE(element, name, rows)                                                                 \
    static const element __attribute__((aligned(64), may_alias)) name[rows][8]

#if NEON
/* One row after the other: else clang keeps addresses for all of them, in registers that may hold
   array pointers. */
#define BEFORE_ROW(columns) __asm__ volatile("" : "+w"((columns).index), "+r"((columns).table))
#define AFTER_ROW(found) __asm__ volatile("" : "+w"(found))
/* A new basic block: clang moves nothing across, and so keeps fewer constants at a time. */
#define NEW_BLOCK                                                                                  \
    do {                                                                                           \
        __label__ next;                                                                            \
        __asm__ goto("" : : : : next);                                                             \
    next:;                                                                                         \
    } while (0)
#else
#define NEW_BLOCK (void)0
#endif

#if NEON
#define TEMPLATE "lookup.h"
#include "real.h"
#else

#if LANE == 8
typedef vf64 __attribute__((may_alias)) row_f64;
#if X86_512
typedef struct {
    const double (*table)[8];
    vi64 index;
} columns_f64;
INLINE columns_f64 choose_f64(vi64 index, const double (*table)[8]) {
    return (columns_f64){table, index};
}
INLINE vf64 lookup_f64(columns_f64 columns, int row) {
    return __builtin_ia32_permvardf512(*(const row_f64 *)columns.table[row], columns.index);
}
#else
/* Of the four in either half of a row by the two 32-bit halves; bit 2 of the index as a sign. */
typedef struct {
    const double (*table)[8];
    halves index;
    vi64 upper;
} columns_f64;
INLINE columns_f64 choose_f64(vi64 index, const double (*table)[8]) {
    return (columns_f64){table, halves_of(index), index << 61};
}
INLINE vf64 lookup_f64(columns_f64 columns, int row) {
    const row_f64 *half = (const row_f64 *)columns.table[row];
    vf64 lower = AS(vf64, __builtin_ia32_permvarsi256(AS(halves, half[0]), columns.index));
    vf64 upper = AS(vf64, __builtin_ia32_permvarsi256(AS(halves, half[1]), columns.index));
    return columns.upper < 0 ? upper : lower;
}
#endif
#endif

#if LANE > 1
typedef VECTOR_OF(8, float) __attribute__((may_alias)) row_f32;
#if LANES == 4
/* Four lanes are the lower half of eight. */
typedef VECTOR_OF(8, int) index_f32;
#define WIDENED(index) __builtin_shufflevector(index, index, 0, 1, 2, 3, -1, -1, -1, -1)
#else
typedef vi32 index_f32;
#define WIDENED(index) (index)
#endif
typedef struct {
    const float (*table)[8];
    index_f32 index;
} columns_f32;
INLINE columns_f32 choose_f32(vi32 index, const float (*table)[8]) {
    return (columns_f32){table, WIDENED(index)};
}
INLINE vf32 lookup_f32(columns_f32 columns, int row) {
    row_f32 all = *(const row_f32 *)columns.table[row];
#if LANES == 16
    return __builtin_ia32_permvarsf512(
        __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7),
        columns.index);
#elif LANES == 8
    return __builtin_ia32_permvarsf256(all, columns.index);
#else
    return ((row_f32)__builtin_ia32_permvarsf256(all, columns.index)).lo;
#endif
}
#endif
#endif

#elif defined(REAL)

typedef struct {
    const ELEMENT (*table)[8];
    I index;
} NAME(columns);

INLINE NAME(columns) NAME(choose)(I index, const ELEMENT (*table)[8]) {
    return (NAME(columns)){table, index & 7};
}

INLINE V NAME(lookup)(NAME(columns) columns, int row) {
    V found;
    BEFORE_ROW(columns);
    for (int lane = 0; lane < LANES; lane++) found[lane] = columns.table[row][columns.index[lane]];
    AFTER_ROW(found);
    return found;
}

#endif
