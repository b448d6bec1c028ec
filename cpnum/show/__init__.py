"""Any stage as text and HTML, measured times, and the status of cpnum on this machine."""
