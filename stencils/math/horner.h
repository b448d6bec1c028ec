/* A polynomial in x whose coefficients are rows 0 to count - 1 of a table of lookup.h, the highest
   first.  float64 takes the even and the odd ones as two chains, in square = x * x, for half the
   latency of one.

   Macros, since a function is optimized before it is inlined, and then loads its rows in another
   order. */

#ifndef CPNUM_HORNER_H
#define CPNUM_HORNER_H

#include "lookup.h"

#define HORNER_f64(columns, count, x, square)                                                      \
    ({                                                                                             \
        vf64 p_ = lookup_f64(columns, 0), next_ = lookup_f64(columns, 1), square_ = square;        \
        UNROLLED                                                                                   \
        for (int row_ = 2; row_ < (count) - 1; row_ += 2) {                                        \
            p_ = FMA(p_, square_, lookup_f64(columns, row_));                                      \
            next_ = FMA(next_, square_, lookup_f64(columns, row_ + 1));                            \
        }                                                                                          \
        p_ = FMA(p_, x, next_);                                                                    \
        (count) % 2 ? FMA(p_, x, lookup_f64(columns, (count) - 1)) : p_;                           \
    })

#define HORNER_f32(columns, count, x, square)                                                      \
    ({                                                                                             \
        vf32 p_ = lookup_f32(columns, 0);                                                          \
        (void)(square);                                                                            \
        UNROLLED                                                                                   \
        for (int row_ = 1; row_ < (count); row_++) {                                               \
            p_ = FMA(p_, x, lookup_f32(columns, row_));                                            \
        }                                                                                          \
        p_;                                                                                        \
    })

#endif
