/* A stencil is a C function in continuation-passing form: it computes its result from its
   parameters and passes everything on to NEXT.  The pack builder drops the jump to NEXT, so that
   stencils laid end to end run into each other.

   Parameters, the same for all (musttail demands it of a stencil and its continuation):

     block, i, end    pinned: the argument block, the index and the end of the inner range
     p0 ... p6 (p9)   array pointers; the register of p0 is a hole, the others pass through, so
                      that clang does not use them for its own temporaries
     vectors          the operands, then the result: every register of these is a hole

   preserve_none passes all of these in registers and preserves nothing, so that no stencil has a
   prologue. */

#ifndef CPNUM_STENCIL_H
#define CPNUM_STENCIL_H

#include "vector.h"

#define STENCIL __attribute__((preserve_none)) void
#define CONTINUE __attribute__((musttail)) return

#if NEON
#define PINNED                                                                                     \
    char *block, long i, long end, char *p0, char *p1, char *p2, char *p3, char *p4, char *p5,     \
        char *p6, char *p7, char *p8, char *p9
#define OTHER_POINTERS p1, p2, p3, p4, p5, p6, p7, p8, p9
#else
#define PINNED                                                                                     \
    char *block, long i, long end, char *p0, char *p1, char *p2, char *p3, char *p4, char *p5,     \
        char *p6
#define OTHER_POINTERS p1, p2, p3, p4, p5, p6
#endif
#define SAME block, i, end, p0, OTHER_POINTERS

/* Continuations.  NEXT follows; NEXT_TIED follows, with the result in the last operand's register;
   HEAD and SKIP are where a loop repeats and ends.  Each C name has a type of its own for the one
   symbol. */
#define TO(symbol, name, ...) STENCIL name(PINNED, ##__VA_ARGS__) __asm__(#symbol)

/* A stencil's definition.  Its symbol has a prefix: `exp_f64` alone is the function of math/. */
#define DEFINE(name, ...)                                                                          \
    STENCIL name##_stencil(PINNED, ##__VA_ARGS__) __asm__("stencil_" #name);                       \
    STENCIL name##_stencil(PINNED, ##__VA_ARGS__)

/* Immediate holes.  SLOT (and SLOT2) are byte offsets into the argument block, OFFSET one into an
   array, STEP and AHEAD counts of elements, IMMEDIATE any 64 bits. */
#if NEON
#define HOLE(symbol)                                                                               \
    ({                                                                                             \
        long value_;                                                                               \
        __asm__("movz %0, #:abs_g0:" #symbol : "=r"(value_));                                      \
        value_;                                                                                    \
    })
#define HOLE_64(symbol)                                                                            \
    ({                                                                                             \
        long value_;                                                                               \
        __asm__("movz %0, #:abs_g0_nc:" #symbol "\n\tmovk %0, #:abs_g1_nc:" #symbol                \
                "\n\tmovk %0, #:abs_g2_nc:" #symbol "\n\tmovk %0, #:abs_g3:" #symbol               \
                : "=r"(value_));                                                                   \
        value_;                                                                                    \
    })
#else
extern char SLOT, SLOT2, STEP, OFFSET, AHEAD;
#define HOLE(symbol) ((long)&symbol)
#define HOLE_64(symbol)                                                                            \
    ({                                                                                             \
        long value_;                                                                               \
        __asm__("movabsq $" #symbol ", %0" : "=r"(value_));                                        \
        value_;                                                                                    \
    })
#endif
#define IN_BLOCK(type, symbol) (*(type *)(block + HOLE(symbol)))

/* One element in memory, at any alignment and any alias. */
#define IN_MEMORY __attribute__((aligned(1), may_alias))
#define ELEMENT_TYPES(T, element, ...) typedef element IN_MEMORY element_##T;
DTYPES(ELEMENT_TYPES)

/* What a tree of sums has in the argument block: its next leaf, the place behind the sums that wait
   for their right halves, its first leaf, and these sums.  A leaf is three bytes: how many blocks
   of eight elements it has, how many sums its own one joins, and how many elements are left. */
struct tree {
    unsigned char *leaf;
    char *top;
    unsigned char *first;
    char sums[];
} __attribute__((may_alias));
#define TREE ((struct tree *)(block + HOLE(SLOT)))
#define FIRST_TREE ((struct tree *)(block + HOLE(SLOT2)))
#define NO_LEAF 255

/* FITS_n(text) is the text where a value of n bytes has a place in these lanes, else nothing. */
#if LANE >= 8
#define FITS_8(...) __VA_ARGS__
#else
#define FITS_8(...)
#endif
#if LANE >= 4
#define FITS_4(...) __VA_ARGS__
#else
#define FITS_4(...)
#endif
#if LANE >= 2
#define FITS_2(...) __VA_ARGS__
#else
#define FITS_2(...)
#endif
#define FITS_1(...) __VA_ARGS__

/* For asm that keeps a value in a vector register. */
#if NEON
#define IN_VECTOR "+w"
#else
#define IN_VECTOR "+v"
#endif

/* Lanes moved: each in the place of the one `by` lanes away, in pairs; one of them in all lanes;
   all of them one lane down. */
#define MOVED(T, element, bytes, family) FITS_##bytes(MOVED_OF(T))
#define MOVED_OF(T)                                                                                \
    OVERLOADED v##T swapped(v##T a, int by) {                                                      \
        v##T other;                                                                                \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) other[lane] = a[lane ^ by];                       \
        return other;                                                                              \
    }                                                                                              \
    OVERLOADED v##T in_all_lanes(v##T a, int one) {                                                \
        v##T all;                                                                                  \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) all[lane] = a[one];                               \
        return all;                                                                                \
    }                                                                                              \
    OVERLOADED v##T down(v##T a) {                                                                 \
        v##T other;                                                                                \
        UNROLLED                                                                                   \
        for (int lane = 0; lane < LANES; lane++) other[lane] = a[(lane + 1) % LANES];              \
        return other;                                                                              \
    }
FLOAT_DTYPES(MOVED)
INT_DTYPES(MOVED)
#if LANE == 1
MOVED_OF(b) /* in wider lanes, a mask has the type of an integer */
#endif

#endif
