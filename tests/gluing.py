"""A loop that is glued by hand: out = a * x + b for float64, contiguous."""

from cpnum import learn


def axpb(pack, *, registers=(0, 1, 2)):
    """Return its items; the argument block is [x, out, a, b]."""
    a, b, x = registers
    lanes = pack[next(iter(pack))].isa.lanes(8)

    def put(name, *numbers, **values):
        return learn.instance(pack[name], *numbers, **values)

    x_at, out_at = pack["load_f64"].isa.pointers[:2]
    body = [put("multiply_f64", a, x, x), put("add_f64", x, b, x)]
    tail = [
        put("load_tail_f64", x, pointer=x_at),
        *body,
        put("store_tail_f64", x, pointer=out_at),
    ]
    if not pack["load_f64"].isa.masked_tail:
        tail = ["element", *tail, put("next_element", HEAD="element")]
    return [
        put("entry", BODY="body"),
        "body",
        put("load_pointer", pointer=x_at, SLOT=0),
        put("load_pointer", pointer=out_at, SLOT=8),
        put("argument_f64", a, SLOT=16),
        put("argument_f64", b, SLOT=24),
        put("vectors", STEP=lanes, SKIP="rest"),
        "loop",
        put("load_f64", x, pointer=x_at, OFFSET=0),
        *body,
        put("store_f64", x, pointer=out_at, OFFSET=0),
        put("next_vectors", STEP=lanes, HEAD="loop"),
        "rest",
        put("vectors_done", STEP=lanes),
        put("tail", SKIP="done"),
        *tail,
        "done",
        put("finish"),
    ]
