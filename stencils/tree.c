/* NumPy's sum of neighbours, which is a tree (cpnum/compile/tree.py): of up to 128 elements, eight
   accumulators take every eighth one, are joined in pairs, and what is left is added in order;
   longer runs are the sums of their halves.  A vector has eight lanes or fewer, so these stencils
   are there for lanes of 8 bytes only. */

#include "stencil.h"

/* The lanes of an accumulator, joined in pairs: ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), in each
   lane. */
#define JOINED(T)                                                                                  \
    TO(NEXT, joined_##T##_next, v##T a, v##T result);                                              \
    DEFINE(joined_##T, v##T a, v##T result) {                                                      \
        v##T all = a;                                                                              \
        UNROLLED                                                                                   \
        for (int by = 1; by < LANES; by *= 2) all = all + swapped(all, by);                        \
        CONTINUE joined_##T##_next(SAME, a, all);                                                  \
    }

/* The sum of a leaf joins the sums to its left, as many as the leaf of the first tree says. */
#define PUSH(T, element)                                                                           \
    TO(NEXT, push_##T##_next, v##T a);                                                             \
    DEFINE(push_##T, v##T a) {                                                                     \
        element sum = a[0];                                                                        \
        NOT_UNROLLED                                                                               \
        for (long left = FIRST_TREE->leaf[1]; left; left--) {                                      \
            TREE->top -= sizeof(element);                                                          \
            sum = *(element_##T *)TREE->top + sum;                                                 \
        }                                                                                          \
        *(element_##T *)TREE->top = sum;                                                           \
        TREE->top += sizeof(element);                                                              \
        CONTINUE push_##T##_next(SAME, a);                                                         \
    }

/* The sum of all is added to the element at the pointer. */
#define INTO(T)                                                                                    \
    TO(NEXT, into_add_##T##_next);                                                                 \
    DEFINE(into_add_##T) {                                                                         \
        *(element_##T *)p0 = *(element_##T *)p0 + *(element_##T *)TREE->sums;                      \
        CONTINUE into_add_##T##_next(SAME);                                                        \
    }

#define SUM(T, element, bytes, family) JOINED(T) PUSH(T, element) INTO(T)
FLOAT_DTYPES(SUM)
INT_DTYPES(SUM)
