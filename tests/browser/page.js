// What a report looks like in a page.  Each function takes an element; most return a list of
// sentences about what is wrong, which is empty in a good page.

const FEW = 5; // sentences of a kind
const CODE = 'pre, td, th';

function few(found) {
    const more = found.length - FEW;
    return more > 0 ? [...found.slice(0, FEW), `and ${more} more`] : found;
}

function named(element) {
    const text = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 40);
    return `<${element.localName}> "${text}"`;
}

function openAll(root) {
    for (const each of root.querySelectorAll('details')) each.open = true;
}

// The pieces of text that are seen, in the order of the document, each with its boxes.
function pieces(root) {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const boxes = [...range.getClientRects()].filter(box => box.width > 0 && box.height > 0);
        const element = node.parentElement;
        const seen = element.checkVisibility({visibilityProperty: true}); // folded parts have boxes
        if (seen && boxes.length) found.push({node, element, boxes});
    }
    return found;
}

function seenText(root) {
    return pieces(root).map(each => each.node.data).join('\n');
}

// -- alignment ----------------------------------------------------------------------------------

function misaligned(root) {
    const left = ['start', 'left', '-webkit-auto', '-webkit-left'];
    const found = [];
    for (const each of root.querySelectorAll(CODE)) {
        const align = getComputedStyle(each).textAlign;
        if (!left.includes(align)) found.push(`${named(each)} is aligned to ${align}`);
    }
    return few(found);
}

// -- what is inside of the page -----------------------------------------------------------------

// The element whose boxes cut what is in `element`: the nearest one that scrolls or hides.
function frameOf(element) {
    for (let each = element; each; each = each.parentElement) {
        if (getComputedStyle(each).overflowX !== 'visible') return each;
    }
    return document.documentElement;
}

function outside(root) {
    const found = [];
    const width = document.documentElement.clientWidth;
    const box = root.getBoundingClientRect();
    const [before, after] = [-box.left, box.right - width];
    if (before > 0.5) found.push(`the report begins ${before} px left of the page`);
    if (after > 0.5) found.push(`the report ends ${after} px right of the page`);
    for (const {element, boxes} of pieces(root)) {
        const right = Math.max(...boxes.map(each => each.right));
        const reachable = frameOf(element) !== document.documentElement;
        if (right > width + 0.5 && !reachable) found.push(`${named(element)} leaves the page`);
    }
    for (const each of root.querySelectorAll('*')) {
        const {overflowX} = getComputedStyle(each);
        const hides = overflowX === 'hidden' || overflowX === 'clip';
        const over = each.scrollWidth - each.clientWidth;
        if (hides && over > 1) found.push(`${named(each)} is cut off`);
    }
    return [...few(found), ...few(hiddenStarts(root))];
}

// Each row, and each line of <pre>, begins where it is seen without scrolling.
function hiddenStarts(root) {
    const found = [];
    const starts = new Set();
    for (const {element, boxes} of pieces(root)) {
        const line = element.closest('tr, pre, summary') ?? element;
        if (starts.has(line)) continue;
        starts.add(line);
        const frame = frameOf(line).getBoundingClientRect();
        const right = Math.min(frame.right, document.documentElement.clientWidth);
        const left = Math.max(frame.left, 0);
        const start = Math.min(...boxes.map(box => box.left));
        if (start < left - 0.5 || start >= right) found.push(`${named(line)} begins out of sight`);
    }
    return found;
}

// The output of the cell does not scroll; the report may, inside of itself.
function overflowing(root) {
    const output = root.parentElement;
    const over = output.scrollWidth - output.clientWidth;
    return over > 1 ? [`the report is ${over} px wider than the output of its cell`] : [];
}

// Where nothing scrolls, as on paper, what is too wide is lost.
function cutOnPaper(root) {
    const all = [root, ...root.querySelectorAll('*')];
    const scrolling = all.filter(
        each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth
            && getComputedStyle(each).overflowX !== 'visible');
    return few(scrolling.map(
        each => `${each.scrollWidth - each.clientWidth} px of ${named(each)} are cut off`));
}

// -- order --------------------------------------------------------------------------------------

// Do the children of this element stand side by side?
function isRow(element) {
    const {display, flexDirection} = getComputedStyle(element);
    if (display.endsWith('flex')) return flexDirection.startsWith('row');
    return display.endsWith('grid') || display === 'table-row';
}

