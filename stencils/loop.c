/* The frame of a kernel: entry, loops, pointers and the register file's overflow.  None of it
   depends on a dtype or on the lanes, so it is built once an ISA level (with LANE 8). */

#include "stencil.h"

#define STEP_STENCIL(name, statement)                                                              \
    TO(NEXT, name##_next);                                                                         \
    DEFINE(name) {                                                                                 \
        statement;                                                                                 \
        CONTINUE name##_next(SAME);                                                                \
    }
#define BRANCH(name, symbol, statement, condition)                                                 \
    TO(NEXT, name##_next);                                                                         \
    TO(symbol, name##_target);                                                                     \
    DEFINE(name) {                                                                                 \
        statement;                                                                                 \
        if (condition) CONTINUE name##_target(SAME);                                               \
        CONTINUE name##_next(SAME);                                                                \
    }

/* Entry, with the platform's own calling convention.  Returns the floating-point flags that the
   kernel raised, in NumPy's numbering (divide 1, overflow 2, underflow 4, invalid 8), and leaves
   the caller's sticky flags, rounding and flush modes as they were. */
STENCIL body(char *block, long i, long end) __asm__("BODY");

int entry(char *block, long start, long stop) {
#if NEON
    /* FPSR: IOC 1, DZC 2, OFC 4, UFC 8 (Arm ARM, C5.2). */
    unsigned long before = __builtin_arm_rsr64("FPSR");
    __builtin_arm_wsr64("FPSR", before & ~0x9ful);
    body(block, start, stop);
    unsigned long raised = __builtin_arm_rsr64("FPSR");
    __builtin_arm_wsr64("FPSR", before);
    return ((raised >> 1) & 7) | ((raised & 1) << 3);
#else
    /* MXCSR: IE 1, DE 2, ZE 4, OE 8, UE 16, PE 32 (Intel SDM vol. 1, 10.2.3). */
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before & ~0x3fu);
    body(block, start, stop);
    unsigned raised = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    return ((raised >> 2) & 7) | ((raised & 1) << 3);
#endif
}

/* The one way out of a body. */
DEFINE(finish) {
#if !NEON
    /* The caller may run SSE code, for which the upper halves have to be clean (Intel,
       "Optimization Reference Manual", 15.3). */
    __builtin_ia32_vzeroupper();
#endif
}

/* A bound kernel writes its call into the block and the registers itself. */
STEP_STENCIL(set_slot, IN_BLOCK(long, SLOT) = HOLE_64(IMMEDIATE))
STEP_STENCIL(set_pointer, p0 = (char *)HOLE_64(IMMEDIATE))
STEP_STENCIL(set_range, i = 0; end = HOLE_64(IMMEDIATE))

/* Pointers.  Those that find no register live in the block and visit one when they are used. */
STEP_STENCIL(load_pointer, p0 = IN_BLOCK(char *, SLOT))
STEP_STENCIL(store_pointer, IN_BLOCK(char *, SLOT) = p0)
STEP_STENCIL(start_pointer, p0 = IN_BLOCK(char *, SLOT) + i * IN_BLOCK(long, SLOT2))
STEP_STENCIL(advance_pointer, p0 += IN_BLOCK(long, SLOT))

/* Outer loops count down in the block.  The outermost one runs over the range of the call. */
STEP_STENCIL(count_range, IN_BLOCK(long, SLOT) = end - i)
STEP_STENCIL(count_axis, IN_BLOCK(long, SLOT) = IN_BLOCK(long, SLOT2))
BRANCH(repeat, HEAD, long left = --IN_BLOCK(long, SLOT), left != 0)

/* The inner loop.  Between `vectors` and `vectors_done`, `end` is STEP before the end, so that one
   comparison tells whether STEP more elements are there. */
STEP_STENCIL(inner_range, i = 0; end = IN_BLOCK(long, SLOT))
BRANCH(vectors, SKIP, end -= HOLE(STEP), i > end)
BRANCH(next_vectors, HEAD, i += HOLE(STEP), i <= end)
STEP_STENCIL(vectors_done, end += HOLE(STEP))
BRANCH(tail, SKIP, , i >= end)
BRANCH(next_element, HEAD, i += 1, i < end)

/* The leaves of a tree of sums, one after the other (stencils/tree.c).  `end` is behind the blocks
   of eight of a leaf, then behind what is left of it. */
STEP_STENCIL(start_tree, TREE->leaf = TREE->first; TREE->top = TREE->sums)
STEP_STENCIL(leaf_range, end = i + 8 * TREE->leaf[0])
BRANCH(rest_range, SKIP, end += TREE->leaf[2], i >= end)
BRANCH(next_leaf, HEAD, TREE->leaf += 3, TREE->leaf[0] != NO_LEAF)

/* Values that find no register. */
typedef VECTOR_OF(VECTOR_BYTES / 8, double) any_value;
typedef any_value __attribute__((aligned(1), may_alias)) spilled_value;

TO(NEXT, spill_next, any_value a);
DEFINE(spill, any_value a) {
    IN_BLOCK(spilled_value, SLOT) = a;
    CONTINUE spill_next(SAME, a);
}
TO(NEXT, reload_next, any_value result);
DEFINE(reload, any_value result) { CONTINUE reload_next(SAME, IN_BLOCK(spilled_value, SLOT)); }
