"""Reports in a real browser: `make test-browser`.

These tests know of a report only that its element has the class `cpnum-report`, that its text
stands in <table> and <pre>, and that its parts fold through <details>.
"""