// What comes later in the document is lower, or further to the right in a row.
function disordered(root) {
    const found = [];
    let before = null;
    for (const {node, element, boxes} of pieces(root)) {
        const block = element.closest('tr, pre, summary, p, li, div') ?? root;
        const [top, left] = ['top', 'left'].map(side => Math.min(...boxes.map(box => box[side])));
        if (before && before.block !== block && !block.contains(before.block)) {
            const range = document.createRange();
            range.setStart(before.node, 0);
            range.setEnd(node, 0);
            const shared = range.commonAncestorContainer;
            const wrong = isRow(shared) ? left < before.left - 1 : top < before.top - 1;
            if (wrong) found.push(`${named(block)} stands before ${named(before.block)}`);
        }
        before = before?.block === block ? before : {block, node, top, left};
    }
    return few(found);
}

// -- folding ------------------------------------------------------------------------------------

// A part that is folded shows that it can be opened.
function unmarked(root) {
    const found = [];
    for (const each of root.querySelectorAll('summary')) {
        const {display, listStyleType} = getComputedStyle(each);
        const listed = display.includes('list-item') && listStyleType !== 'none';
        const before = getComputedStyle(each, '::before').content;
        const drawn = !['none', 'normal', '""'].includes(before);
        const written = /^\s*[\u25b6\u25b8\u25ba\u25bc\u25be\u203a+]/.test(each.textContent);
        if (!listed && !drawn && !written) found.push(`${named(each)} has no mark`);
    }
    return few(found);
}

// -- indentation and fonts ----------------------------------------------------------------------

// The lines of an element: their text, and where each character stands.
function linesOf(element) {
    const lines = [[]];
    const kinds = NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT;
    const walker = document.createTreeWalker(element, kinds);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.localName === 'br') lines.push([]);
        for (const [at, character] of [...(node.data ?? '')].entries()) {
            if (character === '\n') lines.push([]);
            else lines[lines.length - 1].push({character, node, at});
        }
    }
    return lines;
}

function boxOf({node, at}) {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect();
}

// How many lines are indented, and which of them have lost it: they begin at the edge of their
// element, or beside the line before.
function indentation(root) {
    let kept = 0;
    const lost = [];
    for (const element of root.querySelectorAll(CODE)) {
        if (element.querySelector(CODE)) continue;
        const style = getComputedStyle(element);
        const edge = element.getBoundingClientRect().left + element.clientLeft
            + parseFloat(style.paddingLeft) - element.scrollLeft;
        let above = null;
        for (const line of linesOf(element)) {
            const spaces = line.findIndex(each => each.character.trim());
            if (spaces < 0) continue;
            const start = boxOf(line[spaces]);
            if (spaces >= 2) {
                // A space is at least 0.2 em wide in every font.
                const least = spaces * 0.2 * parseFloat(style.fontSize);
                const below = !above || start.top > above.top;
                if (below && start.left - edge >= least) kept += 1;
                else lost.push(`"${line.map(each => each.character).join('').slice(0, 40)}"`);
            }
            above = start;
        }
    }
    return {kept, lost: few(lost)};
}

const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});

