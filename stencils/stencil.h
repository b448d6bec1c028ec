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

#ifdef __aarch64__
#define PINNED                                                                                    \
    char *block, long i, long end, char *p0, char *p1, char *p2, char *p3, char *p4, char *p5,    \
        char *p6, char *p7, char *p8, char *p9
#define OTHER_POINTERS p1, p2, p3, p4, p5, p6, p7, p8, p9
#else
#define PINNED                                                                                    \
    char *block, long i, long end, char *p0, char *p1, char *p2, char *p3, char *p4, char *p5,    \
        char *p6
#define OTHER_POINTERS p1, p2, p3, p4, p5, p6
#endif
#define SAME block, i, end, p0, OTHER_POINTERS

/* Continuations.  NEXT follows; NEXT_TIED follows, with the result in the last operand's register;
   HEAD and SKIP are where a loop repeats and ends.  Each C name has a type of its own for the one
   symbol. */
#define TO(symbol, name, ...) STENCIL name(PINNED, ##__VA_ARGS__) __asm__(#symbol)

/* A stencil's definition.  Its symbol has a prefix: `exp_f64` alone is the function of math/. */
#define DEFINE(name, ...)                                                                         \
    STENCIL name##_stencil(PINNED, ##__VA_ARGS__) __asm__("stencil_" #name);                      \
    STENCIL name##_stencil(PINNED, ##__VA_ARGS__)

/* Immediate holes.  SLOT (and SLOT2) are byte offsets into the argument block, OFFSET one into an
   array, STEP and AHEAD counts of elements, IMMEDIATE any 64 bits. */
#ifdef __aarch64__
#define HOLE(symbol)                                                                              \
    ({                                                                                            \
        long value_;                                                                              \
        __asm__("movz %0, #:abs_g0:" #symbol : "=r"(value_));                                     \
        value_;                                                                                   \
    })
#define HOLE_64(symbol)                                                                           \
    ({                                                                                            \
        long value_;                                                                              \
        __asm__("movz %0, #:abs_g0_nc:" #symbol "\n\tmovk %0, #:abs_g1_nc:" #symbol               \
                "\n\tmovk %0, #:abs_g2_nc:" #symbol "\n\tmovk %0, #:abs_g3:" #symbol              \
                : "=r"(value_));                                                                  \
        value_;                                                                                   \
    })
#else
extern char SLOT, SLOT2, STEP, OFFSET, AHEAD;
#define HOLE(symbol) ((long)&symbol)
#define HOLE_64(symbol)                                                                           \
    ({                                                                                            \
        long value_;                                                                              \
        __asm__("movabsq $" #symbol ", %0" : "=r"(value_));                                       \
        value_;                                                                                   \
    })
#endif
#define IN_BLOCK(type, symbol) (*(type *)(block + HOLE(symbol)))

/* M(T, ...) for each dtype T of a family that a kernel with this lane can hold. */
#if LANE > 1
#define SINGLE(M, ...) M(f32, __VA_ARGS__)
#else
#define SINGLE(M, ...)
#endif
#if LANE == 8
#define DOUBLE(M, ...) M(f64, __VA_ARGS__)
#else
#define DOUBLE(M, ...)
#endif
#if LANE == 8
#define FLOATING(M, ...) M(f64, __VA_ARGS__) M(f32, __VA_ARGS__)
#define INTEGER(M, ...) M(i64, __VA_ARGS__) M(i32, __VA_ARGS__)
#elif LANE == 4
#define FLOATING(M, ...) M(f32, __VA_ARGS__)
#define INTEGER(M, ...) M(i32, __VA_ARGS__)
#else
#define FLOATING(M, ...)
#define INTEGER(M, ...)
#endif
#define BOOLEAN(M, ...) M(b, __VA_ARGS__)
#define EACH(M) FLOATING(M, ) INTEGER(M, ) BOOLEAN(M, )

/* The mask that selects between values of a dtype: as wide as they are. */
typedef vi64 select_f64, select_i64;
typedef vi32 select_f32, select_i32;
typedef vb select_b;

#endif
