"""Any stage as text and HTML, measured times, and what cpnum runs on."""