// Code and bytes stand in columns, so all characters are of one width.
function proportional(root) {
    const found = [];
    for (const {node, element} of pieces(root)) {
        const isBytes = /^\s*\(?[0-9a-f]{2}( \(?[0-9a-f]{2}\)?){2,}/.test(node.data);
        if (!isBytes && !element.closest('pre')) continue;
        const style = getComputedStyle(element);
        pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
        if (Math.abs(pen.measureText('iiii').width - pen.measureText('MMMM').width) > 0.5) {
            found.push(`${named(element)} is in ${style.fontFamily}`);
        }
    }
    return few(found);
}

// -- colours ------------------------------------------------------------------------------------

const parsed = new Map();

// Red, green and blue from 0 to 255, opacity from 0 to 1, of any colour that CSS knows.
function rgba(colour) {
    if (!parsed.has(colour)) {
        pen.clearRect(0, 0, 1, 1);
        pen.fillStyle = colour;
        pen.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
        parsed.set(colour, [red, green, blue, alpha / 255]);
    }
    return parsed.get(colour);
}

function over(colour, ground, opacity = 1) {
    const alpha = colour[3] * opacity;
    return [...[0, 1, 2].map(at => colour[at] * alpha + ground[at] * (1 - alpha)), 1];
}

// What the browser paints where the page paints nothing.
function canvasColour() {
    const probe = document.createElement('div');
    probe.style.cssText = 'background: Canvas; display: none';
    document.documentElement.append(probe);
    const colour = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return rgba(colour);
}

// The colours behind the text of an element: more than one if there is a gradient.
function grounds(element, canvas) {
    if (!element) return [canvas];
    const style = getComputedStyle(element);
    const colour = rgba(style.backgroundColor);
    const behind = colour[3] === 1 ? [colour]
        : grounds(element.parentElement, canvas).map(each => over(colour, each));
    const stops = style.backgroundImage.match(/(rgba?|color|oklch|oklab|hsl)\([^()]*\)/g) ?? [];
    return [...behind, ...stops.flatMap(stop => behind.map(each => over(rgba(stop), each)))];
}

function opacityOf(element) {
    let opacity = 1;
    for (let each = element; each; each = each.parentElement) {
        opacity *= getComputedStyle(each).opacity;
    }
    return opacity;
}

function luminance(colour) {
    const [red, green, blue] = colour.map(each => {
        const part = each / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
    const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
}

// The smallest contrast of text to what is behind it, and the texts below `least`.
function contrasts(root, least) {
    const canvas = canvasColour();
    const known = new Map();
    const found = [];
    let smallest = Infinity;
    for (const {element} of pieces(root)) {
        if (!known.has(element)) {
            const colour = rgba(getComputedStyle(element).color);
            const opacity = opacityOf(element);
            const ratios = grounds(element, canvas).map(
                ground => contrast(over(colour, ground, opacity), ground));
            known.set(element, Math.min(...ratios));
            if (known.get(element) < least) {
                found.push(`${named(element)} has a contrast of ${known.get(element).toFixed(2)}`);
            }
        }
        smallest = Math.min(smallest, known.get(element));
    }
    return {smallest, faint: few(found)};
}

// -- the rest of the page -----------------------------------------------------------------------

// What is no part of a report: the first element of each name and class, below another such one.
function neighbours() {
    const kinds = new Map();
    const name = each => `${each?.localName} ${each?.getAttribute('class')}`;
    for (const each of document.querySelectorAll('html, body, body *')) {
        if (each.closest('.cpnum-report, svg, script, style')) continue;
        const kind = `${name(each)} < ${name(each.parentElement)}`;
        if (!kinds.has(kind)) kinds.set(kind, each);
    }
    return [...kinds.values()];
}

// What follows from the sizes of other things, and variables, which are seen where they are used.
const NOT_COMPARED =
    /^(--.*|block-size|inline-size|height|width|inset.*|top|bottom|left|right|.*-origin)$/;

function stylesOf(elements) {
    const names = [...getComputedStyle(document.body)].filter(name => !NOT_COMPARED.test(name));
    return elements.map(each => {
        const style = getComputedStyle(each);
        return names.map(name => `${name}: ${style.getPropertyValue(name)}`);
    });
}

// Compare the rest of the page with and without the style sheets of reports.
function restyled() {
    const elements = neighbours();
    const sheets = [...document.querySelectorAll('body style')].filter(
        each => each.sheet && each.closest(':has(> .cpnum-report), .cpnum-report'));
    const styled = stylesOf(elements);
    for (const each of sheets) each.sheet.disabled = true;
    const plain = stylesOf(elements);
    for (const each of sheets) each.sheet.disabled = false;
    const found = [];
    for (const [at, element] of elements.entries()) {
        const changed = styled[at].filter((each, number) => each !== plain[at][number]);
        if (changed.length) found.push(`${named(element)} has ${changed.slice(0, 3).join('; ')}`);
    }
    return {sheets: sheets.length, elements: elements.length, changed: few(found)};
}

// Milliseconds from insertion to layout, the median of some.
function milliseconds(root) {
    const html = root.outerHTML;
    const box = document.createElement('div');
    root.parentElement.append(box);
    const times = [];
    for (let turn = 0; turn < 5; turn += 1) {
        box.replaceChildren();
        box.getBoundingClientRect();
        const start = performance.now();
        box.innerHTML = html;
        box.getBoundingClientRect();
        times.push(performance.now() - start);
    }
    box.remove();
    return times.sort((a, b) => a - b)[2];
}

// -- errors in JupyterLab -----------------------------------------------------------------------

// Of each error in the page: its text, and how many lines high it is.
function errors() {
    const shown = document.querySelectorAll('.jp-OutputArea-output[data-mime-type*="stderr"] pre');
    return [...shown].map(each => {
        const style = getComputedStyle(each);
        const [above, below, line] = [style.paddingTop, style.paddingBottom, style.lineHeight]
            .map(parseFloat);
        const lines = Math.round((each.clientHeight - above - below) / line);
        return {text: each.textContent, lines};
    });
}
